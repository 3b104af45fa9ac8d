"""The outbox's upkeep: what was settled long ago is forgotten, a part at a time, and tallies are summed up."""

import datetime
from collections import Counter
from collections.abc import Collection

from sqlalchemy import delete, exists
from sqlmodel import col, select

from storage.database import Session
from storage.tables import Delivery, Notice, State, Tally


async def forget_settled(session: Session, before: datetime.datetime, limit: int) -> int:
    """Forgets what was settled long ago, so many deliveries at the most, and their notices where they were the last.

    How many deliveries: fewer than the limit where no more are old.
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
        await _forget_notices(session, {notice_id for _, notice_id in found})
    return len(found)


async def forget_bare(session: Session, after: int, before: datetime.datetime, limit: int) -> list[int]:
    """Of the notices after one, so many at the most, forgets the old ones that nobody wanted; all old ones looked at.

    In the order of their ids, and not of their times: those that nobody wanted stand between others, whose deliveries
    are still kept, and would be looked for among them again and again.
    """
    following = select(Notice.notice_id, Notice.occurred_at).where(col(Notice.notice_id) > after)
    found = (await session.exec(following.order_by(col(Notice.notice_id)).limit(limit))).all()
    old = [notice_id for notice_id, occurred_at in found if occurred_at < before and notice_id is not None]
    if old:
        await _forget_notices(session, old)
    return old


async def _forget_notices(session: Session, notice_ids: Collection[int]) -> None:
    """Those of them that have no delivery."""
    left = exists().where(col(Delivery.notice_id) == Notice.notice_id)
    bare = delete(Notice).where(col(Notice.notice_id).in_(notice_ids), ~left)
    await session.change(bare.execution_options(synchronize_session=False))


async def sum_up(session: Session) -> None:
    """Makes one tally of a state's many; of the same rows another worker finds none."""
    parts = await session.exec(delete(Tally).returning(col(Tally.state), col(Tally.deliveries)))
    sums: Counter[str] = Counter()
    for state, n in parts.all():
        sums[state] += n
    session.add_all(Tally(state=state, deliveries=n) for state, n in sums.items())
