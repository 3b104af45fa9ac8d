"""The views that a company defines, and their columns. ``odobot portal-sql`` prints them; nothing else is read."""

from dataclasses import dataclass
from enum import StrEnum

CONTACTS = "odobot_contacts"
ACCESS = "odobot_access"
ORDERS = "odobot_orders"
LINES = "odobot_order_lines"
INVOICES = "odobot_invoices"


class Kind(StrEnum):
    """What a column of a database holds, by the type that the database declares."""

    TEXT = "text"
    PADDED = "text filled with spaces"
    INTEGER = "whole number"
    DECIMAL = "decimal number"
    FLOAT = "floating-point number"
    DAY = "date"
    TIME = "date and time"
    ZONED = "date and time with a zone"
    FLAG = "true or false"
    UUID = "UUID"
    WORD = "enumeration"
    OTHER = "another type"
    UNKNOWN = "any type"
    """SQLite: a column of an expression has no type."""


_TEXTS = frozenset({Kind.TEXT, Kind.PADDED, Kind.INTEGER, Kind.DECIMAL, Kind.UUID, Kind.WORD, Kind.UNKNOWN})
_NUMBERS = frozenset({Kind.INTEGER, Kind.DECIMAL, Kind.FLOAT, Kind.UNKNOWN})
_DAYS = frozenset({Kind.DAY, Kind.TIME, Kind.ZONED, Kind.UNKNOWN})
_TIMES = frozenset({Kind.TIME, Kind.ZONED, Kind.UNKNOWN})
_FLAGS = frozenset({Kind.FLAG, Kind.INTEGER, Kind.DECIMAL, Kind.UNKNOWN})


