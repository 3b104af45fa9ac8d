"""The feed that is made of changes: each is reported once, none is lost, and cursors are of one system."""

import asyncio
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from structlog.testing import capture_logs

from portal.errors import CursorTooOld, PortalBroken
from portal.events import Event
from portal.simple.feed import MOST_REPORTED, Change
from tests.portal.simple.shop import NOW, Shop, ShopPortal, small_shop

KIND = "invoice.issued"


async def read_all(portal: ShopPortal, cursor: str, limit: int = 100) -> tuple[list[Event], str]:
    """Read pages until one is short, as the bot does."""
    events: list[Event] = []
    while True:
        page = await portal.events(cursor, limit)
        events += page.items
        assert len(page.items) <= limit
        cursor = page.cursor
        if len(page.items) < limit:
            return events, cursor


async def start(portal: ShopPortal) -> str:
    page = await portal.events(None, 100)
    assert page.items == ()
    return page.cursor


async def test_begins_at_now() -> None:
    """What happened before is not reported, also within the overlap."""
    shop = small_shop()
    shop.change(KIND, "1", ago=3600)
    shop.change(KIND, "2", ago=1)
    portal = ShopPortal(shop)
    cursor = await start(portal)
    assert (await portal.events(cursor, 10)).cursor == cursor, "nothing new: the same cursor"
    shop.change(KIND, "3")
    events, _ = await read_all(portal, cursor)
    assert [(each.type, each.account_id, each.number, each.occurred_at) for each in events] == [(KIND, "a", "3", NOW)]


async def test_late_commit_is_reported() -> None:
    """A change that appears after later ones, up to the overlap."""
    shop = small_shop()
    portal = ShopPortal(shop)
    cursor = await start(portal)
    shop.now += timedelta(hours=1)
    shop.change(KIND, "1")
    events, cursor = await read_all(portal, cursor)
    shop.change(KIND, "2", ago=299)
    late, cursor = await read_all(portal, cursor)
    assert [each.number for each in (*events, *late)] == ["1", "2"]
    shop.change(KIND, "3", ago=301)
    assert (await read_all(portal, cursor))[0] == [], "longer than the overlap"


async def test_future_change_is_reported_in_its_time() -> None:
    """It does not move the cursor past what happens before."""
    shop = small_shop()
    portal = ShopPortal(shop)
    cursor = await start(portal)
    shop.change("order.ending", "O-1", ago=-86_400)
    assert (await read_all(portal, cursor))[0] == []
    shop.now += timedelta(hours=23)
    shop.change(KIND, "1")
    events, cursor = await read_all(portal, cursor)
    shop.now += timedelta(hours=1)
    later, cursor = await read_all(portal, cursor)
    assert [each.number for each in (*events, *later)] == ["1", "O-1"]


async def test_read_again_tells_the_same() -> None:
    """From the same cursor, also in another process, in pieces, and in another order of the system's."""
    shop = small_shop()
    cursor = await start(ShopPortal(shop))
    for number in range(7):
        shop.change(KIND, str(number), ago=number % 3)
    whole, end = await read_all(ShopPortal(shop), cursor)
    assert {each.number for each in whole} == set("0123456")
    assert len({each.id for each in whole}) == 7
    for limit in (1, 2, 3, 7, 8):
        shop.changes.reverse()
        assert (await read_all(ShopPortal(shop), cursor, limit))[0] == whole
    assert (await read_all(ShopPortal(shop), end))[0] == []


async def test_repeated_row_is_one_event() -> None:
    shop = small_shop()
    portal = ShopPortal(shop)
    cursor = await start(portal)
    shop.change(KIND, "1")
    shop.changes += shop.changes
    assert len((await read_all(portal, cursor))[0]) == 1


@pytest.mark.parametrize("count", [MOST_REPORTED, MOST_REPORTED + 1, 2 * MOST_REPORTED + 50])
async def test_many_changes_of_one_instant(count: int) -> None:
    """None is lost or repeated with a smaller limit, and the cursor stays short."""
    shop = small_shop()
    portal = ShopPortal(shop)
    cursor = await start(portal)
    for number in range(count):
        shop.change(KIND, str(number))
    events, cursor = await read_all(portal, cursor, 300)
    assert sorted(int(each.number or "") for each in events) == list(range(count))
    assert len(cursor) < 20_000
    shop.now += timedelta(seconds=1)
    shop.change(KIND, "last")
    events, _ = await read_all(portal, cursor)
    assert [each.number for each in events] == ["last"]


async def test_bad_changes_cost_only_themselves() -> None:
    shop = small_shop()
    portal = ShopPortal(shop)
    cursor = await start(portal)
    good = {"at": "2026-10-15T13:59:30Z", "type": KIND, "account_id": 7, "number": 5}
    shop.changes = [good | {"at": None}, good | {"account_id": ""}, good | {"number": "\x00"}, 7, None, good]
    shop.changes += [good | {"at": datetime(2026, 10, 15, 13, 59, 31), "type": "of.tomorrow"}]  # noqa: DTZ001
    with capture_logs() as logs:
        events, _ = await read_all(portal, cursor)
    assert [(each.account_id, each.number, each.type) for each in events] == [
        ("7", "5", KIND),
        ("7", "5", "of.tomorrow"),
    ]
    assert events[1].occurred_at == datetime(2026, 10, 15, 13, 59, 31, tzinfo=UTC)
    assert {each["event"] for each in logs} == {"portal.row_skipped"}


