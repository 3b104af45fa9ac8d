"""Counters of wrong codes of an address, and which chats proved which addresses, all by keyed hashes."""

import datetime

from sqlalchemy import delete, or_, update
from sqlmodel import col, select

from storage.database import Session
from storage.tables import AddressGuard, ProvenAddress


async def count_wrong(session: Session, email: str, now: datetime.datetime) -> None:
    """Count a wrong code of the address. ``lift_cap`` resets the count."""
    key = session.vault.hash("email", email)
    await session.insert_if_absent(AddressGuard, email_hash=key, wrong_codes=0, changed_at=now)
    query = update(AddressGuard).where(col(AddressGuard.email_hash) == key)
    await session.change(query.values(wrong_codes=AddressGuard.wrong_codes + 1, changed_at=now))


async def wrong_codes(session: Session, email: str) -> int:
    """Return the number of wrong codes of the address since the last right one."""
    of_email = col(AddressGuard.email_hash).in_(session.vault.hashes("email", email))
    return sum((await session.exec(select(AddressGuard.wrong_codes).where(of_email))).all())


async def lift_cap(session: Session, email: str) -> int:
    """Reset the count of wrong codes of the address. Returns: the count before."""
    of_email = col(AddressGuard.email_hash).in_(session.vault.hashes("email", email))
    wrong = await wrong_codes(session, email)
    await session.change(update(AddressGuard).where(of_email).values(wrong_codes=0))
    return wrong


async def may_warn(session: Session, email: str, now: datetime.datetime, gap: datetime.timedelta) -> bool:
    """Record a warning to the owner of the address. Returns: False where the last one is less than ``gap`` ago."""
    key = session.vault.hash("email", email)
    await session.insert_if_absent(AddressGuard, email_hash=key, wrong_codes=0, changed_at=now)
    due = or_(col(AddressGuard.warned_at).is_(None), col(AddressGuard.warned_at) <= now - gap)
    query = update(AddressGuard).where(col(AddressGuard.email_hash) == key, due)
    return bool(await session.change(query.values(warned_at=now, changed_at=now)))


async def take_warning_back(session: Session, email: str) -> None:
    """Delete the record of the last warning, which could not be mailed."""
    of_email = col(AddressGuard.email_hash).in_(session.vault.hashes("email", email))
    await session.change(update(AddressGuard).where(of_email).values(warned_at=None))


async def remember_proven(session: Session, chat_id: int, email: str, now: datetime.datetime) -> None:
    """Record that the chat was linked through the address."""
    row = ProvenAddress(
        chat_hash=session.vault.hash("chat", str(chat_id)), email_hash=session.vault.hash("email", email), proven_at=now
    )
    await session.upsert(row)


async def was_proven(session: Session, chat_id: int, email: str) -> bool:
    """Return whether the chat was once linked through the address, and the proof was not deleted since."""
    pair = (
        col(ProvenAddress.chat_hash).in_(session.vault.hashes("chat", str(chat_id))),
        col(ProvenAddress.email_hash).in_(session.vault.hashes("email", email)),
    )
    return (await session.exec(select(ProvenAddress.chat_hash).where(*pair).limit(1))).first() is not None


async def proven_chats(session: Session, email: str) -> set[str]:
    """Return the keyed hashes of the chats that were once linked through the address."""
    of_email = col(ProvenAddress.email_hash).in_(session.vault.hashes("email", email))
    return set((await session.exec(select(ProvenAddress.chat_hash).where(of_email))).all())


async def delete_proofs(session: Session, *, chat_id: int | None = None, email: str | None = None) -> None:
    """Delete the proofs of a chat, or those of an address; with both arguments, only that pair."""
    which = []
    if chat_id is not None:
        which.append(col(ProvenAddress.chat_hash).in_(session.vault.hashes("chat", str(chat_id))))
    if email is not None:
        which.append(col(ProvenAddress.email_hash).in_(session.vault.hashes("email", email)))
    if which:
        await session.change(delete(ProvenAddress).where(*which))


async def purge(session: Session, before: datetime.datetime, limit: int) -> int:
    """Delete counters and proofs that changed last before a time, up to ``limit`` of each.

    Returns:
        The larger of the two numbers of deleted rows: less than ``limit`` where nothing is left to delete.
    """
    guards = select(AddressGuard.email_hash).where(col(AddressGuard.changed_at) < before).limit(limit)
    gone = delete(AddressGuard).where(col(AddressGuard.email_hash).in_(guards))
    removed = await session.change(gone.execution_options(synchronize_session=False))
    newest = col(ProvenAddress.proven_at) < before
    pairs = select(ProvenAddress.chat_hash).where(newest).limit(limit)
    stale = delete(ProvenAddress).where(newest, col(ProvenAddress.chat_hash).in_(pairs))
    return max(removed, await session.change(stale.execution_options(synchronize_session=False)))
