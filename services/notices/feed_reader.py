"""Reads the portal's feed from a stored cursor, page by page, and has its events recorded."""

from collections import Counter
from collections.abc import Sequence

import structlog
from msgspec import Struct, field

from portal.client import Portal
from portal.errors import CursorTooOld, PortalBroken
from portal.events import Event, EventPage, EventType
from services.clock import Clock
from services.concurrency.uninterrupted import run_to_completion
from services.notices.event_recorder import DOCUMENT_TYPES, Recorded, is_recorded, record_events
from storage.database import Database
from storage.health.errors import is_value_error
from storage.notices import feed

_PAGE_SIZE = 100
_PAGES_WITHOUT_NEWS = 100
"""Pages in a row without a new event after which the reader pauses: a feed that goes back catches up at 10,000 events a
pause, and one that never ends costs 100 requests a pause."""
_LOGGED_PLACES = 20
_KNOWN_TYPES = set(EventType)
_NO_PAGE = "an answer of the feed is not of the contract"
_ONLY_OLD = "the feed repeats what was read before"
_CURSOR_REFUSED = "the portal refused the cursor that it gave last"

log = structlog.get_logger()


class FeedCounters(Struct):
    """What this process read of the feed since its start.

    Attributes:
        events: Events read.
        skipped: Events of unknown types, by type.
        malformed: Events that could not be read or stored, by reason: a field's name, ``no object``, ``too deep`` or
            ``not storable``.
        repeated: Deliveries that were not queued, because their recipients had one about the same fact.
        failures: Failed reads.
        stuck: Why the feed does not advance; empty while it does.
    """

    events: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    malformed: Counter[str] = field(default_factory=Counter)
    repeated: int = 0
    failures: int = 0
    stuck: str = ""


