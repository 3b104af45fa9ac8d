"""The event feed: rows that changed, read from a cursor on, by ``updated_at`` and the row's key.

A transaction may commit a row whose ``updated_at`` is older than rows that were read already. So the position of the
cursor only passes rows that are older than two minutes, and the cursor names the events of the rows behind it that were
reported. Where many rows change at once, only some are reported before they are two minutes old, for a short cursor.
"""

import datetime
import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import Select, and_, or_, select

from portal.errors import PortalBroken
from portal.events import MOST_EVENTS, EventPage, FeedCursor, read_cursor
from portal.sql.conditions import Condition, exact, exact_value
from portal.sql.database.pool import Reading, SqlDatabase
from portal.sql.events.news import RawEvent, contact_news, invoice_news, order_news
from portal.sql.inspection import Row, View
from portal.sql.times import from_moment, moment, moment_value, now, read_moment
from portal.sql.views import ACCESS, INVOICES, ORDERS

_IN_FLIGHT = datetime.timedelta(minutes=2)
"""How long a transaction may take from its ``updated_at`` to its commit."""
_MOST_TOLD = 100
"""The most events of a view that the cursor names."""
_AT, _KEYS = "feed_at", ("feed_key_1", "feed_key_2")

_News = Callable[[Row, datetime.datetime, datetime.datetime], list[RawEvent]]
_STREAMS: dict[str, tuple[tuple[str, str], _News]] = {
    INVOICES: (("account_id", "number"), invoice_news),
    ORDERS: (("account_id", "number"), order_news),
    ACCESS: (("contact_id", "account_id"), contact_news),
}
"""The views that are read, each with the columns of its key, and the events of a changed row."""


class Position(BaseModel):
    """A position in the changes of one view.

    Attributes:
        begun: When the feed was begun: what was issued long before is not new.
        at: The ``updated_at`` of the last row that was passed.
        key: The key of that row.
        told: The events behind that position that were reported, as short digests.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    begun: AwareDatetime
    at: AwareDatetime
    key: tuple[str, str] = ("", "")
    told: tuple[str, ...] = ()


class SqlCursor(FeedCursor):
    """The positions in all views of a database, by the view's name."""

    views: dict[str, Position] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Change:
    """A changed row, in its place, and the events that it is told by."""

    at: datetime.datetime
    key: tuple[str, str]
    events: dict[str, RawEvent]
    """By the digest of their id."""


class SqlFeed:
    """Reads the feed of one database. A view without ``updated_at`` has no events."""

    def __init__(self, database: SqlDatabase) -> None:
        self._database = database
        self._of = _digest(f"{database.dialect.value} {database.name}")

    async def read(self, after: str | None, limit: int) -> EventPage:
        """See ``Portal.events``."""
        cursor = read_cursor(SqlCursor, after, self._of) if after else SqlCursor(of=self._of)
        most = max(1, min(limit, MOST_EVENTS))

        async def work(reading: Reading) -> EventPage:
            events: list[RawEvent] = []
            positions: dict[str, Position] = {}
            for name in _STREAMS:
                view = reading.view(name)
                if not view.has("updated_at"):
                    continue
                known = cursor.views.get(name)
                if known is None:
                    positions[name] = await _start(reading, view)
                elif len(events) < most:
                    new, positions[name] = await _changed(reading, view, known, most - len(events))
                    events += new
                else:
                    positions[name] = known
            return EventPage.model_validate(
                {"items": events, "cursor": SqlCursor(of=self._of, views=positions).written()}
            )

        return await self._database.read("events", work)


async def _start(reading: Reading, view: View) -> Position:
    """Return the position of the present: what changed in the last two minutes counts as reported."""
    present = await _now(reading, view)
    position = Position(begun=present, at=present - _IN_FLIGHT)
    told = [digest for change in await _changes(reading, view, position, 10 * _MOST_TOLD) for digest in change.events]
    if len(told) <= _MOST_TOLD:
        return position.model_copy(update={"told": tuple(told)})
    last = await reading.rows(view, _selected(view).order_by(*(each.desc() for each in _order(view))), 1)
    newest = _change(view, last[0], present)
    return Position(begun=present, at=newest.at, key=newest.key)


async def _changed(reading: Reading, view: View, position: Position, limit: int) -> tuple[list[RawEvent], Position]:
    """Return up to ``limit`` events after the position, and the position after them."""
    horizon = await _now(reading, view) - _IN_FLIGHT
    told, most = set(position.told), limit + len(position.told) + 1
    changes = await _changes(reading, view, position, most)
    events: list[RawEvent] = []
    kept: list[str] = []
    at, key = position.at, position.key
    passes, is_end = True, len(changes) < most
    for change in changes:
        passes = passes and change.at <= horizon
        if not passes and len(kept) + len(change.events) > _MOST_TOLD:
            is_end = False
            break
        new = [digest for digest in change.events if digest not in told]
        taken = new[: limit - len(events)]
        events += [change.events[digest] for digest in taken]
        is_whole = len(taken) == len(new)
        if passes and is_whole:
            at, key = change.at, change.key
            continue
        kept += [digest for digest in change.events if digest in told or digest in taken]
        passes = False
        if not is_whole:
            is_end = False
            break
    if not is_end:  # the rows of the others were not reached
        kept += [digest for digest in position.told if digest not in kept]
    return events, Position(begun=position.begun, at=at, key=key, told=tuple(kept[: 2 * _MOST_TOLD]))


async def _changes(reading: Reading, view: View, position: Position, most: int) -> list[_Change]:
    statement = _selected(view).where(_after(view, position)).order_by(*_order(view))
    return [_change(view, row, position.begun) for row in await reading.rows(view, statement, most)]


def _change(view: View, row: Row, begun: datetime.datetime) -> _Change:
    at = read_moment(row[_AT])
    if at is None:
        raise PortalBroken(f"{view.name}.updated_at: expected a date and time")
    first, second = (value.decode() if isinstance(value, bytes) else str(value) for value in map(row.get, _KEYS))
    news = _STREAMS[view.name][1](row, at, begun)
    return _Change(at, (first, second), {_digest(event["id"]): event for event in news})


def _selected(view: View) -> Select[Any]:
    at, *keys = _order(view)
    return view.select().add_columns(at.label(_AT), *(key.label(name) for key, name in zip(keys, _KEYS, strict=True)))


def _order(view: View) -> Sequence[Any]:
    return [moment(view, "updated_at"), *(exact(view, name) for name in _STREAMS[view.name][0])]


def _after(view: View, position: Position) -> Condition:
    at, first, second = _order(view)
    value = moment_value(view, "updated_at", position.at)
    key = [exact_value(view, text) for text in position.key]
    later_key = or_(first > key[0], and_(first == key[0], second > key[1]))
    has_key = and_(*(view[name].is_not(None) for name in _STREAMS[view.name][0]))
    return and_(from_moment(view, "updated_at", position.at), or_(at > value, and_(at == value, later_key)), has_key)


async def _now(reading: Reading, view: View) -> datetime.datetime:
    found = read_moment(await reading.value(view, select(now(view.dialect))))
    if found is None:
        raise PortalBroken("events: the database's time cannot be read")
    return found


def _digest(text: str) -> str:
    """Return 8 characters that tell a few hundred texts apart."""
    return urlsafe_b64encode(hashlib.sha256(text.encode()).digest()[:6]).decode()
