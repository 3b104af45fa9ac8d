"""Loads the chats that notices are rendered for, many in one read, and decides whether they may be told now."""

import datetime
from collections.abc import Mapping, Sequence

from msgspec import Struct

from services.concurrency.grouping import Grouped
from services.notices.delivery.outcomes import Deferred, NotSent
from storage import chats
from storage.chats import ChatState
from storage.database import Database
from storage.linking import access
from storage.linking.access import LinkToConfirm
from storage.notices import delivery_preferences
from storage.notices.delivery_preferences import DeliveryPreferences

_MOST_AT_ONCE = 64
_GATHER_SECONDS = 0.02


class NoticeRecipient(Struct, frozen=True):
    """A chat as it is when its notice is rendered.

    Attributes:
        links: What to compare with the portal, by link id; not of a link that no key opens.
    """

    chat: ChatState
    preferences: DeliveryPreferences
    links: Mapping[int, LinkToConfirm]


class NoticeRecipients:
    """Loads recipients; those that are asked for at the same time, together."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._groups = Grouped(self._load_each, _MOST_AT_ONCE, _GATHER_SECONDS)

    async def load(self, chat_id: int) -> NoticeRecipient:
        """Load a chat, its delivery preferences and its links."""
        return await self._groups.ask(chat_id)

    async def _load_each(self, chat_ids: Sequence[int]) -> list[NoticeRecipient]:
        asked = set(chat_ids)
        async with self._database.read() as session:
            found = await chats.load_each(session, asked)
            preferences = await delivery_preferences.load_each(session, asked)
            link_ids = [link.link_id for chat in found.values() for link in chat.links]
            links = {link.link_id: link for link in await access.links_to_confirm(session, link_ids=link_ids)}
        return [
            NoticeRecipient(
                found[chat_id],
                preferences[chat_id],
                {link.link_id: links[link.link_id] for link in found[chat_id].links if link.link_id in links},
            )
            for chat_id in chat_ids
        ]


class NotRendered(Exception):
    """Ends rendering without a message, with the ``outcome`` for the delivery."""

    def __init__(self, outcome: NotSent) -> None:
        self.outcome = outcome


def check_quiet_hours(preferences: DeliveryPreferences, at: datetime.datetime, *, is_summarised: bool) -> None:
    """Check that a chat may be told now.

    Args:
        at: Now, in the chat's time zone.
        is_summarised: Whether a summary may follow the quiet hours.

    Raises:
        NotRendered: It has quiet hours now.
    """
    if preferences.quiet is None:
        return
    until = preferences.quiet.until(at)
    if until is not None:
        raise NotRendered(Deferred(until, is_postponed=is_summarised))
