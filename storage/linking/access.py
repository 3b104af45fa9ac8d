"""Links to be confirmed with the portal, and the result of that."""

import datetime
from collections.abc import Collection
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, func, update
from sqlmodel import col, select

from storage.database import Session
from storage.tables import Link


@dataclass(frozen=True, slots=True)
class LinkToConfirm:
    """One link, with the values to compare with the portal's answer."""

    link_id: int
    chat_id: int
    contact_id: str
    account_id: str
    account_name: str
    email: str = field(repr=False)


async def links_to_confirm(
    session: Session, *, chat_id: int | None = None, email: str | None = None, link_ids: Collection[int] = ()
) -> list[LinkToConfirm]:
    """Return the links of a chat, through an address, or with ``link_ids``; without those that no key decrypts."""
    if chat_id is not None:
        which: ColumnElement[bool] = col(Link.chat_id) == chat_id
    elif email is not None:
        which = col(Link.email_hash).in_(session.vault.hashes("email", email))
    else:
        which = col(Link.link_id).in_(link_ids)
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
    """Record that the portal confirmed a link, with its present name and access.

    Args:
        is_used: Whether the person used the chat; False for a check in the background.
    """
    values: dict[str, object] = {
        "account_name_sealed": session.vault.seal(account_name),
        "access": " ".join(sorted(access)),
        "confirmed_at": now,
    }
    if is_used:
        values["used_at"] = now
    await session.change(update(Link).where(col(Link.link_id) == link_id).values(values))


async def add_account(
    session: Session,
    beside: LinkToConfirm,
    account_id: str,
    account_name: str,
    access: frozenset[str],
    now: datetime.datetime,
) -> None:
    """Link a chat to a further account of a contact that it is linked to, behind its other accounts.

    Args:
        beside: One of the chat's links to the contact, which the portal has just confirmed.
    """  # fmt: skip
    oldest = (await session.exec(select(func.min(Link.chosen_at)).where(col(Link.chat_id) == beside.chat_id))).one()
    # A link that no key opens was left out of ``links_to_confirm``: its row is there, and is sealed anew.
    same = (
        col(Link.chat_id) == beside.chat_id,
        col(Link.contact_id) == beside.contact_id,
        col(Link.account_id) == account_id,
    )
    link = (await session.exec(select(Link).where(*same))).first() or Link(
        chat_id=beside.chat_id, contact_id=beside.contact_id, account_id=account_id, account_name_sealed="",
        access="", email_sealed="", email_hash="", linked_at=now,
        chosen_at=(oldest or now) - datetime.timedelta(milliseconds=1),
    )  # fmt: skip
    link.account_name_sealed = session.vault.seal(account_name)
    link.access = " ".join(sorted(access))
    link.email_sealed = session.vault.seal(beside.email)
    link.email_hash = session.vault.hash("email", beside.email)
    link.confirmed_at = link.used_at = now
    session.add(link)


async def expire_confirmations(session: Session, account_id: str, contact_id: str | None) -> None:
    """Have the links of a contact confirmed before their next use; without a contact, those of an account."""
    which = col(Link.account_id) == account_id if contact_id is None else col(Link.contact_id) == contact_id
    await session.change(update(Link).where(which).values(confirmed_at=None))


async def still_linked(session: Session, link_ids: Collection[int]) -> set[int]:
    """Return those of ``link_ids`` that exist."""
    found = await session.exec(select(col(Link.link_id)).where(col(Link.link_id).in_(link_ids)))
    return {link_id for link_id in found.all() if link_id is not None}
