"""Renders an announcement of the company for one chat."""

from handlers.screens.announcement import announcement
from handlers.screens.screen import Screen
from handlers.telegram.notice_recipients import NotRendered
from services.announcements import from_json
from services.notices.delivery.outcomes import Cancelled
from storage import announcements
from storage.database import Database
from storage.notices.outbox import ClaimedDelivery
from texts.catalogue import Texts
from texts.language import Language


async def announcement_screen(database: Database, t: Texts, claimed: ClaimedDelivery, default: Language) -> Screen:
    """Return an announcement in the chat's language, or in the company's where it has no part for that.

    Raises:
        NotRendered: It was cancelled.
    """
    async with database.read() as session:
        found = await announcements.find_texts(session, int(claimed.number or 0))
    if found is None:
        raise NotRendered(Cancelled("announcement cancelled"))
    texts = from_json(found)
    text = texts.get(t.language.value) or texts.get(default.value) or next(iter(texts.values()))
    return announcement(t, text, claimed.link_id)
