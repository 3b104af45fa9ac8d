"""Up to which mail the mailbox of stop mails was read, and which worker reads it."""

import datetime
from dataclasses import dataclass

from sqlalchemy import or_, update
from sqlmodel import col

from storage.database import Session
from storage.tables import StopMailbox


@dataclass(frozen=True, slots=True)
class ReadUpTo:
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
