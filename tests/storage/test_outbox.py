"""The outbox: one worker holds a delivery; those of a dead worker are queued again or become uncertain."""

import asyncio
import datetime
import random
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from storage import chats
from storage.database import Database
from storage.linking import links
from storage.linking.links import NewLink
from storage.notices import cancellation, delivery_preferences, feed, outbox, outbox_report, repetitions, retention
from storage.notices.feed import NewDelivery, NewNotice
from storage.notices.outbox import ClaimedDelivery
from storage.notices.repetitions import SeenNotices
from storage.tables import Channel, Delivery, Kind, State
from tests.storage import EMAIL, NOW, a_key, later, opened

MINUTE = datetime.timedelta(minutes=1)
NO_GAP = datetime.timedelta()
SETTLED = {State.SENT, State.BLOCKED, State.CANCELLED, State.UNCERTAIN}


async def queue(
    database: Database,
    *recipients: int,
    event: str = "e1",
    channel: Channel = Channel.TELEGRAM,
    at: datetime.datetime = NOW,
    number: str = "1",
    kind: Kind = Kind.INVOICE_ISSUED,
) -> None:
    """Record a notice with one delivery per recipient; the link's id is the recipient's."""
    async with database.write() as session:
        wanted = [NewDelivery(channel, recipient, recipient, at, "Client") for recipient in recipients]
        await feed.record(session, NewNotice(event, kind, "a1", number, NOW), wanted)


async def claim(
    database: Database, worker: str, at: datetime.datetime = NOW, limit: int = 32, *, gap: float = 0
) -> list[ClaimedDelivery]:
    async with database.write() as session:
        return await outbox.claim(session, worker, at, at + MINUTE, limit, datetime.timedelta(seconds=gap))


async def begin(database: Database, worker: str, *ids: int, at: datetime.datetime = NOW) -> bool:
    async with database.write() as session:
        moved = await outbox.begin_sending(session, outbox.held_by(worker, ids), at, at + MINUTE)
    return moved == set(outbox.held_by(worker, ids))


async def settle(database: Database, worker: str, *ids: int, state: State = State.SENT) -> bool:
    async with database.write() as session:
        return await outbox.settle(session, outbox.held_by(worker, ids), state, NOW) == set(ids)


async def reclaim(database: Database, at: datetime.datetime, *, everything: bool = False) -> tuple[int, int]:
    async with database.write() as session:
        return await outbox.reclaim(session, at, everything=everything)


async def states(database: Database) -> dict[int, State]:
    async with database.read() as session:
        found = await session.exec(select(Delivery.delivery_id, Delivery.state).order_by(col(Delivery.delivery_id)))
        return {number: State(state) for number, state in found.all() if number is not None}


async def counts(database: Database) -> dict[State, int]:
    async with database.read() as session:
        return await outbox_report.count_all(session)


async def test_claim_takes_the_oldest_due_once(database: Database) -> None:
    await queue(database, 1, 2, 3)
    await queue(database, 4, event="e2", at=later(seconds=-5))
    await queue(database, 5, event="e3", at=later(seconds=5))
    first = await claim(database, "a", limit=2)
    assert [each.recipient for each in first] == [4, 1]
    assert [each.recipient for each in await claim(database, "b")] == [2, 3]
    assert await claim(database, "c") == []
    assert [each.recipient for each in await claim(database, "c", later(seconds=6))] == [5]


async def test_claimed_delivery_has_all_facts(database: Database) -> None:
    await queue(database, 7, number="212381")
    (claimed,) = await claim(database, "a")
    assert (claimed.kind, claimed.account_id, claimed.number) == (Kind.INVOICE_ISSUED, "a1", "212381")
    assert (claimed.channel, claimed.recipient, claimed.link_id) == (Channel.TELEGRAM, 7, 7)
    assert (claimed.account_name, claimed.attempts, claimed.is_postponed) == ("Client", 0, False)


async def test_one_delivery_in_progress_per_recipient(database: Database) -> None:
    await queue(database, 1, 2)
    await queue(database, 1, event="e2")
    first = {each.recipient: each.delivery_id for each in await claim(database, "a")}
    assert set(first) == {1, 2}
    assert await claim(database, "b") == []
    await begin(database, "a", first[1])
    assert await claim(database, "b") == []
    await settle(database, "a", first[1])
    assert [each.recipient for each in await claim(database, "b")] == [1]


async def test_equal_recipients_of_two_channels_are_independent(database: Database) -> None:
    """A chat and a bookkeeper's copy with the same number do not wait for each other."""
    await queue(database, 1)
    await queue(database, 1, event="e2", channel=Channel.EMAIL)
    assert len(await claim(database, "a")) == 2


