"""The requests for codes that the limits count, by keyed hashes of chat and address."""

import datetime
from collections.abc import Sequence

from msgspec import Struct
from sqlalchemy import func, or_, update
from sqlmodel import col, select

from storage.database import Session
from storage.linking import proofs
from storage.linking.codes import StoredCode, is_right
from storage.tables import Code, CodeState


class CodeRequest(Struct, frozen=True):
    """One request for a code, as the limits count it.

    Args:
        is_own: The chat requested it, for any address.
        is_same_address: It was for the address, from any chat.
        asker: The keyed hash of the chat that requested it.
        wrong: How many wrong codes were compared with it.
        is_counted: False where the code could not be mailed.
        is_mailed: False where the code of an earlier mail was reused.
    """

    asked_at: datetime.datetime
    expires_at: datetime.datetime
    is_own: bool
    is_same_address: bool
    asker: str
    wrong: int
    is_counted: bool
    is_mailed: bool
    is_long: bool
    is_by_proven: bool = False
    """Whether the chat that requested it was once linked through the address."""
    for_link: int | None = None
    for_chat: int | None = None


class History(Struct, frozen=True):
    """The requests and counters of a chat and an address.

    Args:
        requests: Oldest first.
        wrong_codes: Wrong codes of the address since the last right one, without a limit of time.
        is_proven: The chat was once linked through this address.
    """

    requests: tuple[CodeRequest, ...]
    wrong_codes: int
    is_proven: bool


async def history(session: Session, chat_id: int, email: str, since: datetime.datetime) -> History:
    """Load the requests of a chat or an address since a time.

    It locks the chat and the address until the transaction ends: of two concurrent requests, the second one counts the
    first.
    """
    chat_hashes = session.vault.hashes("chat", str(chat_id))
    email_hashes = session.vault.hashes("email", email)
    # min: replicas whose keys are in another order, during a rotation, take the same lock.
    await session.lock(f"asking chat {min(chat_hashes)}")
    await session.lock(f"asking {min(email_hashes)}")
    proven = await proofs.proven_chats(session, email)
    by_either = or_(col(Code.chat_hash).in_(chat_hashes), col(Code.email_hash).in_(email_hashes))
    query = select(Code).where(col(Code.asked_at) > since, by_either).order_by(col(Code.asked_at), col(Code.code_id))
    requests = tuple(
        CodeRequest(
            asked_at=code.asked_at,
            expires_at=code.expires_at,
            is_own=code.chat_hash in chat_hashes,
            is_same_address=code.email_hash in email_hashes,
            asker=code.chat_hash,
            wrong=code.attempts,
            is_counted=code.is_counted,
            is_mailed=code.is_mailed,
            is_long=code.is_long,
            is_by_proven=code.chat_hash in proven,
            for_link=code.for_link,
            for_chat=code.for_chat,
        )
        for code in (await session.exec(query)).all()
    )
    wrong_codes = await proofs.wrong_codes(session, email)
    return History(requests, wrong_codes, is_proven=not proven.isdisjoint(chat_hashes))


async def copy_requests(session: Session, since: datetime.datetime, limit: int) -> int:
    """Count the codes requested for bookkeepers' copies since a time, over all chats. It stops at ``limit``."""
    asked = select(Code.code_id).where(col(Code.for_link).is_not(None), col(Code.asked_at) > since).limit(limit)
    return (await session.exec(select(func.count()).select_from(asked.subquery()))).one()


async def short_hashes(
    session: Session,
    chat_id: int,
    email: str,
    since: datetime.datetime,
    *,
    for_link: int | None = None,
    for_chat: int | None = None,
    but: int | None = None,
) -> list[str]:
    """Return the hashes of the short codes that a chat requested for one address and purpose.

    Args:
        since: Codes that expired before are left out.
        but: The code to leave out, or None.
    """
    query = select(Code.code_hash).where(
        col(Code.chat_hash).in_(session.vault.hashes("chat", str(chat_id))),
        col(Code.email_hash).in_(session.vault.hashes("email", email)),
        col(Code.for_link).is_not_distinct_from(for_link),
        col(Code.for_chat).is_not_distinct_from(for_chat),
        col(Code.is_long).is_(False),
        col(Code.code_id).is_distinct_from(but),
        col(Code.expires_at) > since,
    )
    return list((await session.exec(query)).all())


async def is_ended_long(
    session: Session, stored: StoredCode, code: str, now: datetime.datetime, since: datetime.datetime
) -> bool:
    """Compare a code with the long ones that were mailed to an address for the same purpose and are not accepted.

    Those that other chats requested are among them: a person cannot tell their mails apart.

    Args:
        stored: The chat's own long code, which is left out; its address and purpose count.
        since: Codes that were requested before are left out.
    """
    query = select(Code.code_hash).where(
        col(Code.email_hash).in_(session.vault.hashes("email", stored.email)),
        col(Code.for_link).is_not_distinct_from(stored.for_link),
        col(Code.for_chat).is_not_distinct_from(stored.for_chat),
        col(Code.is_long),
        col(Code.is_mailed),
        col(Code.code_id) != stored.code_id,
        or_(col(Code.opens_until).is_(None), col(Code.opens_until) < now),
        or_(col(Code.state) != CodeState.LIVE, col(Code.expires_at) <= now),
        col(Code.asked_at) > since,
    )
    found = False
    for code_hash in (await session.exec(query)).all():
        found |= is_right(session, stored, 0, code, code_hash)
    return found


def is_among(session: Session, chat_id: int, code: str, hashes: Sequence[str]) -> bool:
    """Compare a short code with hashes of the chat's own, each in constant time."""
    found = False
    for code_hash in hashes:
        found |= session.vault.matches("code", f"{chat_id}:{code}", code_hash)
    return found


async def newest_live(session: Session, chat_id: int, now: datetime.datetime) -> Code | None:
    """Return the chat's newest code that is still valid, for whatever purpose."""
    query = select(Code).where(
        col(Code.chat_id) == chat_id, col(Code.state) == CodeState.LIVE, col(Code.expires_at) > now
    )
    return (await session.exec(query.order_by(col(Code.asked_at).desc()).limit(1))).first()


async def erase_revocations(session: Session, chat_id: int) -> None:
    """Clear which chat was to be revoked, in the chat's own codes and where it is that chat; the limits count them."""
    own = col(Code.chat_hash).in_(session.vault.hashes("chat", str(chat_id)))
    for_one = col(Code.for_chat).is_not(None)
    for which in (own, col(Code.for_chat) == chat_id):
        erased = update(Code).where(for_one, which).values(for_chat=0)
        await session.change(erased.execution_options(synchronize_session=False))
