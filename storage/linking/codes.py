"""Codes: stored, compared, used once and withdrawn. ``code_history`` has the requests that the limits count."""

import datetime
from dataclasses import dataclass, field

from sqlalchemy import delete, update
from sqlmodel import col, select

from storage.database import Session
from storage.tables import Code, CodeState


@dataclass(frozen=True, slots=True)
class StoredCode:
    """A code of a chat, with its decrypted address."""

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
    """Return the chat's newest code in one of the states, expired or not, whose address is still stored.

    Args:
        for_link: The link whose bookkeeper's copy the code is for.
        for_chat: The chat whose links the code revokes. Without either it is a code for linking.

    Returns:
        ``None`` where there is no such code, or where no key decrypts its address.
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
    """Return the chat whose links this chat's newest live code revokes; ``None`` where there is no such code."""
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
    """Store a new code, and close the chat's older ones. It is not accepted before ``allow``. Returns: its id."""
    await close_all(session, chat_id)
    return await _add(
        session,
        Code(
            chat_id=chat_id,
            chat_hash=session.vault.hash("chat", str(chat_id)),
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
    """Let the chat use the long codes that were already mailed to the address, without another mail.

    Returns:
        The id of the chat's new row, or ``None`` where the address has no unexpired long code.
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
            chat_hash=session.vault.hash("chat", str(chat_id)),
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
    """Return who may use a code: a short one only its chat, a long one every chat that requested it for the address."""
    return session.vault.hash("email", email) if is_long else str(chat_id)


def is_right(session: Session, stored: StoredCode, chat_id: int, code: str, code_hash: str | None = None) -> bool:
    """Compare a typed code with a stored one, or with ``code_hash`` of the same address, in constant time."""
    found = False
    audiences = session.vault.hashes("email", stored.email) if stored.is_long else [str(chat_id)]
    for audience in audiences:
        found |= session.vault.matches("code", f"{audience}:{code}", code_hash or stored.code_hash)
    return found


async def find_match(
    session: Session, stored: StoredCode, chat_id: int, code: str, now: datetime.datetime
) -> str | None:
    """Find the stored hash that a typed code matches and that is accepted at ``now``.

    A short code is compared with the chat's own one. A long code is compared with all that were mailed to the address
    for the same purpose: several chats may have requested one, and a person cannot tell their mails apart.

    Returns:
        ``None`` where the code is wrong or no longer accepted.
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


async def is_live(session: Session, code_id: int) -> bool:
    """Return whether a code can still be typed, apart from its time: it was not replaced, left, used or closed."""
    query = select(Code.code_id).where(col(Code.code_id) == code_id, col(Code.state) == CodeState.LIVE)
    return (await session.exec(query)).first() is not None


async def allow(session: Session, code_id: int, until: datetime.datetime | None) -> None:
    """Set until when the right code is accepted; ``None``: from now on it is not."""
    await session.change(update(Code).where(col(Code.code_id) == code_id).values(opens_until=until))


async def take_attempt(session: Session, code_id: int, limit: int) -> int | None:
    """Count one attempt, atomically over all replicas. Returns: the attempts left; ``None`` where none was left."""
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
    """Move a live code to ``proven``, uncount its attempt, and withdraw the codes of the same address and purpose.

    Args:
        code_hash: The hash of the typed code, from ``find_match``.

    Returns:
        False where the code was not live any more (compare-and-set).
    """
    query = update(Code).where(col(Code.code_id) == stored.code_id, col(Code.state) == CodeState.LIVE)
    values = {"state": CodeState.PROVEN, "attempts": Code.attempts - 1, "code_hash": code_hash, "opens_until": None}
    if not await session.change(query.values(values)):
        return False
    await withdraw(session, stored, now)
    return True


async def withdraw(session: Session, stored: StoredCode, now: datetime.datetime) -> None:
    """Invalidate the other long codes of the same address and purpose: who reads one mail may have read the others.

    They expire at ``now``, so that the next request sends a new mail.
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
    """Change the state of a code (compare-and-set). Returns: False where it was not in state ``seen``."""
    query = update(Code).where(col(Code.code_id) == code_id, col(Code.state) == seen)
    return bool(await session.change(query.values(state=to)))


async def close_all(session: Session, chat_id: int) -> None:
    """Close the chat's codes, and clear their chat and address. The limits still count them, by their hashes.

    A mailed long code stays valid in other chats: the chat that requested it must not be able to withdraw it.
    """
    await session.change(update(Code).where(col(Code.chat_id) == chat_id).values(_CLOSED))


async def close_of_email(session: Session, email: str, now: datetime.datetime) -> None:
    """Close every chat's codes for an address, in any state, and withdraw its mailed ones."""
    of_email = col(Code.email_hash).in_(session.vault.hashes("email", email))
    live = col(Code.expires_at) > now
    await session.change(update(Code).where(of_email, live).values(expires_at=now))
    await session.change(update(Code).where(of_email).values(_CLOSED | _WITHDRAWN))


_WITHDRAWN: dict[str, object] = {"opens_until": None}
_CLOSED: dict[str, object] = {"state": CodeState.CLOSED, "email_sealed": "", "chat_id": 0}


async def count(session: Session, code_id: int, *, is_counted: bool) -> None:
    """Set whether a code counts as mailed."""
    await session.change(update(Code).where(col(Code.code_id) == code_id).values(is_counted=is_counted))


async def fail(session: Session, code_id: int) -> None:
    """Close a code that could not be mailed. Its address stays, so that the person may request another one."""
    failed = {"is_counted": False, "state": CodeState.CLOSED, "opens_until": None}
    await session.change(update(Code).where(col(Code.code_id) == code_id).values(failed))


async def purge(
    session: Session,
    now: datetime.datetime,
    retention: datetime.timedelta,
    address_kept: datetime.timedelta,
    limit: int,
) -> int:
    """Delete codes that no limit counts any more, and clear the addresses of expired ones, up to ``limit`` of each.

    Args:
        retention: How long requests are counted.
        address_kept: How long an address stays after its code expired.

    Returns:
        The larger of the two numbers: less than ``limit`` where nothing is left to do.
    """
    expired = select(Code.code_id).where(col(Code.email_sealed) != "", col(Code.expires_at) < now - address_kept)
    clear = update(Code).where(col(Code.code_id).in_(expired.order_by(col(Code.expires_at)).limit(limit)))
    clear = clear.values(_CLOSED | {"for_chat": None}).execution_options(synchronize_session=False)
    cleared = await session.change(clear)
    old = select(Code.code_id).where(col(Code.asked_at) < now - retention).order_by(col(Code.asked_at)).limit(limit)
    gone = delete(Code).where(col(Code.code_id).in_(old)).execution_options(synchronize_session=False)
    return max(cleared, await session.change(gone))
