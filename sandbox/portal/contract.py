"""The JSON shapes of the portal's API, version 1."""

from datetime import date, datetime
from typing import Generic, Literal, TypeAlias, TypeVar

from pydantic import BaseModel

from sandbox.portal.data.money import Language

Part = Literal["orders", "invoices"]
EventType = Literal[
    "invoice.issued", "invoice.paid", "order.created", "order.ending", "contact.removed", "account.closed"
]
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


class Page(BaseModel, Generic[Item]):
    items: list[Item]
    page: int
    page_size: int
    total: int


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
