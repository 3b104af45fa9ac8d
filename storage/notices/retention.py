"""Retention of deliveries and notices: old ones are deleted in batches."""

import datetime
from collections.abc import Collection

from sqlalchemy import delete, exists
from sqlmodel import col, select

from storage.database import Session
from storage.tables import Delivery, Notice, State


async def purge_settled(session: Session, before: datetime.datetime, limit: int) -> int:
    """Delete up to ``limit`` deliveries settled before a time, and their notices that have no delivery left.

    Returns:
        The number of deleted deliveries: fewer than ``limit`` where no more are old.
    """
    settled = (State.SENT, State.BLOCKED, State.CANCELLED, State.UNCERTAIN)
    old = (
        select(Delivery.delivery_id, Delivery.notice_id)
        .where(col(Delivery.settled_at) < before, col(Delivery.state).in_(settled))
        .order_by(col(Delivery.settled_at))
        .limit(limit)
    )
    found = (await session.exec(old)).all()
    if found:
        gone = delete(Delivery).where(col(Delivery.delivery_id).in_([delivery_id for delivery_id, _ in found]))
        await session.change(gone.execution_options(synchronize_session=False))
        await _delete_undelivered(session, {notice_id for _, notice_id in found})
    return len(found)


async def purge_undelivered(session: Session, after: int, before: datetime.datetime, limit: int) -> list[int]:
    """Look at ``limit`` notices with id > ``after``, and delete those that are old and have no delivery.

    It walks by id, so that each notice is looked at once: an old notice whose deliveries are still kept is deleted with
    the last of them.

    Returns:
        The ids of the old notices that it looked at, deleted or not.
    """
    following = select(Notice.notice_id, Notice.occurred_at).where(col(Notice.notice_id) > after)
    found = (await session.exec(following.order_by(col(Notice.notice_id)).limit(limit))).all()
    old = [notice_id for notice_id, occurred_at in found if occurred_at < before and notice_id is not None]
    if old:
        await _delete_undelivered(session, old)
    return old


async def _delete_undelivered(session: Session, notice_ids: Collection[int]) -> None:
    """Delete those of the notices that have no delivery."""
    left = exists().where(col(Delivery.notice_id) == Notice.notice_id)
    bare = delete(Notice).where(col(Notice.notice_id).in_(notice_ids), ~left)
    await session.change(bare.execution_options(synchronize_session=False))