async def test_event_and_recipient_are_unique(database: Database) -> None:
    """An event is recorded once, with one delivery per recipient and channel."""
    await queue(database, 1)
    with pytest.raises(IntegrityError):
        await queue(database, 2)  # the same event
    with pytest.raises(IntegrityError):
        await queue(database, 3, 3, event="e2")
    assert await counts(database) == {State.QUEUED: 1}


async def test_expired_lease_is_reclaimed(database: Database) -> None:
    await queue(database, 1)
    (held,) = await claim(database, "dead")
    assert await reclaim(database, later(seconds=59)) == (0, 0)
    assert await claim(database, "b", later(seconds=59)) == []
    assert await reclaim(database, later(seconds=60)) == (1, 0)
    (again,) = await claim(database, "b", later(seconds=60))
    assert again.delivery_id == held.delivery_id
    # A worker that was wrongly taken for dead cannot change the delivery.
    assert not await begin(database, "dead", held.delivery_id, at=later(seconds=60))
    assert not await settle(database, "dead", held.delivery_id)
    assert await states(database) == {held.delivery_id: State.LEASED}


async def test_an_old_lease_changes_nothing(database: Database) -> None:
    """A late task changes no delivery that its own worker has claimed again."""
    await queue(database, 1)
    (late,) = await claim(database, "first lease")
    await reclaim(database, later(seconds=60))
    (again,) = await claim(database, "second lease", later(seconds=60))
    assert await begin(database, again.lease, again.delivery_id, at=later(seconds=60))
    async with database.write() as session:
        await outbox.put_back(session, [late.delivery_id], late.lease, State.RETRY, NOW)
    assert not await settle(database, late.lease, late.delivery_id, state=State.CANCELLED)
    assert await states(database) == {late.delivery_id: State.SENDING}


async def test_an_expired_lease_begins_nothing(database: Database) -> None:
    """An expired lease is refused even before it is reclaimed."""
    await queue(database, 1)
    (held,) = await claim(database, "a")
    assert not await begin(database, "a", held.delivery_id, at=later(seconds=60))
    assert await states(database) == {held.delivery_id: State.LEASED}


async def test_expired_sending_becomes_uncertain(database: Database) -> None:
    """It is not claimed again, and no other worker can change it."""
    await queue(database, 1)
    (held,) = await claim(database, "dead")
    assert await begin(database, "dead", held.delivery_id)
    assert await reclaim(database, later(seconds=59)) == (0, 0)
    assert await reclaim(database, later(seconds=60)) == (0, 1)
    assert await claim(database, "b", later(days=1)) == []
    assert not await settle(database, "b", held.delivery_id)
    async with database.write() as session:
        await outbox.put_back(session, [held.delivery_id], "b", State.RETRY, NOW)
    assert await states(database) == {held.delivery_id: State.UNCERTAIN}
    async with database.read() as session:
        (doubtful,) = await outbox_report.list_uncertain(session, 10)
    assert (doubtful.recipient, doubtful.number, doubtful.reason) == (1, "1", "the worker died")
    assert (doubtful.repeat_at, doubtful.is_repetition) == (later(minutes=16), False)


async def test_reclaim_everything(database: Database) -> None:
    """At a start, leases that have not expired are released too."""
    await queue(database, 1, 2, 3)
    held = await claim(database, "dead", limit=2)
    await begin(database, "dead", held[0].delivery_id)
    assert await reclaim(database, NOW, everything=True) == (1, 1)
    assert await counts(database) == {State.QUEUED: 2, State.UNCERTAIN: 1}


async def test_unlinking_cancels_queued_deliveries_only(database: Database) -> None:
    async with database.write() as session:
        new = NewLink("c1", "a1", "Client", frozenset({"invoices"}), EMAIL)
        await links.add_links(session, 1, "Camille", [new], NOW)
        await links.add_links(session, 2, "Camille", [new], NOW)
        mine, theirs = [(await chats.load(session, chat)).links[0].link_id for chat in (1, 2)]
    for event, kind in (("queued", Kind.ORDER_CREATED), ("retry", Kind.REMINDER_DUE), ("sending", Kind.INVOICE_PAID)):
        async with database.write() as session:
            wanted = [NewDelivery(Channel.TELEGRAM, chat, link, NOW) for chat, link in ((1, mine), (2, theirs))]
            await feed.record(session, NewNotice(event, kind, "a1", "1", NOW), wanted)
    first = await claim(database, "a")
    assert {each.event_id for each in first} == {"queued"}
    await begin(database, "a", *(each.delivery_id for each in first))
    async with database.write() as session:
        assert await links.unlink(session, 1, NOW) == 1
    found = Counter((State(each.state), each.recipient) for each in await rows(database))
    assert found == {
        (State.SENDING, 1): 1, (State.CANCELLED, 1): 2, (State.SENDING, 2): 1, (State.QUEUED, 2): 2,
    }  # fmt: skip
    # The outcome of a delivery that was being sent is still recorded.
    assert await settle(database, "a", *(each.delivery_id for each in first))


