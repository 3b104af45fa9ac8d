"""Maps Tryton's parties, sales and invoices to contacts, orders and invoices, and makes the domains that find them."""

import hashlib
from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation

from pydantic import ValidationError

from portal.errors import PortalBroken
from portal.fields import readable_rows
from portal.models import Account, Contact, Invoice, InvoiceKind, InvoiceStatus, Order, OrderLine, Status
from portal.numbers import is_same
from portal.parsing import broken
from portal.simple.addresses import found_by
from portal.tryton.rows import Day, InvoiceRow, PartyRow, SaleLine, SaleRow
from portal.tryton.wire import Domain, Row, like

NEWEST_SALE = (("sale_date", "DESC"), ("id", "DESC"))
NEWEST_INVOICE = (("invoice_date", "DESC"), ("id", "DESC"))

_ORDERED = ["confirmed", "processing", "done"]
"""The states of a sale that is an order; a draft or a quotation is not."""
_ISSUED = ["posted", "paid"]
_MOST_WORDS = 8


def readable_contacts(rows: Sequence[Row], email: str) -> Iterator[Contact]:
    """Yield the contacts with an address. An invalid row is skipped, and its fields' names are logged."""
    for row in readable_rows(PartyRow, rows, len(rows)):
        found = contact(row, email)
        if found is not None:
            yield found


def with_email(email: str) -> Domain:
    """Return the domain of parties with an address in any case; ``contact`` compares it exactly."""
    return [["contact_mechanisms", "where", [["type", "=", "email"], ["value", "ilike", like(email)]]]]


def contact(row: PartyRow, email: str | None = None) -> Contact | None:
    """Map a party to a contact, whose only account is the party itself: Tryton has customers rather than people.

    Args:
        row: The party.
        email: The contact's address; None for the party's first one.

    Returns:
        The contact, or None where the party does not have the address.
    """
    found = found_by([each.value for each in row.contact_mechanisms if each.type == "email" and each.value], email)
    if found is None:
        return None
    party, name = str(row.id), row.name or found[0]
    return Contact(
        contact_id=party,
        email=found[0],
        name=name,
        language=row.lang.code if row.lang else None,  # the model reads fr_CA as fr
        accounts=(Account(account_id=party, name=name),),
        aliases=found[1],
    )


def sales_of(party: int, company: int) -> Domain:
    """Return the domain of an active party's orders."""
    return [*_of(party, company), ["state", "in", _ORDERED]]


def invoices_of(party: int, company: int) -> Domain:
    """Return the domain of an active party's issued invoices and credit notes."""
    return [*_of(party, company), *issued()]


def issued() -> Domain:
    """Return the domain of issued customer invoices and credit notes."""
    return [["type", "=", "out"], ["state", "in", _ISSUED]]


def _of(party: int, company: int) -> Domain:
    return [["party", "=", party], ["party.active", "=", True], ["company", "=", company]]


def with_words(query: str, *, of_invoices: bool) -> Domain:
    """Return the domain of a search.

    Each of the first 8 words must be part of a number, a reference or a line, or be a date or an invoice's amount.
    """
    words = [word for word in query.split() if word != "$"]
    return [_with_word(word, of_invoices=of_invoices) for word in words[:_MOST_WORDS]]


def _with_word(word: str, *, of_invoices: bool) -> Domain:
    pattern = f"%{like(word)}%"
    places = ("number", "reference", "lines.description", "lines.product.name")
    clauses: Domain = [[place, "ilike", pattern] for place in places]
    if of_invoices:
        clauses.append(["sales.number", "ilike", pattern])
    date = "invoice_date" if of_invoices else "sale_date"
    if (day := _day(word)) is not None:
        clauses.append([date, "=", day])
    if of_invoices and (amount := _amount(word)) is not None:
        clauses.append(["total_amount", "=", amount])
    return ["OR", *clauses]