class FeedReader:
    """Reads the feed from the stored cursor. One transaction per page moves the cursor and writes the notices."""

    def __init__(self, database: Database, portal: Portal, clock: Clock) -> None:
        self._database = database
        self._portal = portal
        self._clock = clock
        self._was_refused = False
        self._page_size = _PAGE_SIZE
        self.counters = FeedCounters()

    async def read(self) -> int:
        """Read all new events.

        It stops, and sets ``counters.stuck``, where the cursor does not move or comes back, where an answer is no page,
        or where ``_PAGES_WITHOUT_NEWS`` pages, or all, have only events that were read before. The next call goes on.

        Returns:
            Number of queued deliveries.

        Raises:
            PortalError: The feed could not be read; the cursor stays after the last stored page.
        """
        queued = without_news = news = repeated = 0
        seen: set[str] = set()
        while True:
            position = await run_to_completion(self._load_position())
            cursor = position.cursor if position else None
            limit = self._page_size
            try:
                page = await self._portal.events(cursor, limit)
            except CursorTooOld:
                await self._restart(cursor)
                return queued
            except PortalBroken:
                self._page_size = max(1, limit // 10)  # the page may be over a limit
                self._set_stuck(_NO_PAGE)
                raise
            self._was_refused = False
            self._page_size = min(_PAGE_SIZE, limit * 10)
            if cursor is None:
                await run_to_completion(self._start(page))
                return queued
            seen.add(cursor)
            recorded = await run_to_completion(self._store_page(cursor, page))
            if recorded is None:
                continue
            queued += recorded.queued
            news, repeated = news + recorded.new, repeated + recorded.known
            without_news = 0 if recorded.new else without_news + 1
            if page.cursor in seen and (page.received or page.cursor != cursor):
                self._set_stuck("the cursor does not move" if page.cursor == cursor else "the cursor comes back")
                return queued
            if without_news == _PAGES_WITHOUT_NEWS:
                self._set_stuck(f"{_PAGES_WITHOUT_NEWS} pages had no new event")
                return queued
            # An empty page with a new cursor is not the end: the portal may leave events out after it took a page.
            if page.received < limit and (page.received or page.cursor == cursor):
                self._set_stuck(_ONLY_OLD if repeated and not news else "")
                return queued

    async def _load_position(self) -> feed.Position | None:
        async with self._database.read() as session:
            return await feed.position(session)

    async def _start(self, page: EventPage) -> None:
        """Start at the present. By the contract the page has no events; older ones are not told."""
        async with self._database.write() as session:
            await feed.advance(session, None, page.cursor, self._clock())

    async def _restart(self, refused: str | None) -> None:
        """Continue at the end of the feed after the portal refused the cursor: the events in between are lost."""
        page = await self._portal.events(None, _PAGE_SIZE)
        async with self._database.write() as session:
            if not await feed.advance(session, refused, page.cursor, self._clock()):
                return  # another reader has restarted
        if self._was_refused:
            self._set_stuck(_CURSOR_REFUSED)
        else:
            log.error("feed.cursor_too_old", reason="the portal's feed no longer reaches back; started at now")
        self._was_refused = True

    def _set_stuck(self, reason: str) -> None:
        """Log the change, once, from a feed that advances to one that does not, and back."""
        if reason and not self.counters.stuck:
            log.error("feed.stuck", reason=reason)
        elif self.counters.stuck and not reason:
            log.info("feed.moves_again")
        self.counters.stuck = reason

    async def _store_page(self, seen: str, page: EventPage) -> Recorded | None:
        """Move the cursor and record the page's events. Returns: None where another reader has moved the cursor."""
        events = [(index, event) for index, event in page.indexed() if _is_recordable(event)]
        try:
            recorded = await self._record(seen, page.cursor, [event for _, event in events])
        except Exception as error:
            if not is_value_error(error):
                raise
            recorded = await self._record_one_by_one(seen, page.cursor, events)
        if recorded is None:
            return None
        self.counters.events += page.received
        self.counters.repeated += recorded.repeated
        self._report_left_out(seen, page)
        return recorded

    async def _record(self, seen: str, cursor: str, events: Sequence[Event]) -> Recorded | None:
        """Move the cursor and record events, in one transaction. Returns: None where another reader moved it."""
        now = self._clock()
        async with self._database.write() as session:
            if not await feed.advance(session, seen, cursor, now):
                return None
            return await record_events(session, events, now)

    async def _record_one_by_one(self, seen: str, cursor: str, events: Sequence[tuple[int, Event]]) -> Recorded | None:
        """Record each event in a transaction of its own, skip those that cannot be stored, then move the cursor."""
        total = Recorded()
        failed: list[int] = []
        for index, event in events:
            try:
                recorded = await self._record(seen, seen, [event])
            except Exception as error:
                if not is_value_error(error):
                    raise
                failed.append(index)
                continue
            if recorded is None:
                return None
            total.new += recorded.new
            total.queued += recorded.queued
            total.repeated += recorded.repeated
            total.known += recorded.known
        if await self._record(seen, cursor, []) is None:
            return None
        self._report_malformed(seen, "not storable", failed)
        return total

    def _report_left_out(self, seen: str, page: EventPage) -> None:
        """Count and log the events that were not recorded. An event of an unknown type may have any fields."""
        places: dict[str, list[int]] = {}
        unknown = [event.type for event in page.items if event.type not in _KNOWN_TYPES]
        for each in page.unreadable:
            if each.type is not None and each.reason != "type" and each.type not in _KNOWN_TYPES:
                unknown.append(each.type)
            else:
                places.setdefault(each.reason, []).append(each.index)
        for index, event in page.indexed():
            if event.type in DOCUMENT_TYPES and event.number is None:
                places.setdefault("number", []).append(index)
        for event_type in unknown:
            self.counters.skipped[event_type[:50]] += 1
            log.warning("feed.event_skipped", type=event_type[:50])
        for reason, indexes in places.items():
            self._report_malformed(seen, reason, indexes)

    def _report_malformed(self, seen: str, reason: str, indexes: Sequence[int]) -> None:
        if indexes:
            self.counters.malformed[reason] += len(indexes)
            after, places = seen[:100], list(indexes[:_LOGGED_PLACES])
            log.error("feed.event_malformed", reason=reason, events=len(indexes), after=after, places=places)


def _is_recordable(event: Event) -> bool:
    """Whether the type is known, and an event about a document has its number."""
    return is_recorded(event.type) and (event.number is not None or event.type not in DOCUMENT_TYPES)
