"""What a link is subscribed to: kinds of notices, and the PDF with notices of new invoices."""

from collections.abc import Sequence, Set

from sqlalchemy import update
from sqlmodel import col, select

from storage.database import Session
from storage.tables import Link


async def set_subscriptions(
    session: Session, chat_id: int, link_ids: Sequence[int], kinds: Set[str], *, on: bool
) -> None:
    """Subscribe some of the chat's links to kinds of notices, or unsubscribe them (``on`` False)."""
    own = (col(Link.link_id).in_(link_ids), col(Link.chat_id) == chat_id)
    for link in (await session.exec(select(Link).where(*own).with_for_update())).all():
        subscribed = set((link.wishes or "").split())
        link.wishes = " ".join(sorted(subscribed | kinds if on else subscribed - kinds))


async def set_attaches_pdf(session: Session, chat_id: int, link_id: int, *, on: bool) -> None:
    """Set whether a link's notices of new invoices have the PDF attached."""
    own = (col(Link.link_id) == link_id, col(Link.chat_id) == chat_id)
    await session.change(update(Link).where(*own).values(attaches_pdf=on))
