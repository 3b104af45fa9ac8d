"""The portal's tables. A registry of their own keeps them out of Odobot's metadata."""

from datetime import date, datetime
from typing import Any, ClassVar, TypeAlias

from sqlalchemy import JSON, Index
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

# An invoice has a column named `date`, which hides the type.
Day: TypeAlias = date


class PortalTable(SQLModel, registry=registry()):
    """The base class of the portal's tables."""


class AccountRow(PortalTable, table=True):
    """A customer. `generated_index` marks a generated account, whose documents are written on first use."""

    __tablename__: ClassVar[str] = "portal_account"

    account_id: str = Field(primary_key=True)
    name: str
    address: str = ""
    closed: bool = False
    generated_index: int | None = Field(default=None, unique=True)
    documents_written: bool = True


class ContactRow(PortalTable, table=True):
    """A person. Several people may share an email address."""

    __tablename__: ClassVar[str] = "portal_contact"

    contact_id: str = Field(primary_key=True)
    email: str
    email_key: str = Field(index=True)
    name: str
    language: str


class AccessRow(PortalTable, table=True):
    """The parts of an account that a contact may see. `position` is the account's place in the contact's list."""

    __tablename__: ClassVar[str] = "portal_access"

    contact_id: str = Field(primary_key=True)
    account_id: str = Field(primary_key=True, index=True)
    position: int = 0
    orders: bool = True
    invoices: bool = True


class OrderRow(PortalTable, table=True):
    """An order. `lines` are `[quantity or null, description]`; `path` is its page on the portal."""

    __tablename__: ClassVar[str] = "portal_order"
    __table_args__ = (Index("portal_order_number", "account_id", "number", unique=True),)

    order_id: int | None = Field(default=None, primary_key=True)
    account_id: str
    number: str
    start_date: date | None = None
    end_date: date | None = Field(default=None, index=True)
    progress: int | None = None
    lines: list[Any] = Field(default_factory=list, sa_type=JSON)
    path: str | None = None
    search_text: str = ""
    title: str | None = None
    amount_cents: int | None = None
    status: str | None = None


class InvoiceRow(PortalTable, table=True):
    """An invoice, in cents. `lines` are `[quantity or null, description, cents before taxes]`.

    `ended_as` is `cancelled` or `credited` once nobody has to pay it any more.
    """

    __tablename__: ClassVar[str] = "portal_invoice"
    __table_args__ = (
        Index("portal_invoice_number", "account_id", "number", unique=True),
        Index("portal_invoice_date", "account_id", "date"),
    )

    invoice_id: int | None = Field(default=None, primary_key=True)
    account_id: str
    number: str
    date: Day
    due_date: Day | None = None
    amount_cents: int
    balance_cents: int
    paid_on: Day | None = None
    order_number: str | None = None
    lines: list[Any] = Field(default_factory=list, sa_type=JSON)
    path: str | None = None
    search_text: str = ""
    ended_as: str | None = None
    payment_reference: str | None = None


class EventRow(PortalTable, table=True):
    """One event of the feed. `occurred_at` is in UTC."""

    __tablename__: ClassVar[str] = "portal_event"
    # Without AUTOINCREMENT, SQLite would reuse the numbers of deleted events.
    __table_args__ = {"sqlite_autoincrement": True}

    sequence: int | None = Field(default=None, primary_key=True)
    type: str
    occurred_at: datetime
    account_id: str
    contact_id: str | None = None
    number: str | None = None


class LinkRow(PortalTable, table=True):
    """One entry of the portal's menu, in one language."""

    __tablename__: ClassVar[str] = "portal_link"

    key: str = Field(primary_key=True)
    language: str = Field(primary_key=True)
    position: int
    title: str
    url: str


class MonthlyRunRow(PortalTable, table=True):
    """A day on which every generated account was invoiced."""

    __tablename__: ClassVar[str] = "portal_monthly_run"

    run: int | None = Field(default=None, primary_key=True)
    issued_on: date


class FactRow(PortalTable, table=True):
    """One value that the portal stores about itself: the feed's epoch, the generator's seed."""

    __tablename__: ClassVar[str] = "portal_fact"

    key: str = Field(primary_key=True)
    value: str
