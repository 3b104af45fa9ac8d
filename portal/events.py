"""The portal's event feed: events and their pages. Each event is read by itself, and a bad one is left out."""

import datetime
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)
from pydantic.json_schema import SkipJsonSchema

from portal.errors import CursorTooOld
from portal.fields import MOST_COUNT
from portal.models import PortalModel

MOST_EVENTS = 1000
_LONGEST_ID = 200
_LONGEST_NUMBER = 100
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d")
_UNSTORABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffd]")
"""Control characters, which PostgreSQL or a path refuses, and U+FFFD, which replaces bytes that could not be read."""


def _text(value: object) -> object:
    """Read an integer as its decimal text. Any other type is left to the validation of a text."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MOST_COUNT:
        return str(value)
    return value


def _storable(text: str) -> str:
    if _UNSTORABLE.search(text):
        raise ValueError("expected a text without control characters")
    return text


def _time(value: object) -> object:
    """Accept a date with a time of day only: pydantic would also read a number as seconds or milliseconds."""
    if isinstance(value, datetime.datetime) or (isinstance(value, str) and _TIME.match(value)):
        return value
    raise ValueError("expected a date and a time of day")


def _in_utc(at: datetime.datetime) -> datetime.datetime:
    """Convert to UTC; a time without a zone is in UTC. Reject times that arithmetic with zones and days overflows."""
    if not 1970 <= at.year <= 9000:
        raise ValueError("expected a time between 1970 and 9000")
    return at.replace(tzinfo=datetime.UTC) if at.tzinfo is None else at.astimezone(datetime.UTC)


_Id = Annotated[str, Field(min_length=1, max_length=_LONGEST_ID), BeforeValidator(_text), AfterValidator(_storable)]
_Number = Annotated[
    str, Field(min_length=1, max_length=_LONGEST_NUMBER), BeforeValidator(_text), AfterValidator(_storable)
]


class EventType(StrEnum):
    """The types of events of API version 1 and its additions. ``Event.type`` may have others, which are skipped."""

    INVOICE_ISSUED = "invoice.issued"
    INVOICE_PAID = "invoice.paid"
    INVOICE_CHANGED = "invoice.changed"
    """Its due date, balance or status is another one: a payment was withdrawn, for example."""
    INVOICE_CANCELLED = "invoice.cancelled"
    ORDER_CREATED = "order.created"
    ORDER_ENDING = "order.ending"
    ORDER_CHANGED = "order.changed"
    CONTACT_CHANGED = "contact.changed"
    """The contact's address, name, access or accounts; without a contact: the account's name."""
    CONTACT_REMOVED = "contact.removed"
    ACCOUNT_CLOSED = "account.closed"


class Event(PortalModel):
    """An event of the portal's feed; without ``contact_id`` it is for every contact of the account."""

    id: _Id
    type: Annotated[str, Field(min_length=1, max_length=_LONGEST_ID), AfterValidator(_storable)]
    occurred_at: Annotated[datetime.datetime, BeforeValidator(_time), AfterValidator(_in_utc)]
    account_id: _Id
    contact_id: _Id | None = None
    number: _Number | None = None


@dataclass(frozen=True, slots=True)
class UnreadableEvent:
    """An event that breaks the contract.

    Attributes:
        index: Its place in the page, from 0.
        reason: The first invalid field, or ``no object``.
        type: Its type where that is a text, else None.
    """

    index: int
    reason: str
    type: str | None


class EventPage(PortalModel):
    """A page of the event feed, and the opaque cursor of the next one.

    ``items`` may be given as events or as JSON objects. Events that cannot be read are listed in ``unreadable``.
    """

    items: Annotated[tuple[Event, ...], Field(max_length=MOST_EVENTS)]
    cursor: Annotated[str, Field(min_length=1), AfterValidator(_storable)]
    unreadable: SkipJsonSchema[tuple[UnreadableEvent, ...]] = ()

    @model_validator(mode="wrap")
    @classmethod
    def _read_each(cls, data: object, read: ModelWrapValidatorHandler["EventPage"]) -> "EventPage":
        given = data.get("items") if isinstance(data, dict) else None
        if not isinstance(data, dict) or not isinstance(given, list | tuple) or len(given) > MOST_EVENTS:
            return read(data)
        events: list[Event] = []
        unreadable: list[UnreadableEvent] = []
        for index, item in enumerate(given):
            try:
                events.append(Event.model_validate(item))
            except (ValidationError, RecursionError) as error:
                unreadable.append(_unreadable(index, item, error))
        return read({**data, "items": tuple(events), "unreadable": tuple(unreadable)})

    @property
    def received(self) -> int:
        """The number of events that the portal sent, readable or not."""
        return len(self.items) + len(self.unreadable)

    def indexed(self) -> list[tuple[int, Event]]:
        """Return the readable events, each with its place in the page."""
        bad = {each.index for each in self.unreadable}
        return list(zip((index for index in range(self.received) if index not in bad), self.items, strict=True))


def _unreadable(index: int, item: Any, error: Exception) -> UnreadableEvent:
    if not isinstance(item, dict):
        return UnreadableEvent(index, "no object", None)
    kind = item.get("type")
    reason = "too deep"
    if isinstance(error, ValidationError):
        places = error.errors(include_input=False, include_url=False, include_context=False)
        reason = str(next((place["loc"][0] for place in places if place["loc"]), "no object"))
    return UnreadableEvent(index, reason, kind if isinstance(kind, str) else None)


class FeedCursor(BaseModel):
    """The base of an adapter's own position in a feed, which it writes into an opaque cursor.

    ``of`` names the system that the position belongs to: a cursor of another system is refused.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    of: str

    def written(self) -> str:
        """Return the cursor: JSON in URL-safe base64."""
        return urlsafe_b64encode(self.model_dump_json().encode()).decode().rstrip("=")


CursorT = TypeVar("CursorT", bound=FeedCursor)


def read_cursor(model: type[CursorT], cursor: str, of: str) -> CursorT:
    """Read what ``FeedCursor.written`` wrote.

    Args:
        model: The class of the position.
        cursor: Any text, from the bot's database.
        of: The system that the position has to belong to.

    Raises:
        CursorTooOld: the text is no cursor of this system, so that the bot starts at now.
    """
    try:
        found = model.model_validate_json(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except ValueError:
        found = None
    if found is None or found.of != of:
        raise CursorTooOld("the cursor is not one of this system")
    return found
