"""Invitations: stored by the hash of their token, opened by one chat, used once."""

import datetime

from msgspec import Struct
from sqlalchemy import delete, func, or_, update
from sqlmodel import col, select

from storage.database import Session
from storage.tables import Invitation, InvitationState
from storage.tables.base import row_id


class StoredInvitation(Struct, frozen=True):
    """An invitation that the asking chat has opened."""

    invitation_id: int
    contact_id: str
    account_id: str | None
    language: str | None
    expires_at: datetime.datetime
    state: str


async def was_requested(session: Session, request_id: str) -> bool:
    """Return whether a request with this ``webhook-id`` was answered before."""
    hashes = session.vault.hashes("invitation-request", request_id)
    query = select(Invitation.invitation_id).where(col(Invitation.request_hash).in_(hashes)).limit(1)
    return (await session.exec(query)).first() is not None


async def count(session: Session, since: datetime.datetime, limit: int, contact_id: str | None = None) -> int:
    """Count the invitations that were made since a time, of one contact or of all. It stops at ``limit``."""
    query = select(Invitation.invitation_id).where(col(Invitation.created_at) > since)
    if contact_id is not None:
        query = query.where(col(Invitation.contact_id) == contact_id)
    return (await session.exec(select(func.count()).select_from(query.limit(limit).subquery()))).one()


def add(
    session: Session,
    token: str,
    request_id: str,
    contact_id: str,
    account_id: str | None,
    language: str | None,
    now: datetime.datetime,
    expires_at: datetime.datetime,
) -> None:
    """Store an invitation, with hashes of its token and of the request's id."""
    session.add(
        Invitation(
            token_hash=session.vault.hash("invitation", token),
            request_hash=session.vault.hash("invitation-request", request_id),
            contact_id=contact_id,
            account_id=account_id,
            language=language,
            created_at=now,
            expires_at=expires_at,
        )
    )


async def claim(session: Session, token: str, chat_id: int, now: datetime.datetime) -> bool:
    """Reserve an open invitation for a chat (compare-and-set). Returns: False where it cannot be used there."""
    of_token = col(Invitation.token_hash).in_(session.vault.hashes("invitation", token))
    chat_hashes = session.vault.hashes("chat", str(chat_id))
    is_open = (col(Invitation.state) == InvitationState.OPEN, col(Invitation.expires_at) > now)
    is_free = or_(col(Invitation.chat_hash) == "", col(Invitation.chat_hash).in_(chat_hashes))
    query = update(Invitation).where(of_token, *is_open, is_free).values(chat_hash=chat_hashes[0])
    return bool(await session.change(query.execution_options(synchronize_session=False)))


async def find_by_token(session: Session, token: str) -> tuple[StoredInvitation, str] | None:
    """Return the invitation of a token in any state, and the hash of its chat; ``None`` for an unknown token."""
    of_token = col(Invitation.token_hash).in_(session.vault.hashes("invitation", token))
    row = (await session.exec(select(Invitation).where(of_token))).first()
    return (_stored(row), row.chat_hash) if row is not None else None


async def find(session: Session, invitation_id: int, chat_id: int) -> StoredInvitation | None:
    """Return an invitation in any state; ``None`` for one that another chat has opened."""
    own = col(Invitation.chat_hash).in_(session.vault.hashes("chat", str(chat_id)))
    found = select(Invitation).where(col(Invitation.invitation_id) == row_id(invitation_id), own)
    row = (await session.exec(found)).first()
    return _stored(row) if row is not None else None


def _stored(row: Invitation) -> StoredInvitation:
    assert row.invitation_id is not None
    return StoredInvitation(row.invitation_id, row.contact_id, row.account_id, row.language, row.expires_at, row.state)


async def close(
    session: Session, invitation_id: int, chat_id: int, state: InvitationState, now: datetime.datetime
) -> bool:
    """Use or decline an open invitation of a chat (compare-and-set). Returns: False where it was not open any more."""
    own = col(Invitation.chat_hash).in_(session.vault.hashes("chat", str(chat_id)))
    is_open = (col(Invitation.state) == InvitationState.OPEN, col(Invitation.expires_at) > now)
    query = update(Invitation).where(col(Invitation.invitation_id) == row_id(invitation_id), own, *is_open)
    return bool(await session.change(query.values(state=state)))


async def delete_of_chat(session: Session, chat_id: int) -> None:
    """Delete the invitations that a chat has opened."""
    own = col(Invitation.chat_hash).in_(session.vault.hashes("chat", str(chat_id)))
    await session.change(delete(Invitation).where(own).execution_options(synchronize_session=False))


async def purge(session: Session, before: datetime.datetime, limit: int) -> int:
    """Delete up to ``limit`` invitations that were made before a time. Returns: the number deleted."""
    made = col(Invitation.created_at)
    old = select(Invitation.invitation_id).where(made < before).order_by(made).limit(limit)
    gone = delete(Invitation).where(col(Invitation.invitation_id).in_(old))
    return await session.change(gone.execution_options(synchronize_session=False))
