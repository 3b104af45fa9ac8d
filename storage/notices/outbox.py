"""The outbox: a worker claims deliveries with a lease, and each change of state is a compare-and-set.

``queued → leased → sending → sent | retry | blocked | cancelled | uncertain``. ``sending`` is committed just before the
request is written. When the worker dies after that, or the answer does not say whether the message was sent, the
delivery becomes ``uncertain``. ``REPEAT_AFTER`` later it is sent once more, and the message says that it may have come
before (``repetitions``): ``uncertain → queued``, with ``is_repetition``. A repetition whose outcome is unclear too
stays ``uncertain``, until an operator resends it. Where the person has shown meanwhile that they know of the notice, it
becomes ``cancelled`` instead. An operator may queue what was blocked or given up again (``storage.operator``).

``reclaim`` leaves the lease on a delivery that it makes ``uncertain``. Its worker may be alive after all, and know the
outcome: then ``settle`` and ``put_back`` still record it.
"""

import datetime
from collections.abc import Collection, Sequence

from msgspec import Struct
from sqlalchemy import ColumnElement, String, and_, case, exists, literal, null, or_, tuple_, update
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from storage.database import Session
from storage.tables import Channel, Delivery, Kind, Notice, State
from storage.tables.base import UtcTime, literal_states

WAITING = (State.QUEUED, State.RETRY)
IN_PROGRESS = (State.LEASED, State.SENDING)
REPEAT_AFTER = datetime.timedelta(minutes=15)
"""How long after an unclear outcome the marked repetition is due: time for the person to show that they know."""
SEEN = "seen by the person"
"""The reason of a delivery whose repetition is not needed."""


class Held(Struct, frozen=True):
    """A delivery that a worker holds by a lease."""

    delivery_id: int
    lease: str


class ClaimedDelivery(Struct, frozen=True):
    """A delivery that a worker holds until its lease expires. ``lease`` is a new random id for each claim."""

    delivery_id: int
    lease: str
    event_id: str
    kind: Kind
    account_id: str
    number: str | None
    occurred_at: datetime.datetime
    channel: Channel
    recipient: int
    link_id: int
    account_name: str
    attempts: int
    is_postponed: bool
    is_repetition: bool = False
    day: datetime.date | None = None
    """As ``Notice.day``."""

    @property
    def held(self) -> Held:
        """Its id and lease."""
        return Held(self.delivery_id, self.lease)


async def claim(
    session: Session,
    lease: str,
    now: datetime.datetime,
    lease_until: datetime.datetime,
    limit: int,
    gap: datetime.timedelta,
    without: Sequence[Channel] = (),
) -> list[ClaimedDelivery]:
    """Lease due deliveries, oldest first, at most one per recipient and at most ``limit``; ``without`` some channels.

    A recipient is left out while one of its deliveries is in progress, or was settled less than ``gap`` ago. That keeps
    the order and the rate of a chat. No two workers hold the same delivery. A delivery that was settled later than
    ``now`` was settled before the clock was set back, or by a clock that is a little ahead.
    """
    # One claim at a time: the leases of a concurrent transaction are invisible before it commits.
    await session.lock("claim")
    other = aliased(Delivery)
    is_recent = and_(col(other.settled_at) > now - gap, col(other.settled_at) <= now + gap)
    busy = exists().where(
        col(other.channel) == Delivery.channel,
        col(other.recipient) == Delivery.recipient,
        or_(col(other.state).in_(literal_states(IN_PROGRESS)), is_recent),
    )
    due = [col(Delivery.state).in_(literal_states(WAITING)), col(Delivery.due_at) <= now, ~busy]
    if without:  # NOT IN, because for an IN SQLite takes an index of all deliveries by channel, and sorts them
        due.append(col(Delivery.channel).not_in(without))
    query = (
        select(Delivery, Notice)
        .join(Notice, col(Notice.notice_id) == Delivery.notice_id)
        .where(*due)
        .where(col(Notice.kind).in_(list(Kind)))  # a newer version may have queued further kinds
        .order_by(col(Delivery.due_at), col(Delivery.delivery_id))
        .limit(limit)
        .with_for_update(of=Delivery, skip_locked=True)
    )
    rows = (await session.exec(query)).all()
    chosen: dict[tuple[str, int], tuple[Delivery, Notice]] = {}
    for delivery, notice in rows:
        chosen.setdefault((delivery.channel, delivery.recipient), (delivery, notice))
    return await _lease(session, list(chosen.values()), lease, lease_until)


