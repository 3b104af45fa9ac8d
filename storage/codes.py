"""Codes that were asked for: found by chat, used once. What the limits count of them is in ``code_history``."""

import datetime
from dataclasses import dataclass, field

from sqlalchemy import delete, update
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
    opens_until: datetime.datetime | None
    is_long: bool
    for_link: int | None = None
    for_chat: int | None = None


async def latest(
    session: Session, chat_id: int, *states: CodeState, for_link: int | None = None, for_chat: int | None = None
) -> StoredCode | None:
    """The chat's latest code in one of the states, expired or not, whose address is still kept.

    Args:
        for_link: the link whose bookkeeper's copy the code is for.
        for_chat: the chat that is to be revoked with the code. Without either it is a code for linking.

    Returns:
        ``None`` where there is no such code, or where no key opens its address.
    """
    about = (
        col(Code.state).in_(states),
        col(Code.for_link).is_not_distinct_from(for_link),
        col(Code.for_chat).is_not_distinct_from(for_chat),
    )
    query = select(Code).where(col(Code.chat_id) == chat_id, col(Code.email_sealed) != "", *about)
    code = (await session.exec(query.order_by(col(Code.code_id).desc()).limit(1))).first()
    email = session.vault.open_or_none(code.email_sealed) if code else None
    if code is None or code.code_id is None or email is None:
        return None
    return StoredCode(
        code.code_id, email, code.code_hash, code.expires_at, code.opens_until, code.is_long, for_link, for_chat
    )


async def chat_to_revoke(session: Session, chat_id: int) -> int | None:
    """The chat that this chat's live code is asked for to revoke; ``None`` where there is no such code."""
    query = select(Code.for_chat).where(
        col(Code.chat_id) == chat_id, col(Code.for_chat).is_not(None), col(Code.state) == CodeState.LIVE
    )
    return (await session.exec(query.order_by(col(Code.code_id).desc()).limit(1))).first()


async def replace(
    session: Session,
    chat_id: int,
    email: str,
    code: str,
    *,
    now: datetime.datetime,
    expires_at: datetime.datetime,
    is_long: bool = False,
    for_link: int | None = None,
    for_chat: int | None = None,
) -> int:
    """Stores a new code, which replaces the chat's old ones. It opens nothing before ``allow``. Returns: its id."""
    await close_all(session, chat_id)
    return await _add(
        session,
        Code(
            chat_id=chat_id,
            chat_hash=_chat_hash(session, chat_id),
            email_sealed=session.vault.seal(email),
            email_hash=session.vault.hash("email", email),
            code_hash=session.vault.hash("code", f"{_audience(session, chat_id, email, is_long)}:{code}"),
            for_link=for_link,
            for_chat=for_chat,
            is_long=is_long,
            asked_at=now,
            expires_at=expires_at,
        ),
    )


async def take_over(session: Session, chat_id: int, email: str, now: datetime.datetime) -> int | None:
    """Lets the chat use the long codes that were mailed to the address lately, without another mail.

    Returns:
        The id of the chat's own row, or ``None`` where no long code of the address is in use.
    """
    query = (
        select(Code)
        .where(
            col(Code.email_hash).in_(session.vault.hashes("email", email)),
            col(Code.is_long),
            col(Code.is_mailed),
            col(Code.is_counted),
            col(Code.for_link).is_(None),
            col(Code.for_chat).is_(None),
            col(Code.expires_at) > now,
        )
        .order_by(col(Code.code_id).desc())
        .limit(1)
    )
    mailed = (await session.exec(query)).first()
    if mailed is None:
        return None
    await close_all(session, chat_id)
    return await _add(
        session,
        Code(
            chat_id=chat_id,
            chat_hash=_chat_hash(session, chat_id),
            email_sealed=session.vault.seal(email),
            email_hash=mailed.email_hash,
            code_hash="",
            is_long=True,
            is_mailed=False,
            asked_at=now,
            expires_at=mailed.expires_at,
        ),
    )


async def _add(session: Session, row: Code) -> int:
    session.add(row)
    await session.flush()
    assert row.code_id is not None
    return row.code_id


def _audience(session: Session, chat_id: int, email: str, is_long: bool) -> str:
    """Who may use a code: a short one its own chat alone, a long one every chat that asked for the address."""
    return session.vault.hash("email", email) if is_long else str(chat_id)


def is_right(session: Session, stored: StoredCode, chat_id: int, code: str, code_hash: str | None = None) -> bool:
    """Compares a typed code with a stored one, or with another hash of its address, in constant time."""
    found = False
    audiences = session.vault.hashes("email", stored.email) if stored.is_long else [str(chat_id)]
    for audience in audiences:
        found |= session.vault.matches("code", f"{audience}:{code}", code_hash or stored.code_hash)
    return found


