"""The checks of the event feed."""

import datetime

from portal.conformance.check import (
    Check,
    NothingToCheck,
    NotTested,
    Subject,
    expect,
    expect_error,
    random_word,
    register_in,
)
from portal.errors import NOT_YET_FOR, CursorTooOld, Forbidden, NotFound, PortalRefused
from portal.events import Event, EventType
from portal.models import Part

FEED_CHECKS: list[Check] = []
_check = register_in(FEED_CHECKS)
_LIMIT = 3
_MOST_PAGES = 12
_MOST_EVENTS_READ = 10
_PARTS: dict[str, Part] = {
    EventType.INVOICE_ISSUED: Part.INVOICES,
    EventType.INVOICE_PAID: Part.INVOICES,
    EventType.INVOICE_CHANGED: Part.INVOICES,
    EventType.ORDER_CREATED: Part.ORDERS,
    EventType.ORDER_ENDING: Part.ORDERS,
    EventType.ORDER_CHANGED: Part.ORDERS,
}
"""What an event is about. A cancelled invoice may be no longer shown."""
_NO_EVENT = "nothing happened during the check: give --cursor, one that the feed gave some time ago"


@_check
async def feed_from_now(subject: Subject) -> None:
    """The feed starts at now: without a cursor it gives one and no event, and goes on from it."""
    now = await subject.portal.events(None, 10)
    expect(not now.items, "events came without a cursor")
    expect(bool(now.cursor), "the cursor is empty")
    later = await subject.portal.events(now.cursor, 10)
    expect(bool(later.cursor), "the cursor is empty")


@_check
async def feed_from_nowhere(subject: Subject) -> None:
    """A cursor that the portal never gave out is refused: 410 or 422."""
    await expect_error(subject.portal.events(random_word(), 10), (CursorTooOld, PortalRefused), "it was taken")


@_check
async def feed_moves(subject: Subject) -> None:
    """The feed gives each event once, at most as many as asked for, and its cursor moves on."""
    await _events(subject)
    again = [await subject.portal.events(subject.cursor, _LIMIT) for _ in range(2)]
    first, second = ([event.id for event in page.items] for page in again)
    same = all(one == other for one, other in zip(first, second, strict=False))
    expect(same, "the same cursor gives other events when it is read again")


async def _events(subject: Subject) -> list[Event]:
    """Return the events after the subject's cursor, at most 36; raises ``NotTested`` where there are none."""
    events: list[Event] = []
    cursor, cursors = subject.cursor, {subject.cursor}
    if not cursor:
        raise NotTested("the feed gave no cursor")
    for _ in range(_MOST_PAGES):
        page = await subject.portal.events(cursor, _LIMIT)
        expect(page.received <= _LIMIT, "more events came than were asked for")
        expect(not page.unreadable, "an event breaks the contract")
        if page.received:
            expect(page.cursor not in cursors, "the cursor stands still, or goes back")
        events += page.items
        expect(len({event.id for event in events}) == len(events), "an event came twice")
        if page.cursor == cursor or 0 < page.received < _LIMIT:
            break
        cursor = page.cursor
        cursors.add(cursor)
    if not events:
        raise NotTested(_NO_EVENT)
    return events


@_check
async def events_have_papers(subject: Subject) -> None:
    """The order or invoice of an event can be read when the event comes."""
    events = await _events(subject)
    readers = {each.reader.account_id: each for each in (*subject.own, *subject.others)}
    read = late = 0
    for event in events[-_MOST_EVENTS_READ:]:
        if (part := _PARTS.get(event.type)) is None:
            continue
        expect(event.number is not None, "an event about an order or invoice names none")
        contents = readers.get(event.account_id)
        if contents is None or part not in contents.parts or event.number is None:
            continue
        read += 1
        ask = subject.portal.order if part is Part.ORDERS else subject.portal.invoice
        try:
            await ask(contents.reader, event.number)
        except (NotFound, Forbidden):
            is_new = datetime.datetime.now(datetime.UTC) - event.occurred_at < NOT_YET_FOR
            expect(is_new, "one that an event named over 6 hours ago cannot be read")
            late += 1
    if late:
        raise NotTested("an event came before its order or invoice could be read, which 6 hours are allowed for")
    if not read:
        raise NothingToCheck("no event is about an order or invoice of these persons")
