"""The totals of invoices: what was billed, paid, and is left to pay, by currency and by month."""

import datetime
from collections.abc import Iterable, Sequence
from decimal import Decimal

from msgspec import Struct

from portal.models import Invoice, InvoiceStatus
from services.account.paper_filters import is_overdue

NOTHING = Decimal("0.00")
MONTHS = 12
"""The most months of a statement's chart."""


class Amounts(Struct, frozen=True):
    """The amounts of one invoice, all 0 for a cancelled one. ``credit`` is that of a credit note, negative."""

    billed: Decimal = NOTHING
    credit: Decimal = NOTHING
    paid: Decimal = NOTHING
    to_pay: Decimal = NOTHING

    @property
    def amount(self) -> Decimal:
        """What the invoice adds to the account."""
        return self.billed + self.credit


def amounts_of(invoice: Invoice) -> Amounts:
    """Return what an invoice counts for.

    What is paid of an invoice is its amount without what is left to pay. Of a credited invoice nothing is paid: its
    credit note settles it.
    """
    if invoice.is_cancelled:
        return Amounts()
    if invoice.is_credit_note:
        return Amounts(credit=-abs(invoice.amount))
    to_pay = invoice.balance if invoice.is_unpaid else NOTHING
    is_credited = invoice.state is InvoiceStatus.CREDITED
    paid = NOTHING if is_credited else invoice.amount - to_pay
    return Amounts(billed=invoice.amount, paid=paid, to_pay=to_pay)


class Totals(Struct, frozen=True):
    """The totals of the invoices in one currency. ``overdue`` is a part of ``to_pay``; ``credits`` is negative."""

    currency: str
    count: int
    billed: Decimal
    credits: Decimal
    paid: Decimal
    to_pay: Decimal
    overdue: Decimal
    overdue_count: int
    next_due: datetime.date | None
    """The first due date from today on; None if nothing is due later."""

    @property
    def amount(self) -> Decimal:
        """What was billed, without the credits."""
        return self.billed + self.credits


def totals_of(invoices: Iterable[Invoice], today: datetime.date) -> tuple[Totals, ...]:
    """Return the totals by currency; the currency with the most invoices comes first. Empty for no invoice."""
    by_currency: dict[str, list[Invoice]] = {}
    for invoice in invoices:
        by_currency.setdefault(invoice.currency, []).append(invoice)
    ordered = sorted(by_currency.items(), key=lambda item: (-len(item[1]), item[0]))
    return tuple(_totals(currency, of_currency, today) for currency, of_currency in ordered)


def _totals(currency: str, invoices: Sequence[Invoice], today: datetime.date) -> Totals:
    amounts = [amounts_of(invoice) for invoice in invoices]
    overdue = [invoice.balance for invoice in invoices if is_overdue(invoice, today)]
    later = [invoice.due_date for invoice in invoices if invoice.is_unpaid and invoice.due_date]
    return Totals(
        currency=currency,
        count=len(invoices),
        billed=sum((each.billed for each in amounts), NOTHING),
        credits=sum((each.credit for each in amounts), NOTHING),
        paid=sum((each.paid for each in amounts), NOTHING),
        to_pay=sum((each.to_pay for each in amounts), NOTHING),
        overdue=sum(overdue, NOTHING),
        overdue_count=len(overdue),
        next_due=min((day for day in later if day >= today), default=None),
    )


class Month(Struct, frozen=True):
    """What was billed in a month, and how much of that is paid by now. ``first`` is the first day of the month."""

    first: datetime.date
    billed: Decimal
    paid: Decimal


def months_of(invoices: Iterable[Invoice], currency: str, last: datetime.date, count: int) -> tuple[Month, ...]:
    """Return ``count`` months up to that of ``last``, oldest first, in one currency."""
    firsts = [_first_of_month(last, back) for back in range(count - 1, -1, -1)]
    sums = dict.fromkeys(firsts, (NOTHING, NOTHING))
    for invoice in invoices:
        first = invoice.date.replace(day=1)
        if invoice.currency == currency and first in sums:
            amounts, (billed, paid) = amounts_of(invoice), sums[first]
            sums[first] = (billed + amounts.billed, paid + amounts.paid)
    return tuple(Month(first, billed, paid) for first, (billed, paid) in sums.items())


def shows_year(months: Sequence[Month], position: int) -> bool:
    """Return whether a chart names the year below a month: each January, and the first month unless one is beside."""
    if months[position].first.month == 1:
        return True
    return not position and not any(month.first.month == 1 for month in months[1:3])


def months_between(since: datetime.date, until: datetime.date) -> int:
    """Return how many calendar months a period touches."""
    return (until.year - since.year) * 12 + until.month - since.month + 1


def _first_of_month(day: datetime.date, back: int) -> datetime.date:
    months = day.year * 12 + day.month - 1 - back
    return datetime.date(months // 12, months % 12 + 1, 1)
