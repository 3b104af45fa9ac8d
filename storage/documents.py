"""PDFs that Telegram already has."""

from sqlalchemy import delete

from storage.database import Session
from storage.tables import Document


async def find(session: Session, bot_id: int, account_id: str, number: str, language: str) -> Document | None:
    """The document as this bot last uploaded it."""
    return await session.get(Document, (bot_id, account_id, number, language))


async def keep(session: Session, document: Document) -> None:
    """Remembers an upload in place of an earlier one."""
    await session.put(document)


async def drop(session: Session, document: Document) -> None:
    """Forgets an upload that Telegram no longer takes."""
    key = {"bot_id": document.bot_id, "account_id": document.account_id, "number": document.number}
    query = delete(Document).filter_by(**key, language=document.language, file_id=document.file_id)
    await session.change(query)
