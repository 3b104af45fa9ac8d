"""Bookkeepers' copies: the address to which a link's new invoices are mailed."""

import datetime
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from itertools import islice

from msgspec import Struct
from sqlalchemy import delete, update
from sqlmodel import col, select

from storage.database import Session
from storage.notices.outbox import ClaimedDelivery
from storage.tables import Channel, Copy, Delivery, Link, Notice, State

_LARGEST = 2**31 - 1
_LINKS_AT_ONCE = 500
_SAME_INVOICE = datetime.timedelta(days=90)
"""Of an invoice that was issued longer ago, the number may have been used again."""


@dataclass(frozen=True, slots=True)
class BookkeeperCopy:
    """A bookkeeper's copy, with the link that it belongs to. ``paused_at``: since when nothing is mailed, or None."""

    copy_id: int
    link_id: int
    chat_id: int
    contact_id: str
    account_id: str
    account_name: str
    language: str
    email: str = field(repr=False)
    paused_at: datetime.datetime | None = None


async def find(session: Session, copy_id: int) -> BookkeeperCopy | None:
    """Return a copy; ``None`` where it does not exist or no key decrypts it."""
    # PostgreSQL raises an error for a number beyond the column's type.
    if copy_id > _LARGEST:
        return None
    return await _find(session, col(Copy.copy_id) == copy_id)


async def find_by_link(session: Session, link_id: int) -> BookkeeperCopy | None:
    """Return the copy of a link; ``None`` where it has none or no key decrypts it."""
    return await _find(session, col(Copy.link_id) == link_id)


async def is_sealed(session: Session, copy_id: int) -> bool:
    """Return whether a copy exists of which no key decrypts the address, or the account's name."""
    this = select(Copy.copy_id).where(col(Copy.copy_id) == copy_id)
    return await find(session, copy_id) is None and (await session.exec(this)).first() is not None


async def _find(session: Session, which: object) -> BookkeeperCopy | None:
    query = select(Copy, Link).join(Link, col(Link.link_id) == Copy.link_id)
    found = (await session.exec(query.where(which))).first()  # type: ignore[arg-type]
    if found is None:
        return None
    row, link = found
    name, email = session.vault.open_or_none(link.account_name_sealed), session.vault.open_or_none(row.email_sealed)
    if name is None or email is None:  # sealed under a key that is no longer configured
        return None
    assert row.copy_id is not None
    assert link.link_id is not None
    return BookkeeperCopy(
        copy_id=row.copy_id,
        link_id=link.link_id,
        chat_id=link.chat_id,
        contact_id=link.contact_id,
        account_id=link.account_id,
        account_name=name,
        language=row.language,
        email=email,
        paused_at=row.paused_at,
    )


async def save(session: Session, link_id: int, email: str, language: str, now: datetime.datetime) -> None:
    """Store the confirmed address of a link's copy, in place of an earlier one."""
    await session.lock(f"copy {link_id}")
    await stop(session, link_id)
    sealed = session.vault.seal(email)
    session.add(Copy(link_id=link_id, email_sealed=sealed, language=language, confirmed_at=now))


async def stop(session: Session, link_id: int) -> bool:
    """Delete the copy of a link. Returns: False where there was none."""
    return bool(await session.change(delete(Copy).where(col(Copy.link_id) == link_id)))


class CopyOfAddress(Struct, frozen=True):
    """A copy that was stopped or paused, and the chat in which it was set up."""

    copy_id: int
    link_id: int
    chat_id: int


async def stop_for_address(session: Session, account_id: str, email: str) -> list[CopyOfAddress]:
    """Delete every copy of an account's invoices that is mailed to an address, over all links of the account.

    Args:
        account_id: The portal's id of the account.
        email: The address in its normal form.

    Returns:
        The copies that this call deleted; empty where there was none, or a concurrent call deleted it.
    """
    found = await _of_address(session, account_id, email)
    gone = delete(Copy).where(col(Copy.copy_id).in_([each.copy_id for each in found])).returning(col(Copy.copy_id))
    changed = set((await session.exec(gone)).scalars().all()) if found else set()
    return [each for each in found if each.copy_id in changed]