class Type(StrEnum):
    """What a column has to hold."""

    ID = "text, whole number or UUID"
    TEXT = "text"
    NUMBER = "decimal number"
    DAY = "date"
    TIME = "date and time"
    FLAG = "true or false"

    @property
    def kinds(self) -> frozenset[Kind]:
        """The declared types that fit."""
        match self:
            case Type.ID | Type.TEXT:
                return _TEXTS
            case Type.NUMBER:
                return _NUMBERS
            case Type.DAY:
                return _DAYS
            case Type.TIME:
                return _TIMES
            case Type.FLAG:
                return _FLAGS


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a view.

    Attributes:
        name: Its name.
        type: What it has to hold.
        meaning: For the skeleton and the documents.
        without: What happens in a view without it; empty for a column that is required.
        example: An expression of the skeleton.
    """

    name: str
    type: Type
    meaning: str
    without: str
    example: str

    @property
    def is_required(self) -> bool:
        """Whether a view without the column cannot be read."""
        return not self.without


@dataclass(frozen=True, slots=True)
class ViewSpec:
    """A view: its columns, the tables of its skeleton, and whether a database without it can be read."""

    name: str
    columns: tuple[Column, ...]
    tables: str
    is_required: bool = True

    def column(self, name: str) -> Column:
        """Return the column with this name."""
        return next(column for column in self.columns if column.name == name)


def _id(name: str, meaning: str, example: str) -> Column:
    return Column(name, Type.ID, meaning, "", example)


_URL = "its page on the portal, to see or to pay"
_NO_LINE = "no line"

VIEWS = (
    ViewSpec(
        CONTACTS,
        (
            _id("contact_id", "the person; the same for as long as the person is one", "p.id"),
            Column("email", Type.TEXT, "one address a row; a person may have several rows", "", "p.email"),
            Column("name", Type.TEXT, "the person's name", "no name", "p.name"),
            Column("language", Type.TEXT, "fr or en; fr_CA is French", "unknown", "p.language"),
        ),
        "people p",
    ),
    ViewSpec(
        ACCESS,
        (
            _id("contact_id", "the person", "m.person_id"),
            _id("account_id", "a customer that the person may act for", "m.customer_id"),
            Column("account_name", Type.TEXT, "the customer's name", "the account's id", "c.name"),
            Column("can_see_orders", Type.FLAG, "null is no", "yes for every row", "m.sees_orders"),
            Column("can_see_invoices", Type.FLAG, "null is no", "yes for every row", "m.sees_invoices"),
            Column(
                "updated_at",
                Type.TIME,
                "the last change of this row or of the person",
                "confirmed daily",
                "m.updated_at",
            ),
        ),
        "memberships m JOIN customers c ON c.id = m.customer_id",
    ),
    ViewSpec(
        ORDERS,
        (
            _id("account_id", "the customer", "o.customer_id"),
            _id("number", "unique in the account", "o.number"),
            Column("start_date", Type.DAY, "the newest comes first", "no line", "o.starts_on"),
            Column("end_date", Type.DAY, "the end is announced before", "no announcement", "o.ends_on"),
            Column("progress", Type.NUMBER, "0 to 100", _NO_LINE, "o.progress"),
            Column("title", Type.TEXT, "a name for people", _NO_LINE, "o.title"),
            Column("amount", Type.NUMBER, "the whole amount", _NO_LINE, "o.amount"),
            Column("currency", Type.TEXT, "three letters, such as CAD", "CAD", "'CAD'"),
            Column("status", Type.TEXT, "active, ended or cancelled", _NO_LINE, "o.status"),
            Column("url", Type.TEXT, _URL, "no button", "'https://portal.example.com/orders/' || o.id"),
            Column("created_at", Type.TIME, "when it was made", "no event order.created", "o.created_at"),
            Column("updated_at", Type.TIME, "the last change", "no event of an order", "o.updated_at"),
        ),
        "orders o",
    ),
    ViewSpec(
        LINES,
        (
            _id("account_id", "the customer", "o.customer_id"),
            _id("order_number", "the order", "o.number"),
            Column("position", Type.NUMBER, "the place in the order", "in any order", "l.position"),
            Column("quantity", Type.NUMBER, "how many", "no quantity", "l.quantity"),
            Column("description", Type.TEXT, "what", "", "l.description"),
        ),
        "order_lines l JOIN orders o ON o.id = l.order_id",
        is_required=False,
    ),
    ViewSpec(
        INVOICES,
        (
            _id("account_id", "the customer", "i.customer_id"),
            _id("number", "unique in the account", "i.number"),
            Column("date", Type.DAY, "the newest comes first", "", "i.date"),
            Column("due_date", Type.DAY, "until when it is to be paid", "no line, no reminder", "i.due_date"),
            Column("amount", Type.NUMBER, "the total; negative for a credit note", "", "i.total"),
            Column("balance", Type.NUMBER, "what is still to be paid; 0 when paid", "", "i.total - i.paid"),
            Column("currency", Type.TEXT, "three letters", "CAD", "'CAD'"),
            Column("paid_on", Type.DAY, "when the last part was paid", "no event invoice.paid", "i.paid_on"),
            Column("order_number", Type.ID, "the order that it belongs to", "no button to the order", "o.number"),
            Column("url", Type.TEXT, _URL, "no button", "'https://portal.example.com/invoices/' || i.id"),
            Column("status", Type.TEXT, "open, paid, cancelled or credited", "paid at balance 0", "i.status"),
            Column("kind", Type.TEXT, "invoice or credit_note", "by the sign of the amount", "i.kind"),
            Column("payment_reference", Type.TEXT, "shown while it is to be paid", _NO_LINE, "i.reference"),
            Column("pdf", Type.TEXT, "for {pdf} in ODOBOT_PORTAL_PDF", "a template without {pdf}", "i.pdf_file"),
            Column("issued_at", Type.TIME, "when the customer may see it", "created_at", "i.issued_at"),
            Column("created_at", Type.TIME, "when it was made", "issued_at", "i.created_at"),
            Column("updated_at", Type.TIME, "the last change", "no event of an invoice", "i.updated_at"),
        ),
        "invoices i LEFT JOIN orders o ON o.id = i.order_id",
    ),
)
"""The views in the order of the skeleton."""

SPECS = {view.name: view for view in VIEWS}
