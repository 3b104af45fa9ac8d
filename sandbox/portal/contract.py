"""The JSON shapes of the portal's API, version 1."""

from datetime import date, datetime
from typing import Generic, Literal, TypeAlias, TypeVar

from pydantic import BaseModel

from sandbox.portal.data.money import Language

Part = Literal["orders", "invoices"]
EventType = Literal[
    "invoice.issued",
    "invoice.paid",
    "invoice.changed",
    "invoice.cancelled",
    "order.created",
    "order.ending",
    "order.changed",
    "contact.changed",
    "contact.removed",
    "account.closed",
]
InvoiceStatus = Literal["open", "paid", "cancelled", "credited"]
InvoiceKind = Literal["invoice", "credit_note"]
OrderStatus = Literal["active", "ended", "cancelled"]
# An invoice has a field named `date`, which hides the type.
Day: TypeAlias = date
Item = TypeVar("Item")


class AccountAccess(BaseModel):
    account_id: str
    name: str
    access: list[Part]


class Contact(BaseModel):
    contact_id: str
    email: str
    name: str
    language: Language
    accounts: list[AccountAccess]


class Contacts(BaseModel):
    items: list[Contact]


class OrderLine(BaseModel):
    quantity: int | float | None
    description: str


class Order(BaseModel):
    number: str
    start_date: date | None
    end_date: date | None
    progress: int | None
    lines: list[OrderLine]
    invoice_count: int
    url: str | None
    title: str | None = None
    amount: str | None = None
    currency: str | None = None
    status: OrderStatus | None = None


class Invoice(BaseModel):
    number: str
    date: Day
    due_date: Day | None
    amount: str
    balance: str
    currency: Literal["CAD"] = "CAD"
    paid_on: Day | None
    order_number: str | None
    url: str | None
    status: InvoiceStatus
    kind: InvoiceKind
    payment_reference: str | None


class Page(BaseModel, Generic[Item]):
    items: list[Item]
    page: int
    page_size: int
    total: int


class Summary(BaseModel):
    """What is open in one currency."""

    currency: str
    open_balance: str
    open_count: int
    overdue_balance: str
    overdue_count: int
    next_due_date: Day | None


class Summaries(BaseModel):
    items: list[Summary]


class Link(BaseModel):
    key: str
    title: str
    url: str


class Links(BaseModel):
    items: list[Link]


class Event(BaseModel):
    id: str
    type: str
    occurred_at: datetime
    account_id: str
    contact_id: str | None
    number: str | None


class Events(BaseModel):
    items: list[Event]
    cursor: str
