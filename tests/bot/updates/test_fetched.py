"""Nothing is confirmed to Telegram that is neither handled nor stored; rows of what is handled are deleted."""

import asyncio
import datetime
import sqlite3
from collections.abc import Callable, Collection, Mapping

import pytest
from hypothesis import given, settings, strategies as st

from bot.updates.fetched import FetchedUpdates
from services.clock import utc_now
from storage.database import Database
from storage.inbox import Inbox, StoredUpdate
from tests.storage import NOW, a_key, opened

CHOICES = st.sampled_from(["fetch", "handle", "handle the newest", "save", "fail", "commit and fail", "confirm"])


class MemoryInbox(Inbox):
    """An inbox in memory, whose next changes may fail."""

    def __init__(self) -> None:
        self.delete_pause = 0.001
        self.rows: dict[int, str] = {}
        self.error: Exception | None = None
        self.commits_although_failing = False

    async def load(self) -> list[StoredUpdate]:
        return [StoredUpdate(update_id, self.rows[update_id]) for update_id in sorted(self.rows)]

    async def change(self, new: Mapping[int, str], gone: Collection[int], now: datetime.datetime) -> None:
        await asyncio.sleep(0)
        if self.error is None or self.commits_although_failing:
            self.rows = {k: v for k, v in (dict(new) | self.rows).items() if k not in gone}
        if self.error is not None:
            raise self.error


def unconfirmed(fetched: FetchedUpdates, ids: Collection[int]) -> set[int]:
    """Return which updates the next getUpdates leaves at Telegram."""
    return {update_id for update_id in ids if fetched.offset is None or update_id >= fetched.offset}


@settings(max_examples=150)
@given(st.lists(CHOICES, max_size=60))
def test_every_update_is_somewhere_until_it_is_handled(choices: list[str]) -> None:
    async def run() -> None:
        inbox = MemoryInbox()
        fetched, next_id, unhandled = FetchedUpdates(inbox, utc_now), 1, list[int]()
        for choice in choices:
            inbox.error = sqlite3.OperationalError("full") if choice == "fail" else None
            if choice == "commit and fail":
                inbox.error = ConnectionResetError()
            inbox.commits_although_failing = choice == "commit and fail"
            if choice == "fetch":
                for update_id in (next_id, next_id + 1):
                    assert fetched.add(update_id, {"update_id": update_id})
                    unhandled.append(update_id)
                next_id += 2
            elif choice.startswith("handle") and unhandled:
                fetched.handled(unhandled.pop(-1 if "newest" in choice else 0))
            elif choice in ("save", "fail", "commit and fail"):
                await fetched.save()
            elif choice == "confirm":
                fetched.confirmed(fetched.offset)
            kept = unconfirmed(fetched, range(1, next_id)) | inbox.rows.keys()
            assert set(unhandled) <= kept, "a kill at this moment would lose updates"
            assert fetched.in_progress == len(unhandled)
            for update_id in sorted(unconfirmed(fetched, range(1, next_id))):
                assert not fetched.add(update_id, {}), "what Telegram delivers again is not handled again"
        inbox.error = None
        for update_id in unhandled:
            fetched.handled(update_id)
        await fetched.save()
        await asyncio.sleep(0.01)
        assert inbox.rows == {}

    asyncio.run(run())


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.002)


async def test_handled_rows_are_deleted_soon() -> None:
    inbox = MemoryInbox()
    fetched = FetchedUpdates(inbox, utc_now)
    for update_id in range(1, 6):
        fetched.add(update_id, {})
    assert await fetched.save()
    assert list(inbox.rows) == [1, 2, 3, 4, 5]
    for update_id in (1, 2, 4):
        fetched.handled(update_id)
    await until(lambda: list(inbox.rows) == [3, 5])


async def test_failing_store_confirms_only_what_was_handled() -> None:
    inbox = MemoryInbox()
    fetched = FetchedUpdates(inbox, utc_now)
    inbox.error = sqlite3.OperationalError("database or disk is full")
    for update_id in (7, 8, 9):
        fetched.add(update_id, {})
    assert not await fetched.save()
    assert fetched.offset == 7
    fetched.handled(7)
    fetched.handled(9)
    assert fetched.offset == 8
    assert fetched.failures == 1
    fetched.handled(8)
    assert fetched.offset == 10


async def test_slow_store_does_not_hold_polling() -> None:
    inbox, gate = MemoryInbox(), asyncio.Event()
    change = inbox.change

    async def slow(*arguments: object) -> None:
        await gate.wait()
        await change(*arguments)  # type: ignore[arg-type]

    inbox.change = slow  # type: ignore[method-assign,assignment]
    fetched = FetchedUpdates(inbox, utc_now)
    fetched.add(7, {})
    assert not await fetched.save(0.01)
    assert fetched.offset == 7
    fetched.add(8, {})
    gate.set()
    assert await fetched.save(5.0)
    assert fetched.offset == 9
    assert sorted(inbox.rows) == [7, 8]


async def test_next_process_gets_what_is_left(database_url: str) -> None:
    """It gets the unhandled updates in their order, and knows those that were handled and perhaps not confirmed."""
    keys = [a_key()]
    async with opened(database_url, keys) as database:
        fetched = FetchedUpdates(Inbox(database), utc_now)
        for update_id in range(1, 6):
            fetched.add(update_id, {"update_id": update_id, "text": "é\ud800"})
        for update_id in (2, 5):
            fetched.handled(update_id)
        assert await fetched.save(10.0)
        await fetched.remember_handled(10.0)
    async with opened(database_url, keys) as database:
        fetched = FetchedUpdates(Inbox(database), utc_now)
        assert [each.update_id for each in await fetched.load()] == [1, 3, 4]
        assert [update_id for update_id in range(1, 8) if fetched.add(update_id, {})] == [6, 7]
        fetched.confirmed(6)
        assert await fetched.save(10.0)
        assert [each.update_id for each in await Inbox(database).load()] == [1, 3, 4, 6, 7]


async def test_update_without_its_key_is_left(
    database: Database, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    await Inbox(database).change({1: "one"}, (), NOW)
    async with opened(database_url) as elsewhere:
        fetched = FetchedUpdates(Inbox(elsewhere), utc_now)
        assert await fetched.load() == []
        assert not fetched.add(1, {})
    assert await Inbox(database).load() == [StoredUpdate(1, "one")]
