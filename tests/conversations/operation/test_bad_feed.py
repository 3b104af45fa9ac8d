"""A hostile or broken feed: bad events are skipped, the others told once, and a feed that stands still costs little."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import httpx
import pytest
from structlog.testing import capture_logs

from portal.events import Event, EventPage, EventType
from sandbox.portal.faults import Fault, FaultKind
from sandbox.portal.http.feed_tampering import BAD_EVENTS
from services.notices.feed_reader import FeedReader
from storage import chats
from storage.database import Database
from storage.linking import links
from storage.linking.links import NewLink
from storage.notices import feed, subscriptions
from storage.tables import Kind, State
from tests.conversations.notices.test_notices import FLEET, PATIENCE, notices, subscribe, until
from tests.scene import Scene
from tests.storage import EMAIL, NOW, later

FEED = "/v1/events"


async def readiness(scene: Scene) -> list[str]:
    async with httpx.AsyncClient(trust_env=False) as client:
        return list((await client.get(f"{scene.admin_url}/readyz")).json()["reasons"])


async def metric(scene: Scene, name: str) -> float:
    """Return the sum of a metric over its labels."""
    async with httpx.AsyncClient(trust_env=False) as client:
        text = (await client.get(f"{scene.admin_url}/metrics")).text
    lines = [line for line in text.splitlines() if line.startswith((f"{name} ", f"{name}{{"))]
    return sum(float(line.rpartition(" ")[2]) for line in lines)


async def eventually(look: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(50):
        while not await look():  # noqa: ASYNC110
            await asyncio.sleep(0.05)


def reads(scene: Scene) -> int:
    return scene.portal.log.counts["events"]


async def test_bad_events_are_skipped_and_counted(scene: Scene) -> None:
    """Each malformed event is left out by itself; the right one on the same page is told, once."""
    camille = await scene.linked(notices=True)
    scene.portal.faults.set(Fault(FaultKind.BAD_EVENTS, path=FEED))
    with capture_logs() as logs:
        scene.portal.portal.issue_invoice("a-2001", amount="40.19", number="212381")
        await camille.wait_for_message("212381", new=True, timeout=PATIENCE)
    assert await metric(scene, "odobot_feed_malformed") == BAD_EVENTS
    malformed = [line for line in logs if line["event"] == "feed.event_malformed"]
    assert sorted(place for line in malformed for place in line["places"]) == list(range(BAD_EVENTS))
    assert sum(line["events"] for line in malformed) == BAD_EVENTS
    assert {"id", "type", "occurred_at", "account_id", "contact_id", "number", "no object"} == {
        line["reason"] for line in malformed
    }
    scene.portal.portal.issue_invoice("a-2001", amount="40.19", number="212382")
    await camille.wait_for_message("212382", new=True, timeout=PATIENCE)
    assert len(notices(camille, "212381")) == len(notices(camille, "212382")) == 1
    assert await metric(scene, "odobot_feed_failures") == 0


async def test_ids_and_numbers_may_be_numbers(scene: Scene) -> None:
    camille = await scene.linked(notices=True)
    scene.portal.faults.set(Fault(FaultKind.NUMERIC_EVENTS, path=FEED))
    scene.portal.portal.issue_invoice("a-2001", amount="40.19", number="212381")
    notice = await camille.wait_for_message("212381", new=True, timeout=PATIENCE)
    assert "Nouvelle facture" in notice.text
    assert await metric(scene, "odobot_feed_malformed") == 0


@pytest.mark.parametrize(
    "body",
    [
        '{"cursor": "c"}', '{"items": {}, "cursor": "c"}', '{"items": null, "cursor": "c"}', '{"items": []}',
        '{"items": [], "cursor": null}', '{"items": [], "cursor": 7}', '{"items": [], "cursor": ""}',
        '{"items": [], "cursor": "a\\u0000b"}', f'{{"items": [], "cursor": "{"c" * 5000}"}}', "[]", "null",
    ],
)  # fmt: skip
async def test_answer_that_is_no_page_loses_no_place(scene: Scene, body: str) -> None:
    camille = await scene.linked(notices=True)
    async with scene.components.database.read() as session:
        before = await feed.position(session)
    scene.portal.faults.set(Fault(FaultKind.NO_EVENT_PAGE, path=FEED, body=body))
    scene.portal.portal.issue_invoice("a-2001", amount="40.19", number="212381")

    async def has_failed() -> bool:
        return await metric(scene, "odobot_feed_failures") >= 1

    await eventually(has_failed)
    async with scene.components.database.read() as session:
        assert before is not None
        assert (await feed.position(session) or before).cursor == before.cursor
    scene.portal.faults.clear()
    await camille.wait_for_message("212381", new=True, timeout=PATIENCE)


@pytest.mark.parametrize(
    "kind", [FaultKind.SAME_CURSOR, FaultKind.CURSOR_CYCLE, FaultKind.EMPTY_PAGES, FaultKind.HUGE_PAGE]
)
async def test_a_feed_that_stands_still(scene: Scene, kind: FaultKind) -> None:
    """It is read at the usual interval, shown in readiness and metrics, and goes on when the portal does."""
    camille = await scene.linked(notices=True)

    async def is_begun() -> bool:
        async with scene.components.database.read() as session:
            return await feed.position(session) is not None

    await eventually(is_begun)

    async def is_stuck() -> bool:
        return await metric(scene, "odobot_feed_stuck") == 1

    with capture_logs() as logs:
        scene.portal.faults.set(Fault(kind, path=FEED))
        for number in range(100):
            scene.portal.portal.issue_invoice("a-2001", amount="40.19", number=f"9{number:05}")
        await eventually(is_stuck)
        reasons = await readiness(scene)
        assert any("feed: does not advance" in reason for reason in reasons), reasons
        count = reads(scene)
        await asyncio.sleep(2)
        assert reads(scene) - count <= 100, "webhooks wake it, at most once each"
    assert len([line for line in logs if line["event"] == "feed.stuck"]) == 1
    scene.portal.faults.clear()
    scene.portal.portal.issue_invoice("a-2001", amount="40.19", number="212382")
    scene.components.worker.read_now()
    await eventually(lambda: _is_not(is_stuck))
    await until(scene, lambda found: sum(n for (k, _), n in found.items() if k == Kind.INVOICE_ISSUED) == 101)
    assert camille.chat().visible


async def _is_not(look: Callable[[], Awaitable[bool]]) -> bool:
    return not await look()


async def test_a_410_of_a_proxy_loses_no_event(scene: Scene) -> None:
    """Only the portal's own 410 means that the cursor is too old, and that the feed starts at now."""
    camille = await scene.linked(notices=True)
    scene.portal.faults.set(Fault(FaultKind.PROXY_PAGE, path=FEED, status=410))
    scene.portal.portal.issue_invoice("a-2001", amount="40.19", number="990410")
    before = len(scene.portal.log.entries)
    scene.components.worker.read_now()
    await eventually(lambda: _was_asked(scene, before))
    scene.portal.faults.clear()
    scene.components.worker.read_now()
    await camille.wait_for_message("990410", new=True, timeout=PATIENCE)


