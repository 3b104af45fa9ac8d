"""What is remembered of addresses beyond their codes: wrong codes since the last right one, and who proved them.

Everything is found by keyed hashes; no address and no chat can be read from these tables.
"""

import datetime

from sqlalchemy import delete, or_, update
from sqlmodel import col, select

from storage.database import Session
from storage.tables import AddressGuard, ProvenAddress

KEPT = datetime.timedelta(days=400)
"""How long what is remembered here stays after its last change."""


async def count_wrong(session: Session, email: str, now: datetime.datetime) -> None:
    """Counts a wrong code against the address, until the next right one."""
    key = session.vault.hash("email", email)
    await session.put_if_absent(AddressGuard, email_hash=key, wrong_codes=0, changed_at=now)
    query = update(AddressGuard).where(col(AddressGuard.email_hash) == key)
    await session.change(query.values(wrong_codes=AddressGuard.wrong_codes + 1, changed_at=now))


async def wrong_codes(session: Session, email: str) -> int:
    """How many wrong codes were typed for the address since the last right one."""
    of_email = col(AddressGuard.email_hash).in_(session.vault.hashes("email", email))
    return sum((await session.exec(select(AddressGuard.wrong_codes).where(of_email))).all())


async def lift_cap(session: Session, email: str) -> int:
    """Forgets the address's wrong codes. Returns: how many there were."""
    of_email = col(AddressGuard.email_hash).in_(session.vault.hashes("email", email))
    wrong = await wrong_codes(session, email)
    await session.change(update(AddressGuard).where(of_email).values(wrong_codes=0))
    return wrong


async def may_warn(session: Session, email: str, now: datetime.datetime, gap: datetime.timedelta) -> bool:
    """Whether the owner was not warned within ``gap``; if so, notes that they are warned now."""
    key = session.vault.hash("email", email)
    await session.put_if_absent(AddressGuard, email_hash=key, wrong_codes=0, changed_at=now)
    due = or_(col(AddressGuard.warned_at).is_(None), col(AddressGuard.warned_at) <= now - gap)
    query = update(AddressGuard).where(col(AddressGuard.email_hash) == key, due)
    return bool(await session.change(query.values(warned_at=now, changed_at=now)))


async def take_warning_back(session: Session, email: str) -> None:
    """The owner could not be warned: the next reason warns them."""
    of_email = col(AddressGuard.email_hash).in_(session.vault.hashes("email", email))
    await session.change(update(AddressGuard).where(of_email).values(warned_at=None))


async def remember_proven(session: Session, chat_id: int, email: str, now: datetime.datetime) -> None:
    """Remembers that the chat was linked through the address."""
    row = ProvenAddress(
        chat_hash=session.vault.hash("chat", str(chat_id)), email_hash=session.vault.hash("email", email), proven_at=now
    )
    await session.put(row)


async def was_proven(session: Session, chat_id: int, email: str) -> bool:
    """Whether the chat was linked through the address at some time, and nobody withdrew that since."""
    pair = (
        col(ProvenAddress.chat_hash).in_(session.vault.hashes("chat", str(chat_id))),
        col(ProvenAddress.email_hash).in_(session.vault.hashes("email", email)),
    )
    return (await session.exec(select(ProvenAddress.chat_hash).where(*pair).limit(1))).first() is not None


async def proven_chats(session: Session, email: str) -> set[str]:
    """The keyed hashes of the chats that were linked through the address at some time."""
    of_email = col(ProvenAddress.email_hash).in_(session.vault.hashes("email", email))
    return set((await session.exec(select(ProvenAddress.chat_hash).where(of_email))).all())


async def forget_proven(session: Session, *, chat_id: int | None = None, email: str | None = None) -> None:
    """Forgets what a chat proved, or who proved an address; with both, only that pair."""
    which = []
    if chat_id is not None:
        which.append(col(ProvenAddress.chat_hash).in_(session.vault.hashes("chat", str(chat_id))))
    if email is not None:
        which.append(col(ProvenAddress.email_hash).in_(session.vault.hashes("email", email)))
    if which:
        await session.change(delete(ProvenAddress).where(*which))


async def purge(session: Session, before: datetime.datetime, limit: int) -> int:
    """Deletes what was counted of addresses, and proven by chats, that changed last before a time.

    Returns:
        How many rows, at most ``limit`` of each kind.
    """
    guards = select(AddressGuard.email_hash).where(col(AddressGuard.changed_at) < before).limit(limit)
    gone = delete(AddressGuard).where(col(AddressGuard.email_hash).in_(guards))
    removed = await session.change(gone.execution_options(synchronize_session=False))
    newest = col(ProvenAddress.proven_at) < before
    pairs = select(ProvenAddress.chat_hash).where(newest).limit(limit)
    stale = delete(ProvenAddress).where(newest, col(ProvenAddress.chat_hash).in_(pairs))
    return max(removed, await session.change(stale.execution_options(synchronize_session=False)))
