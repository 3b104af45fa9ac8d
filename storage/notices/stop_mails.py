"""What stopping copies by mail needs: the key of the tokens in mails, and up to where the mailbox was read."""

import datetime

from cryptography.fernet import Fernet
from msgspec import Struct
from sqlalchemy import or_, update
from sqlmodel import col

from storage.database import Session
from storage.tables import StopMailbox, TokenKey


async def find_key(session: Session, purpose: str) -> str | None:
    """Return the Fernet key of a purpose; ``None`` where there is none yet or no key of the vault opens it."""
    row = await session.get(TokenKey, purpose)
    return session.vault.open_or_none(row.key_sealed) if row else None


async def find_or_create_key(session: Session, purpose: str, now: datetime.datetime) -> str:
    """Return the key of a purpose, and make one where ``find_key`` has none. Two processes get the same one."""
    await session.lock(f"token key {purpose}")
    if found := await find_key(session, purpose):
        return found
    key = Fernet.generate_key().decode()
    sealed = session.vault.seal(key)
    if not await session.insert_if_absent(TokenKey, purpose=purpose, key_sealed=sealed, created_at=now):
        replaced = update(TokenKey).where(col(TokenKey.purpose) == purpose)
        await session.change(replaced.values(key_sealed=sealed, created_at=now))
    return key


class ReadUpTo(Struct, frozen=True):
    """The last mail that was read. ``uid_validity`` is None before the first one."""

    uid_validity: int | None
    last_uid: int


async def claim(session: Session, owner: str, now: datetime.datetime, lease: datetime.timedelta) -> ReadUpTo | None:
    """Lease the mailbox. Returns: where to go on; ``None`` while another worker reads it.

    A lease that ends later than ``lease`` from now was taken before the clock was set back, and has ended.
    """
    await session.insert_if_absent(StopMailbox, mailbox_id=1, last_uid=0)
    until = col(StopMailbox.lease_until)
    is_free = or_(until.is_(None), until <= now, until > now + lease)
    taken = update(StopMailbox).where(col(StopMailbox.mailbox_id) == 1, is_free)
    if not await session.change(taken.values(lease_owner=owner, lease_until=now + lease)):
        return None
    row = await session.get(StopMailbox, 1, populate_existing=True)
    return ReadUpTo(row.uid_validity, row.last_uid) if row else None


async def release(session: Session, owner: str, read: ReadUpTo | None) -> None:
    """End the lease and store how far the mailbox was read, unless another worker has the lease.

    Args:
        read: None if nothing was read.
    """
    own = update(StopMailbox).where(col(StopMailbox.mailbox_id) == 1, col(StopMailbox.lease_owner) == owner)
    position = {"uid_validity": read.uid_validity, "last_uid": read.last_uid} if read else {}
    await session.change(own.values(lease_owner=None, lease_until=None, **position))