async def test_cancelled_lease_does_not_begin(database: Database) -> None:
    await queue(database, 1)
    (held,) = await claim(database, "a")
    async with database.write() as session:
        assert await cancellation.cancel_for_links(session, [1], NOW, "unlinked") == 1
    assert not await begin(database, "a", held.delivery_id)
    assert not await settle(database, "a", held.delivery_id)
    async with database.write() as session:
        await outbox.put_back(session, [held.delivery_id], "a", State.RETRY, NOW)
    assert await claim(database, "b", later(days=1)) == []
    assert await counts(database) == {State.CANCELLED: 1}


async def test_payment_cancels_reminders_of_its_invoice(database: Database) -> None:
    await queue(database, 1, event="issued", number="1")
    await queue(database, 1, event="due", number="1", kind=Kind.REMINDER_DUE)
    await queue(database, 1, event="other", number="2", kind=Kind.REMINDER_DUE)
    async with database.write() as session:
        reminders = (Kind.REMINDER_BEFORE, Kind.REMINDER_DUE)
        assert await cancellation.cancel_for_number(session, reminders, "1", NOW, "paid", account_id="another") == 0
        assert await cancellation.cancel_for_number(session, reminders, "1", NOW, "paid", account_id="a1") == 1
    assert list((await states(database)).values()) == [State.QUEUED, State.CANCELLED, State.QUEUED]


async def test_put_back(database: Database) -> None:
    """A delivery that was put back waits until it is due, and its attempts are counted."""
    await queue(database, 1)
    for attempt in range(3):
        at = later(minutes=10 * attempt)
        (held,) = await claim(database, "a", at)
        assert held.attempts == attempt
        await begin(database, "a", held.delivery_id, at=at)
        async with database.write() as session:
            due_at = at + 10 * MINUTE
            await outbox.put_back(session, [held.delivery_id], "a", State.RETRY, due_at, reason="429")
        assert await claim(database, "b", at + 9 * MINUTE) == []
    async with database.read() as session:
        assert await outbox_report.next_due(session) == later(minutes=30)


async def test_postponed_deliveries_are_claimed_together(database: Database) -> None:
    for event in ("e1", "e2", "e3"):
        await queue(database, 1, event=event)
    for _ in range(2):
        (held,) = await claim(database, "a")
        async with database.write() as session:
            await outbox.put_back(session, [held.delivery_id], "a", State.QUEUED, later(hours=8), is_postponed=True)
    await settle(database, "a", (await claim(database, "a"))[0].delivery_id)
    (first,) = await claim(database, "a", later(hours=8))
    assert first.is_postponed
    async with database.write() as session:
        rest = await outbox.claim_postponed(session, first, later(hours=8), later(hours=9))
    assert len(rest) == 1
    assert await counts(database) == {State.SENT: 1, State.LEASED: 2}


async def test_the_rate_of_a_chat(database: Database) -> None:
    """It holds for waiting deliveries, and for those queued afterwards."""
    await queue(database, 1, 2)
    await queue(database, 1, event="e2")
    held = {each.recipient: each.delivery_id for each in await claim(database, "a")}
    await begin(database, "a", *held.values())
    await settle(database, "a", *held.values())
    await queue(database, 2, event="e3", at=later(seconds=0.2))
    assert await claim(database, "a", later(seconds=0.3), gap=1) == []
    assert [each.recipient for each in await claim(database, "a", later(seconds=1), gap=1)] == [1, 2]


async def test_readdress_to_the_new_chat_id(database: Database) -> None:
    await queue(database, 1)
    await queue(database, 1, event="e2")
    (held,) = await claim(database, "a")
    await begin(database, "a", held.delivery_id)
    async with database.write() as session:
        await delivery_preferences.readdress(session, 1, 99)
        await outbox.put_back(session, [held.delivery_id], "a", State.RETRY, NOW)
    assert {each.recipient for each in await rows(database)} == {99}


