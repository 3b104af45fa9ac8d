"""The personal data stored about a chat, in the few lines that the person is shown."""

import datetime

from msgspec import Struct

from storage.database import Session
from storage.linking import codes, links
from storage.papers import calendar_feeds, saved_answers
from storage.tables import Chat, CodeState


class StoredPersonalData(Struct, frozen=True):
    """The decrypted personal data of a chat. ``first_name`` and ``emails`` may be empty."""

    first_name: str
    emails: tuple[str, ...]
    since: datetime.datetime
    saved_answers: int = 0
    """Lists and details that the portal answered last (``storage.papers.saved_answers``)."""
    calendar_feeds: int = 0


async def load(session: Session, chat_id: int) -> StoredPersonalData | None:
    """Decrypt the chat's personal data; ``None`` where the chat has no row."""
    chat = await session.get(Chat, chat_id)
    if chat is None:
        return None
    known = set((await links.emails(session, chat_id)).values())
    asked = await codes.latest(session, chat_id, *CodeState)
    known |= {asked.email} if asked else set()
    name = session.vault.open_or_none(chat.first_name_sealed or "") or ""
    answers = await saved_answers.count_of_chat(session, chat_id)
    feeds = await calendar_feeds.count_of_chat(session, chat_id)
    return StoredPersonalData(name, tuple(sorted(known)), chat.created_at, answers, feeds)
