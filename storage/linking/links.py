"""Links between chats and accounts: added when an address is proven, chosen, and removed."""

import datetime
from collections.abc import Sequence

from msgspec import Struct
from sqlalchemy import ColumnElement, delete, func, update
from sqlmodel import col, select

from storage import chats, support
from storage.database import Session
from storage.linking import codes, proofs
from storage.notices import cancellation, retention
from storage.papers import packs, uploaded_pdfs
from storage.privacy import consents
from storage.privacy.consents import Wording
from storage.tables import Chat, ConsentPurpose, Link

UNLINKED = "unlinked"
"""The reason for removing links that the person or the operator gave up."""


class NewLink(Struct, frozen=True):
    """A link to add: an account that a proven address gives access to."""

    contact_id: str
    account_id: str
    account_name: str
    access: frozenset[str]
    email: str


async def add_links(
    session: Session,
    chat_id: int,
    first_name: str,
    new: Sequence[NewLink],
    now: datetime.datetime,
    wording: Wording | None = None,
) -> None:
    """Link the chat to each account; the first one becomes current. An existing link keeps its subscriptions.

    Args:
        wording: What the person read before agreeing, which is recorded as consent to the access of each account.
    """
    chat = await chats.ensure(session, chat_id, now)
    chat.first_name_sealed = session.vault.seal(first_name)
    if new:
        chat.expires_at = None
    found = (await session.exec(select(Link).where(col(Link.chat_id) == chat_id))).all()
    known = {(link.contact_id, link.account_id): link for link in found}
    once = {(link.contact_id, link.account_id): link for link in new}
    # Later than every earlier choice, also where the clock was set back since.
    chosen_at = max([now, *(link.chosen_at + datetime.timedelta(seconds=1) for link in found)])
    linked: list[Link] = []
    for rank, link in enumerate(once.values()):
        row = known.get((link.contact_id, link.account_id)) or Link(
            chat_id=chat_id, contact_id=link.contact_id, account_id=link.account_id,
            account_name_sealed="", access="", email_sealed="", email_hash="", linked_at=now, chosen_at=now,
        )  # fmt: skip
        if row.email_hash not in session.vault.hashes("email", link.email):
            row.linked_at = now  # an existing link through another address counts as a new link
        row.account_name_sealed = session.vault.seal(link.account_name)
        row.access = " ".join(sorted(link.access))
        row.email_sealed = session.vault.seal(link.email)
        row.email_hash = session.vault.hash("email", link.email)
        row.chosen_at = chosen_at - datetime.timedelta(milliseconds=rank)
        row.confirmed_at = row.used_at = now
        session.add(row)
        linked.append(row)
    if wording is not None and linked:
        await session.flush()
        link_ids = [link.link_id for link in linked]
        await consents.record(session, chat_id, [ConsentPurpose.ACCESS], link_ids, wording, now, is_given=True)


async def count_linked_chats(session: Session) -> int:
    """Count the chats with a link. It reads an index of all links: for metrics and commands, not for an update."""
    return (await session.exec(select(func.count(func.distinct(col(Link.chat_id)))))).one()


async def _newest_choice(session: Session, chat_id: int) -> datetime.datetime | None:
    """Return a time after every choice of the chat; ``None`` for a chat without links."""
    chosen = (await session.exec(select(col(Link.chosen_at)).where(col(Link.chat_id) == chat_id))).all()
    return max(chosen) + datetime.timedelta(milliseconds=1) if chosen else None


async def choose(session: Session, chat_id: int, link_id: int, now: datetime.datetime) -> None:
    """Make one of the chat's links the current one, also where another was chosen before the clock was set back."""
    own = (col(Link.link_id) == link_id, col(Link.chat_id) == chat_id)
    newest = await _newest_choice(session, chat_id)
    await session.change(update(Link).where(*own).values(chosen_at=max(now, newest) if newest else now))


