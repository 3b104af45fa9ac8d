"""The PDFs that a chat was sent lately, so that a repeated tap does not send one again."""

import datetime

from msgspec import Struct
from sqlalchemy import delete, tuple_
from sqlmodel import col, select

from storage.database import Session
from storage.tables import Link, PdfMessage


class SentPdf(Struct, frozen=True):
    """A PDF that a chat has.

    Args:
        message_id: its message.
        etag: the portal's; None if the portal sends none.
        sent_at: when it was sent.
        told_at: when the person was last told that it is in the chat; at first ``sent_at``.
    """

    message_id: int
    etag: str | None
    sent_at: datetime.datetime
    told_at: datetime.datetime


async def find(
    session: Session, link_id: int, number: str, language: str, since: datetime.datetime, until: datetime.datetime
) -> SentPdf | None:
    """Return the PDF of an invoice that was last sent for a link between two times; None without one."""
    row = await session.get(PdfMessage, (link_id, number, language))
    if row is None or not since <= row.told_at <= until:
        return None
    return SentPdf(row.message_id, row.etag, row.sent_at, row.told_at)


async def save(session: Session, link_id: int, number: str, language: str, sent: SentPdf) -> None:
    """Store a sent PDF in place of the one before. Nothing is stored for a link that is gone."""
    linked = select(col(Link.link_id)).where(col(Link.link_id) == link_id).with_for_update(key_share=True)
    if (await session.exec(linked)).first() is None:
        return
    row = PdfMessage(
        link_id=link_id, number=number, language=language, message_id=sent.message_id, etag=sent.etag,
        sent_at=sent.sent_at, told_at=sent.told_at,
    )  # fmt: skip
    await session.upsert(row)


async def purge(session: Session, before: datetime.datetime, limit: int) -> int:
    """Delete up to ``limit`` PDFs that were last told of before a time. Returns: the number deleted."""
    told_at = col(PdfMessage.told_at)
    key = (col(PdfMessage.link_id), col(PdfMessage.number), col(PdfMessage.language))
    old = select(*key).where(told_at < before).order_by(told_at).limit(limit)
    gone = delete(PdfMessage).where(tuple_(*key).in_(old))
    return await session.change(gone.execution_options(synchronize_session=False))
