"""Tries the keys on what is stored: after a key was taken away, chats have to link again."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlmodel import col

from storage.database import Database, Session
from storage.tables import Copy, Link

_BATCH = 500


@dataclass(frozen=True, slots=True)
class KeyTrial:
    """How many chats were tried, and which of them have a column that no key opens."""

    tried: int
    unreadable: frozenset[int]


async def try_keys(database: Database) -> KeyTrial:
    """Try the keys on every link and bookkeeper's copy, in batches. It takes about 0.1 ms of CPU for each link."""
    async with database.read() as session:
        return await _try_all(session)


async def unreadable_chats(session: Session) -> frozenset[int]:
    """Return the chats that have a column which no key opens."""
    return (await _try_all(session)).unreadable


async def _try_all(session: Session) -> KeyTrial:
    tried: set[int] = set()
    unreadable: set[int] = set()
    after = 0
    while True:
        found = (await session.exec(_COLUMNS.where(col(Link.link_id) > after).limit(_BATCH))).all()  # type: ignore[call-overload]
        for link_id, chat_id, *sealed in found:
            after = link_id or after
            tried.add(chat_id)
            if _is_unreadable(session, sealed):
                unreadable.add(chat_id)
        if len(found) < _BATCH:
            return KeyTrial(len(tried), frozenset(unreadable))


async def sample_keys(database: Database, size: int) -> KeyTrial:
    """Try the keys on the ``size`` oldest and the ``size`` newest links."""
    async with database.read() as session:
        oldest = (await session.exec(_COLUMNS.limit(size))).all()  # type: ignore[call-overload]
        newest = (await session.exec(_COLUMNS.order_by(None).order_by(col(Link.link_id).desc()).limit(size))).all()  # type: ignore[call-overload]
        rows = [*oldest, *newest]
        unreadable = frozenset(chat_id for _, chat_id, *sealed in rows if _is_unreadable(session, sealed))
    return KeyTrial(len({row[1] for row in rows}), unreadable)


_COLUMNS = (
    select(
        col(Link.link_id),
        col(Link.chat_id),
        col(Link.email_sealed),
        col(Link.account_name_sealed),
        col(Copy.email_sealed),
    )
    .outerjoin(Copy, col(Copy.link_id) == col(Link.link_id))
    .order_by(col(Link.link_id))
)


def _is_unreadable(session: Session, sealed: list[str | None]) -> bool:
    return any(each is not None and session.vault.open_or_none(each) is None for each in sealed)