async def claim_postponed(
    session: Session, claimed: ClaimedDelivery, now: datetime.datetime, lease_until: datetime.datetime
) -> list[ClaimedDelivery]:
    """Lease the other deliveries that quiet hours of the same chat postponed, for one common message."""
    query = (
        select(Delivery, Notice)
        .join(Notice, col(Notice.notice_id) == Delivery.notice_id)
        .where(
            col(Delivery.channel) == claimed.channel,
            col(Delivery.recipient) == claimed.recipient,
            col(Delivery.state).in_(WAITING),
            col(Delivery.is_postponed),
            col(Delivery.due_at) <= now,
        )
        .order_by(col(Delivery.delivery_id))
        .with_for_update(of=Delivery, skip_locked=True)
    )
    return await _lease(session, list((await session.exec(query)).all()), claimed.lease, lease_until)


async def _lease(
    session: Session, rows: Sequence[tuple[Delivery, Notice]], lease: str, lease_until: datetime.datetime
) -> list[ClaimedDelivery]:
    ids = [delivery.delivery_id for delivery, _ in rows]
    if ids:
        leased = {"state": State.LEASED, "lease_owner": lease, "lease_until": lease_until}
        await session.change(
            update(Delivery)
            .where(col(Delivery.delivery_id).in_(ids))
            .values(**leased)
            .execution_options(synchronize_session=False)
        )
    return [_claimed(session, lease, delivery, notice) for delivery, notice in rows]


def _claimed(session: Session, lease: str, delivery: Delivery, notice: Notice) -> ClaimedDelivery:
    assert delivery.delivery_id is not None
    return ClaimedDelivery(
        delivery_id=delivery.delivery_id,
        lease=lease,
        event_id=notice.event_id,
        kind=Kind(notice.kind),
        account_id=notice.account_id,
        number=notice.number,
        occurred_at=notice.occurred_at,
        channel=Channel(delivery.channel),
        recipient=delivery.recipient,
        link_id=delivery.link_id,
        account_name=session.vault.open_or_none(delivery.account_sealed or "") or "",
        attempts=delivery.attempts,
        is_postponed=delivery.is_postponed,
        is_repetition=delivery.is_repetition,
        day=notice.day,
    )


async def begin_sending(
    session: Session, held: Sequence[Held], now: datetime.datetime, lease_until: datetime.datetime
) -> set[Held]:
    """Move leased deliveries to ``sending``, each by its own lease.

    Returns:
        Those that were moved: not one that was cancelled, or whose lease expired.
    """
    query = (
        update(Delivery)
        .where(*_are(held), col(Delivery.state) == State.LEASED, col(Delivery.lease_until) > now)
        .values(state=State.SENDING, lease_until=lease_until, is_seen=False)
        .returning(col(Delivery.delivery_id), col(Delivery.lease_owner))
    )
    rows = await session.exec(query.execution_options(synchronize_session=False))
    return {Held(row.delivery_id, row.lease_owner) for row in rows}


def held_by(lease: str, ids: Sequence[int]) -> list[Held]:
    """Return the deliveries that a lease holds."""
    return [Held(each, lease) for each in ids]


def _are(held: Sequence[Held]) -> tuple[ColumnElement[bool], ...]:
    """Return the condition for held deliveries. The ids alone find the rows; each has to have its own lease, too."""
    pairs = tuple_(col(Delivery.delivery_id), col(Delivery.lease_owner))
    return (
        col(Delivery.delivery_id).in_([each.delivery_id for each in held]),
        pairs.in_([(each.delivery_id, each.lease) for each in held]),
    )


async def take_back(session: Session, ids: Sequence[int], lease: str, lease_until: datetime.datetime) -> bool:
    """Move deliveries from ``sending`` back to ``leased``: their request was certainly not written.

    Returns:
        False where the lease of one was lost.
    """
    held = (col(Delivery.state) == State.SENDING, col(Delivery.lease_owner) == lease)
    query = update(Delivery).where(col(Delivery.delivery_id).in_(ids), *held)
    return await session.change(query.values(state=State.LEASED, lease_until=lease_until)) == len(ids)


