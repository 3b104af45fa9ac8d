"""The outbox: deliveries claimed with a lease, and every step of one a compare-and-set.

``queued → leased → sending → sent | retry | blocked | cancelled | uncertain``. ``sending`` is committed just before the
request is written; whoever dies after that leaves a delivery whose outcome nobody knows, and it is never sent again.
"""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import BindParameter, bindparam, exists, func, or_, update
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from storage.database import Session
from storage.tables import Channel, Delivery, Kind, Notice, State, Tally

WAITING = (State.QUEUED, State.RETRY)
IN_HAND = (State.LEASED, State.SENDING)


def _written(states: Sequence[State]) -> BindParameter[Sequence[State]]:
    """States as words of the SQL itself: the engines use a partial index only where they can read its condition."""
    return bindparam(None, states, expanding=True, literal_execute=True)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that is held until its lease runs out; ``lease`` is new at each claim: a latecomer holds nothing."""

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


async def claim(
    session: Session,
    lease: str,
    now: datetime.datetime,
    lease_until: datetime.datetime,
    limit: int,
    gap: datetime.timedelta,
) -> list[Claimed]:
    """Leases due deliveries, the oldest first, at most one a recipient. No two workers ever hold the same one.

    A recipient with something in hand, or who got something less than ``gap`` ago, is left out: that keeps a chat's
    order and its rate.
    """
    # One claims at a time: what another is just leasing is not seen as in hand before it is committed.
    await session.alone("claim")
    other = aliased(Delivery)
    busy = exists().where(
        col(other.channel) == Delivery.channel,
        col(other.recipient) == Delivery.recipient,
        or_(col(other.state).in_(_written(IN_HAND)), col(other.settled_at) > now - gap),
    )
    query = (
        select(Delivery, Notice)
        .join(Notice, col(Notice.notice_id) == Delivery.notice_id)
        .where(col(Delivery.state).in_(_written(WAITING)), col(Delivery.due_at) <= now, ~busy)
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
    session: Session, claimed: Claimed, now: datetime.datetime, lease_until: datetime.datetime
) -> list[Claimed]:
    """Leases whatever else waited for the end of the same chat's quiet hours, to be told in one message."""
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
) -> list[Claimed]:
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


def _claimed(session: Session, lease: str, delivery: Delivery, notice: Notice) -> Claimed:
    assert delivery.delivery_id is not None
    return Claimed(
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
    )


async def begin_sending(
    session: Session, ids: Sequence[int], lease: str, now: datetime.datetime, lease_until: datetime.datetime
) -> bool:
    """Marks leased deliveries as being sent, all or none; ``False`` when one was cancelled, or its lease ran out."""
    held = (col(Delivery.state) == State.LEASED, col(Delivery.lease_owner) == lease, col(Delivery.lease_until) > now)
    moved = await session.change(
        update(Delivery)
        .where(col(Delivery.delivery_id).in_(ids), *held)
        .values(state=State.SENDING, lease_until=lease_until)
    )
    if moved == len(ids):
        return True
    await session.rollback()
    return False


async def take_back(session: Session, ids: Sequence[int], lease: str, lease_until: datetime.datetime) -> bool:
    """Leases again what was to be sent and certainly was not, all or none; ``False`` when it is ours no more."""
    held = (col(Delivery.state) == State.SENDING, col(Delivery.lease_owner) == lease)
    query = update(Delivery).where(col(Delivery.delivery_id).in_(ids), *held)
    return await session.change(query.values(state=State.LEASED, lease_until=lease_until)) == len(ids)


async def give_back(session: Session, ids: Sequence[int], lease: str) -> None:
    """What is leased waits again, in the place that it had."""
    held = (col(Delivery.state) == State.LEASED, col(Delivery.lease_owner) == lease)
    free = {"state": State.QUEUED, "lease_owner": None, "lease_until": None}
    await session.change(update(Delivery).where(col(Delivery.delivery_id).in_(ids), *held).values(**free))


async def settle(
    session: Session, ids: Sequence[int], lease: str, state: State, now: datetime.datetime, reason: str | None = None
) -> bool:
    """Records how it ended. ``False`` when somebody else has settled it meanwhile."""
    held = (col(Delivery.state).in_(IN_HAND), col(Delivery.lease_owner) == lease)
    values = {"state": state, "settled_at": now, "reason": reason, "lease_owner": None, "lease_until": None}
    query = update(Delivery).where(col(Delivery.delivery_id).in_(ids), *held).values(**values)
    return bool(await session.change(query))


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
    """Gives deliveries back, to be taken up again later. A ``retry`` counts as an attempt."""
    held = (col(Delivery.state).in_(IN_HAND), col(Delivery.lease_owner) == lease)
    counted = Delivery.attempts + (1 if state is State.RETRY else 0)
    values: dict[str, object] = {"state": state, "due_at": due_at, "attempts": counted, "reason": reason}
    values |= {"lease_owner": None, "lease_until": None}
    if is_postponed is not None:
        values["is_postponed"] = is_postponed
    await session.change(update(Delivery).where(col(Delivery.delivery_id).in_(ids), *held).values(**values))


