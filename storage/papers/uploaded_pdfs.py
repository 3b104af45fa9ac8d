"""PDFs that were uploaded to Telegram, and are sent again by ``file_id``."""

from collections.abc import Collection

from sqlalchemy import delete, tuple_
from sqlmodel import col, select

from storage.database import Session
from storage.tables import Document, Link

_KEY = (col(Document.bot_id), col(Document.account_id), col(Document.number), col(Document.language))
Key = tuple[int, str, str, str]
"""The primary key: bot, account, number and language."""
FIRST_KEY: Key = (0, "", "", "")
"""A key before every stored one."""


async def find(session: Session, bot_id: int, account_id: str, number: str, language: str) -> Document | None:
    """Return the newest upload of an invoice's PDF by this bot; ``None`` without one."""
    return await session.get(Document, (bot_id, account_id, number, language))


async def save(session: Session, document: Document) -> None:
    """Store an upload, in place of an earlier one of the same PDF."""
    await session.upsert(document)


async def delete_upload(session: Session, document: Document) -> None:
    """Delete an upload whose ``file_id`` Telegram refuses; a newer upload of the same PDF stays."""
    key = {"bot_id": document.bot_id, "account_id": document.account_id, "number": document.number}
    query = delete(Document).filter_by(**key, language=document.language, file_id=document.file_id)
    await session.change(query)


async def delete_of_unlinked_accounts(session: Session, account_ids: Collection[str]) -> None:
    """Delete the uploads of those of the accounts that no chat is linked to."""
    linked = select(col(Link.account_id)).where(col(Link.account_id) == col(Document.account_id)).exists()
    gone = delete(Document).where(col(Document.account_id).in_(sorted(account_ids)), ~linked)
    await session.change(gone.execution_options(synchronize_session=False))


async def delete_ownerless(session: Session, after: Key, limit: int) -> list[Key]:
    """Look at ``limit`` uploads behind the key ``after``, and delete those of accounts that no chat is linked to.

    An upload may end after its account was unlinked.

    Returns:
        The keys of the uploads that it looked at.
    """
    bot_id, account_id, number, language = _KEY
    query = select(bot_id, account_id, number, language).where(tuple_(*_KEY) > tuple_(*after))
    found: list[Key] = [(*row,) for row in (await session.exec(query.order_by(*_KEY).limit(limit))).all()]
    if found:
        await delete_of_unlinked_accounts(session, {account_id for _, account_id, _, _ in found})
    return found