async def _was_asked(scene: Scene, before: int) -> bool:
    return any("events" in entry.path for entry in list(scene.portal.log.entries)[before:])


async def test_a_refused_cursor_again_and_again(scene: Scene) -> None:
    """The feed starts at now each time, and readiness tells that the portal refuses its own cursor."""
    await scene.linked(notices=True)
    scene.portal.faults.set(Fault(FaultKind.CURSOR_GONE, path=FEED))

    async def is_stuck() -> bool:
        scene.components.worker.read_now()
        return await metric(scene, "odobot_feed_stuck") == 1

    await eventually(is_stuck)
    scene.portal.faults.clear()
    await eventually(lambda: _is_not(is_stuck))


@pytest.mark.parametrize("kind", [FaultKind.EVENTS_TWICE, FaultKind.EVENTS_REVERSED])
async def test_one_fact_under_two_ids_is_told_once(scene: Scene, kind: FaultKind) -> None:
    luc = await scene.linked(email=FLEET, notices=True)
    await subscribe(scene, luc, "Facture payée")
    scene.portal.faults.set(Fault(kind, path=FEED))
    scene.portal.portal.issue_invoice("a-2003", amount="40.19", number="990001")
    await luc.wait_for_message("990001", new=True, timeout=PATIENCE)
    scene.portal.portal.mark_paid("a-2003", "990001")
    await luc.wait_for_message("payée", new=True, timeout=PATIENCE)
    await until(scene, lambda found: found[(Kind.INVOICE_PAID, State.SENT)] == 1)
    assert len(notices(luc, "990001")) == 2
    assert await metric(scene, "odobot_feed_repeated") == (2 if kind is FaultKind.EVENTS_TWICE else 0)


