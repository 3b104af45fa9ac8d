"""The portal's data (API version 1). Optional fields may be missing; unknown fields are ignored."""

import datetime
from collections import Counter
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Generic, Literal, TypeVar

import structlog
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    FailFast,
    Field,
    ModelWrapValidatorHandler,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic.json_schema import SkipJsonSchema

from portal.parsing import fields_of

log = structlog.get_logger()

MOST_ROWS = 100
"""The most orders, invoices, contacts or menu entries in one answer; ``page_size`` is at most that."""
MOST_ACCOUNTS = 1000
MOST_LINES = 5000
MOST_COUNT = 2**63 - 1
"""The largest page number, page size and total that are read."""

Number = Annotated[str, StringConstraints(min_length=1, max_length=100)]
"""The number of an order or an invoice: text that need not be digits."""


def _only(words: type[StrEnum]) -> BeforeValidator:
    """Drop the words that a newer portal adds; null means every word."""
    known = set(words)

    def chosen(items: object) -> list[str]:
        if items is None:
            return list(words)
        if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
            raise ValueError("expected a list of words")
        return [item for item in items if item in known]

    return BeforeValidator(chosen)


def each(model: type[BaseModel], most: int) -> BeforeValidator:
    """Validate each row of a list by itself. An invalid row is dropped, and its fields' names are logged.

    Otherwise an invalid row would turn the answer into an error, which tells a stranger that the address is known.

    Args:
        model: The model of a row.
        most: Rows after the first ``most`` are dropped too.
    """

    def readable(items: object) -> object:
        if not isinstance(items, list | tuple):
            return () if items is None else items
        rows: list[BaseModel] = []
        skipped: Counter[str] = Counter()
        for item in items[:most]:
            try:
                rows.append(model.model_validate(item))
            except ValidationError as error:
                skipped[fields_of(error)] += 1
        if len(items) > most:
            skipped["too many rows"] = len(items) - most
        for fields, count in skipped.items():
            log.warning("portal.row_skipped", model=model.__name__, fields=fields, rows=count)
        return rows

    return BeforeValidator(readable)


def _known_language(value: object) -> str | None:
    """Read ``fr_CA`` as ``fr`` and ``EN`` as ``en``; any other language is None."""
    language = value.strip().replace("_", "-").partition("-")[0].lower() if isinstance(value, str) else ""
    return language if language in ("fr", "en") else None


def _text_or_nothing(value: object) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: object) -> tuple[str, ...]:
    return tuple(text for text in value if isinstance(text, str)) if isinstance(value, list | tuple) else ()


def _id_or_nothing(value: object) -> str | None:
    """Return an id as text, or None for any other type, which older portals may send in this field."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if abs(value) < MOST_COUNT else None
    return value if isinstance(value, str) else None


AnsweredId = Annotated[str | None, BeforeValidator(_id_or_nothing)]
"""The contact or account that an answer belongs to, to compare with the one that was asked about."""

# Babel cannot format a number with more digits than a decimal context has.
Amount = Annotated[Decimal, Field(max_digits=18, decimal_places=6, allow_inf_nan=False)]


class Part(StrEnum):
    """A part of an account, which a contact may or may not see."""

    ORDERS = "orders"
    INVOICES = "invoices"


class Status(StrEnum):
    """A filter of an invoice list: ``unpaid`` means a balance over 0."""

    PAID = "paid"
    UNPAID = "unpaid"


class PortalModel(BaseModel):
    """The base of the portal's data: immutable, and without values in its repr."""

    # A default repr would put names and amounts into logs and tracebacks.
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    __str__ = __repr__


class Account(PortalModel):
    """A customer account of the company. ``access`` has the parts that the contact may see."""

    account_id: str
    name: str
    access: Annotated[frozenset[Part], _only(Part)] = frozenset(Part)


class Contact(PortalModel):
    """A person that the portal knows by email."""

    contact_id: str
    email: str
    name: Annotated[str, BeforeValidator(_text_or_nothing)] = ""
    language: Annotated[Literal["fr", "en"] | None, BeforeValidator(_known_language)] = None
    accounts: Annotated[tuple[Account, ...], each(Account, MOST_ACCOUNTS)] = ()
    aliases: Annotated[SkipJsonSchema[tuple[str, ...]], BeforeValidator(_texts)] = ()
    """The person's other addresses in the portal, which only some adapters know."""
    unread_accounts: SkipJsonSchema[int] = 0
    """How many accounts of the answer were invalid: an account that is missing here may be one of them."""

    @model_validator(mode="wrap")
    @classmethod
    def _count_unread(cls, data: object, read: ModelWrapValidatorHandler["Contact"]) -> "Contact":
        given = data.get("accounts") if isinstance(data, dict) else None
        contact = read({**data, "unread_accounts": 0} if isinstance(data, dict) else data)
        unread = len(given) - len(contact.accounts) if isinstance(given, list | tuple) else 0
        return contact.model_copy(update={"unread_accounts": unread}) if unread else contact

    def without_aliases(self) -> "Contact":
        """Return the contact without ``aliases``, which the HTTP contract does not have."""
        return self.model_copy(update={"aliases": ()}) if self.aliases else self


class OrderLine(PortalModel):
    """One line of an order; ``quantity`` is None where the portal shows none."""

    quantity: Amount | None = None
    description: str


class Order(PortalModel):
    """An order; ``progress`` is a percentage from 0 to 100."""

    number: Number
    start_date: datetime.date | None = None
    end_date: datetime.date | None = None
    progress: Annotated[float, Field(ge=0, le=100)] | None = None
    lines: Annotated[tuple[OrderLine, ...], FailFast(), Field(max_length=MOST_LINES)] = ()
    invoice_count: int | None = None
    url: str | None = None
    account_id: AnsweredId = None
    contact_id: AnsweredId = None


class Invoice(PortalModel):
    """An invoice; a credit note where the amount is negative. A balance of 0 is paid, one below the amount in part."""

    number: Number
    date: datetime.date
    due_date: datetime.date | None = None
    amount: Amount
    balance: Amount
    currency: Annotated[str, StringConstraints(pattern="^[A-Z]{3}$")] = "CAD"
    paid_on: datetime.date | None = None
    order_number: str | None = None
    url: str | None = None
    account_id: AnsweredId = None
    contact_id: AnsweredId = None

    @property
    def is_unpaid(self) -> bool:
        """Whether the balance is over 0."""
        return self.balance > 0


class MenuLink(PortalModel):
    """One entry of the portal's own menu."""

    key: str
    title: str
    url: str


ItemT = TypeVar("ItemT")


class Page(PortalModel, Generic[ItemT]):
    """One page of a list; pages count from 1, and a page past the end is empty."""

    items: Annotated[tuple[ItemT, ...], FailFast(), Field(max_length=MOST_ROWS)]
    page: Annotated[int, Field(ge=1, le=MOST_COUNT)]
    page_size: Annotated[int, Field(ge=1, le=MOST_COUNT)]
    total: Annotated[int, Field(ge=0, le=MOST_COUNT)]

    def at_most(self, size: int) -> "Page[ItemT]":
        """Return the page with its first ``size`` items: a portal may ignore ``page_size``."""
        return self if len(self.items) <= size else self.model_copy(update={"items": self.items[:size]})

    @property
    def last(self) -> int:
        """The number of the last page; 1 for an empty list."""
        return max(1, -(-self.total // self.page_size))


class Pdf(PortalModel):
    """A document's bytes, and its ETag where the portal sends one."""

    content: bytes
    etag: str | None = None
