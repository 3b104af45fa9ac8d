"""Marked repetitions: when an unclear delivery is queued again, and what makes that needless."""

import datetime

import pytest
from sqlmodel import col, select

from storage import chats
from storage.database import Database
from storage.linking import links
from storage.linking.links import NewLink
from storage.notices import cancellation, delivery_preferences, outbox, outbox_report, repetitions
from storage.notices.repetitions import ResendChoice, SeenNotices
from storage.tables import Channel, Delivery, Kind, State
from tests.storage import EMAIL, NOW, later
from tests.storage.test_outbox import begin, claim, queue, reclaim, rows, states

AFTER = NOW + outbox.REPEAT_AFTER
INVOICES = (Kind.INVOICE_ISSUED, Kind.REMINDER_DUE)


async def uncertain(database: Database, at: datetime.datetime = NOW) -> list[int]:
    """Claim what is due, begin it, and settle it as uncertain. Returns: the ids."""
    claimed = await claim(database, "w", at)
    ids = [each.delivery_id for each in claimed]
    assert await begin(database, "w", *ids, at=at)
    async with database.write() as session:
        assert await outbox.settle(session, outbox.held_by("w", ids), State.UNCERTAIN, at, "timed out")
    return ids


async def queue_due(database: Database, at: datetime.datetime) -> int:
    async with database.write() as session:
        channels = await repetitions.channels_due(session, at)
        assert channels <= {Channel.TELEGRAM}
        return sum([await repetitions.queue_due(session, at, channel) for channel in channels])


async def see(database: Database, chat: int, seen: SeenNotices, at: datetime.datetime = NOW) -> int:
    async with database.write() as session:
        return await repetitions.record_seen(session, chat, seen, at)


async def test_repeated_once_after_a_quarter_of_an_hour(database: Database) -> None:
    await queue(database, 1)
    (number,) = await uncertain(database)
    assert await queue_due(database, AFTER - datetime.timedelta(seconds=1)) == 0
    assert await claim(database, "b", later(days=1)) == []
    assert await queue_due(database, AFTER) == 1
    (again,) = await claim(database, "b", AFTER)
    assert (again.delivery_id, again.is_repetition) == (number, True)
    assert await begin(database, "b", number, at=AFTER)
    async with database.write() as session:
        assert await outbox.settle(session, outbox.held_by("b", [number]), State.UNCERTAIN, AFTER, "timed out")
    assert await queue_due(database, later(days=9)) == 0
    async with database.read() as session:
        (final,) = await outbox_report.list_uncertain(session, 9)
        (repeated,) = await outbox_report.list_repeated(session, 9)
    assert (final.repeat_at, final.is_repetition) == (None, True)
    assert (repeated.delivery_id, repeated.state) == (number, State.UNCERTAIN)


async def test_repetition_that_is_put_back_stays_one(database: Database) -> None:
    """A 429, quiet hours or a dead worker before sending: the next message still has the mark."""
    await queue(database, 1)
    (number,) = await uncertain(database)
    await queue_due(database, AFTER)
    (held,) = await claim(database, "b", AFTER)
    async with database.write() as session:
        await outbox.put_back(session, [number], held.lease, State.RETRY, AFTER, reason="429")
    (held,) = await claim(database, "c", AFTER)
    assert held.is_repetition
    assert await reclaim(database, AFTER + datetime.timedelta(minutes=2)) == (1, 0)
    (held,) = await claim(database, "d", AFTER + datetime.timedelta(minutes=2))
    assert held.is_repetition
    async with database.write() as session:
        assert (await chats.load(session, 1)).has_unclear_notice is False  # an unknown chat
        (row,) = (await session.exec(select(Delivery))).all()
    assert row.repeat_at is not None


async def test_death_of_the_worker_is_repeated_too(database: Database) -> None:
    await queue(database, 1)
    (held,) = await claim(database, "dead")
    await begin(database, "dead", held.delivery_id)
    at = later(minutes=5)
    assert await reclaim(database, at) == (0, 1)
    assert await queue_due(database, at + outbox.REPEAT_AFTER) == 1


@pytest.mark.parametrize("state", [State.SENT, State.BLOCKED])
async def test_known_outcome_of_a_live_worker_wins(database: Database, state: State) -> None:
    """Its lease ended because the database was away; when it records what it knows, nothing is repeated."""
    await queue(database, 1)
    (held,) = await claim(database, "slow")
    await begin(database, "slow", held.delivery_id)
    assert await reclaim(database, later(minutes=5)) == (0, 1)
    async with database.write() as session:
        assert await outbox.settle(session, outbox.held_by("slow", [held.delivery_id]), state, later(minutes=6))
    assert await states(database) == {held.delivery_id: state}
    assert await queue_due(database, later(days=1)) == 0


async def test_late_retry_of_a_live_worker_has_no_mark(database: Database) -> None:
    await queue(database, 1)
    (held,) = await claim(database, "slow")
    await begin(database, "slow", held.delivery_id)
    await reclaim(database, later(minutes=5))
    async with database.write() as session:
        await outbox.put_back(session, [held.delivery_id], "slow", State.RETRY, later(minutes=6), reason="500")
    (again,) = await claim(database, "b", later(minutes=6))
    assert not again.is_repetition


async def test_queued_repetition_ignores_the_late_worker(database: Database) -> None:
    await queue(database, 1)
    (held,) = await claim(database, "slow")
    await begin(database, "slow", held.delivery_id)
    await reclaim(database, later(minutes=5))
    await queue_due(database, later(minutes=20))
    async with database.write() as session:
        assert not await outbox.settle(
            session, outbox.held_by("slow", [held.delivery_id]), State.SENT, later(minutes=21)
        )
    assert await states(database) == {held.delivery_id: State.QUEUED}


