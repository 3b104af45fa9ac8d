"""PDFs that were uploaded to Telegram, and are sent again by ``file_id``."""

from sqlalchemy import delete

from storage.database import Session
from storage.tables import Document


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
