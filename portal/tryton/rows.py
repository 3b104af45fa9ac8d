"""Tryton's records as models, and the fields that are requested of each."""

import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from portal.errors import PortalBroken
from portal.parsing import broken
from portal.tryton.wire import Row

PARTY_FIELDS = ("name", "lang.code", "contact_mechanisms.type", "contact_mechanisms.value")
SALE_FIELDS = (
    "number",
    "party",
    "company",
    "lines.type",
    "lines.quantity",
    "lines.description",
    "lines.product.name",
    "invoices.type",
    "invoices.state",
)
INVOICE_FIELDS = (
    "number",
    "party",
    "company",
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

RowT = TypeVar("RowT", bound=BaseModel)
OwnedT = TypeVar("OwnedT", bound="_OwnedRow")
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
    """A customer, with their active contact mechanisms."""

    id: int
    name: str | None = None
    lang: _Coded | None = None
    contact_mechanisms: tuple[_Mechanism, ...] = ()


class SaleLine(_Row):
    """A line of a sale; ``type`` is ``line`` for a product, else a title, subtotal or comment."""

    type: str
    quantity: float | None = None
    description: str | None = None
    product: _Named | None = None


class _InvoiceState(_Row):
    type: str
    state: str


class _OwnedRow(_Row):
    """A sale or an invoice, with the ids of its party and company."""

    party: int
    company: int


class SaleRow(_OwnedRow):
    """A sale with its lines, and the type and state of its invoices, to count them."""

    number: str
    lines: tuple[SaleLine, ...] = ()
    invoices: tuple[_InvoiceState, ...] | None = None


class _ToPay(_Row):
    maturity_date: Day | None = None
    reconciliation: Annotated[Any, BeforeValidator(bool)] = False


class InvoiceRow(_OwnedRow):
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
    """Validate a record; raise ``PortalBroken`` where a field is missing, as one that the API user may not read."""
    try:
        return model.model_validate(row)
    except ValidationError as error:
        raise broken(model, error) from None


def read_owned(model: type[OwnedT], row: Row, party: int, company: int) -> OwnedT:
    """Validate a sale or an invoice; raise ``PortalBroken`` where it is another party's or company's."""
    paper = read(model, row)
    if (paper.party, paper.company) != (party, company):
        raise PortalBroken(f"{model.__name__}: of another party or company")
    return paper
