"""Cancels deliveries that are not being sent yet. A delivery in state ``sending`` cannot be recalled."""

import datetime
from collections.abc import Sequence

from sqlalchemy import exists, update
from sqlmodel import col, select

from storage.database import Session
from storage.notices.outbox import WAITING
from storage.tables import Channel, Delivery, Kind, Notice, State

_CANCELLABLE = (*WAITING, State.LEASED)


def _cancelled(now: datetime.datetime, reason: str) -> dict[str, object]:
    return {"state": State.CANCELLED, "settled_at": now, "reason": reason, "repeat_at": None}


async def cancel_for_links(session: Session, link_ids: Sequence[int], now: datetime.datetime, reason: str) -> int:
    """Cancel the deliveries of removed links. Returns: the number of cancelled deliveries."""
    if not link_ids:
        return 0
    query = update(Delivery).where(col(Delivery.link_id).in_(link_ids), col(Delivery.state).in_(_CANCELLABLE))
    return await session.change(query.values(**_cancelled(now, reason)))


async def cancel_for_copies(session: Session, copy_ids: Sequence[int], now: datetime.datetime, reason: str) -> int:
    """Cancel the mails of stopped bookkeepers' copies. Returns: the number of cancelled deliveries."""
    if not copy_ids:
        return 0
    query = update(Delivery).where(
        col(Delivery.channel) == Channel.EMAIL,
        col(Delivery.recipient).in_(copy_ids),
        col(Delivery.state).in_(_CANCELLABLE),
    )
    return await session.change(query.values(**_cancelled(now, reason)))


async def cancel_for_number(
    session: Session,
    kinds: Sequence[Kind],
    number: str,
    now: datetime.datetime,
    reason: str,
    *,
    account_id: str | None = None,
    link_id: int | None = None,
) -> int:
    """Cancel the deliveries of some kinds about one invoice, of an account or of one link. Returns: their number."""
    about = select(Notice.notice_id).where(col(Notice.kind).in_(kinds), col(Notice.number) == number)
    if account_id is not None:
        about = about.where(col(Notice.account_id) == account_id)
    query = update(Delivery).where(col(Delivery.notice_id).in_(about), col(Delivery.state).in_(_CANCELLABLE))
    if link_id is not None:
        query = query.where(col(Delivery.link_id) == link_id)
    return await session.change(query.values(**_cancelled(now, reason)))


async def cancel_for_link_and_kinds(
    session: Session, link_id: int, kinds: Sequence[Kind], now: datetime.datetime, reason: str
) -> int:
    """Cancel the deliveries of some kinds through one link. Returns: the number of cancelled deliveries."""
    of_kind = exists().where(col(Notice.notice_id) == Delivery.notice_id, col(Notice.kind).in_(kinds))
    query = update(Delivery).where(col(Delivery.link_id) == link_id, col(Delivery.state).in_(_CANCELLABLE), of_kind)
    return await session.change(query.values(**_cancelled(now, reason)).execution_options(synchronize_session=False))


async def cancel_for_notice(session: Session, notice_id: int, now: datetime.datetime, reason: str) -> int:
    """Cancel the deliveries of one notice. Returns: the number of cancelled deliveries."""
    query = update(Delivery).where(col(Delivery.notice_id) == notice_id, col(Delivery.state).in_(_CANCELLABLE))
    return await session.change(query.values(**_cancelled(now, reason)))


async def cancel_deliveries(session: Session, delivery_ids: Sequence[int], now: datetime.datetime, reason: str) -> int:
    """Cancel deliveries by id. Returns: the number of cancelled deliveries."""
    if not delivery_ids:
        return 0
    query = update(Delivery).where(col(Delivery.delivery_id).in_(delivery_ids), col(Delivery.state).in_(_CANCELLABLE))
    return await session.change(query.values(**_cancelled(now, reason)).execution_options(synchronize_session=False))
