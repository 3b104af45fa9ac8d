"""Chats that are linked through the same addresses, and how one of them revokes another's links."""

import datetime
from dataclasses import dataclass, field

from sqlmodel import col, select

from storage.database import Session
from storage.linking import codes, links, proofs
from storage.tables import Chat, Link


@dataclass(frozen=True, slots=True)
class OtherChat:
    """Another chat that is linked through one of this chat's addresses; ``first_name`` may be empty."""

    chat_id: int
    first_name: str
    linked_at: datetime.datetime
    email: str = field(default="", repr=False)
    """The address that both chats are linked through; empty where no key decrypts it."""


async def other_chats(session: Session, chat_id: int) -> list[OtherChat]:
    """Return the other chats that are linked through this chat's addresses, oldest link first."""
    own = await _own_hashes(session, chat_id)
    query = (
        select(Chat, col(Link.linked_at), col(Link.email_sealed))
        .join(Link, col(Link.chat_id) == Chat.chat_id)
        .where(col(Link.email_hash).in_(own), col(Link.chat_id) != chat_id)
        .order_by(col(Link.linked_at))
    )
    found: dict[int, OtherChat] = {}
    for chat, linked_at, email_sealed in (await session.exec(query)).all():
        name = session.vault.open_or_none(chat.first_name_sealed or "") or ""
        found.setdefault(
            chat.chat_id, OtherChat(chat.chat_id, name, linked_at, session.vault.open_or_none(email_sealed) or "")
        )
    return list(found.values())


@dataclass(frozen=True, slots=True)
class SharedAddress:
    """An address through which two chats are linked, and since when."""

    email: str = field(repr=False)
    own_since: datetime.datetime
    other_since: datetime.datetime


async def find_shared(session: Session, chat_id: int, other_chat_id: int) -> list[SharedAddress]:
    """Return the addresses that both chats are linked through; empty where there is none."""
    own = await _since(session, chat_id)
    other = await _since(session, other_chat_id)
    return [SharedAddress(email, own[email], other[email]) for email in sorted(own.keys() & other.keys())]


async def _since(session: Session, chat_id: int) -> dict[str, datetime.datetime]:
    query = select(col(Link.email_sealed), col(Link.linked_at)).where(col(Link.chat_id) == chat_id)
    since: dict[str, datetime.datetime] = {}
    for sealed, linked_at in (await session.exec(query)).all():
        email = session.vault.open_or_none(sealed)
        if email is not None:
            since[email] = min(linked_at, since.get(email, linked_at))
    return since


async def revoke(session: Session, chat_id: int, other: int, now: datetime.datetime) -> int:
    """Remove the links that another chat has through this chat's addresses. Returns: the number of removed links."""
    own = await _own_hashes(session, chat_id)
    shared = (col(Link.chat_id) == other, col(Link.chat_id) != chat_id, col(Link.email_hash).in_(own))
    found = (await session.exec(select(col(Link.link_id)).where(*shared))).all()
    for address in set((await links.emails(session, chat_id)).values()):
        await proofs.delete_proofs(session, chat_id=other, email=address)
        # The other person may have read further mails, so codes that were mailed to the address become invalid.
        await codes.close_of_email(session, address, now)
    await codes.close_all(session, other)
    return await links.remove_links(session, found, now, "revoked")


async def _own_hashes(session: Session, chat_id: int) -> list[str]:
    """Return the hashes of the chat's addresses under every key: an older link may be hashed under an older key."""
    addresses = (await links.emails(session, chat_id)).values()
    return [hashed for address in set(addresses) for hashed in session.vault.hashes("email", address)]
