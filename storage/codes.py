"""Codes that were mailed: found by chat, counted by chat and by address, used once."""

import datetime
from dataclasses import dataclass, field

from sqlalchemy import delete, or_, update
from sqlmodel import col, select

from storage.database import Session
from storage.tables import Code, CodeState


@dataclass(frozen=True, slots=True)
class StoredCode:
    """A chat's latest code in some state."""

    code_id: int
    email: str = field(repr=False)
    code_hash: str = field(repr=False)
    expires_at: datetime.datetime


async def latest(session: Session, chat_id: int, *states: CodeState, for_link: int | None = None) -> StoredCode | None:
    """The chat's latest code in one of the states, expired or not, whose address is still remembered.

    ``for_link`` is a link whose bookkeeper's copy the code is for; without one it is a code for linking.
    """
    about = (col(Code.state).in_(states), col(Code.for_link).is_not_distinct_from(for_link))
    query = select(Code).where(col(Code.chat_id) == chat_id, col(Code.email_sealed) != "", *about)
    code = (await session.exec(query.order_by(col(Code.code_id).desc()).limit(1))).first()
    if code is None or code.code_id is None:
        return None
    return StoredCode(code.code_id, session.vault.open(code.email_sealed), code.code_hash, code.expires_at)


@dataclass(frozen=True, slots=True)
class Asked:
    """When codes were asked for, oldest first: by a chat, and for an address."""

    by_chat: tuple[datetime.datetime, ...]
    by_email: tuple[datetime.datetime, ...]


async def asked_since(session: Session, chat_id: int, email: str, since: datetime.datetime) -> Asked:
    """What the limits count. Until the transaction ends nobody else counts for this address, or both would go ahead."""
    hashes = session.vault.hashes("email", email)
    await session.alone(f"asking {hashes[-1]}")
    by_either = or_(col(Code.chat_id) == chat_id, col(Code.email_hash).in_(hashes))
    query = select(Code).where(col(Code.asked_at) > since, col(Code.is_counted), by_either).order_by(col(Code.asked_at))
    found = (await session.exec(query)).all()
    by_chat = tuple(code.asked_at for code in found if code.chat_id == chat_id)
    return Asked(by_chat, tuple(code.asked_at for code in found if code.email_hash in hashes))


async def replace(
    session: Session,
    chat_id: int,
    email: str,
    code: str,
    *,
    now: datetime.datetime,
    expires_at: datetime.datetime,
    for_link: int | None = None,
) -> int:
    """Stores a new code, which replaces the chat's old ones; its id."""
    await close_all(session, chat_id)
    row = Code(
        chat_id=chat_id,
        email_sealed=session.vault.seal(email),
        email_hash=session.vault.hash("email", email),
        code_hash=session.vault.hash("code", f"{chat_id}:{code}"),
        for_link=for_link,
        asked_at=now,
        expires_at=expires_at,
    )
    session.add(row)
    await session.flush()
    assert row.code_id is not None
    return row.code_id


def is_right(session: Session, stored: StoredCode, chat_id: int, code: str) -> bool:
    """Compares in constant time."""
    return session.vault.matches("code", f"{chat_id}:{code}", stored.code_hash)


async def take_attempt(session: Session, code_id: int, limit: int) -> int | None:
    """Counts one attempt; how many are left, ``None`` where there was none, so that replicas never share one."""
    counted = await session.change(
        update(Code)
        .where(col(Code.code_id) == code_id, col(Code.state) == CodeState.LIVE, col(Code.attempts) < limit)
        .values(attempts=Code.attempts + 1)
    )
    if not counted:
        return None
    attempts = (await session.exec(select(Code.attempts).where(col(Code.code_id) == code_id))).one()
    return limit - attempts


async def move(session: Session, code_id: int, seen: CodeState, to: CodeState) -> bool:
    """Moves a code on; ``False`` when somebody moved it first, so that it is proven once and used once."""
    query = update(Code).where(col(Code.code_id) == code_id, col(Code.state) == seen)
    return bool(await session.change(query.values(state=to)))


async def close_all(session: Session, chat_id: int) -> None:
    """Ends the chat's codes and forgets their addresses; they still count for an hour, by their hashes."""
    query = update(Code).where(col(Code.chat_id) == chat_id)
    await session.change(query.values(state=CodeState.CLOSED, email_sealed=""))


async def close_of_email(session: Session, email: str) -> None:
    """Ends every chat's codes for an address, proven ones too."""
    of_email = col(Code.email_hash).in_(session.vault.hashes("email", email))
    await session.change(update(Code).where(of_email).values(state=CodeState.CLOSED, email_sealed=""))


async def discount(session: Session, code_id: int) -> None:
    """A code that could not be mailed does not count against who asked for it."""
    await session.change(update(Code).where(col(Code.code_id) == code_id).values(is_counted=False))


async def purge(session: Session, before: datetime.datetime, limit: int) -> int:
    """Forgets codes that no limit counts any more, and the addresses with them: so many at the most; how many."""
    old = select(Code.code_id).where(col(Code.asked_at) < before).order_by(col(Code.asked_at)).limit(limit)
    gone = delete(Code).where(col(Code.code_id).in_(old))
    return await session.change(gone.execution_options(synchronize_session=False))
