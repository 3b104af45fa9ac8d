"""The portal's last answers to a link, sealed, for the time while the portal does not answer.

They are deleted with their link by the foreign key.
"""

import datetime
from collections.abc import Collection, Sequence

from msgspec import Struct
from sqlalchemy import delete, func, update
from sqlmodel import col, select, tuple_

from storage.database import Session
from storage.tables import Link, SavedAnswer
from storage.vault import Vault

_PURPOSE = "saved-answer"
MOST_OF_LINK = 40
"""Answers that are kept of one link; the oldest are deleted first."""


class Answer(Struct, frozen=True):
    """An answer to be saved, or one that was found.

    Args:
        key: Contact, account, call and arguments, as one text.
        content: The answer, as text.
        read_at: When the portal gave it.
    """

    link_id: int
    call: str
    key: str
    content: str
    read_at: datetime.datetime


def sealed(vault: Vault, answer: Answer) -> SavedAnswer:
    """Return the row of an answer, encrypted outside of any transaction."""
    return SavedAnswer(
        link_id=answer.link_id,
        key_hash=vault.hash(_PURPOSE, answer.key),
        call=answer.call,
        answer_sealed=vault.seal(f"{answer.key}\n{answer.content}"),
        read_at=answer.read_at,
    )


async def save(session: Session, rows: Sequence[SavedAnswer]) -> None:
    """Store answers, in place of earlier ones with their keys. One whose link does not exist any more is left out."""
    link_ids = {row.link_id for row in rows}
    # The lock lets no transaction delete the links before this one ends: a violated foreign key would fail all rows.
    links = select(col(Link.link_id)).where(col(Link.link_id).in_(link_ids)).with_for_update(read=True, key_share=True)
    alive = set((await session.exec(links)).all())
    kept = sorted((row for row in rows if row.link_id in alive), key=lambda row: (row.link_id, row.key_hash))
    await session.upsert_each(SavedAnswer, [row.model_dump() for row in kept])
    await _trim(session, link_ids)


async def _trim(session: Session, link_ids: Collection[int]) -> None:
    """Delete the oldest answers of the links that have more than ``MOST_OF_LINK``."""
    link_id, key_hash = col(SavedAnswer.link_id), col(SavedAnswer.key_hash)
    newest_first = func.row_number().over(
        partition_by=link_id, order_by=(col(SavedAnswer.read_at).desc(), key_hash)
    )  # fmt: skip
    ranked = select(link_id, key_hash, newest_first.label("rank")).where(link_id.in_(link_ids)).subquery()
    excess = select(ranked.c.link_id, ranked.c.key_hash).where(ranked.c.rank > MOST_OF_LINK)
    gone = delete(SavedAnswer).where(tuple_(link_id, key_hash).in_(excess))
    await session.change(gone.execution_options(synchronize_session=False))


async def find(session: Session, link_id: int, key: str, since: datetime.datetime) -> Answer | None:
    """Return the newest answer with this key that was read at ``since`` or later; ``None`` without one."""
    query = (
        select(SavedAnswer)
        .where(col(SavedAnswer.link_id) == link_id, col(SavedAnswer.key_hash).in_(_hash(session, key)))
        .where(col(SavedAnswer.read_at) >= since)
        .order_by(col(SavedAnswer.read_at).desc())
    )
    found = (_opened(session, row) for row in (await session.exec(query)).all())
    return next((answer for answer in found if answer is not None and answer.key == key), None)


async def find_of_call(session: Session, link_id: int, call: str, since: datetime.datetime) -> list[Answer]:
    """Return a link's answers to one call with any arguments, read at ``since`` or later; the newest first."""
    query = (
        select(SavedAnswer)
        .where(col(SavedAnswer.link_id) == link_id, col(SavedAnswer.call) == call)
        .where(col(SavedAnswer.read_at) >= since)
        .order_by(col(SavedAnswer.read_at).desc())
    )
    found = (_opened(session, row) for row in (await session.exec(query)).all())
    return [answer for answer in found if answer is not None]


async def has_any(session: Session, keys: Collection[tuple[int, str]]) -> bool:
    """Return whether there is an answer with one of these pairs of link and key."""
    link_ids = {link_id for link_id, _ in keys}
    hashes = {key_hash for _, key in keys for key_hash in _hash(session, key)}
    which = (col(SavedAnswer.link_id).in_(link_ids), col(SavedAnswer.key_hash).in_(hashes))
    return (await session.exec(select(SavedAnswer.link_id).where(*which).limit(1))).first() is not None


async def erase(session: Session, link_id: int, key: str) -> int:
    """Delete the answer with this key. Returns: the number of deleted rows."""
    which = (col(SavedAnswer.link_id) == link_id, col(SavedAnswer.key_hash).in_(_hash(session, key)))
    return await session.change(delete(SavedAnswer).where(*which))


async def erase_calls(session: Session, link_id: int, calls: Collection[str]) -> int:
    """Delete a link's answers to these calls. Returns: the number of deleted rows."""
    which = (col(SavedAnswer.link_id) == link_id, col(SavedAnswer.call).in_(calls))
    return await session.change(delete(SavedAnswer).where(*which))


def newest_hash(vault: Vault, answer_sealed: str) -> str | None:
    """Return the hash of an answer's key under the newest key; None where no key opens the answer."""
    opened = vault.open_or_none(answer_sealed)
    return vault.hash(_PURPOSE, opened.partition("\n")[0]) if opened is not None else None


async def rehash(session: Session, link_id: int, key_hash: str, newest: str) -> int:
    """Store an answer under another hash of its key, or delete it where an answer is stored under that hash.

    Returns:
        The number of changed rows: 0 where the answer is gone.
    """
    # ``save`` locks the link, too, so that no answer is stored under ``newest`` meanwhile.
    await session.exec(select(Link.link_id).where(col(Link.link_id) == link_id).with_for_update())
    this = (col(SavedAnswer.link_id) == link_id, col(SavedAnswer.key_hash) == key_hash)
    there = select(SavedAnswer.link_id).where(this[0], col(SavedAnswer.key_hash) == newest)
    if (await session.exec(there)).first() is not None:
        return await session.change(delete(SavedAnswer).where(*this))
    return await session.change(update(SavedAnswer).where(*this).values(key_hash=newest))


async def count_of_chat(session: Session, chat_id: int) -> int:
    """Return how many answers are kept of a chat's links."""
    query = select(func.count()).select_from(SavedAnswer).join(Link).where(col(Link.chat_id) == chat_id)
    return (await session.exec(query)).one()


async def purge(session: Session, before: datetime.datetime, limit: int) -> int:
    """Delete up to ``limit`` answers that were read before a time. Returns: the number deleted."""
    read_at, key = col(SavedAnswer.read_at), (col(SavedAnswer.link_id), col(SavedAnswer.key_hash))
    old = select(*key).where(read_at < before).order_by(read_at).limit(limit)
    gone = delete(SavedAnswer).where(tuple_(*key).in_(old))
    return await session.change(gone.execution_options(synchronize_session=False))


def _hash(session: Session, key: str) -> list[str]:
    return session.vault.hashes(_PURPOSE, key)


def _opened(session: Session, row: SavedAnswer) -> Answer | None:
    """Decrypt an answer; ``None`` where no key does."""
    opened = session.vault.open_or_none(row.answer_sealed)
    if opened is None:
        return None
    key, _, content = opened.partition("\n")
    return Answer(row.link_id, row.call, key, content, row.read_at)
