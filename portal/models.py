"""What the portal tells, as data. Optional fields may be missing, unknown ones are ignored (portal API, version 1)."""

import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Generic, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

Number = Annotated[str, StringConstraints(min_length=1, max_length=100)]
"""An order's or an invoice's number: text, never arithmetic."""


def _only(words: type[StrEnum]) -> BeforeValidator:
    """An unknown word from a newer portal is dropped instead of refusing the whole answer."""
    known = set(words)

    def chosen(items: object) -> list[str]:
        if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
            raise ValueError("expected a list of words")
        return [item for item in items if item in known]

    return BeforeValidator(chosen)


# Bounded: Babel cannot write what has more digits than a decimal context keeps.
Amount = Annotated[Decimal, Field(max_digits=18, decimal_places=6, allow_inf_nan=False)]


class Part(StrEnum):
    """A part of an account that a contact may be allowed to see."""

    ORDERS = "orders"
    INVOICES = "invoices"


class Status(StrEnum):
    """An invoice list's filter: ``unpaid`` is a balance over 0."""

    PAID = "paid"
    UNPAID = "unpaid"


class _Model(BaseModel):
    # A repr would put names and amounts into a log or a traceback.
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    __str__ = __repr__


class Account(_Model):
    """A customer of the company, as one contact sees it."""

    account_id: str
    name: str
    access: Annotated[frozenset[Part], _only(Part)] = frozenset(Part)


class Contact(_Model):
    """A person the portal knows by email."""

    contact_id: str
    email: str
    name: str = ""
    language: Literal["fr", "en"] | None = None
    accounts: tuple[Account, ...] = ()
    aliases: tuple[str, ...] = ()
    """Other addresses by which the portal knows this person; filled by adapters."""


class OrderLine(_Model):
    """One line of an agreement; ``quantity`` is ``None`` where the portal shows none."""

    quantity: Amount | None = None
    description: str


class Order(_Model):
    """An order; ``progress`` is a percentage from 0 to 100."""

    number: Number
    start_date: datetime.date | None = None
    end_date: datetime.date | None = None
    progress: Annotated[float, Field(ge=0, le=100)] | None = None
    lines: tuple[OrderLine, ...] = ()
    invoice_count: int | None = None
    url: str | None = None


class Invoice(_Model):
    """An invoice; a balance between 0 and the amount is a partial payment, a credit note's amount is negative."""

    number: Number
    date: datetime.date
    due_date: datetime.date | None = None
    amount: Amount
    balance: Amount
    currency: Annotated[str, StringConstraints(pattern="^[A-Z]{3}$")] = "CAD"
    paid_on: datetime.date | None = None
    order_number: str | None = None
    url: str | None = None

    @property
    def is_unpaid(self) -> bool:
        """Whether something is left to pay."""
        return self.balance > 0


class MenuLink(_Model):
    """One entry of the portal's own menu."""

    key: str
    title: str
    url: str


class Event(_Model):
    """Something the portal reports; ``contact_id`` ``None`` means every contact of the account."""

    id: str
    type: str
    occurred_at: datetime.datetime
    account_id: str
    contact_id: str | None = None
    number: str | None = None


ItemT = TypeVar("ItemT")


class Page(_Model, Generic[ItemT]):
    """One page of a list; pages count from 1, and a page past the end is empty."""

    items: tuple[ItemT, ...]
    page: Annotated[int, Field(ge=1)]
    page_size: Annotated[int, Field(ge=1)]
    total: Annotated[int, Field(ge=0)]

    def at_most(self, size: int) -> "Page[ItemT]":
        """The page without what was not asked for: a portal may ignore ``page_size``, a keyboard has its limits."""
        return self if len(self.items) <= size else self.model_copy(update={"items": self.items[:size]})

    @property
    def last(self) -> int:
        """The number of the last page; 1 for an empty list."""
        return max(1, -(-self.total // self.page_size))


class EventPage(_Model):
    """A piece of the feed, and the opaque cursor to go on from."""

    items: tuple[Event, ...]
    cursor: str


class Pdf(_Model):
    """A document's bytes, and the tag by which the portal tells whether it has changed."""

    content: bytes
    etag: str | None = None