async def test_only_settled_deliveries_are_purged(database: Database) -> None:
    await queue(database, 1, 2)
    await settle(database, "a", (await claim(database, "a", limit=1))[0].delivery_id)
    async with database.write() as session:
        await retention.purge_settled(session, before=later(days=1), limit=100)
    assert list((await states(database)).values()) == [State.QUEUED]
    await settle(database, "b", (await claim(database, "b"))[0].delivery_id)
    async with database.write() as session:
        await retention.purge_settled(session, before=later(days=1), limit=100)
        assert await feed.known_events(session, ["e1"]) == set()


async def rows(database: Database) -> list[Delivery]:
    async with database.read() as session:
        return list((await session.exec(select(Delivery).order_by(col(Delivery.delivery_id)))).all())


class Holders:
    """Records which worker holds which delivery, and how often each was written."""

    def __init__(self) -> None:
        self.held: dict[int, str] = {}
        self.written: Counter[int] = Counter()

    def takes(self, worker: str, claimed: list[ClaimedDelivery]) -> None:
        recipients = [each.recipient for each in claimed]
        assert len(set(recipients)) == len(recipients)
        for each in claimed:
            assert each.delivery_id not in self.held, f"{worker} and {self.held[each.delivery_id]} hold one delivery"
            self.held[each.delivery_id] = worker


async def work(database: Database, worker: str, holders: Holders, chance: random.Random, limit: int) -> None:
    """Claim and send until every delivery is settled; put some back instead of sending."""
    while True:
        async with database.write() as session:
            claimed = await outbox.claim(session, worker, NOW, NOW + MINUTE, limit, NO_GAP)
            # Inside the transaction, so that the claims are recorded in their order.
            holders.takes(worker, claimed)
        if not claimed:
            if all(state in SETTLED for state in (await states(database)).values()):
                return
            await asyncio.sleep(0)
            continue
        for each in claimed:
            gives_up = chance.random() < 0.3
            async with database.write() as session:
                if not gives_up:
                    held = outbox.held_by(worker, [each.delivery_id])
                    assert await outbox.begin_sending(session, held, NOW, NOW + MINUTE)
            await asyncio.sleep(0)
            async with database.write() as session:
                del holders.held[each.delivery_id]
                if gives_up:
                    await outbox.put_back(session, [each.delivery_id], worker, State.RETRY, NOW)
                    continue
                holders.written[each.delivery_id] += 1
                assert await outbox.settle(session, outbox.held_by(worker, [each.delivery_id]), State.SENT, NOW)


@pytest.mark.parametrize(("engines", "workers"), [(1, 4), (2, 2)])
@pytest.mark.parametrize("seed", range(3))
async def test_no_delivery_has_two_workers(database_url: str, engines: int, workers: int, seed: int) -> None:
    key = a_key()
    holders = Holders()
    async with AsyncExitStack() as stack:
        databases = [await stack.enter_async_context(opened(database_url, [key])) for _ in range(engines)]
        for event in range(4):
            await queue(databases[0], *range(1, 11), event=f"e{event}")
        await asyncio.gather(
            *(
                work(database, f"{number}.{n}", holders, random.Random(seed * 100 + number * 10 + n), 3)
                for number, database in enumerate(databases)
                for n in range(workers)
            )
        )
        assert await counts(databases[0]) == {State.SENT: 40}
    assert set(holders.written.values()) == {1}


ACTS = st.lists(
    st.tuples(
        st.sampled_from(
            ["claim", "begin", "sent", "retry", "uncertain", "die", "reclaim", "unlink", "wait", "repeat", "see"]
        ),
        st.integers(0, 2),
        st.integers(1, 4),
    ),
    max_size=40,
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=ACTS)
def test_nothing_is_lost_or_written_twice(new_database: Callable[[], str], acts: list) -> None:
    """It holds for any sequence of claims, crashes, reclaims, cancellations and repetitions."""
    url = new_database()

    async def play() -> None:
        async with opened(url) as database:
            await _play(database, acts)

    asyncio.run(play())