def event(event_id: str, *, kind: Kind = Kind.INVOICE_ISSUED, hours: float = 0, number: str = "1") -> Event:
    return Event(id=event_id, type=kind, occurred_at=later(hours=hours), account_id="a-2001", number=number)


class PagePortal:
    """A portal whose feed has the pages that a test puts there. Its other calls are not used."""

    def __init__(self) -> None:
        self.pages: list[EventPage] = []

    async def events(self, after: str | None, _limit: int) -> EventPage:
        if after is None or not self.pages:
            return EventPage(items=(), cursor=after or "start")
        return self.pages.pop(0)


def page_of(cursor: str, *events: Event) -> EventPage:
    """Return a page whose events are not validated, as poison that is found later."""
    return EventPage(items=(), cursor=cursor).model_copy(update={"items": events})


async def reading(database: Database, portal: PagePortal) -> FeedReader:
    """Return a reader that has its first cursor; a chat is linked, and subscribed to everything but reminders."""
    async with database.write() as session:
        await links.add_links(session, 1, "C", [NewLink("c", "a-2001", "Client", frozenset({"orders"}), EMAIL)], NOW)
        link = (await feed.affected_links(session, {"a-2001"}))["a-2001"][0]
        kinds = {Kind.INVOICE_ISSUED, Kind.INVOICE_PAID, Kind.ORDER_CREATED, Kind.ORDER_ENDING}
        await subscriptions.set_subscriptions(session, 1, [link.link_id], kinds, on=True)
    reader = FeedReader(database, portal, lambda: NOW)  # type: ignore[arg-type]
    assert await reader.read() == 0
    return reader


@pytest.mark.parametrize("poison", ["\ud800", "\x00"])
async def test_an_event_that_the_database_refuses(database: Database, poison: str) -> None:
    """The page is read event by event, and the bad one is skipped. SQLite takes NUL, PostgreSQL does not."""
    portal = PagePortal()
    reader = await reading(database, portal)
    bad = event("bad").model_copy(update={"number": poison})
    portal.pages = [page_of("x", event("e1"), bad, event("e2", number="2"))]
    is_refused = poison != "\x00" or not database.is_sqlite
    assert await reader.read() == (2 if is_refused else 3)
    assert reader.counters.malformed == ({"not storable": 1} if is_refused else {})
    portal.pages = [page_of("y", event("e2", number="2"), bad, event("e3", number="3"))]
    assert await reader.read() == 1
    async with database.read() as session:
        position = await feed.position(session)
    assert position is not None
    assert position.cursor == "y"


