"""The one typed context: everything a handler is handed."""

import asyncio
import datetime
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from telegram import Update
from telegram.ext import Application, CallbackContext, ExtBot

from handlers.background import Background
from portal.client import Portal, Reader
from services.access import Access
from services.clock import Clock
from services.company import Company
from services.linking.code_delivery import CodeDelivery
from services.linking.linking import Linking
from services.mailing.mailbox_alerts import MailboxAlerts
from services.notices.rate_limiter import BulkRateLimiter
from services.security import SecurityLog
from storage.chat_cache import ChatCache
from storage.chats import Awaiting, ChatState, LinkState
from storage.database import Database
from storage.notices import delivery_preferences
from texts.catalogue import Texts, texts_in
from texts.language import Language


@dataclass(frozen=True, slots=True)
class Services:
    """What the composition root made, for as long as the process runs."""

    database: Database
    chat_cache: ChatCache
    portal: Portal
    linking: Linking
    code_delivery: CodeDelivery
    alerts: MailboxAlerts
    access: Access
    security: SecurityLog
    bulk_limiter: BulkRateLimiter
    clock: Clock
    background: Background
    large_document: asyncio.Lock
    documents: asyncio.Semaphore
    """How many documents are on their way to chats at once."""
    company: Company


class LinkGone(Exception):
    """The chat has no such link: it was removed, or the button was forged."""


class Context(CallbackContext[ExtBot[None], dict[Any, Any], dict[Any, Any], Services]):
    """One update's context: the services, the chat as it stands, and its words."""

    def __init__(self, application: Any, chat_id: int | None = None, user_id: int | None = None) -> None:
        super().__init__(application, chat_id=chat_id, user_id=user_id)
        self.incoming: Update | None = None
        self.chat = ChatState(chat_id or 0)

    @classmethod
    def from_update(cls, update: object, application: Application[Any, Any, Any, Any, Any, Any]) -> "Context":
        """Keeps the update at hand: a screen needs to know what it answers."""
        context = super().from_update(update, application)
        context.incoming = update if isinstance(update, Update) else None
        return context

    async def refresh_data(self) -> None:
        """PTB calls this before a handler: the chat is read once, and every handler finds it here."""
        if not self.is_private:
            return
        await self.reload()
        if self.chat.is_blocked and self.incoming and self.incoming.my_chat_member is None:
            # Whoever writes is there, whatever a failed notice said.
            async with self.services.database.write() as session:
                await delivery_preferences.set_blocked(session, self.chat.chat_id, None)

    async def reload(self) -> None:
        """Reads the chat again, after a change to its links or choices."""
        self.chat = await self.services.chat_cache.load(self.chat.chat_id)

    @property
    def services(self) -> Services:
        """What the composition root made."""
        return self.bot_data

    @property
    def is_private(self) -> bool:
        """Whether a person acts in their own private chat with this bot: in any other place there is never any data.

        An allow list: business connections, guest and inline contexts, and whatever Telegram adds next, are none.
        """
        return self.incoming is not None and _is_own_chat(self.incoming)

    @property
    def language(self) -> Language:
        """What the chat chose; else what its client speaks; else the default."""
        if self.chat.language:
            return Language(self.chat.language)
        return Language.of_client(self.client_language, self.services.company.language)

    @property
    def client_language(self) -> str | None:
        """The client's ``language_code``: optional, and a first guess."""
        user = self.incoming.effective_user if self.incoming else None
        return user.language_code if user else None

    @property
    def first_name(self) -> str:
        """What the person calls themselves in Telegram: somebody else's words, to be escaped."""
        user = self.incoming.effective_user if self.incoming else None
        return user.first_name if user else ""

    @property
    def t(self) -> Texts:
        """The words of this chat."""
        return texts_in(self.language)

    @property
    def today(self) -> datetime.date:
        """The day at the company."""
        return self.local(self.services.clock()).date()

    @property
    def now(self) -> datetime.datetime:
        """The time as the company's clocks show it."""
        return self.local(self.services.clock())

    @property
    def awaiting(self) -> Awaiting | None:
        """What the next text is taken for, unless that was too long ago."""
        awaiting = self.chat.awaiting
        return awaiting if awaiting and awaiting.until > self.services.clock() else None

    def local(self, at: datetime.datetime) -> datetime.datetime:
        """A time as the company's clocks show it."""
        return at.astimezone(self.services.company.zone)

    def link(self, link_id: int) -> LinkState:
        """The chat's own link.

        Raises:
            LinkGone: it is no link of this chat.
        """
        link = self.chat.link(link_id)
        if link is None:
            raise LinkGone
        return link

    def reader(self, link_id: int) -> Reader:
        """As whom the portal is asked for one of this chat's links; raises ``LinkGone``."""
        link = self.link(link_id)
        return Reader(link.contact_id, link.account_id)

    def afterwards(self, work: Coroutine[Any, Any, None]) -> None:
        """Runs beside the answer; a stop waits for it, and what it raises meets the error handler."""
        self.services.background.start(self._guarded(work))

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:
            await self.application.process_error(update=self.incoming, error=error)


def _is_own_chat(update: Update) -> bool:
    """Whether the chat of an update is the private chat of the person who caused it."""
    if update.callback_query is not None:
        query = update.callback_query
        message = query.message
        # An inaccessible message is an old one of ours; only a real one can tell of a business connection.
        if message is None or query.inline_message_id or getattr(message, "business_connection_id", None):
            return False
        chat, person = message.chat, query.from_user
    elif (message := update.message or update.edited_message) is not None:
        if message.business_connection_id or message.from_user is None:
            return False
        chat, person = message.chat, message.from_user
    elif update.my_chat_member is not None:
        chat, person = update.my_chat_member.chat, update.my_chat_member.from_user
    else:
        return False
    return bool(chat.type == chat.PRIVATE and chat.id == person.id)