async def _play(database: Database, acts: list[tuple[str, int, int]]) -> None:
    """Play three workers that may die at any step.

    ``written`` counts the requests to Telegram without the mark, ``repeated`` those with it: at most one each.
    """
    for event in range(3):
        await queue(database, 1, 2, 3, 4, event=f"e{event}")
    now = NOW
    held: list[dict[int, tuple[str, bool]]] = [{}, {}, {}]  # by worker: the lease of each, and whether it was begun
    written: Counter[int] = Counter()
    repeated: Counter[int] = Counter()
    repetition: dict[int, bool] = {}
    for turn, (act, number, link) in enumerate(acts):
        mine = held[number]
        begun = {one: lease for one, (lease, is_begun) in mine.items() if is_begun}
        match act:
            case "claim":
                for each in await claim(database, f"lease {turn}", now, limit=3):
                    mine[each.delivery_id] = (each.lease, False)
                    repetition[each.delivery_id] = each.is_repetition
            case "begin":
                for one, (lease, is_begun) in list(mine.items()):
                    if is_begun:
                        continue
                    if await begin(database, lease, one, at=now):
                        mine[one] = (lease, True)
                        (repeated if repetition[one] else written)[one] += 1
                    else:
                        del mine[one]
            case "sent" | "uncertain":
                for one, lease in begun.items():
                    async with database.write() as session:
                        await outbox.settle(session, outbox.held_by(lease, [one]), State(act), now)
                    del mine[one]
            case "retry":
                # Telegram's answer said that it was not done; or the portal failed before anything was written.
                for one, (lease, is_begun) in list(mine.items()):
                    async with database.write() as session:
                        await outbox.put_back(session, [one], lease, State.RETRY, now)
                    (repeated if repetition[one] else written)[one] -= is_begun
                    del mine[one]
            case "die":
                mine.clear()
            case "reclaim":
                await reclaim(database, now)
            case "unlink":
                async with database.write() as session:
                    await cancellation.cancel_for_links(session, [link], now, "unlinked")
            case "wait":
                now += datetime.timedelta(seconds=25)
            case "repeat":
                now += outbox.REPEAT_AFTER
                async with database.write() as session:
                    await repetitions.queue_due(session, now, Channel.TELEGRAM)
            case "see":
                async with database.write() as session:
                    seen = SeenNotices([Kind.INVOICE_ISSUED], "a1", "1")
                    await repetitions.record_seen(session, link, seen, now)
        assert not [one for one, times in written.items() if times > 1], "written twice without the mark"
        assert not [one for one, times in repeated.items() if times > 1], "repeated twice"
    # All workers die, and another one finishes.
    await reclaim(database, now, everything=True)
    now += outbox.REPEAT_AFTER
    async with database.write() as session:
        await repetitions.queue_due(session, now, Channel.TELEGRAM)
    while claimed := await claim(database, "last", now):
        for each in claimed:
            assert await begin(database, "last", each.delivery_id, at=now)
            (repeated if each.is_repetition else written)[each.delivery_id] += 1
            assert await settle(database, "last", each.delivery_id)
    assert not [one for one, times in written.items() if times > 1], "written twice without the mark"
    assert not [one for one, times in repeated.items() if times > 1], "repeated twice"
    found = await states(database)
    assert set(found.values()) <= SETTLED
    assert all(written[one] + repeated[one] for one, state in found.items() if state is State.SENT)
    # What is still uncertain was repeated: nobody was told nothing.
    assert all(repeated[one] == 1 for one, state in found.items() if state is State.UNCERTAIN)


async def test_counts_by_state(database: Database) -> None:
    """``count_open`` agrees with ``count_all`` on every state that it counts."""

    async def counted() -> dict[State, int]:
        async with database.read() as session:
            everything = await outbox_report.count_all(session)
            by_index = await outbox_report.count_open(session)
        assert by_index == {state: n for state, n in everything.items() if state not in outbox_report.FINAL}
        return everything

    assert await counted() == {}
    await queue(database, *range(1, 12))
    assert await counted() == {State.QUEUED: 11}
    claimed = await claim(database, "w")
    ids = [each.delivery_id for each in claimed]
    lease = claimed[0].lease
    async with database.write() as session:
        assert await outbox.begin_sending(session, outbox.held_by(lease, ids[:5]), NOW, later(minutes=5))
        await outbox.put_back(session, ids[:1], lease, State.RETRY, later(days=1))
        for state, some in (
            (State.SENT, ids[1:2]),
            (State.BLOCKED, ids[2:3]),
            (State.CANCELLED, ids[3:4]),
            (State.UNCERTAIN, ids[4:5]),
        ):
            assert await outbox.settle(session, outbox.held_by(lease, some), state, NOW)
        assert await outbox.begin_sending(session, outbox.held_by(lease, ids[5:6]), NOW, later(minutes=5))
    found = await counted()
    assert found == {
        State.LEASED: len(ids) - 6,
        State.SENDING: 1,
        State.RETRY: 1,
        State.SENT: 1,
        State.BLOCKED: 1,
        State.CANCELLED: 1,
        State.UNCERTAIN: 1,
    } | ({State.QUEUED: 11 - len(ids)} if len(ids) < 11 else {})
