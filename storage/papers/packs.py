"""Packs of invoices: a process claims them with a lease, and each change of state is a compare-and-set."""

import datetime
import json
from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import delete, func, or_, update
from sqlmodel import col, select

from storage.database import Session
from storage.tables import Pack, PackState
from storage.tables.base import literal_states, row_id

OPEN = (PackState.QUEUED, PackState.RUNNING, PackState.ENDED)
_WORKING = (PackState.QUEUED, PackState.RUNNING)
_NO_LEASE = {"lease_owner": None, "lease_until": None}


class NewPack(Struct, frozen=True):
    """A pack to be made. ``request`` is JSON."""

    chat_id: int
    link_id: int
    thread_id: int | None
    language: str
    format: str
    request: dict[str, Any]


class ClaimedPack(Struct, frozen=True):
    """A pack that a process holds until its lease expires. ``progress`` is empty for one that was not begun."""

    pack_id: int
    lease: str
    chat_id: int
    link_id: int
    thread_id: int | None
    message_id: int | None
    language: str
    format: str
    request: dict[str, Any]
    progress: dict[str, Any]
    has_ended: bool = False
    """Whether its link was removed: the chat is to be told."""


async def add(session: Session, new: NewPack, now: datetime.datetime, due_at: datetime.datetime) -> int | None:
    """Queue a pack. Returns: its id; None if the chat has an open pack already."""
    request = session.vault.seal(json.dumps(new.request))
    added = await session.insert_if_absent(
        Pack, chat_id=new.chat_id, link_id=new.link_id, thread_id=new.thread_id, language=new.language,
        format=new.format, request_sealed=request, state=PackState.QUEUED, created_at=now, due_at=due_at,
    )  # fmt: skip
    return await open_pack(session, new.chat_id) if added else None


async def open_pack(session: Session, chat_id: int) -> int | None:
    """Return the id of the chat's open pack, or None."""
    of_chat = (col(Pack.chat_id) == chat_id, col(Pack.state).in_(literal_states(OPEN)))
    return (await session.exec(select(col(Pack.pack_id)).where(*of_chat))).first()


async def show_progress_in(session: Session, pack_id: int, message_id: int, now: datetime.datetime) -> None:
    """Record the message with the progress of a queued pack, which is due from now on."""
    own = (col(Pack.pack_id) == pack_id, col(Pack.state) == PackState.QUEUED)
    await session.change(update(Pack).where(*own).values(message_id=message_id, due_at=now))


async def record_message(session: Session, claimed: ClaimedPack, message_id: int) -> None:
    """Record the message with the progress of a pack that has none yet."""
    own = (col(Pack.pack_id) == claimed.pack_id, col(Pack.lease_owner) == claimed.lease)
    await session.change(update(Pack).where(*own).values(message_id=message_id))


def _due(now: datetime.datetime) -> tuple[Any, ...]:
    is_free = or_(col(Pack.state) != PackState.RUNNING, col(Pack.lease_until) < now)
    return (col(Pack.state).in_(literal_states(OPEN)), col(Pack.due_at) <= now, is_free)


async def is_due(session: Session, now: datetime.datetime) -> bool:
    """Return whether ``claim`` would find a pack."""
    return (await session.exec(select(col(Pack.pack_id)).where(*_due(now)).limit(1))).first() is not None


async def state_of(session: Session, pack_id: int) -> PackState | None:
    """Return the state of a pack; None if it was deleted."""
    state = (await session.exec(select(col(Pack.state)).where(col(Pack.pack_id) == pack_id))).first()
    return PackState(state) if state else None


