"""The keys of tokens that stand in mails: stored sealed, so that ``rotate-keys`` seals them anew."""

import datetime

from cryptography.fernet import Fernet
from sqlalchemy import update
from sqlmodel import col

from storage.database import Session
from storage.tables import TokenKey


async def find(session: Session, purpose: str) -> str | None:
    """Return the Fernet key of a purpose; ``None`` where there is none yet or no key of the vault opens it."""
    row = await session.get(TokenKey, purpose)
    return session.vault.open_or_none(row.key_sealed) if row else None


async def find_or_create(session: Session, purpose: str, now: datetime.datetime) -> str:
    """Return the key of a purpose, and make one where ``find`` has none. Two processes get the same one."""
    await session.lock(f"token key {purpose}")
    if found := await find(session, purpose):
        return found
    key = Fernet.generate_key().decode()
    sealed = session.vault.seal(key)
    if not await session.insert_if_absent(TokenKey, purpose=purpose, key_sealed=sealed, created_at=now):
        replaced = update(TokenKey).where(col(TokenKey.purpose) == purpose)
        await session.change(replaced.values(key_sealed=sealed, created_at=now))
    return key
