"""Figures and lists of the outbox, for operators, metrics and the chat."""

import datetime

from msgspec import Struct
from sqlalchemy import and_, func, or_
from sqlmodel import col, select

from storage.database import Session
from storage.notices import bookkeeper_copies
from storage.notices.outbox import WAITING
from storage.tables import Channel, Delivery, Kind, Notice, State
from storage.tables.base import literal_states

FINAL = (State.SENT, State.BLOCKED, State.CANCELLED)
"""The states that ``count_open`` leaves out: nearly all stored deliveries are in one of them."""
IS_OPEN = col(Delivery.state).not_in(literal_states(FINAL))
"""The condition of the partial index ix_deliveries_open."""


async def count_all(session: Session) -> dict[State, int]:
    """Count the deliveries of each state. It reads every delivery: for commands, not for the bot.

    Returns:
        Only states with at least one delivery.
    """
    query = select(Delivery.state, func.count()).group_by(col(Delivery.state))
    return {State(state): n for state, n in (await session.exec(query)).all()}


async def count_open(session: Session) -> dict[State, int]:
    """Count the deliveries that wait, are in progress or are uncertain, by a partial index.

    Returns:
        Only states with at least one delivery; the ``FINAL`` states are missing.
    """
    query = select(Delivery.state, func.count()).where(IS_OPEN).group_by(col(Delivery.state))
    return {State(state): n for state, n in (await session.exec(query)).all()}


async def has_more_uncertain(session: Session, limit: int) -> bool:
    """Return whether more than ``limit`` deliveries are uncertain. It reads one more at most, by a partial index."""
    query = select(Delivery.delivery_id).where(col(Delivery.state) == State.UNCERTAIN, IS_OPEN).limit(limit + 1)
    return len((await session.exec(query)).all()) > limit


class UncertainDelivery(Struct, frozen=True):
    """A delivery whose outcome is unknown. Its only personal datum is the recipient."""

    delivery_id: int
    kind: str
    channel: str
    recipient: int
    number: str | None
    settled_at: datetime.datetime | None
    reason: str | None
    repeat_at: datetime.datetime | None = None
    """When it is repeated; None: not by itself."""
    is_repetition: bool = False
    """Whether the repetition was sent, too."""


class RepeatedDelivery(Struct, frozen=True):
    """A delivery of which a repetition was queued, and what became of it."""

    delivery_id: int
    kind: str
    channel: str
    recipient: int
    number: str | None
    state: State
    settled_at: datetime.datetime | None
    reason: str | None


async def list_repeated(session: Session, limit: int) -> list[RepeatedDelivery]:
    """Return the newest deliveries that were repeated, newest first. It may read every delivery: for commands."""
    query = (
        select(Delivery, Notice)
        .join(Notice, col(Notice.notice_id) == Delivery.notice_id)
        .where(col(Delivery.is_repetition))
        .order_by(col(Delivery.delivery_id).desc())
        .limit(limit)
    )
    return [
        RepeatedDelivery(
            d.delivery_id or 0, n.kind, d.channel, d.recipient, n.number, State(d.state), d.settled_at, d.reason
        )
        for d, n in (await session.exec(query)).all()
    ]


async def list_uncertain(session: Session, limit: int) -> list[UncertainDelivery]:
    """Return the newest deliveries in state ``uncertain``, newest first."""
    query = (
        select(Delivery, Notice)
        .join(Notice, col(Notice.notice_id) == Delivery.notice_id)
        .where(col(Delivery.state) == State.UNCERTAIN, IS_OPEN)
        .order_by(col(Delivery.delivery_id).desc())
        .limit(limit)
    )
    return [as_uncertain(delivery, notice) for delivery, notice in (await session.exec(query)).all()]


def as_uncertain(d: Delivery, n: Notice) -> UncertainDelivery:
    """Return what an operator is shown of an uncertain delivery."""
    return UncertainDelivery(
        d.delivery_id or 0, n.kind, d.channel, d.recipient, n.number, d.settled_at, d.reason, d.repeat_at,
        d.is_repetition,
    )  # fmt: skip


class MailedInvoice(Struct, frozen=True):
    """An invoice that was mailed to a bookkeeper. ``reason``: what is particular about it, or None."""

    number: str
    at: datetime.datetime
    reason: str | None = None


async def sent_to_copy(session: Session, copy_id: int, limit: int) -> list[MailedInvoice]:
    """Return the newest invoices that were mailed to a bookkeeper, also by another copy, newest first."""
    was_mailed = or_(
        col(Delivery.state) == State.SENT,
        and_(col(Delivery.state) == State.CANCELLED, col(Delivery.reason) == bookkeeper_copies.ALREADY_MAILED),
    )
    query = (
        select(Notice.number, Delivery.settled_at, Delivery.reason)
        .join(Notice, col(Notice.notice_id) == Delivery.notice_id)
        .where(col(Delivery.channel) == Channel.EMAIL, col(Delivery.recipient) == copy_id, was_mailed)
        .order_by(col(Delivery.delivery_id).desc())
        .limit(limit)
    )
    return [
        MailedInvoice(number, at, reason) for number, at, reason in (await session.exec(query)).all() if number and at
    ]


async def copy_stopped_at(session: Session, chat_id: int, account_id: str) -> datetime.datetime | None:
    """Return when a bookkeeper last stopped the copies of an account's invoices that a chat had set up, or None."""
    query = (
        select(Notice.occurred_at)
        .join(Delivery, col(Notice.notice_id) == Delivery.notice_id)
        .where(
            col(Delivery.channel) == Channel.TELEGRAM,
            col(Delivery.recipient) == chat_id,
            col(Notice.kind) == Kind.COPY_STOPPED,
            col(Notice.account_id) == account_id,
        )
        .order_by(col(Notice.occurred_at).desc())
        .limit(1)
    )
    return (await session.exec(query)).first()


async def next_due(session: Session) -> datetime.datetime | None:
    """Return when the next waiting delivery is due; ``None`` where none waits."""
    waits = col(Delivery.state).in_(literal_states(WAITING))
    query = select(Delivery.due_at).where(waits).order_by(col(Delivery.due_at)).limit(1)
    return (await session.exec(query)).first()
