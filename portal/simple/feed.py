"""An event feed that is made of what changed since a time.

Changes do not appear in the order of their times: a transaction that began earlier may be committed later. So each read
starts some minutes before the newest change that was reported, and the cursor names those that were reported already.
"""

import datetime
import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from pydantic import AwareDatetime

from portal.events import MOST_EVENTS, Event, EventPage, FeedCursor, read_cursor
from portal.simple.rows import read_in_steps

MOST_CHANGES = 100_000
MOST_REPORTED = 1000
"""The most changes that a cursor names, of 8 characters each: with more in the overlap, it is shorter."""
_KEY = 8
"""Characters of an event's id that name it in a cursor: 48 bits."""


@dataclass(frozen=True, slots=True)
class Change:
    """Something that changed in a small system.

    Attributes:
        at: When, to the second at least, as a time or its RFC 3339 text; without a zone it is in UTC. A change in the
            future is reported when its time comes.
        type: One of ``portal.events.EventType``, such as ``invoice.issued``.
        account_id: Whose.
        number: Of the order or invoice; None where it is about a contact or an account.
        contact_id: For one contact of the account; None for all.
    """

    at: datetime.datetime | str
    type: str
    account_id: str
    number: str | None = None
    contact_id: str | None = None


class _Position(FeedCursor):
    """A position in the feed.

    Attributes:
        since: The time from which changes are read.
        after: The id of the last event with that time that is not read again; empty to read all of them.
        reported: The events after that position that were reported already, by the first characters of their ids.
    """

    version: Literal[1] = 1
    since: AwareDatetime
    after: str = ""
    reported: tuple[str, ...] = ()


async def read_feed(
    read_changes: Callable[[datetime.datetime], Awaitable[Iterable[object]]],
    after: str | None,
    limit: int,
    *,
    of: str,
    now: datetime.datetime,
    overlap: datetime.timedelta,
) -> EventPage:
    """Read a page of the feed; see ``Portal.events``.

    Args:
        read_changes: Returns the changes from a time on, in any order.
        after: A cursor, or None to start at now.
        limit: The most events.
        of: The name of the system, which its cursors have.
        now: The present.
        overlap: How long before the newest reported change the next read starts.
    """
    if not after:
        since = now - overlap
        events = await _events(await read_changes(since), now)
        start = _Position(of=of, since=since)
        return EventPage(items=(), cursor=_moved(start, _from(start, events), overlap).written())
    position = read_cursor(_Position, after, of)
    events = _from(position, await _events(await read_changes(position.since), now))
    reported = set(position.reported)
    new = [event for event in events if event.id[:_KEY] not in reported][: max(1, min(limit, MOST_EVENTS))]
    if not new:
        return EventPage(items=(), cursor=after)
    reported |= {event.id[:_KEY] for event in new}
    known = [event for event in events if event.id[:_KEY] in reported]
    return EventPage(items=tuple(new), cursor=_moved(position, known, overlap).written())


def _moved(position: _Position, reported: Sequence[Event], overlap: datetime.timedelta) -> _Position:
    """Return the position after ``reported``, every event from ``position`` on that was reported, in their order.

    No event that was not reported is before it: those were reported in their order, so they are older.
    """
    since, after = position.since, position.after
    if reported and reported[-1].occurred_at - overlap > since:
        since, after = reported[-1].occurred_at - overlap, ""
    kept = [event for event in reported if _place(event) > (since, after)]
    if len(kept) > MOST_REPORTED:
        since, after = _place(kept[-MOST_REPORTED - 1])
        kept = kept[-MOST_REPORTED:]
    return _Position(of=position.of, since=since, after=after, reported=tuple(event.id[:_KEY] for event in kept))


def _from(position: _Position, events: Iterable[Event]) -> list[Event]:
    return [event for event in events if _place(event) > (position.since, position.after)]


def _place(event: Event) -> tuple[datetime.datetime, str]:
    return event.occurred_at, event.id


async def _events(changes: Iterable[object], now: datetime.datetime) -> list[Event]:
    """Return the changes up to now as events, each once, in a stable order. One that cannot be read is left out."""
    rows = [_event_fields(change) for change in changes]
    events = [_with_id(event) for event in await read_in_steps(Event, rows) if event is not None]
    return sorted({event.id: event for event in events if event.occurred_at <= now}.values(), key=_place)


def _event_fields(change: object) -> object:
    fields: Mapping[str, Any] | object = asdict(change) if isinstance(change, Change) else change
    return {**fields, "id": "-", "occurred_at": fields.get("at")} if isinstance(fields, Mapping) else fields


def _with_id(event: Event) -> Event:
    """Return the event with an id that is the same each time that the change is read."""
    facts = (event.occurred_at.isoformat(), event.type, event.account_id, event.number, event.contact_id)
    digest = hashlib.sha256(repr(facts).encode()).digest()
    return event.model_copy(update={"id": urlsafe_b64encode(digest[:18]).decode()})
