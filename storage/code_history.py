"""What the limits count of requests for codes: by keyed hashes of chat and address, over a day."""

import datetime
from dataclasses import dataclass

from sqlalchemy import func, or_
from sqlmodel import col, select

from storage import proofs
from storage.database import Session
from storage.tables import Code


@dataclass(frozen=True, slots=True)
class CodeRequest:
    """One request for a code, as the limits count it.

    Args:
        is_own: the chat asked for it, for whatever address.
        is_same_address: it was for the address, whoever asked.
        asker: the keyed hash of the chat that asked.
        wrong: how many wrong codes were compared with it.
        is_counted: False where the code could not be mailed.
        is_mailed: False where an earlier mail's code was taken.
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
    """The chat that asked was linked through the address at some time."""
    for_link: int | None = None
    for_chat: int | None = None


@dataclass(frozen=True, slots=True)
class History:
    """What the limits count of a chat and an address.

    Args:
        requests: oldest first.
        wrong_codes: of the address since the last right one, over days and years.
        is_proven: the chat was linked through this address at some time.
    """

    requests: tuple[CodeRequest, ...]
    wrong_codes: int
    is_proven: bool


async def history(session: Session, chat_id: int, email: str, since: datetime.datetime) -> History:
    """What the limits count since a time.

    Until the transaction ends, nobody else counts for this chat or this address: two that count at once would both go
    ahead.
    """
    chat_hashes = session.vault.hashes("chat", str(chat_id))
    email_hashes = session.vault.hashes("email", email)
    # The same lock also in a replica that has the keys in another order, as one has while they are exchanged.
    await session.alone(f"asking chat {min(chat_hashes)}")
    await session.alone(f"asking {min(email_hashes)}")
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
    """How many codes were asked for bookkeepers' copies since a time, over all chats, counted up to ``limit``."""
    asked = select(Code.code_id).where(col(Code.for_link).is_not(None), col(Code.asked_at) > since).limit(limit)
    return (await session.exec(select(func.count()).select_from(asked.subquery()))).one()