async def claim(
    session: Session, lease: str, now: datetime.datetime, lease_until: datetime.datetime, limit: int
) -> list[ClaimedPack]:
    """Lease up to ``limit`` packs that are due or whose lease has expired, oldest first.

    A pack that no key decrypts is left out; it is deleted with its age.
    """
    query = (
        select(Pack)
        .where(*_due(now))
        .order_by(col(Pack.due_at), col(Pack.pack_id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    found = (await session.exec(query)).all()
    claimed = []
    for row in found:
        has_ended = row.state == PackState.ENDED
        row.lease_owner, row.lease_until = lease, lease_until
        row.state = PackState.ENDED if has_ended else PackState.RUNNING
        row.due_at = lease_until if has_ended else row.due_at
        claimed.append(_claimed(session, row, lease, has_ended=has_ended))
    return claimed


def _claimed(session: Session, row: Pack, lease: str, *, has_ended: bool) -> ClaimedPack:
    assert row.pack_id is not None
    return ClaimedPack(
        pack_id=row.pack_id,
        lease=lease,
        chat_id=row.chat_id,
        link_id=row.link_id,
        thread_id=row.thread_id,
        message_id=row.message_id,
        language=row.language,
        format=row.format,
        request=_opened(session, row.request_sealed),
        progress=_opened(session, row.progress_sealed),
        has_ended=has_ended or not _opened(session, row.request_sealed),
    )


def _opened(session: Session, sealed: str | None) -> dict[str, Any]:
    """Return sealed JSON; empty for none, and for what no key decrypts."""
    text = session.vault.open_or_none(sealed) if sealed else None
    values: dict[str, Any] = json.loads(text) if text else {}
    return values


async def extend(session: Session, claimed: ClaimedPack, lease_until: datetime.datetime) -> bool:
    """Keep the lease for longer. Returns: False if the pack is no longer this lease's, or no longer running."""
    return bool(await session.change(update(Pack).where(*_held(claimed)).values(lease_until=lease_until)))


async def is_held(session: Session, claimed: ClaimedPack) -> bool:
    """Return whether the pack is still running under this lease."""
    return (await session.exec(select(col(Pack.pack_id)).where(*_held(claimed)))).first() is not None


async def save(
    session: Session, claimed: ClaimedPack, progress: dict[str, Any], fingerprint: str | None = None
) -> bool:
    """Store how far a running pack came. Returns: as ``extend``."""
    values = {"progress_sealed": session.vault.seal(json.dumps(progress)), "fingerprint": fingerprint}
    return bool(await session.change(update(Pack).where(*_held(claimed)).values(**values)))


async def settle(
    session: Session, claimed: ClaimedPack, state: PackState, now: datetime.datetime, *, keep_files: bool = False
) -> bool:
    """End a running pack. Returns: as ``extend``.

    Args:
        keep_files: whether its files may be sent again by ``file_id``.
    """
    values = {"state": state, "settled_at": now, **_NO_LEASE} | ({} if keep_files else {"fingerprint": None})
    return bool(await session.change(update(Pack).where(*_held(claimed)).values(**values)))


async def put_back(session: Session, claimed: ClaimedPack, due_at: datetime.datetime) -> None:
    """Queue a running pack again: the process stops, or failed."""
    values = {"state": PackState.QUEUED, "due_at": due_at, **_NO_LEASE}
    await session.change(update(Pack).where(*_held(claimed)).values(**values))


def _held(claimed: ClaimedPack) -> tuple[Any, ...]:
    return (
        col(Pack.pack_id) == claimed.pack_id,
        col(Pack.lease_owner) == claimed.lease,
        col(Pack.state) == PackState.RUNNING,
    )


async def delete_pack(session: Session, pack_id: int) -> None:
    """Delete a pack."""
    await session.change(delete(Pack).where(col(Pack.pack_id) == pack_id))


async def cancel(session: Session, pack_id: int, chat_id: int, now: datetime.datetime) -> bool:
    """Cancel an open pack of a chat. Returns: False if the chat has no such pack, or it is over."""
    own = (col(Pack.pack_id) == row_id(pack_id), col(Pack.chat_id) == chat_id, col(Pack.state).in_(_WORKING))
    values = {"state": PackState.CANCELLED, "settled_at": now, "progress_sealed": None, **_NO_LEASE}
    return bool(await session.change(update(Pack).where(*own).values(**values)))


class SettledPack(Struct, frozen=True):
    """A pack that is over."""

    pack_id: int
    link_id: int
    state: PackState
    progress: dict[str, Any]


async def find_settled(session: Session, pack_id: int, chat_id: int) -> SettledPack | None:
    """Return a pack of the chat that is done or failed, or None."""
    ended = [PackState.DONE, PackState.FAILED]
    own = (col(Pack.pack_id) == row_id(pack_id), col(Pack.chat_id) == chat_id, col(Pack.state).in_(ended))
    row = (await session.exec(select(Pack).where(*own))).first()
    return _settled(session, row) if row else None


async def find_same(session: Session, claimed: ClaimedPack, fingerprint: str) -> SettledPack | None:
    """Return the newest done pack of the link that was made of the same, or None."""
    same = (
        col(Pack.link_id) == claimed.link_id,
        col(Pack.fingerprint) == fingerprint,
        col(Pack.chat_id) == claimed.chat_id,
        col(Pack.state) == PackState.DONE,
    )
    row = (await session.exec(select(Pack).where(*same).order_by(col(Pack.pack_id).desc()))).first()
    return _settled(session, row) if row else None


def _settled(session: Session, row: Pack) -> SettledPack:
    assert row.pack_id is not None
    return SettledPack(row.pack_id, row.link_id, PackState(row.state), _opened(session, row.progress_sealed))


async def queue_again(
    session: Session, settled: SettledPack, progress: dict[str, Any], now: datetime.datetime, due_at: datetime.datetime
) -> bool:
    """Queue a settled pack once more, with another progress. Returns: False if it was queued meanwhile."""
    own = (col(Pack.pack_id) == settled.pack_id, col(Pack.state) == settled.state)
    sealed = session.vault.seal(json.dumps(progress))
    values = {"state": PackState.QUEUED, "due_at": due_at, "created_at": now, "settled_at": None, "fingerprint": None}
    return bool(await session.change(update(Pack).where(*own).values(progress_sealed=sealed, **values)))


async def end_for_links(session: Session, link_ids: Sequence[int], now: datetime.datetime) -> None:
    """Delete the packs of removed links. Of an open one only the chat and the message stay, until the chat is told."""
    if not link_ids:
        return
    of_links = col(Pack.link_id).in_(link_ids)
    emptied = {"request_sealed": "", "progress_sealed": None, "fingerprint": None, **_NO_LEASE}
    ended = {"state": PackState.ENDED, "due_at": now}
    await session.change(update(Pack).where(of_links, col(Pack.state).in_(_WORKING)).values(**emptied, **ended))
    await session.change(delete(Pack).where(of_links, col(Pack.state) != PackState.ENDED))


async def reclaim(session: Session, now: datetime.datetime) -> int:
    """Queue the running packs of dead processes, where no other process lives. Returns: their number."""
    running = col(Pack.state).in_(literal_states([PackState.RUNNING]))
    values = {"state": PackState.QUEUED, "due_at": now, **_NO_LEASE}
    return await session.change(update(Pack).where(running).values(**values))


async def count_open(session: Session) -> int:
    """Return how many packs wait or are being made."""
    query = select(func.count()).select_from(Pack).where(col(Pack.state).in_(literal_states(OPEN)))
    return (await session.exec(query)).one()


async def purge(session: Session, before: datetime.datetime, limit: int) -> int:
    """Delete up to ``limit`` packs that were settled before. Returns: the number deleted."""
    settled = col(Pack.settled_at)
    old = select(Pack.pack_id).where(settled.is_not(None), settled < before).order_by(settled).limit(limit)
    gone = delete(Pack).where(col(Pack.pack_id).in_(old))
    return await session.change(gone.execution_options(synchronize_session=False))