async def test_a_database_that_is_away_skips_nothing(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    portal = PagePortal()
    reader = FeedReader(database, portal, lambda: NOW)  # type: ignore[arg-type]
    assert await reader.read() == 0
    portal.pages = [EventPage(items=(event("e1"),), cursor="x")]

    async def refuse(*_: object) -> None:
        raise ConnectionRefusedError

    with monkeypatch.context() as patch:
        patch.setattr("services.notices.feed_reader.record_events", refuse)
        with pytest.raises(ConnectionRefusedError):
            await reader.read()
    async with database.read() as session:
        position = await feed.position(session)
    assert position is not None
    assert position.cursor == "start"
    assert reader.counters.malformed == {}


async def test_a_feed_that_goes_back_warns_once(database: Database) -> None:
    """Short pages with old events under cursors that go back: nobody is told twice, and readiness shows it."""
    portal = PagePortal()
    reader = await reading(database, portal)
    portal.pages = [page_of("x", event("e1"))]
    assert await reader.read() == 1
    with capture_logs() as logged:
        for cursor in ("start", "x", "start"):
            portal.pages = [page_of(cursor, event("e1"))]
            assert await reader.read() == 0
            assert reader.counters.stuck
    assert [line["event"] for line in logged].count("feed.stuck") == 1
    portal.pages = [page_of("y", event("e1"), event("e2", number="2"))]
    assert await reader.read() == 1
    assert not reader.counters.stuck


async def test_change_events_are_known_and_queue_nothing(database: Database) -> None:
    """A changed contact's link is confirmed before its next use; the other changes are seen when they are read."""
    portal = PagePortal()
    reader = await reading(database, portal)
    changes = [EventType.INVOICE_CHANGED, EventType.INVOICE_CANCELLED, EventType.ORDER_CHANGED]
    events = [event(f"e-{kind}").model_copy(update={"type": kind}) for kind in changes]
    moved = event("e-contact").model_copy(update={"type": "contact.changed", "contact_id": "c", "account_id": "a-9"})
    portal.pages = [page_of("x", *events, moved)]
    assert await reader.read() == 0
    assert not reader.counters.skipped
    async with database.read() as session:
        [link] = (await chats.load(session, 1)).links
    assert link.confirmed_at is None


REPETITIONS = [
    (Kind.INVOICE_ISSUED, 0.0, 0),
    (Kind.INVOICE_ISSUED, 24.0 * 80, 0),
    (Kind.INVOICE_ISSUED, 24.0 * 365, 1),
    (Kind.INVOICE_PAID, 1.0, 0),
    (Kind.INVOICE_PAID, -1.0, 0),
    (Kind.INVOICE_PAID, 24.0, 1),
    (Kind.ORDER_CREATED, 24.0, 0),
    (Kind.ORDER_ENDING, 1.0, 0),
    (Kind.ORDER_ENDING, 24.0 * 23, 1),
]


@pytest.mark.parametrize(("kind", "hours", "told_again"), REPETITIONS)
async def test_which_event_is_a_repetition(database: Database, kind: Kind, hours: float, told_again: int) -> None:
    """It holds in one page and over two pages; an event of another invoice is never a repetition."""
    portal = PagePortal()
    reader = await reading(database, portal)
    first, second = event("e1", kind=kind), event("e2", kind=kind, hours=hours)
    portal.pages = [page_of("x", first, second, event("e3", kind=kind, number="2"))]
    assert await reader.read() == 2 + told_again
    portal.pages = [page_of("y", second.model_copy(update={"id": "e4"}))]
    assert await reader.read() == 0


async def test_events_for_two_contacts_are_no_repetition(database: Database) -> None:
    """A portal may report an invoice once per contact; each chat is told once."""
    portal = PagePortal()
    reader = await reading(database, portal)
    async with database.write() as session:
        await links.add_links(session, 2, "D", [NewLink("d", "a-2001", "Client", frozenset({"orders"}), EMAIL)], NOW)
        link = (await feed.affected_links(session, {"a-2001"}))["a-2001"][1]
        await subscriptions.set_subscriptions(session, 2, [link.link_id], {Kind.INVOICE_ISSUED}, on=True)
    of = {each: event(f"e-{each}").model_copy(update={"contact_id": each}) for each in ("c", "d")}
    portal.pages = [page_of("x", of["c"], of["d"], event("e-all"))]
    assert await reader.read() == 2


async def test_two_readers_tell_once(database: Database) -> None:
    """Two workers read the same page: each fact is recorded by one of them."""
    portals = PagePortal(), PagePortal()
    readers = [await reading(database, portals[0])]
    readers.append(FeedReader(database, portals[1], lambda: NOW))  # type: ignore[arg-type]
    for portal, event_id in zip(portals, ("e1", "e1-again"), strict=True):
        portal.pages = [page_of("x", event(event_id))]
    assert sum(await asyncio.gather(*(reader.read() for reader in readers))) == 1


async def test_many_events_leave_the_database_to_others(scene: Scene) -> None:
    """While a thousand events are read, a person's tap that writes is answered quickly."""
    camille = await scene.linked(notices=True)
    scene.portal.portal.generate(1000)
    scene.portal.portal.issue_monthly()
    scene.components.worker.read_now()
    slowest = 0.0
    for _ in range(5):
        began = time.monotonic()
        await scene.say(camille, "/avis")
        slowest = max(slowest, time.monotonic() - began)

    async def has_read() -> bool:
        return await metric(scene, "odobot_feed_events") >= 1000

    await eventually(has_read)
    assert slowest < 5