async def unlink(session: Session, chat_id: int, now: datetime.datetime) -> int:
    """Remove every link of the chat, its codes and its ``awaiting``. Returns: the number of removed links."""
    await codes.close_all(session, chat_id)
    state = {"awaited": None, "awaited_until": None, "awaited_link": None}
    await session.change(update(Chat).where(col(Chat.chat_id) == chat_id).values(**state))
    own = (await session.exec(select(col(Link.link_id)).where(col(Link.chat_id) == chat_id))).all()
    return await remove_links(session, own, now, UNLINKED)


async def unlink_email(session: Session, email: str, now: datetime.datetime) -> int:
    """Remove the links of every chat through an address, and its codes. Returns: the number of removed links."""
    hashes = session.vault.hashes("email", email)
    await codes.close_of_email(session, email, now)
    await proofs.delete_proofs(session, email=email)
    found = (await session.exec(select(col(Link.link_id)).where(col(Link.email_hash).in_(hashes)))).all()
    return await remove_links(session, found, now, UNLINKED)


async def remove_links(session: Session, link_ids: Sequence[int | None], now: datetime.datetime, reason: str) -> int:
    """Remove links of any chats, cancel their deliveries, and clear the names of chats that are unlinked then.

    With them go their bookkeepers' copies and what was mailed to these, and the uploads of accounts without a link.
    A link that somebody else has removed keeps its deliveries: the notice that it ended may be among them.

    Args:
        reason: Stored with each cancelled delivery; any other than ``UNLINKED`` also revokes the chats' proofs.

    Returns:
        The number of removed links.
    """
    own = select(col(Link.link_id), Link.chat_id, Link.account_id).where(col(Link.link_id).in_(link_ids))
    found = (await session.exec(own.order_by(col(Link.link_id)).with_for_update())).all()
    if not found:
        return 0
    known = [link_id for link_id, _, _ in found if link_id is not None]
    which = col(Link.link_id).in_(known)
    if reason != UNLINKED:
        await _revoke_proofs(session, which)
    await cancellation.cancel_for_links(session, known, now, reason)
    await packs.end_for_links(session, known, now)
    await retention.delete_mails_of_links(session, known)
    removed = await session.change(delete(Link).where(which))
    await uploaded_pdfs.delete_of_unlinked_accounts(session, {account_id for _, _, account_id in found})
    for chat_id in sorted({chat_id for _, chat_id, _ in found}):
        await _expire_if_unlinked(session, chat_id, now)
    await support.end_for_links(session, known, now)  # after the chats, in the order in which others lock
    return removed


async def _revoke_proofs(session: Session, which: ColumnElement[bool]) -> None:
    """Delete what the chats of these links proved: they may have lost the mailbox along with the access."""
    found = await session.exec(select(col(Link.chat_id), col(Link.email_sealed)).where(which))
    for chat_id, sealed in set(found.all()):
        if email := session.vault.open_or_none(sealed):
            await proofs.delete_proofs(session, chat_id=chat_id, email=email)


async def _expire_if_unlinked(session: Session, chat_id: int, now: datetime.datetime) -> None:
    """Clear the first name of a chat without links, and let its row expire in 30 days."""
    linked = select(Link.link_id).where(col(Link.chat_id) == chat_id).exists()
    values = {"first_name_sealed": None, "expires_at": now + chats.UNLINKED_RETENTION}
    await session.change(update(Chat).where(col(Chat.chat_id) == chat_id, ~linked).values(values))


async def emails(session: Session, chat_id: int) -> dict[int, str]:
    """Return the address of each of the chat's links by link id. An address that no key decrypts is left out."""
    found = await session.exec(select(col(Link.link_id), col(Link.email_sealed)).where(col(Link.chat_id) == chat_id))
    opened = ((link_id, session.vault.open_or_none(sealed)) for link_id, sealed in found.all())
    return {link_id: email for link_id, email in opened if link_id is not None and email is not None}


async def chats_of_email(session: Session, email: str) -> list[int]:
    """Return the ids of the chats that are linked through an address."""
    hashes = session.vault.hashes("email", email)
    found = await session.exec(select(col(Link.chat_id)).where(col(Link.email_hash).in_(hashes)).distinct())
    return list(found)
