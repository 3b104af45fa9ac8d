"""The private addresses of calendar feeds. A token is stored as keyed hash; its row is deleted with its link."""

import datetime

from msgspec import Struct
from sqlalchemy import delete, update
from sqlmodel import col, select

from storage.database import Session
from storage.tables import CalendarFeed, Link

_PURPOSE = "calendar"


class FeedAddress(Struct, frozen=True):
    """The link that an address belongs to, its chat, and the language of the chat when it was made."""

    link_id: int
    chat_id: int
    language: str
    is_newest: bool = True
    """Whether its token is hashed under the newest key."""


async def save(session: Session, link_id: int, token: str, language: str, now: datetime.datetime) -> None:
    """Store the token of a link's feed, in place of an earlier one, which is not valid any more."""
    token_hash = session.vault.hash(_PURPOSE, token)
    row = CalendarFeed(link_id=link_id, token_hash=token_hash, language=language, created_at=now)
    await session.upsert(row)


async def delete_feed(session: Session, link_id: int) -> bool:
    """Delete the address of a link's feed. Returns: whether there was one."""
    return bool(await session.change(delete(CalendarFeed).where(col(CalendarFeed.link_id) == link_id)))


async def made_at(session: Session, link_id: int) -> datetime.datetime | None:
    """Return when the address of a link's feed was made; ``None`` without one."""
    feed = await session.get(CalendarFeed, link_id)
    return feed.created_at if feed is not None else None


async def find(session: Session, token: str) -> FeedAddress | None:
    """Return the feed with a token, whatever text that is; ``None`` without one.

    Also returns one whose token was hashed under an older key. ``rehash`` brings it under the newest.
    """
    hashes = session.vault.hashes(_PURPOSE, token)
    query = (
        select(Link.link_id, Link.chat_id, CalendarFeed.language, CalendarFeed.token_hash)
        .join(CalendarFeed, col(CalendarFeed.link_id) == col(Link.link_id))
        .where(col(CalendarFeed.token_hash).in_(hashes))
    )
    found = (await session.exec(query)).first()
    if found is None:
        return None
    link_id, chat_id, language, token_hash = found
    return FeedAddress(link_id or 0, chat_id, language, is_newest=token_hash == hashes[0])


async def rehash(session: Session, link_id: int, token: str) -> None:
    """Hash the token of a feed under the newest key. Only the calendar program's request has the token."""
    newest, *older = session.vault.hashes(_PURPOSE, token)
    this = (col(CalendarFeed.link_id) == link_id, col(CalendarFeed.token_hash).in_(older))
    await session.change(update(CalendarFeed).where(*this).values(token_hash=newest))


async def count_of_chat(session: Session, chat_id: int) -> int:
    """Return how many of a chat's links have a feed."""
    query = select(CalendarFeed.link_id).join(Link).where(col(Link.chat_id) == chat_id)
    return len((await session.exec(query)).all())
