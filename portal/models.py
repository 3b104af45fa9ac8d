"""The portal's data (API version 1). Optional fields may be missing; unknown fields are ignored."""

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Generic, Literal, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    FailFast,
    Field,
    ModelWrapValidatorHandler,
    model_validator,
)
from pydantic.json_schema import SkipJsonSchema

from portal.fields import (
    MOST_COUNT,
    MOST_ROWS,
    Amount,
    AnsweredId,
    Count,
    Currency,
    Day,
    Id,
    Number,
    OptionalCount,
    OptionalDay,
    OptionalText,
    Percentage,
    blank_is_none,
    each,
    known_language,
    or_default,
    readable_rows,
    text_or_empty,
    texts,
    word_of,
    words_of,
)

MOST_ACCOUNTS = 1000
MOST_LINES = 5000


class Part(StrEnum):
    """A part of an account, which a contact may or may not see."""

    ORDERS = "orders"
    INVOICES = "invoices"


class Status(StrEnum):
    """A filter of an invoice list: ``unpaid`` means a balance over 0."""

    PAID = "paid"
    UNPAID = "unpaid"


class InvoiceStatus(StrEnum):
    """What became of an invoice. ``cancelled`` and ``credited`` mean that nobody has to pay it any more."""

    OPEN = "open"
    PAID = "paid"
    CANCELLED = "cancelled"
    CREDITED = "credited"


class InvoiceKind(StrEnum):
    """Whether a document asks for money or gives it back."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"


class OrderStatus(StrEnum):
    """What the portal says about an order's course."""

    ACTIVE = "active"
    ENDED = "ended"
    CANCELLED = "cancelled"


class PortalModel(BaseModel):
    """The base of the portal's data: immutable, and without values in its repr."""

    # A default repr would put names and amounts into logs and tracebacks.
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    __str__ = __repr__


ReadT = TypeVar("ReadT", bound=PortalModel)


def _with_unread(data: object, read: Callable[[object], ReadT], rows: str, count: str) -> ReadT:
    """Read a model, and set its field ``count`` to the number of its ``rows`` that could not be read."""
    if not isinstance(data, dict):
        return read(data)
    given = data.get(rows)
    model = read({**data, count: 0})
    unread = len(given) - len(getattr(model, rows)) if isinstance(given, list | tuple) else 0
    return model.model_copy(update={count: unread}) if unread else model


class Account(PortalModel):
    """A customer account of the company. ``access`` has the parts that the contact may see."""

    account_id: Id
    name: str
    access: Annotated[frozenset[Part], words_of(Part)] = frozenset(Part)


class Contact(PortalModel):
    """A person that the portal knows by email."""

    contact_id: Id
    email: str
    name: Annotated[str, BeforeValidator(text_or_empty)] = ""
    language: Annotated[Literal["fr", "en"] | None, BeforeValidator(known_language)] = None
    accounts: Annotated[tuple[Account, ...], each(Account, MOST_ACCOUNTS)] = ()
    aliases: Annotated[SkipJsonSchema[tuple[str, ...]], BeforeValidator(texts)] = ()
    """The person's other addresses in the portal, which only some adapters know."""
    unread_accounts: SkipJsonSchema[int] = 0
    """How many accounts of the answer were invalid: an account that is missing here may be one of them."""

    @model_validator(mode="wrap")
    @classmethod
    def _count_unread(cls, data: object, read: ModelWrapValidatorHandler["Contact"]) -> "Contact":
        return _with_unread(data, read, "accounts", "unread_accounts")

    def without_aliases(self) -> "Contact":
        """Return the contact without ``aliases``, which the HTTP contract does not have."""
        return self.model_copy(update={"aliases": ()}) if self.aliases else self


class OrderLine(PortalModel):
    """One line of an order; ``quantity`` is None where the portal shows none."""

    quantity: Annotated[Amount | None, BeforeValidator(blank_is_none)] = None
    description: Annotated[str, BeforeValidator(text_or_empty)]


