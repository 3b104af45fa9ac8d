"""The bulk lane: one message at a time of its own, over all workers together."""

import asyncio
import datetime

from services.clock import utc_now
from services.notices.rate_limiter import BulkLane
from storage.database import Database
from tests.storage import opened

RATE = 50.0


async def send(lane: BulkLane, sent: list[datetime.datetime]) -> bool:
    """What a worker does around one message: whether it could be written."""
    if not await lane.near():
        return False
    with lane.owed():
        await asyncio.sleep(0.001)
    if not await lane.turn():
        return False
    sent.append(utc_now())
    return True


def most_in_a_second(times: list[datetime.datetime]) -> int:
    return max(sum(0 <= (after - at).total_seconds() < 1 for after in times) for at in times)


async def test_two_workers_share_one_rate(database: Database, database_url: str) -> None:
    async with opened(database_url) as elsewhere:
        lanes = [BulkLane(database, utc_now, RATE), BulkLane(elsewhere, utc_now, RATE)]
        sent: list[datetime.datetime] = []
        done = await asyncio.gather(*(send(lanes[number % 2], sent) for number in range(100)))
    assert all(done)
    assert len(sent) == 100
    assert most_in_a_second(sent) <= RATE * 1.1


async def test_a_halt_holds_for_whoever_waits_and_for_the_other_worker(database: Database, database_url: str) -> None:
    async with opened(database_url) as elsewhere:
        lane, other = BulkLane(database, utc_now, RATE), BulkLane(elsewhere, utc_now, RATE)
        await lane.halt(datetime.timedelta(seconds=1.5))
        until = utc_now() + datetime.timedelta(seconds=1.4)
        sent: list[datetime.datetime] = []
        assert all(await asyncio.gather(send(lane, sent), send(other, sent)))
    assert min(sent) >= until


async def test_what_is_marked_when_a_halt_comes_is_not_written(database: Database) -> None:
    lane = BulkLane(database, utc_now, RATE)
    assert await lane.near()
    with lane.owed():
        await lane.halt(datetime.timedelta(seconds=30))
    assert not await lane.turn()


async def test_a_closed_lane_lets_nobody_in_and_whoever_is_marked_has_a_turn(database: Database) -> None:
    lane = BulkLane(database, utc_now, RATE)
    assert await lane.near()
    waiting = asyncio.create_task(BulkLane.near(lane))
    lane.close()
    assert await lane.turn()
    async with asyncio.timeout(10):
        await waiting
        assert not await lane.near()
