"""Invoices whose reminders a link turned off."""

from sqlalchemy import delete
from sqlmodel import col

from storage.database import Session
from storage.tables import Mute


async def mute(session: Session, link_id: int, number: str) -> None:
    """Turn off the reminders of one invoice."""
    await session.insert_if_absent(Mute, link_id=link_id, number=number)


async def unmute(session: Session, link_id: int, number: str) -> None:
    """Turn the reminders of one invoice on again."""
    await session.change(delete(Mute).where(col(Mute.link_id) == link_id, col(Mute.number) == number))


async def is_muted(session: Session, link_id: int, number: str) -> bool:
    """Return whether the reminders of an invoice are turned off."""
    return await session.get(Mute, (link_id, number)) is not None
