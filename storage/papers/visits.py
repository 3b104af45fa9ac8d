"""The last visit of a link's home screen: when it was, and what it knew of the account's orders and invoices."""

import datetime
from collections.abc import Set

from msgspec import Struct
from sqlmodel import col, select

from storage.database import Session
from storage.tables import Channel, Delivery, Kind, Link, Notice, State, Visit


class StoredVisit(Struct, frozen=True):
    """A visit; ``papers`` is what ``save`` was given."""

    at: datetime.datetime
    papers: str


async def load(session: Session, link_id: int) -> StoredVisit | None:
    """Return the last visit; None for none, and for one that no key decrypts."""
    row = await session.get(Visit, link_id)
    papers = session.vault.open_or_none(row.papers_sealed) if row else None
    return StoredVisit(row.visited_at, papers) if row and papers is not None else None


async def save(session: Session, link_id: int, at: datetime.datetime, papers: str) -> None:
    """Store a visit in place of the one before. Nothing is stored for a link that is gone."""
    linked = select(col(Link.link_id)).where(col(Link.link_id) == link_id).with_for_update(key_share=True)
    if (await session.exec(linked)).first() is not None:
        await session.upsert(Visit(link_id=link_id, visited_at=at, papers_sealed=session.vault.seal(papers)))


async def told_since(
    session: Session, chat_id: int, account_id: str, since: datetime.datetime
) -> Set[tuple[Kind, str]]:
    """Return the kind and number of each notice about an account that a chat received after a time."""
    query = (
        select(Notice.kind, Notice.number)
        .join(Delivery, col(Delivery.notice_id) == Notice.notice_id)
        .where(
            col(Delivery.channel) == Channel.TELEGRAM,
            col(Delivery.recipient) == chat_id,
            col(Delivery.settled_at) > since,
            col(Delivery.state) == State.SENT,
            col(Notice.account_id) == account_id,
            col(Notice.kind).in_(list(Kind)),
            col(Notice.number).is_not(None),
        )
    )
    return {(Kind(kind), number or "") for kind, number in (await session.exec(query)).all()}
