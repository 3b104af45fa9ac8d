import asyncio
import datetime
from collections.abc import Sequence

from sqlmodel import col, select

from services.clock import utc_now
from services.notices.delivery.marking import SendingMarks
from storage.database import Database
from storage.notices import cancellation, feed, outbox
from storage.notices.feed import NewDelivery, NewNotice
from storage.notices.outbox import ClaimedDelivery
from storage.tables import Channel, Delivery, Kind, State

MINUTE = datetime.timedelta(minutes=1)


async def claimed(database: Database, count: int) -> list[ClaimedDelivery]:
    now = utc_now()
    wanted = [NewDelivery(Channel.TELEGRAM, each, each, now, "Client") for each in range(1, count + 1)]
    async with database.write() as session:
        await feed.record(session, NewNotice("e1", Kind.INVOICE_ISSUED, "a1", "1", now), wanted)
        return await outbox.claim(session, "w", now, now + MINUTE, count, datetime.timedelta())


async def states(database: Database) -> list[str]:
    async with database.read() as session:
        return list((await session.exec(select(Delivery.state).order_by(col(Delivery.delivery_id)))).all())


async def gather(marking: SendingMarks, batches: Sequence[Sequence[ClaimedDelivery]]) -> list[bool]:
    return await asyncio.gather(*(marking.mark(batch) for batch in batches))


async def test_batches_that_come_together_are_marked_together(database: Database) -> None:
    deliveries = await claimed(database, 4)
    async with database.write() as session:
        await cancellation.cancel_for_links(session, [2], utc_now(), "unlinked")
    found = await gather(SendingMarks(database, utc_now), [[each] for each in deliveries])
    assert found == [True, False, True, True]
    assert await states(database) == [State.SENDING, State.CANCELLED, State.SENDING, State.SENDING]


async def test_batch_is_marked_whole_or_not_at_all(database: Database) -> None:
    first, second, third = await claimed(database, 3)
    async with database.write() as session:
        await cancellation.cancel_for_links(session, [2], utc_now(), "unlinked")
    assert await gather(SendingMarks(database, utc_now), [[first, second], [third]]) == [False, True]
    assert await states(database) == [State.LEASED, State.CANCELLED, State.SENDING]


async def test_mark_of_a_lost_lease_fails(database: Database) -> None:
    """Another worker has the delivery by now, and marks it in the same group."""
    (mine,) = await claimed(database, 1)
    async with database.write() as session:
        await outbox.reclaim(session, utc_now(), everything=True)
        now = utc_now()
        (theirs,) = await outbox.claim(session, "other", now, now + MINUTE, 1, datetime.timedelta())
    assert await gather(SendingMarks(database, utc_now), [[mine], [theirs]]) == [False, True]