async def test_contact_of_a_change() -> None:
    shop = small_shop()
    portal = ShopPortal(shop)
    cursor = await start(portal)
    shop.changes = [Change(NOW, "contact.removed", "a", contact_id="c1"), Change(NOW, "contact.removed", "a")]
    events, _ = await read_all(portal, cursor)
    assert {(each.contact_id, each.number) for each in events} == {("c1", None), (None, None)}


def encoded(values: object) -> str:
    return urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "forged", ["x", "now", "é", "e30", "bnVsbA", encoded([]), encoded({"of": "b"}), "A" * 5000, "=", "\x00"]
)
async def test_text_that_is_no_cursor(forged: str) -> None:
    with pytest.raises(CursorTooOld):
        await ShopPortal(small_shop()).events(forged, 10)


@pytest.mark.parametrize(
    "changed",
    [{"of": "b"}, {"version": 2}, {"since": 5}, {"since": "2026-10-15T14:00:00"}, {"more": 1}, {"reported": 5}],
)
async def test_cursor_of_another_version_or_system(changed: dict[str, Any]) -> None:
    portal = ShopPortal(small_shop())
    cursor = await start(portal)
    values = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    assert (await portal.events(encoded(values), 10)).items == ()
    if changed != {"since": 5}:  # which pydantic reads as a time in UTC
        with pytest.raises(CursorTooOld):
            await portal.events(encoded(values | changed), 10)


async def test_cursor_belongs_to_adapter_and_url() -> None:
    class OtherPortal(ShopPortal):
        pass

    cursor = await start(ShopPortal(small_shop()))
    for other in (ShopPortal(small_shop(), url="shop+https://elsewhere.example.com"), OtherPortal(small_shop())):
        with pytest.raises(CursorTooOld):
            await other.events(cursor, 10)
    assert (await ShopPortal(small_shop()).events(cursor, 10)).items == ()
    secret = await start(ShopPortal(small_shop(), url="shop+https://someone:secret@example.com"))
    assert b"secret" not in urlsafe_b64decode(secret + "=" * (-len(secret) % 4))


async def test_too_many_changes() -> None:
    shop = small_shop()
    portal = ShopPortal(shop)
    shop.changes = [None] * 100_001
    with pytest.raises(PortalBroken, match="changes: more than 100000 rows"):
        await portal.events(None, 10)


class Feed(RuleBasedStateMachine):
    """Changes appear up to the overlap late, in any order; pages of any length are read, some twice."""

    @initialize()
    def begin(self) -> None:
        self.runner = asyncio.Runner()
        self.run = self.runner.run
        self.shop: Shop = small_shop()
        self.cursor: str = self.run(start(ShopPortal(self.shop)))
        self.told: list[str] = []
        self.made = 0

    @rule(ago=st.integers(0, 290), count=st.integers(1, 4))
    def change(self, ago: int, count: int) -> None:
        for _ in range(count):
            self.made += 1
            self.shop.changes.insert(self.made * 7 % (len(self.shop.changes) + 1), self._new(ago))

    def _new(self, ago: int) -> Change:
        return Change(self.shop.now - timedelta(seconds=ago), KIND, "a", str(self.made))

    @rule(seconds=st.integers(0, 400))
    def wait(self, seconds: int) -> None:
        """Time passes only while nothing is late, as the bot reads the feed more often than the overlap."""
        self.read(100)
        self.shop.now += timedelta(seconds=seconds)

    @rule(limit=st.integers(1, 3))
    def read(self, limit: int) -> None:
        events, self.cursor = self.run(read_all(ShopPortal(self.shop), self.cursor, limit))
        self.told += [each.number or "" for each in events]
        assert sorted(self.told, key=int) == [str(number + 1) for number in range(self.made)]

    @rule(limit=st.integers(1, 3))
    def read_page(self, limit: int) -> None:
        first = self.run(ShopPortal(self.shop).events(self.cursor, limit))
        again = self.run(ShopPortal(self.shop).events(self.cursor, limit))
        assert first == again
        self.cursor = first.cursor
        self.told += [each.number or "" for each in first.items]

    def teardown(self) -> None:
        self.runner.close()

    @invariant()
    def nothing_is_told_twice(self) -> None:
        told = getattr(self, "told", [])
        assert len(told) == len(set(told))


def test_nothing_is_lost_or_told_twice() -> None:
    run_state_machine_as_test(Feed, settings=settings(max_examples=60, stateful_step_count=20, deadline=None))


@given(ages=st.lists(st.integers(0, 250), max_size=20), limit=st.integers(1, 5))
async def test_page_is_in_order_of_time(ages: list[int], limit: int) -> None:
    shop = small_shop()
    portal = ShopPortal(shop)
    cursor = await start(portal)
    for number, ago in enumerate(ages):
        shop.change(KIND, str(number), ago=ago)
    events, _ = await read_all(portal, cursor, limit)
    assert [each.occurred_at for each in events] == sorted(each.occurred_at for each in events)
    assert len(events) == len(ages)
