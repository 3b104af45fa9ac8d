"""The request bodies of the control API. README.md describes them."""

from datetime import date, datetime

from pydantic import BaseModel, Field

from sandbox.portal.contract import OrderStatus, Part
from sandbox.portal.data.money import Language
from sandbox.portal.faults import FaultKind


class Line(BaseModel):
    quantity: int | float | None = None
    description: str
    amount: str | None = None


class NewInvoice(BaseModel):
    account_id: str
    amount: str | None = None
    lines: list[Line] = []
    order_number: str | None = None
    due_date: date | None = None
    number: str | None = None
    issued_on: date | None = None


class Payment(BaseModel):
    account_id: str
    number: str
    amount: str | None = None
    paid_on: date | None = None


class Cancellation(BaseModel):
    account_id: str
    number: str
    keeps_balance: bool = False


class Credit(BaseModel):
    account_id: str
    number: str


class InvoiceChange(BaseModel):
    account_id: str
    number: str
    due_date: date | None = None
    balance: str | None = None
    payment_reference: str | None = None


class Withdrawal(BaseModel):
    account_id: str
    number: str
    amount: str | None = None


class OrderChange(BaseModel):
    account_id: str
    number: str
    end_date: date | None = None
    progress: int | None = Field(default=None, ge=0, le=100)
    title: str | None = None
    amount: str | None = None
    status: OrderStatus | None = None


class AccountChange(BaseModel):
    name: str
    reports: bool = True


class NewOrder(BaseModel):
    account_id: str
    lines: list[Line]
    start_date: date | None = None
    end_date: date | None = None
    progress: int | None = 0
    number: str | None = None


class Ending(BaseModel):
    account_id: str
    number: str
    days: int = 30


class NewAccount(BaseModel):
    account_id: str
    name: str
    address: str = ""


class NewContact(BaseModel):
    contact_id: str
    email: str
    name: str
    language: Language = "fr"
    access: dict[str, list[Part]] = {}


class ContactChange(BaseModel):
    email: str | None = None
    name: str | None = None
    language: Language | None = None
    access: dict[str, list[Part]] | None = None
    reports: bool = True


class NewFault(BaseModel):
    kind: FaultKind
    path: str = "*"
    method: str | None = None
    times: int | None = None
    seconds: float = Field(default=1.0, ge=0)
    retry_after: int | None = 1
    content_type: str = "text/html; charset=utf-8"
    megabytes: int = Field(default=51, ge=1, le=2000)
    status: int = Field(default=404, ge=200, le=599)
    declared_length: bool = True
    body: str = '{"cursor": "c"}'
    pointer: str = ""


class ClockMove(BaseModel):
    advance_seconds: float = 0
    set_to: datetime | None = None


class WebhookTarget(BaseModel):
    url: str
    secret: str


class Generation(BaseModel):
    count: int = Field(ge=0)
    seed: int = 1
    months: int = Field(default=12, ge=0, le=120)
