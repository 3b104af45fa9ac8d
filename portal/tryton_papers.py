"""Parties, sales and invoices of Tryton as the contract's contacts, orders and invoices."""

import datetime
import hashlib
import string
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from portal.calling import broken
from portal.models import Account, Contact, Invoice, Order, OrderLine, Status
from portal.tryton_wire import Domain, Row, like

PARTY_FIELDS = ("name", "lang.code", "contact_mechanisms.type", "contact_mechanisms.value")
SALE_FIELDS = (
    "number",
    "lines.type",
    "lines.quantity",
    "lines.description",
    "lines.product.name",
    "invoices.type",
    "invoices.state",
)
INVOICE_FIELDS = (
    "number",
    "invoice_date",
    "state",
    "total_amount",
    "amount_to_pay",
    "currency.code",
    "reconciled",
    "sales.number",
    "lines_to_pay.maturity_date",
    "lines_to_pay.reconciliation",
    "create_date",
    "write_date",
)
NEWEST_SALE = (("sale_date", "DESC"), ("id", "DESC"))
NEWEST_INVOICE = (("invoice_date", "DESC"), ("id", "DESC"))

_ORDERED = ["confirmed", "processing", "done"]
"""A draft or a quotation is no order yet."""
_ISSUED = ["posted", "paid"]
_MOST_WORDS = 8
_LOWER_ASCII = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)

RowT = TypeVar("RowT", bound=BaseModel)
Day = datetime.date


class _Row(BaseModel):
    # A repr would put names and amounts into a log or a traceback.
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    __str__ = __repr__


class _Coded(_Row):
    code: str


class _Named(_Row):
    name: str | None = None


class _Numbered(_Row):
    number: str | None = None


class _Mechanism(_Row):
    type: str
    value: str | None = None


class PartyRow(_Row):
    """A customer, and the ways to reach them that are in use."""

    id: int
    name: str | None = None
    lang: _Coded | None = None
    contact_mechanisms: tuple[_Mechanism, ...] = ()


class _SaleLine(_Row):
    type: str
    quantity: float | None = None
    description: str | None = None
    product: _Named | None = None


class _InvoiceState(_Row):
    type: str
    state: str


class SaleRow(_Row):
    """A sale with its lines, and of its invoices what is needed to count them."""

    number: str
    lines: tuple[_SaleLine, ...] = ()
    invoices: tuple[_InvoiceState, ...] | None = None


class _ToPay(_Row):
    maturity_date: Day | None = None
    reconciliation: Annotated[Any, BeforeValidator(bool)] = False


class InvoiceRow(_Row):
    """A customer invoice or credit note, posted or paid."""

    id: int
    number: str
    invoice_date: Day
    state: Literal["posted", "paid"]
    total_amount: Decimal
    amount_to_pay: Decimal | None = None
    currency: _Coded
    reconciled: Day | None = None
    sales: tuple[_Numbered, ...] = ()
    lines_to_pay: tuple[_ToPay, ...] = ()
    create_date: datetime.datetime | None = None
    write_date: datetime.datetime | None = None


def read(model: type[RowT], row: Row) -> RowT:
    """A record as data; raises ``PortalBroken`` where a field is missing, as one that the API user may not read is."""
    try:
        return model.model_validate(row)
    except ValidationError as error:
        raise broken(model, error) from None


def with_email(email: str) -> Domain:
    """Parties that may have an address: the case is left to who compares, wildcards are taken as they are written."""
    return [["contact_mechanisms", "where", [["type", "=", "email"], ["value", "ilike", like(email)]]]]


def contact(row: PartyRow, email: str | None = None) -> Contact | None:
    """A party as the person behind one of its addresses, its first one where none is named.

    ``None`` where the party has no such address. Tryton knows customers rather than people: the account is the party.
    """
    addresses = [found.value for found in row.contact_mechanisms if found.type == "email" and found.value]
    fitting = [address for address in addresses if email is None or _key(address) == _key(email)]
    if not fitting:
        return None
    party, name = str(row.id), row.name or fitting[0]
    account = Account(account_id=party, name=name)
    return Contact(contact_id=party, email=fitting[0], name=name, language=_language(row), accounts=(account,))


