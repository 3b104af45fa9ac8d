"""Links as the portal is asked about them: which address each was proven by, and what came of the asking."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import update
from sqlmodel import col, select

from storage.database import Session
from storage.tables import Link


@dataclass(frozen=True, slots=True)
class LinkToConfirm:
    """One link, with what the portal's answer is compared with."""

    link_id: int
    chat_id: int
    contact_id: str
    account_id: str
    account_name: str
    email: str = field(repr=False)


async def links_to_confirm(
    session: Session, *, chat_id: int | None = None, link_ids: Sequence[int] = ()
) -> list[LinkToConfirm]:
    """The links of a chat, or some links of whatever chats; those that no key opens are left out."""
    which = col(Link.chat_id) == chat_id if chat_id is not None else col(Link.link_id).in_(link_ids)
    found = []
    for link in (await session.exec(select(Link).where(which).order_by(col(Link.link_id)))).all():
        email = session.vault.open_or_none(link.email_sealed)
        name = session.vault.open_or_none(link.account_name_sealed)
        if email is not None and name is not None and link.link_id is not None:
            found.append(LinkToConfirm(link.link_id, link.chat_id, link.contact_id, link.account_id, name, email))
    return found


async def confirm(
    session: Session, link_id: int, account_name: str, access: frozenset[str], now: datetime.datetime, *, is_used: bool
) -> None:
    """Notes that the portal confirmed a link, with its name and access as they are now; ``is_used``: by the person."""
    values: dict[str, object] = {
        "account_name_sealed": session.vault.seal(account_name),
        "access": " ".join(sorted(access)),
        "confirmed_at": now,
    }
    if is_used:
        values["used_at"] = now
    await session.change(update(Link).where(col(Link.link_id) == link_id).values(values))


async def still_linked(session: Session, link_ids: Sequence[int]) -> set[int]:
    """Which of these links there are."""
    found = await session.exec(select(col(Link.link_id)).where(col(Link.link_id).in_(link_ids)))
    return {link_id for link_id in found.all() if link_id is not None}


@dataclass(frozen=True, slots=True)
class SharedAddress:
    """An address through which two chats are linked, and since when each is."""

    email: str = field(repr=False)
    own_since: datetime.datetime
    other_since: datetime.datetime


async def shared_addresses(session: Session, chat_id: int, other_chat_id: int) -> list[SharedAddress]:
    """The addresses that two chats have in common; empty where they have none."""
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