async def pause_for_address(
    session: Session, account_id: str, email: str, now: datetime.datetime
) -> list[CopyOfAddress]:
    """Pause every copy of an account's invoices that is mailed to an address. Arguments: as ``stop_for_address``.

    Returns:
        The copies that this call paused; those that were paused before are left out.
    """
    found = await _of_address(session, account_id, email)
    running = col(Copy.copy_id).in_([each.copy_id for each in found]), col(Copy.paused_at).is_(None)
    query = update(Copy).where(*running).values(paused_at=now).returning(col(Copy.copy_id))
    changed = set((await session.exec(query)).scalars().all()) if found else set()
    return [each for each in found if each.copy_id in changed]


async def _of_address(session: Session, account_id: str, email: str) -> list[CopyOfAddress]:
    """Return the copies of an account's invoices to an address, by id.

    Addresses are sealed, so the copies are decrypted and compared, ``_LINKS_AT_ONCE`` links at a time. A copy that no
    key decrypts is left out: it cannot be mailed either.
    """
    links = select(col(Link.link_id), col(Link.chat_id)).where(col(Link.account_id) == account_id)
    chat_of = {link_id: chat_id for link_id, chat_id in (await session.exec(links)).all() if link_id is not None}
    found: list[CopyOfAddress] = []
    for some in _batched(chat_of, _LINKS_AT_ONCE):
        copies = select(col(Copy.copy_id), col(Copy.link_id), col(Copy.email_sealed)).where(col(Copy.link_id).in_(some))
        found += [
            CopyOfAddress(copy_id or 0, link_id, chat_of[link_id])
            for copy_id, link_id, sealed in (await session.exec(copies)).all()
            if session.vault.open_or_none(sealed) == email
        ]
    return sorted(found, key=lambda each: each.copy_id)


class MailedBefore(Enum):
    """Whether another copy to the same address carries an invoice of the same account."""

    NO = "no"
    WAITING = "waiting"
    YES = "yes"


ALREADY_MAILED = "mailed to the address by another copy"
"""The reason of a delivery that is cancelled because another one carried the invoice to the same address."""


async def mailed_before(session: Session, claimed: ClaimedDelivery, email: str) -> MailedBefore:
    """Look for an earlier delivery of the same invoice to the same address, for a copy of another link.

    Of several deliveries, the one with the lowest id that is not cancelled or blocked is sent. Ids never change, so
    two workers agree on it.

    Args:
        claimed: The delivery that is about to be sent.
        email: Its address.
    """
    query = (
        select(col(Delivery.state), col(Delivery.reason), col(Copy.email_sealed))
        .join(Notice, col(Notice.notice_id) == Delivery.notice_id)
        .join(Copy, col(Copy.copy_id) == Delivery.recipient)
        .where(
            col(Notice.number) == claimed.number,
            col(Notice.account_id) == claimed.account_id,
            col(Notice.kind) == claimed.kind,
            col(Notice.occurred_at) > claimed.occurred_at - _SAME_INVOICE,
            col(Delivery.channel) == Channel.EMAIL,
            col(Delivery.delivery_id) < claimed.delivery_id,
            col(Delivery.recipient) != claimed.recipient,
        )
    )
    rows = (await session.exec(query)).all()
    states = {(state, reason) for state, reason, sealed in rows if session.vault.open_or_none(sealed) == email}
    if any(state in (State.SENT, State.UNCERTAIN) or reason == ALREADY_MAILED for state, reason in states):
        return MailedBefore.YES
    is_waiting = any(state not in (State.CANCELLED, State.BLOCKED) for state, _ in states)
    return MailedBefore.WAITING if is_waiting else MailedBefore.NO


def _batched(items: Iterable[int], size: int) -> Iterator[tuple[int, ...]]:
    """Split into tuples of at most ``size`` items (``itertools.batched`` of Python 3.12)."""
    rest = iter(items)
    while some := tuple(islice(rest, size)):
        yield some