def _key(email: str) -> str:
    """An address as compared: only A-Z are lowered, or the kelvin sign would open somebody's k mailbox."""
    return email.strip().translate(_LOWER_ASCII)


def _language(row: PartyRow) -> Literal["fr", "en"] | None:
    match row.lang.code.partition("_")[0] if row.lang else "":
        case "fr":
            return "fr"
        case "en":
            return "en"
    return None


def sales_of(party: int, company: int) -> Domain:
    """The orders of a customer that is still one."""
    return [*_of(party, company), ["state", "in", _ORDERED]]


def invoices_of(party: int, company: int) -> Domain:
    """The invoices and credit notes of a customer that is still one."""
    return [*_of(party, company), *issued()]


def issued() -> Domain:
    """What customers have been sent."""
    return [["type", "=", "out"], ["state", "in", _ISSUED]]


def _of(party: int, company: int) -> Domain:
    return [["party", "=", party], ["party.active", "=", True], ["company", "=", company]]


def with_words(query: str, *, of_invoices: bool) -> Domain:
    """Each word somewhere in a number, the reference or a line, or a whole date; also an amount, for invoices."""
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
    """A credit note is nothing to pay."""
    if status is Status.UNPAID:
        return [["state", "=", "posted"], ["total_amount", ">", Decimal(0)]]
    return [["OR", ["state", "=", "paid"], ["total_amount", "<=", Decimal(0)]]]


def order(row: SaleRow) -> Order:
    """A sale. Tryton knows no period and no progress of it: they are not told."""
    lines = tuple(_line(line) for line in row.lines if line.type == "line")
    count = None
    if row.invoices is not None:
        count = sum(invoice.type == "out" and invoice.state in _ISSUED for invoice in row.invoices)
    return Order(number=row.number, lines=lines, invoice_count=count)


def _line(row: _SaleLine) -> OrderLine:
    product = row.product.name if row.product else None
    words = [text for text in (product, row.description) if text]
    # A description usually begins by repeating the product.
    described = words[-1] if words and words[-1].startswith(words[0]) else ", ".join(words)
    return OrderLine(quantity=_plain(row.quantity), description=described or "—")


def _plain(quantity: float | None) -> Decimal | None:
    """``34.0`` as 34."""
    if quantity is None:
        return None
    return Decimal(int(quantity)) if quantity.is_integer() else Decimal(str(quantity))


def invoice(row: InvoiceRow) -> Invoice:
    """An invoice, or a credit note, of which nothing is to be paid."""
    unpaid = row.state == "posted" and row.total_amount > 0
    balance = max(Decimal(0), row.amount_to_pay or Decimal(0)) if unpaid else Decimal(0)
    orders = sorted(sale.number for sale in row.sales if sale.number)
    return Invoice(
        number=row.number,
        date=row.invoice_date,
        due_date=_due(row) if row.total_amount > 0 else None,
        amount=row.total_amount,
        balance=balance,
        currency=row.currency.code,
        paid_on=row.reconciled if row.total_amount > 0 else None,
        order_number=orders[0] if orders else None,
    )


def _due(row: InvoiceRow) -> Day | None:
    """When the next instalment is due; where all are paid, when the last one was."""
    left = [line.maturity_date for line in row.lines_to_pay if line.maturity_date and not line.reconciliation]
    every = [line.maturity_date for line in row.lines_to_pay if line.maturity_date]
    return min(left) if left else max(every, default=None)


def etag(row: InvoiceRow) -> str:
    """Changes when the invoice was written to: its kept PDF is one of its fields."""
    seen = f"{row.id} {row.number} {row.write_date or row.create_date}"
    return f'"{hashlib.sha256(seen.encode()).hexdigest()[:32]}"'