class Order(PortalModel):
    """An order; ``progress`` is a percentage from 0 to 100."""

    number: Number
    start_date: OptionalDay = None
    end_date: OptionalDay = None
    progress: Percentage = None
    lines: Annotated[tuple[OrderLine, ...], each(OrderLine, MOST_LINES)] = ()
    unread_lines: SkipJsonSchema[int] = 0
    """How many lines of the agreement could not be read; they are not in ``lines``."""
    invoice_count: OptionalCount = None
    url: OptionalText = None
    title: OptionalText = None
    amount: Annotated[Amount | None, BeforeValidator(blank_is_none)] = None
    currency: Annotated[Currency | None, BeforeValidator(blank_is_none)] = None
    status: Annotated[OrderStatus | None, word_of(OrderStatus)] = None
    account_id: AnsweredId = None
    contact_id: AnsweredId = None

    @model_validator(mode="wrap")
    @classmethod
    def _count_unread(cls, data: object, read: ModelWrapValidatorHandler["Order"]) -> "Order":
        return _with_unread(data, read, "lines", "unread_lines")


class Invoice(PortalModel):
    """An invoice or a credit note. ``state`` and ``is_credit_note`` say what it is where the portal does not.

    ``status`` and ``kind`` are the portal's words, None where it does not send them.
    """

    number: Number
    date: Day
    due_date: OptionalDay = None
    amount: Amount
    balance: Amount
    currency: Annotated[Currency, or_default("CAD")] = "CAD"
    paid_on: OptionalDay = None
    order_number: OptionalText = None
    url: OptionalText = None
    status: Annotated[InvoiceStatus | None, word_of(InvoiceStatus)] = None
    kind: Annotated[InvoiceKind | None, word_of(InvoiceKind)] = None
    payment_reference: OptionalText = None
    account_id: AnsweredId = None
    contact_id: AnsweredId = None

    @property
    def state(self) -> InvoiceStatus:
        """The portal's status; by the balance where it has none, or says that an invoice without a balance is open."""
        if self.status not in (None, InvoiceStatus.OPEN):
            return self.status
        return InvoiceStatus.OPEN if self.balance > 0 else InvoiceStatus.PAID

    @property
    def is_credit_note(self) -> bool:
        """Whether it gives money back: by its kind, else by the sign of its amount."""
        return self.amount < 0 if self.kind is None else self.kind is InvoiceKind.CREDIT_NOTE

    @property
    def is_unpaid(self) -> bool:
        """Whether somebody has to pay it: an open invoice with a balance over 0, and no credit note."""
        return self.state is InvoiceStatus.OPEN and self.balance > 0 and not self.is_credit_note

    @property
    def is_partly_paid(self) -> bool:
        """Whether a part of it is paid, and the rest is not."""
        return self.is_unpaid and self.balance < self.amount

    @property
    def is_cancelled(self) -> bool:
        """Whether the company withdrew it. It is neither paid nor to be paid."""
        return self.state is InvoiceStatus.CANCELLED


class InvoiceSummary(PortalModel):
    """What is open in an account in one currency. ``next_due_date`` is the first one from today on."""

    currency: Currency
    open_balance: Amount
    open_count: Count
    overdue_balance: Amount
    overdue_count: Count
    next_due_date: OptionalDay = None


class MenuLink(PortalModel):
    """One entry of the portal's own menu."""

    key: str
    title: str
    url: str


ItemT = TypeVar("ItemT")


class Page(PortalModel, Generic[ItemT]):
    """One page of a list; pages count from 1, and a page past the end is empty."""

    items: Annotated[tuple[ItemT, ...], FailFast(), Field(max_length=MOST_ROWS)]
    unread: SkipJsonSchema[int] = 0
    """How many rows of the answer could not be read; they are not in ``items``."""
    page: Annotated[int, Field(ge=1, le=MOST_COUNT)]
    page_size: Annotated[int, Field(ge=1, le=MOST_COUNT)]
    total: Annotated[int, Field(ge=0, le=MOST_COUNT)]

    @model_validator(mode="wrap")
    @classmethod
    def _read_each(cls, data: object, read: ModelWrapValidatorHandler["Page[ItemT]"]) -> "Page[ItemT]":
        """Leave out the rows that cannot be read, unless none of them is an order or invoice at all."""
        given = data.get("items") if isinstance(data, dict) else None
        model = next(iter(cls.__pydantic_generic_metadata__["args"]), None)
        if (
            not isinstance(data, dict)
            or not isinstance(given, list | tuple)
            or not 0 < len(given) <= MOST_ROWS
            or not (isinstance(model, type) and issubclass(model, BaseModel))
        ):
            return read(data)
        rows = readable_rows(model, given, MOST_ROWS)
        if not rows and not all(isinstance(row, dict) and "number" in row for row in given):
            return read(data)
        return read({**data, "items": rows, "unread": len(given) - len(rows)})

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