def _day(word: str) -> Day | None:
    try:
        return Day.fromisoformat(word) if len(word) == len("2020-09-28") else None
    except ValueError:
        return None


def _amount(word: str) -> Decimal | None:
    try:
        amount = Decimal(word.strip("$").replace(",", "."))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and abs(amount.adjusted()) < 15 else None


def with_status(status: Status) -> Domain:
    """Return the domain of paid or unpaid invoices. A credit note counts as paid."""
    if status is Status.UNPAID:
        return [["state", "=", "posted"], ["total_amount", ">", Decimal(0)]]
    return [["OR", ["state", "=", "paid"], ["total_amount", "<=", Decimal(0)]]]


def order(row: SaleRow) -> Order:
    """Map a sale, which has no period and no progress. Raises ``PortalBroken`` for a value that the model rejects."""
    try:
        return _order(row)
    except ValidationError as error:
        raise broken(Order, error) from None


def _order(row: SaleRow) -> Order:
    lines = tuple(_line(line) for line in row.lines if line.type == "line")
    count = None
    if row.invoices is not None:
        count = sum(invoice.type == "out" and invoice.state in _ISSUED for invoice in row.invoices)
    return Order(number=row.number, lines=lines, invoice_count=count)


def _line(row: SaleLine) -> OrderLine:
    product = row.product.name if row.product else None
    words = [text for text in (product, row.description) if text]
    # A description usually starts with the product's name.
    described = words[-1] if words and words[-1].startswith(words[0]) else ", ".join(words)
    return OrderLine(quantity=_plain(row.quantity), description=described or "—")


def _plain(quantity: float | None) -> Decimal | None:
    """Turn ``34.0`` into 34."""
    if quantity is None:
        return None
    return Decimal(int(quantity)) if quantity.is_integer() else Decimal(str(quantity))


def invoice(row: InvoiceRow, of_order: str | None = None) -> Invoice:
    """Map an invoice or a credit note; a credit note has no balance and no due date.

    Args:
        row: The record.
        of_order: The order whose invoices were requested. An invoice of several orders then names this one.

    Raises:
        PortalBroken: the invoice is of other orders only, or the model rejects a value.
    """
    try:
        return _invoice(row, of_order)
    except ValidationError as error:
        raise broken(Invoice, error) from None


def _invoice(row: InvoiceRow, of_order: str | None) -> Invoice:
    unpaid = row.state == "posted" and row.total_amount > 0
    balance = max(Decimal(0), row.amount_to_pay or Decimal(0)) if unpaid else Decimal(0)
    orders = sorted(sale.number for sale in row.sales if sale.number)
    if of_order is not None:
        orders = [number for number in orders if is_same(number, of_order)]
        if not orders:
            raise PortalBroken("invoice: of another order")
    return Invoice(
        number=row.number,
        date=row.invoice_date,
        due_date=_due(row) if row.total_amount > 0 else None,
        amount=row.total_amount,
        balance=balance,
        currency=row.currency.code,
        paid_on=row.reconciled if row.total_amount > 0 else None,
        order_number=orders[0] if orders else None,
        status=InvoiceStatus.OPEN if unpaid else InvoiceStatus.PAID,
        kind=InvoiceKind.INVOICE if row.total_amount >= 0 else InvoiceKind.CREDIT_NOTE,
    )


def _due(row: InvoiceRow) -> Day | None:
    """Return the due date of the next unpaid instalment, or of the last one where all are paid; None without dates."""
    left = [line.maturity_date for line in row.lines_to_pay if line.maturity_date and not line.reconciliation]
    every = [line.maturity_date for line in row.lines_to_pay if line.maturity_date]
    return min(left) if left else max(every, default=None)


def etag(row: InvoiceRow) -> str:
    """Return a tag that changes with each write to the invoice, whose stored PDF is one of its fields."""
    seen = f"{row.id} {row.number} {row.write_date or row.create_date}"
    return f'"{hashlib.sha256(seen.encode()).hexdigest()[:32]}"'
