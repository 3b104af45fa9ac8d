"""The statement of account: what was billed, paid and is left to pay of a period, with its last 12 months."""

import datetime
from collections.abc import Sequence

from msgspec import Struct

from portal.models import Invoice
from services.account.paper_filters import InvoiceFilter
from services.packs.selection import Selection
from services.packs.totals import MONTHS, Month, Totals, months_between, months_of, totals_of
from texts.catalogue import Texts, message_id

_ONLY = {
    InvoiceFilter.OVERDUE: message_id("pack.overdue"),
    InvoiceFilter.CANCELLED: message_id("pack.cancelled_invoices"),
    InvoiceFilter.CREDIT_NOTES: message_id("pack.credit_notes"),
}


class Statement(Struct, frozen=True):
    """The facts of a statement. ``totals`` begins with the main currency, that of ``months``; it may be empty."""

    account: str
    company: str
    period: str
    today: datetime.date
    invoices: tuple[Invoice, ...]
    totals: tuple[Totals, ...]
    months: tuple[Month, ...]

    @property
    def currency(self) -> str:
        """The main currency."""
        return self.totals[0].currency if self.totals else "CAD"


def statement_of(
    t: Texts, account: str, company: str, selection: Selection, invoices: Sequence[Invoice], today: datetime.date
) -> Statement:
    """Make the statement of the invoices of a selection; ``today`` is the date in the company's time zone."""
    totals = totals_of(invoices, today)
    currency = totals[0].currency if totals else "CAD"
    months = months_of(invoices, currency, *_shown_months(selection, today))
    return Statement(account, company, selection_text(t, selection), today, tuple(invoices), totals, months)


def _shown_months(selection: Selection, today: datetime.date) -> tuple[datetime.date, int]:
    """Return the last month of the chart and how many it has: those of the period, or the last ``MONTHS`` of it."""
    since, until = selection.since, selection.until or today
    count = months_between(since, until) if since else MONTHS
    if 0 < count <= MONTHS:
        return until, count
    return min(until, max(today, since or today)), MONTHS


def facts_of(t: Texts, statement: Statement) -> list[str]:
    """Return the facts as lines of text: the same as in the picture."""
    money, lines = t.formats.money, []
    for totals in statement.totals:
        currency = totals.currency
        lines.append(t("statement.billed", amount=money(totals.billed, currency)))
        if totals.credits:
            lines.append(t("statement.credits", amount=money(totals.credits, currency)))
        lines.append(t("statement.paid", amount=money(totals.paid, currency)))
        lines.append(t("statement.to_pay", amount=money(totals.to_pay, currency)))
        if totals.overdue_count:
            lines.append(t("statement.overdue", amount=money(totals.overdue, currency)))
        if totals.next_due:
            lines.append(t("statement.next_due", day=t.formats.day(totals.next_due, statement.today)))
    return lines


def months_text(t: Texts, statement: Statement) -> list[str]:
    """Return a line for each month in which something was billed: what was billed, and what is paid of it."""
    lines = []
    for month in statement.months:
        name, billed = t.formats.month(month.first), t.formats.money(month.billed, statement.currency)
        if month.billed and month.paid == month.billed:
            lines.append(t("statement.month_paid", month=name, billed=billed))
        elif month.paid:
            paid = t.formats.money(month.paid, statement.currency)
            lines.append(t("statement.month_in_part", month=name, billed=billed, paid=paid))
        elif month.billed:
            lines.append(t("statement.month_open", month=name, billed=billed))
    return lines


def selection_text(t: Texts, selection: Selection) -> str:
    """Return what was selected, in words."""
    since, until = selection.since, selection.until
    if since and until and since.month == since.day == 1 and until == datetime.date(since.year, 12, 31):
        period = t("pack.year", year=str(since.year))
    elif since and since == until:
        period = t("period.day", day=t.formats.long_date(since))
    elif since and until:
        period = t("period.between", since=t.formats.long_date(since), until=t.formats.long_date(until))
    elif since:
        period = t("period.since", since=t.formats.long_date(since))
    elif until:
        period = t("period.until", until=t.formats.long_date(until))
    else:
        is_narrowed = selection.unpaid or selection.only or selection.order or selection.query
        period = "" if is_narrowed else t("pack.everything")
    state = t("pack.unpaid") if selection.unpaid else t("pack.paid") if selection.paid else ""
    only = t(_ONLY[selection.only]) if selection.only else ""
    order = t("pack.of_order", number=selection.order) if selection.order else ""
    query = t("list.searched", query=selection.query) if selection.query else ""
    return " · ".join(part for part in (state, only, period, order, query) if part)
