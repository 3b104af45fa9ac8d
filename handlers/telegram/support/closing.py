"""Close what has ended: tell the other side, close the topic, and erase whose conversation it was."""

import structlog
from telegram.error import TelegramError
from telegram.ext import ExtBot

from handlers.screens import support as screens
from handlers.screens.screen import Screen
from handlers.telegram.failures import classify
from handlers.telegram.messages import send_text
from handlers.telegram.render import render
from services.clock import Clock
from services.company import Company
from storage import support
from storage.database import Database
from storage.support import Conversation, EndReason
from texts.catalogue import texts_in
from texts.language import Language

_AT_ONCE = 20
_PERSON_TOLD = (EndReason.STAFF, EndReason.IDLE)
"""Reasons that the person does not know yet."""

log = structlog.get_logger()


class ConversationCloser:
    """Closes ended conversations. What fails for a while is tried again, by whoever calls ``close_ended`` next."""

    def __init__(self, bot: ExtBot[None], database: Database, company: Company, clock: Clock) -> None:
        self._bot = bot
        self._database = database
        self._company = company
        self._clock = clock

    async def close_ended(self) -> int:
        """Close the conversations that have ended. Returns: how many were looked at."""
        async with self._database.read() as session:
            due = await support.due_to_close(session, self._clock(), _AT_ONCE)
        for conversation_id in due:
            async with self._database.write() as session:
                conversation = await support.claim_to_close(session, conversation_id, self._clock())
            if conversation is not None:
                await self._close(conversation)
        return len(due)

    async def end_idle(self) -> None:
        """End the conversations without a message for a week."""
        async with self._database.write() as session:
            await support.end_idle(session, self._clock(), _AT_ONCE)

    async def _close(self, conversation: Conversation) -> None:
        if not await self._tell_person(conversation) or not await self._close_topic(conversation):
            return  # Telegram fails for now; the claim ends in a minute
        async with self._database.write() as session:
            await support.closed(session, conversation.conversation_id)

    async def _tell_person(self, conversation: Conversation) -> bool:
        """Return False if it is to be tried again."""
        chat_id, reason = conversation.chat_id, conversation.end_reason
        if chat_id is None or reason not in _PERSON_TOLD:
            return True
        screen = screens.ended(texts_in(Language.stored(conversation.language)), reason)
        if not await self._send(chat_id, screen, None):
            return False
        async with self._database.write() as session:
            await support.person_told(session, conversation.conversation_id)
        return True

    async def _close_topic(self, conversation: Conversation) -> bool:
        """Return False if it is to be tried again."""
        topic, reason = conversation.topic_id, conversation.end_reason
        if topic is None or reason is None:
            return True
        screen = screens.staff_told_of_end(texts_in(self._company.language), reason)
        if not await self._send(conversation.staff_chat, screen, topic):
            return False
        try:
            await self._bot.close_forum_topic(conversation.staff_chat, topic)
        except TelegramError as error:
            if (failure := classify(error)).may_pass:
                return False
            if "not_modified" not in failure.reason.lower():  # the staff closed it themselves
                log.warning("support.topic_not_closed", reason=failure.reason)
        return True

    async def _send(self, chat_id: int, screen: Screen, topic: int | None) -> bool:
        """Send a screen. Returns: False if the failure may pass."""
        try:
            await send_text(self._bot, chat_id, render(screen), thread_id=topic)
        except TelegramError as error:
            failure = classify(error)
            if not failure.may_pass:
                log.info("support.end_not_told", reason=failure.reason)
            return not failure.may_pass
        return True
