"""The deliveries as an operator sees them, and the operator's two changes: to queue one again, and to cancel it.

Each change is a compare-and-set on the state and the reason that the operator was shown, so that a worker that is
faster wins (see ``storage.notices.outbox``).
"""

import datetime
from collections.abc import Sequence

from msgspec import Struct
from sqlalchemy import ColumnElement, exists, func, update
from sqlmodel import col, select

from storage.database import Session
from storage.notices.outbox import WAITING
from storage.tables import Channel, Chat, Copy, Delivery, Link, Notice, State
from storage.tables.base import row_id

BY_OPERATOR = "by the operator"
"""The reason of a delivery that an operator cancelled."""


class DeliveryChoice(Struct, frozen=True):
    """Which deliveries are listed; what is empty or None chooses all.

    Args:
        states: These states.
        account_id: The portal's id of the account.
        number: The number of the order or invoice.
        since: Those that were settled at this time or later; of those that are not settled, those that are due then.
        until: Those before this time.
    """

    states: Sequence[State] = ()
    account_id: str = ""
    number: str = ""
    since: datetime.datetime | None = None
    until: datetime.datetime | None = None

    @property
    def is_empty(self) -> bool:
        """Whether it chooses every delivery."""
        return self == DeliveryChoice()


class StoredDelivery(Struct, frozen=True):
    """A delivery with its notice. Its only personal data are the ids of recipient and account, and the number."""

    delivery_id: int
    event_id: str
    kind: str
    account_id: str
    number: str | None
    day: datetime.date | None
    occurred_at: datetime.datetime
    channel: str
    recipient: int
    link_id: int
    state: State
    due_at: datetime.datetime
    attempts: int
    is_postponed: bool
    lease_until: datetime.datetime | None
    settled_at: datetime.datetime | None
    reason: str | None
    repeat_at: datetime.datetime | None
    is_repetition: bool
    is_seen: bool


class RecipientFacts(Struct, frozen=True):
    """What decides whether a delivery can reach its recipient.

    Args:
        is_linked: Whether its link exists; None for a notice about no link.
        blocked_at: Since when the person blocks the bot; None: not, or the delivery is a mail.
        paused_at: Since when the bookkeeper's copy is paused; None: not, or the delivery is none.
        has_copy: Whether the bookkeeper's copy exists; True for a delivery to a chat.
    """

    is_linked: bool | None
    blocked_at: datetime.datetime | None = None
    paused_at: datetime.datetime | None = None
    has_copy: bool = True


async def list_deliveries(session: Session, choice: DeliveryChoice, limit: int) -> list[StoredDelivery]:
    """Return the newest deliveries of a choice, newest first. It may read every delivery: for commands."""
    query = (
        select(Delivery, Notice)
        .join(Notice, col(Notice.notice_id) == Delivery.notice_id)
        .where(*_conditions(choice))
        .order_by(col(Delivery.delivery_id).desc())
        .limit(limit)
    )
    return [_stored(delivery, notice) for delivery, notice in (await session.exec(query)).all()]


async def count_deliveries(session: Session, choice: DeliveryChoice) -> int:
    """Count the deliveries of a choice. It may read every delivery: for commands."""
    query = (
        select(func.count())
        .select_from(Delivery)
        .join(Notice, col(Notice.notice_id) == Delivery.notice_id)
        .where(*_conditions(choice))
    )
    return (await session.exec(query)).one()


def _conditions(choice: DeliveryChoice) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if choice.states:
        found.append(col(Delivery.state).in_(choice.states))
    if choice.account_id:
        found.append(col(Notice.account_id) == choice.account_id)
    if choice.number:
        found.append(col(Notice.number) == choice.number)
    at = func.coalesce(col(Delivery.settled_at), col(Delivery.due_at))
    if choice.since is not None:
        found.append(at >= choice.since)
    if choice.until is not None:
        found.append(at < choice.until)
    return found


async def find_delivery(session: Session, delivery_id: int) -> StoredDelivery | None:
    """Return a delivery; None where there is none."""
    query = (
        select(Delivery, Notice)
        .join(Notice, col(Notice.notice_id) == Delivery.notice_id)
        .where(col(Delivery.delivery_id) == row_id(delivery_id))
    )
    found = (await session.exec(query)).first()
    return _stored(*found) if found else None


def _stored(d: Delivery, n: Notice) -> StoredDelivery:
    return StoredDelivery(
        delivery_id=d.delivery_id or 0,
        event_id=n.event_id,
        kind=n.kind,
        account_id=n.account_id,
        number=n.number,
        day=n.day,
        occurred_at=n.occurred_at,
        channel=d.channel,
        recipient=d.recipient,
        link_id=d.link_id,
        state=State(d.state),
        due_at=d.due_at,
        attempts=d.attempts,
        is_postponed=d.is_postponed,
        lease_until=d.lease_until,
        settled_at=d.settled_at,
        reason=d.reason,
        repeat_at=d.repeat_at,
        is_repetition=d.is_repetition,
        is_seen=d.is_seen,
    )


async def recipient_facts(session: Session, delivery: StoredDelivery) -> RecipientFacts:
    """Return what decides whether a delivery can reach its recipient."""
    is_linked: bool | None = None
    if delivery.link_id:
        is_linked = (await session.exec(select(exists().where(col(Link.link_id) == delivery.link_id)))).one()
    if delivery.channel == Channel.EMAIL:
        copy = await session.get(Copy, delivery.recipient)
        return RecipientFacts(is_linked, paused_at=copy.paused_at if copy else None, has_copy=copy is not None)
    chat = await session.get(Chat, delivery.recipient)
    return RecipientFacts(is_linked, blocked_at=chat.blocked_at if chat else None)


async def queue_again(session: Session, seen: StoredDelivery, now: datetime.datetime) -> bool:
    """Make a delivery due now, with no attempt counted.

    Args:
        seen: The delivery as it was read; the caller has decided that it may be sent again.

    Returns:
        False where it has changed since; nothing is changed then.
    """
    values: dict[str, object] = {"state": State.QUEUED, "due_at": now, "attempts": 0, "reason": None}
    values |= {"settled_at": None, "lease_owner": None, "lease_until": None, "is_seen": False}
    values["repeat_at"] = now if seen.is_repetition else None
    return await _change(session, seen, values)


async def cancel(session: Session, seen: StoredDelivery, now: datetime.datetime) -> bool:
    """Cancel a delivery that waits for its turn. Arguments and result: as ``queue_again``."""
    values = {"state": State.CANCELLED, "settled_at": now, "reason": BY_OPERATOR, "repeat_at": None}
    return seen.state in WAITING and await _change(session, seen, values)


async def _change(session: Session, seen: StoredDelivery, values: dict[str, object]) -> bool:
    unchanged = (
        col(Delivery.delivery_id) == seen.delivery_id,
        col(Delivery.state) == seen.state,
        col(Delivery.reason).is_not_distinct_from(seen.reason),
    )
    query = update(Delivery).where(*unchanged).values(**values)
    return bool(await session.change(query.execution_options(synchronize_session=False)))