async def opened_by(
    session: Session, stored: StoredCode, chat_id: int, code: str, now: datetime.datetime
) -> str | None:
    """The hash of the code that was typed, where it opens something now.

    A short code is the chat's own. A long one is any that was mailed to the address for the same purpose: several
    chats may have asked at one time, and nobody can tell whose mail came last.
    """
    hashes = [stored.code_hash] if stored.opens_until is not None and now <= stored.opens_until else []
    if stored.is_long:
        query = select(Code.code_hash).where(
            col(Code.email_hash).in_(session.vault.hashes("email", stored.email)),
            col(Code.is_long),
            col(Code.is_mailed),
            col(Code.for_link).is_not_distinct_from(stored.for_link),
            col(Code.for_chat).is_not_distinct_from(stored.for_chat),
            col(Code.opens_until) >= now,
        )
        hashes = list((await session.exec(query)).all())
    found = None
    for each in hashes:
        if is_right(session, stored, chat_id, code, each):
            found = each
    return found


async def allow(session: Session, code_id: int, until: datetime.datetime | None) -> None:
    """Says until when the right code is accepted; ``None``: it opens nothing any more."""
    await session.change(update(Code).where(col(Code.code_id) == code_id).values(opens_until=until))


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


async def prove(session: Session, stored: StoredCode, code_hash: str, now: datetime.datetime) -> bool:
    """Moves a live code to ``proven``, and takes its attempt off the count of wrong ones. The code opens nothing more.

    Args:
        code_hash: of the code that was typed (see ``opened_by``).

    Returns:
        False when somebody else moved it first.
    """
    query = update(Code).where(col(Code.code_id) == stored.code_id, col(Code.state) == CodeState.LIVE)
    values = {"state": CodeState.PROVEN, "attempts": Code.attempts - 1, "code_hash": code_hash, "opens_until": None}
    if not await session.change(query.values(values)):
        return False
    await withdraw(session, stored, now)
    return True


async def withdraw(session: Session, stored: StoredCode, now: datetime.datetime) -> None:
    """Takes back every long code of the same address and purpose: whoever reads one mail may have read the others.

    They expire now, so that the next request is mailed a new one.
    """
    used = update(Code).where(
        col(Code.email_hash).in_(session.vault.hashes("email", stored.email)),
        col(Code.is_long),
        col(Code.for_link).is_not_distinct_from(stored.for_link),
        col(Code.for_chat).is_not_distinct_from(stored.for_chat),
        col(Code.code_id) != stored.code_id,
    )
    await session.change(used.values(_WITHDRAWN | {"expires_at": now}).execution_options(synchronize_session=False))


async def move(session: Session, code_id: int, seen: CodeState, to: CodeState) -> bool:
    """Moves a code on; ``False`` when somebody moved it first, so that it is proven once and used once."""
    query = update(Code).where(col(Code.code_id) == code_id, col(Code.state) == seen)
    return bool(await session.change(query.values(state=to)))


async def close_all(session: Session, chat_id: int) -> None:
    """Ends the chat's codes and forgets chat and address; they still count, by their hashes.

    A long code that was mailed stays good in other chats: who asked for it must not be able to take it back.
    """
    await session.change(update(Code).where(col(Code.chat_id) == chat_id).values(_CLOSED))


async def close_of_email(session: Session, email: str, now: datetime.datetime) -> None:
    """Ends every chat's codes for an address, proven and mailed ones too."""
    of_email = col(Code.email_hash).in_(session.vault.hashes("email", email))
    live = col(Code.expires_at) > now
    await session.change(update(Code).where(of_email, live).values(expires_at=now))
    await session.change(update(Code).where(of_email).values(_CLOSED | _WITHDRAWN))


_WITHDRAWN: dict[str, object] = {"opens_until": None}
_CLOSED: dict[str, object] = {"state": CodeState.CLOSED, "email_sealed": "", "chat_id": 0}


async def fail(session: Session, code_id: int) -> None:
    """Closes a code that could not be mailed to anybody. Its address is kept, so that the person may ask again."""
    failed = {"is_counted": False, "state": CodeState.CLOSED, "opens_until": None}
    await session.change(update(Code).where(col(Code.code_id) == code_id).values(failed))


async def purge(session: Session, now: datetime.datetime, kept: datetime.timedelta, limit: int) -> int:
    """Deletes codes that no limit counts any more, and clears the addresses of those that expired an hour ago.

    Args:
        kept: how long requests are counted.
        limit: how many rows of each at the most.

    Returns:
        How many rows of either: less than ``limit`` where nothing is left to do.
    """
    an_hour_ago = now - datetime.timedelta(hours=1)
    expired = select(Code.code_id).where(col(Code.email_sealed) != "", col(Code.expires_at) < an_hour_ago)
    clear = update(Code).where(col(Code.code_id).in_(expired.order_by(col(Code.expires_at)).limit(limit)))
    cleared = await session.change(
        clear.values(_CLOSED | {"for_chat": None}).execution_options(synchronize_session=False)
    )
    old = select(Code.code_id).where(col(Code.asked_at) < now - kept).order_by(col(Code.asked_at)).limit(limit)
    gone = delete(Code).where(col(Code.code_id).in_(old)).execution_options(synchronize_session=False)
    return max(cleared, await session.change(gone))


def _chat_hash(session: Session, chat_id: int) -> str:
    return session.vault.hash("chat", str(chat_id))
