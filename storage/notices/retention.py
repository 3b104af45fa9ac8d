"""Retention of deliveries and notices: old ones are deleted in batches, those of a deleted chat with it."""

import datetime
from collections.abc import Collection, Sequence
from typing import TypeVar

from sqlalchemy import ColumnElement, delete, exists, literal_column, update
from sqlmodel import col, select

from storage.database import Session
from storage.tables import Channel, Chat, Delivery, Kind, Link, Notice, State

_AT_ONCE = 500
_Value = TypeVar("_Value", int, str)
_NOT_OF_EVENTS = (
    Kind.REMINDER_BEFORE, Kind.REMINDER_DUE, Kind.REMINDER_LATER, Kind.COPY_STOPPED, Kind.COPY_PAUSED,
    Kind.COPY_WITHOUT_PDF, Kind.ADDRESS_CHANGED, Kind.ACCESS_ENDED, Kind.LINK_UNUSED,
)  # fmt: skip
"""The kinds whose ``event_id`` the bot makes, of a chat or a link."""


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


async def delete_of_chat(session: Session, chat_id: int) -> None:
    """Delete every delivery to a chat, and the bookkeepers' mails of its present and former links.

    A delivery in state ``sending`` cannot be recalled; its outcome is recorded nowhere.
    """
    to_chat = (col(Delivery.channel) == Channel.TELEGRAM, col(Delivery.recipient) == chat_id)
    former = (await session.exec(select(col(Delivery.link_id)).where(*to_chat).distinct())).all()
    present = (await session.exec(select(col(Link.link_id)).where(col(Link.chat_id) == chat_id))).all()
    link_ids = sorted({link_id for link_id in (*former, *present) if link_id is not None})
    await _delete(session, *to_chat)
    for some in _parts(link_ids):
        await _delete(session, col(Delivery.link_id).in_(some))


async def empty_unlinked(session: Session, accounts: Sequence[str]) -> None:
    """Forget the issued invoices of the accounts that no chat is linked to any more, where nobody was told of them."""
    for some in _parts(sorted(accounts)):
        told = exists().where(col(Delivery.notice_id) == Notice.notice_id)
        linked = select(col(Link.link_id)).where(col(Link.account_id) == Notice.account_id).exists()
        # A literal, not a parameter: SQLite uses a partial index only for a query that states its condition.
        of_account = (col(Notice.account_id) != literal_column("''"), col(Notice.account_id).in_(some))
        emptied = update(Notice).where(*of_account, ~told, ~linked)
        await session.change(emptied.values(account_id="", number=None).execution_options(synchronize_session=False))


async def delete_mails_of_links(session: Session, link_ids: Sequence[int]) -> None:
    """Delete the bookkeepers' mails of removed links. One in progress stays until it is old."""
    for some in _parts(link_ids):
        is_mail = (col(Delivery.channel) == Channel.EMAIL, col(Delivery.state).not_in((State.LEASED, State.SENDING)))
        await _delete(session, col(Delivery.link_id).in_(some), *is_mail)


async def delete_ownerless(session: Session, after: int, limit: int) -> list[int]:
    """Look at ``limit`` deliveries with id > ``after``, and delete those to a chat that is not stored any more.

    A transaction that was running while the chat was deleted may have queued them.

    Returns:
        The ids of the deliveries that it looked at.
    """
    query = (
        select(col(Delivery.delivery_id), col(Delivery.channel), col(Chat.chat_id))
        .outerjoin(Chat, col(Chat.chat_id) == col(Delivery.recipient))
        .where(col(Delivery.delivery_id) > after)
        .order_by(col(Delivery.delivery_id))
        .limit(limit)
    )
    rows = (await session.exec(query)).all()
    ownerless = [each for each, channel, chat_id in rows if channel == Channel.TELEGRAM and chat_id is None]
    if ownerless:
        await _delete(session, col(Delivery.delivery_id).in_(ownerless))
    return [each for each, _, _ in rows if each is not None]


async def _delete(session: Session, *which: ColumnElement[bool]) -> None:
    """Delete deliveries, and what their notices say of an account and a paper where no other delivery is left.

    The notice of an event stays without them: the portal may repeat the event.
    """
    gone = delete(Delivery).where(*which).returning(col(Delivery.notice_id))
    result = await session.exec(gone.execution_options(synchronize_session=False))
    for some in _parts(sorted(set(result.scalars().all()))):
        left = exists().where(col(Delivery.notice_id) == Notice.notice_id)
        bare = (col(Notice.notice_id).in_(some), ~left)
        own = col(Notice.kind).in_(_NOT_OF_EVENTS) | col(Notice.day).is_not(None)
        await session.change(delete(Notice).where(*bare, own).execution_options(synchronize_session=False))
        emptied = update(Notice).where(*bare).values(account_id="", number=None)
        await session.change(emptied.execution_options(synchronize_session=False))


def _parts(ids: Sequence[_Value]) -> list[Sequence[_Value]]:
    return [ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE)]


async def _delete_undelivered(session: Session, notice_ids: Collection[int]) -> None:
    """Delete those of the notices that have no delivery."""
    left = exists().where(col(Delivery.notice_id) == Notice.notice_id)
    bare = delete(Notice).where(col(Notice.notice_id).in_(notice_ids), ~left)
    await session.change(bare.execution_options(synchronize_session=False))
