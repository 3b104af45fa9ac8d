"""The rate limiter of bulk messages: each slot is used by one message, over all workers together."""

import asyncio
import datetime

from services.clock import utc_now
from services.notices.delivery.chat_limits import LONGEST_PAUSE, TooManyReports
from services.notices.delivery.rate_limiter import BulkRateLimiter
from storage.database import Database
from storage.notices import feed, outbox
from storage.notices.feed import NewDelivery, NewNotice
from storage.tables import Channel, Kind, Pace
from tests.storage import opened

RATE = 50.0


async def send(limiter: BulkRateLimiter, sent: list[datetime.datetime], marking: float = 0.001) -> bool:
    """Do what a worker does around one message. Returns: whether it could be written."""
    slot = await limiter.wait_until_near()
    if slot is None:
        return False
    await asyncio.sleep(marking)
    if not await limiter.wait_for_slot(slot):
        return False
    sent.append(utc_now())
    return True


def most_in_a_second(times: list[datetime.datetime]) -> int:
    return max(sum(0 <= (after - at).total_seconds() < 1 for after in times) for at in times)


async def test_two_workers_share_one_rate(database: Database, database_url: str) -> None:
    async with opened(database_url) as elsewhere:
        limiters = [BulkRateLimiter(database, utc_now, RATE), BulkRateLimiter(elsewhere, utc_now, RATE)]
        sent: list[datetime.datetime] = []
        done = await asyncio.gather(*(send(limiters[number % 2], sent) for number in range(150)))
    assert all(done)
    assert len(sent) == 150
    assert most_in_a_second(sent) <= RATE + 1


async def test_a_slow_commit_misses_its_slot_and_takes_another(database: Database) -> None:
    """Marking takes longer than the lead: every message is still written, and none beyond the rate."""
    limiter = BulkRateLimiter(database, utc_now, RATE)
    sent: list[datetime.datetime] = []
    assert all(await asyncio.gather(*(send(limiter, sent, marking=0.2) for _ in range(30))))
    assert len(sent) == 30
    assert most_in_a_second(sent) <= RATE + 1


async def test_a_halt_holds_for_all_workers(database: Database, database_url: str) -> None:
    async with opened(database_url) as elsewhere:
        limiter, other = BulkRateLimiter(database, utc_now, RATE), BulkRateLimiter(elsewhere, utc_now, RATE)
        until = utc_now() + datetime.timedelta(seconds=1.5)
        await limiter.halt(datetime.timedelta(seconds=1.5))
        sent: list[datetime.datetime] = []
        while len(sent) < 2:  # what misses its slot on a loaded machine is queued again
            await asyncio.gather(send(limiter, sent), send(other, sent))
    assert min(sent) >= until


async def test_a_halt_stops_a_marked_message(database: Database) -> None:
    limiter = BulkRateLimiter(database, utc_now, RATE)
    slot = await limiter.wait_until_near()
    assert slot is not None
    await limiter.halt(datetime.timedelta(seconds=30))
    assert not await limiter.wait_for_slot(slot)


async def test_close_ends_waiting_but_for_marked_messages(database: Database) -> None:
    limiter = BulkRateLimiter(database, utc_now, RATE)
    slot = await limiter.wait_until_near()
    assert slot is not None
    waiting = asyncio.create_task(limiter.wait_until_near())
    limiter.close()
    assert await limiter.wait_for_slot(slot)
    async with asyncio.timeout(10):
        assert await waiting is None
        assert await limiter.wait_until_near() is None


async def halted(database: Database) -> datetime.timedelta:
    """Return how long all bulk messages are halted from now on."""
    async with database.read() as session:
        pace = await session.get(Pace, 1)
    return pace.halted_until - utc_now() if pace else datetime.timedelta()


async def test_429_of_one_chat_holds_its_notices_alone(database: Database) -> None:
    limiter = BulkRateLimiter(database, utc_now, RATE)
    async with database.write() as session:
        wanted = [NewDelivery(Channel.TELEGRAM, chat, chat, utc_now()) for chat in (1, 2)]
        await feed.record(session, NewNotice("e1", Kind.INVOICE_ISSUED, "a1", "1", utc_now()), wanted)
    for _ in range(5):
        assert await limiter.report_too_many(1, datetime.timedelta(seconds=60)) == datetime.timedelta(seconds=60)
    assert await halted(database) <= datetime.timedelta()
    async with database.write() as session:
        at = utc_now() + datetime.timedelta(seconds=50)
        claimed = await outbox.claim(session, "a", at, at, 32, datetime.timedelta())
    assert [each.recipient for each in claimed] == [2]
    assert await send(limiter, [])


async def test_429s_of_three_chats_halt_all_notices(database: Database) -> None:
    limiter = BulkRateLimiter(database, utc_now, RATE)
    for chat, seconds in ((1, 20), (2, 90), (1, 30)):
        await limiter.report_too_many(chat, datetime.timedelta(seconds=seconds))
        assert await halted(database) <= datetime.timedelta()
    await limiter.report_too_many(3, datetime.timedelta(seconds=10))
    assert datetime.timedelta(seconds=80) < await halted(database) <= datetime.timedelta(seconds=90)


async def test_pause_of_a_429_is_capped(database: Database) -> None:
    limiter = BulkRateLimiter(database, utc_now, RATE)
    for chat in (1, 2, 3):
        assert await limiter.report_too_many(chat, datetime.timedelta(hours=8)) == LONGEST_PAUSE
    assert await halted(database) <= LONGEST_PAUSE


def test_429s_of_three_chats_over_time_halt_nothing() -> None:
    now = 0.0
    reports = TooManyReports(lambda: now)
    for chat in range(10):
        assert reports.add(chat, datetime.timedelta(seconds=5)) is None
        now += 3.0