async def reclaim(session: Session, now: datetime.datetime, *, everything: bool = False) -> tuple[int, int]:
    """What dead workers held: leased goes back to ``queued``, sending is ``uncertain``; how many of each.

    ``everything`` takes also leases that still run: for a start where there can be no other worker.
    """
    held = update(Delivery).where(col(Delivery.state).in_(_written(IN_HAND)))
    if not everything:
        held = held.where(col(Delivery.lease_until) <= now)
    held = held.values(lease_owner=None, lease_until=None).execution_options(synchronize_session=False)
    leased = held.where(col(Delivery.state) == State.LEASED)
    returned = await session.change(leased.values(state=State.QUEUED))
    sending = held.where(col(Delivery.state) == State.SENDING)
    unknown = await session.change(sending.values(state=State.UNCERTAIN, settled_at=now, reason="the worker died"))
    return returned, unknown


async def cancel_of_links(session: Session, link_ids: Sequence[int], now: datetime.datetime, reason: str) -> int:
    """Cancels what is queued for links that are gone. What is being sent cannot be called back."""
    if not link_ids:
        return 0
    waiting = (*WAITING, State.LEASED)
    query = update(Delivery).where(col(Delivery.link_id).in_(link_ids), col(Delivery.state).in_(waiting))
    return await session.change(query.values(state=State.CANCELLED, settled_at=now, reason=reason))


async def cancel_of_copies(session: Session, copy_ids: Sequence[int], now: datetime.datetime, reason: str) -> int:
    """Cancel the mails that wait for stopped copies. Returns: how many; what is being sent cannot be called back."""
    if not copy_ids:
        return 0
    query = update(Delivery).where(
        col(Delivery.channel) == Channel.EMAIL,
        col(Delivery.recipient).in_(copy_ids),
        col(Delivery.state).in_((*WAITING, State.LEASED)),
    )
    return await session.change(query.values(state=State.CANCELLED, settled_at=now, reason=reason))


async def cancel_of_number(
    session: Session,
    kinds: Sequence[Kind],
    number: str,
    now: datetime.datetime,
    reason: str,
    *,
    account_id: str | None = None,
    link_id: int | None = None,
) -> int:
    """Cancels what is queued about one invoice: for a whole account, or for one link."""
    about = select(Notice.notice_id).where(col(Notice.kind).in_(kinds), col(Notice.number) == number)
    if account_id is not None:
        about = about.where(col(Notice.account_id) == account_id)
    query = update(Delivery).where(
        col(Delivery.notice_id).in_(about), col(Delivery.state).in_((*WAITING, State.LEASED))
    )
    if link_id is not None:
        query = query.where(col(Delivery.link_id) == link_id)
    return await session.change(query.values(state=State.CANCELLED, settled_at=now, reason=reason))


async def next_due(session: Session) -> datetime.datetime | None:
    """When the next waiting delivery is due."""
    waits = col(Delivery.state).in_(_written(WAITING))
    query = select(Delivery.due_at).where(waits).order_by(col(Delivery.due_at)).limit(1)
    return (await session.exec(query)).first()


async def counts(session: Session) -> dict[State, int]:
    """How many deliveries stand in each state."""
    query = select(Tally.state, func.sum(Tally.deliveries)).group_by(col(Tally.state))
    return {State(state): int(n) for state, n in (await session.exec(query)).all() if n}


@dataclass(frozen=True, slots=True)
class Doubtful:
    """A delivery that an operator may want to look into; nothing personal in it but whom it was for."""

    delivery_id: int
    kind: str
    channel: str
    recipient: int
    number: str | None
    settled_at: datetime.datetime | None
    reason: str | None


async def doubtful(session: Session, limit: int) -> list[Doubtful]:
    """The latest deliveries whose outcome nobody knows."""
    query = (
        select(Delivery, Notice)
        .join(Notice, col(Notice.notice_id) == Delivery.notice_id)
        .where(col(Delivery.state) == bindparam(None, State.UNCERTAIN, literal_execute=True))
        .order_by(col(Delivery.delivery_id).desc())
        .limit(limit)
    )
    return [
        Doubtful(d.delivery_id or 0, n.kind, d.channel, d.recipient, n.number, d.settled_at, d.reason)
        for d, n in (await session.exec(query)).all()
    ]


async def sent_to_copy(session: Session, copy_id: int, limit: int) -> list[tuple[str, datetime.datetime]]:
    """The latest invoices mailed to a bookkeeper: number and when."""
    query = (
        select(Notice.number, Delivery.settled_at)
        .join(Notice, col(Notice.notice_id) == Delivery.notice_id)
        .where(
            col(Delivery.channel) == Channel.EMAIL,
            col(Delivery.recipient) == copy_id,
            col(Delivery.state) == State.SENT,
        )
        .order_by(col(Delivery.delivery_id).desc())
        .limit(limit)
    )
    return [(number, at) for number, at in (await session.exec(query)).all() if number and at]


async def readdress(session: Session, chat_id: int, new_chat_id: int) -> None:
    """What is not settled follows a chat to its new id."""
    await session.change(
        update(Delivery)
        .where(
            col(Delivery.channel) == Channel.TELEGRAM,
            col(Delivery.recipient) == chat_id,
            col(Delivery.state).in_((*WAITING, *IN_HAND)),
        )
        .values(recipient=new_chat_id)
    )


async def release_postponed(session: Session, chat_id: int, now: datetime.datetime) -> None:
    """What waited for the end of quiet hours that are no more is due now."""
    waiting = (
        col(Delivery.channel) == Channel.TELEGRAM,
        col(Delivery.recipient) == chat_id,
        col(Delivery.is_postponed),
    )
    await session.change(update(Delivery).where(*waiting, col(Delivery.state).in_(WAITING)).values(due_at=now))