async def test_clock_set_back_does_not_delay_it(database: Database) -> None:
    await queue(database, 1)
    await uncertain(database)
    assert await queue_due(database, later(hours=-2)) == 1


async def test_paper_seen_is_not_repeated(database: Database) -> None:
    await queue(database, 1, 2, number="1")
    await queue(database, 1, event="e2", number="2")
    await queue(database, 1, event="e3", number="1", kind=Kind.ORDER_ENDING)
    for _ in range(3):
        await uncertain(database)
    assert await see(database, 1, SeenNotices(INVOICES, "another", "1")) == 0
    assert await see(database, 1, SeenNotices(INVOICES, "a1", "1")) == 1
    found = [(row.recipient, State(row.state), row.reason) for row in await rows(database)]
    assert found == [
        (1, State.CANCELLED, outbox.SEEN),
        (2, State.UNCERTAIN, "timed out"),
        (1, State.UNCERTAIN, "timed out"),
        (1, State.UNCERTAIN, "timed out"),
    ]
    assert await queue_due(database, AFTER) == 3


async def test_paper_seen_while_its_notice_is_sent(database: Database) -> None:
    """The answer of Telegram may be lost after the person has already opened the paper."""
    await queue(database, 1, 2)
    held = {each.recipient: each.delivery_id for each in await claim(database, "dead")}
    await begin(database, "dead", *held.values())
    assert await see(database, 1, SeenNotices(INVOICES, "a1", "1")) == 0
    assert await reclaim(database, later(minutes=5)) == (0, 2)
    assert await states(database) == {held[1]: State.CANCELLED, held[2]: State.UNCERTAIN}
    assert await queue_due(database, later(days=1)) == 1


async def test_seen_repetition_that_waits_is_cancelled(database: Database) -> None:
    await queue(database, 1)
    await uncertain(database)
    await queue_due(database, AFTER)
    assert await see(database, 1, SeenNotices(INVOICES), AFTER) == 1
    assert await claim(database, "b", later(days=1)) == []


async def test_cancelled_repetition_leaves_the_chat_clear(database: Database) -> None:
    """Unlinked, or paid: the chat has no unclear notice any more, and costs no statement."""
    await queue(database, 1)
    await uncertain(database)
    await queue_due(database, AFTER)
    async with database.write() as session:
        assert await cancellation.cancel_for_links(session, [1], AFTER, "unlinked") == 1
    assert [row.repeat_at for row in await rows(database)] == [None]


async def test_seen_changes_nothing_that_is_not_repeated(database: Database) -> None:
    await queue(database, 1)
    await queue(database, 1, event="e2")
    (held,) = await claim(database, "a")
    assert await see(database, 1, SeenNotices(INVOICES, "a1", "1")) == 0
    assert list((await states(database)).values()) == [State.LEASED, State.QUEUED]
    assert await begin(database, "a", held.delivery_id)


async def test_chat_knows_of_its_unclear_notices(database: Database) -> None:
    async with database.write() as session:
        new = NewLink("c1", "a1", "Client", frozenset({"invoices"}), EMAIL)
        for chat in (1, 2):
            await links.add_links(session, chat, "Camille", [new], NOW)

    async def unclear(chat: int) -> bool:
        async with database.read() as session:
            return (await chats.load(session, chat)).has_unclear_notice

    await queue(database, 1)
    assert not await unclear(1)
    (held,) = await claim(database, "a")
    assert not await unclear(1)
    await begin(database, "a", held.delivery_id)
    assert await unclear(1)
    async with database.write() as session:
        await outbox.settle(session, outbox.held_by("a", [held.delivery_id]), State.UNCERTAIN, NOW)
    assert (await unclear(1), await unclear(2)) == (True, False)
    await queue_due(database, AFTER)
    (held,) = await claim(database, "b", AFTER)
    assert await unclear(1)
    async with database.write() as session:
        await outbox.settle(session, outbox.held_by("b", [held.delivery_id]), State.SENT, AFTER)
    assert not await unclear(1)


async def test_repetition_follows_the_chat_to_its_new_id(database: Database) -> None:
    await queue(database, 1)
    await uncertain(database)
    async with database.write() as session:
        await delivery_preferences.readdress(session, 1, 99)
    await queue_due(database, AFTER)
    assert [each.recipient for each in await claim(database, "b", AFTER)] == [99]


async def test_operator_resends_what_stays_uncertain(database: Database) -> None:
    for event in ("old", "new", "waits"):
        await queue(database, 1, event=event)
    for at in (NOW, later(hours=1)):
        (number,) = await uncertain(database, at)
        async with database.write() as session:  # as before the migration, and as after a repetition
            await session.change(
                Delivery.__table__.update().where(col(Delivery.delivery_id) == number).values(repeat_at=None)  # type: ignore[attr-defined]
            )
    (waiting,) = await uncertain(database, later(hours=2))

    async def chosen(choice: ResendChoice) -> list[int]:
        async with database.read() as session:
            return [each.delivery_id for each in await repetitions.list_resendable(session, choice)]

    first, second = await chosen(ResendChoice())
    assert await chosen(ResendChoice(since=later(minutes=30))) == [second]
    assert await chosen(ResendChoice(reason="TIMED")) == [first, second]
    assert await chosen(ResendChoice(reason="%")) == []
    assert await chosen(ResendChoice(ids=[waiting, 999])) == [waiting]
    async with database.write() as session:
        assert await repetitions.resend(session, [first, waiting, 999], later(hours=3)) == 2
    (again,) = await claim(database, "b", later(hours=3))
    assert again.is_repetition
    assert await states(database) == {first: State.LEASED, second: State.UNCERTAIN, waiting: State.QUEUED}
