"""The rate limiter of bulk messages: each slot is used by one message, over all workers together."""

import asyncio
import datetime

from services.clock import utc_now
from services.notices.rate_limiter import BulkRateLimiter
from storage.database import Database
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
        await limiter.halt(datetime.timedelta(seconds=1.5))
        until = utc_now() + datetime.timedelta(seconds=1.4)
        sent: list[datetime.datetime] = []
        assert all(await asyncio.gather(send(limiter, sent), send(other, sent)))
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