async def give_back(session: Session, ids: Sequence[int], lease: str) -> None:
    """Move leased deliveries back to ``queued``, with the ``due_at`` that they had."""
    held = (col(Delivery.state) == State.LEASED, col(Delivery.lease_owner) == lease)
    free = {"state": State.QUEUED, "lease_owner": None, "lease_until": None}
    await session.change(update(Delivery).where(col(Delivery.delivery_id).in_(ids), *held).values(**free))


async def settle(
    session: Session, held: Sequence[Held], state: State, now: datetime.datetime, reason: str | None = None
) -> set[int]:
    """Record the final state of deliveries, each by its own lease.

    A delivery that becomes ``uncertain`` for the first time gets its ``repeat_at``.

    Returns:
        The ids of those that were changed: not one whose lease was lost.
    """
    values: dict[str, object] = {"state": state, "reason": reason, "repeat_at": None}
    if state is State.UNCERTAIN:
        values = _uncertain(now, reason)
    values |= {"settled_at": now, "lease_owner": None, "lease_until": None}
    query = update(Delivery).where(*_are(held), _IS_KNOWN).values(**values).returning(col(Delivery.delivery_id))
    found = await session.exec(query.execution_options(synchronize_session=False))
    return {each.delivery_id for each in found}


_IS_KNOWN = col(Delivery.state).in_((*IN_PROGRESS, State.UNCERTAIN))
"""The condition for deliveries whose outcome the holder of their lease may record: see the module."""


def _uncertain(now: datetime.datetime, reason: str | None) -> dict[str, object]:
    """Return the columns of a delivery whose outcome is unclear: repeated once, and not if the person knows of it."""
    is_seen, is_final = col(Delivery.is_seen), or_(col(Delivery.is_seen), col(Delivery.is_repetition))
    return {
        "state": case((is_seen, literal(State.CANCELLED, String)), else_=literal(State.UNCERTAIN, String)),
        "reason": case((is_seen, literal(SEEN, String)), else_=literal(reason, String)),
        "repeat_at": case((is_final, null()), else_=literal(now + REPEAT_AFTER, UtcTime())),
    }


async def put_back(
    session: Session,
    ids: Sequence[int],
    lease: str,
    state: State,
    due_at: datetime.datetime,
    *,
    is_postponed: bool | None = None,
    reason: str | None = None,
) -> None:
    """Put deliveries back until ``due_at``, as ``queued`` or as ``retry``, which counts as an attempt."""
    counted = Delivery.attempts + (1 if state is State.RETRY else 0)
    repeat_at = case((col(Delivery.is_repetition), literal(due_at, UtcTime())), else_=null())
    values: dict[str, object] = {"state": state, "due_at": due_at, "attempts": counted, "reason": reason}
    values |= {"lease_owner": None, "lease_until": None, "settled_at": None, "repeat_at": repeat_at}
    if is_postponed is not None:
        values["is_postponed"] = is_postponed
    query = (
        update(Delivery)
        .where(col(Delivery.delivery_id).in_(ids), _IS_KNOWN, col(Delivery.lease_owner) == lease)
        .values(**values)
    )
    await session.change(query.execution_options(synchronize_session=False))


async def reclaim(
    session: Session, now: datetime.datetime, *, everything: bool = False, kept: Collection[str] = ()
) -> tuple[int, int]:
    """Release deliveries of dead workers: ``leased`` becomes ``queued``, ``sending`` becomes ``uncertain``.

    Args:
        everything: Also release leases that have not expired, at a start where no other worker can exist.
        kept: Leases of the caller, which knows that it is alive: the clock may have been set forward.

    Returns:
        The number of deliveries that became ``queued``, and that became ``uncertain``.
    """
    held = update(Delivery).where(col(Delivery.state).in_(literal_states(IN_PROGRESS)))
    if not everything:
        held = held.where(col(Delivery.lease_until) <= now, col(Delivery.lease_owner).not_in(kept))
    held = held.values(lease_until=None).execution_options(synchronize_session=False)
    leased = held.where(col(Delivery.state) == State.LEASED)
    returned = await session.change(leased.values(state=State.QUEUED, lease_owner=None))
    sending = held.where(col(Delivery.state) == State.SENDING)
    unknown = await session.change(sending.values(settled_at=now, **_uncertain(now, "the worker died")))
    return returned, unknown
