"""The context of one update, which every handler gets."""

import asyncio
import datetime
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct, field
from telegram import Update
from telegram.ext import Application, CallbackContext, ExtBot

from handlers.actions import Action
from handlers.background import BackgroundTasks
from handlers.features import with_offered_parts
from handlers.rich_support import RichSupport
from portal.client import Papers, Portal, Reader
from services.access import Access, EndedLink
from services.calendar.feeds import CalendarFeeds
from services.clock import Clock
from services.company import Company
from services.features import Feature
from services.linking.code_delivery import CodeDelivery
from services.linking.invitations import Invitations
from services.linking.linking import Linking
from services.mailing.mailbox_alerts import MailboxAlerts
from services.notices.delivery.rate_limiter import BulkRateLimiter
from services.notices.planner import Planner
from services.packs.queue import PackQueue
from services.portal_links import PortalLinks
from services.privacy.policy import Policy
from services.recent import Recent
from services.saved_answers.papers import SavedPapers, SavingPapers
from services.saved_answers.store import SavedAnswers
from services.security import SecurityLog
from storage.chat_cache import ChatCache
from storage.chats import Awaiting, ChatState, LinkState
from storage.database import Database
from storage.notices import delivery_preferences
from storage.notices.plan import sweeps
from storage.privacy.consents import Wording
from storage.replica_locks import ReplicaLocks
from storage.tables import Awaited
from texts.catalogue import Texts, texts_in
from texts.language import Language

RELAY_OUTCOMES = (
    "to_staff", "to_person", "edited", "refused", "blocked", "not_in_time", "unreachable", "topic_recreated",
)  # fmt: skip
"""Relayed to the staff; to the person; an edit was; Telegram refused the message; the person blocked the bot; Telegram
failed for ten minutes; the staff's chat is gone or the bot has no rights there; a deleted topic was created again."""


class Services(Struct, frozen=True):
    """The clients and services that the composition root constructed."""

    database: Database
    chat_cache: ChatCache
    portal: Portal
    linking: Linking
    invitations: Invitations
    code_delivery: CodeDelivery
    alerts: MailboxAlerts
    access: Access
    security: SecurityLog
    bulk_limiter: BulkRateLimiter
    clock: Clock
    background: BackgroundTasks
    large_document: asyncio.Lock
    documents: asyncio.Semaphore
    """Limits the documents that are sent to chats in parallel; ``large_document`` is held for each large one."""
    company: Company
    give_back_slot: Callable[[], None]
    """Frees the slot of the update in progress, before a long wait."""
    undelivered: Counter[str]
    """Answers that were not delivered in time, by kind of the last failure (``FailureKind``)."""
    recent: Recent
    planner: Planner
    portal_links: PortalLinks
    rich_support: RichSupport
    has_inline_mode: bool
    """Whether ``@bot 212380`` in any chat is answered (``ODOBOT_INLINE``)."""
    saved_answers: SavedAnswers
    calendar_feeds: CalendarFeeds
    public_url: str
    """The base URL of links that the bot gives out; empty if there is none."""
    policy: Policy
    packs: PackQueue
    locks: ReplicaLocks
    failed_updates: Counter[str]
    """Updates that were answered with an apology, or not at all, by the name of the exception's class."""
    support: Counter[str] = field(default_factory=Counter)
    """What became of messages between people and staff, by ``RELAY_OUTCOMES``."""


class SavedView(Struct, frozen=True):
    """What a view that shows saved answers has, instead of the portal.

    Args:
        zone: the chat's time zone, for the time of the answers.
        retry: the action that asks the portal again.
    """

    papers: SavedPapers
    zone: ZoneInfo
    retry: Action


class LinkGone(Exception):
    """The chat has no such link: the link was removed, or the button was forged."""


class Context(CallbackContext[ExtBot[None], dict[Any, Any], dict[Any, Any], Services]):
    """The context of one update: the services, the chat and its links, and its texts."""

    def __init__(self, application: Any, chat_id: int | None = None, user_id: int | None = None) -> None:
        super().__init__(application, chat_id=chat_id, user_id=user_id)
        self.services: Services = application.bot_data
        """The clients and services of the process."""
        self.incoming: Update | None = None
        self.saved: SavedView | None = None
        """Set while the portal does not answer, and a view shows saved answers."""
        self.chat = ChatState(chat_id or 0)
        self.untold: list[EndedLink] = []
        """Links that this update found to have ended, until an answer has said so."""

    @classmethod
    def from_update(cls, update: object, application: Application[Any, Any, Any, Any, Any, Any]) -> "Context":
        """Create the context with its update, which answers need."""
        context = super().from_update(update, application)
        context.incoming = update if isinstance(update, Update) else None
        return context

    async def refresh_data(self) -> None:
        """Load the chat before its handler runs; PTB calls this."""
        if not self.is_private:
            return
        await self.reload()
        if self.chat.is_blocked and self.incoming and self.incoming.my_chat_member is None:
            # A person who writes has not blocked the bot.
            async with self.services.database.write() as session:
                await delivery_preferences.set_blocked(session, self.chat.chat_id, None)
                await sweeps.request_for_chat(session, self.chat.chat_id, self.services.clock())

    async def reload(self) -> None:
        """Load the chat again, after a change to its links or settings."""
        chat = await self.services.chat_cache.load(self.chat.chat_id)
        self.chat = with_offered_parts(chat, self.features)

    @property
    def features(self) -> frozenset[Feature]:
        """The features that are on."""
        return self.services.company.features

    @property
    def is_private(self) -> bool:
        """Whether the update comes from a person's own private chat with the bot. No other chat gets any data.

        This is an allow list: it excludes business connections, guest and inline contexts, and future ones.
        """
        return self.incoming is not None and _is_own_chat(self.incoming)

    @property
    def is_tap(self) -> bool:
        """Whether the update is a tap on a button."""
        return self.incoming is not None and self.incoming.callback_query is not None

    @property
    def awaits_code(self) -> bool:
        """Whether the chat awaits the code of an address."""
        return self.awaiting is not None and self.awaiting.what is Awaited.CODE

    @property
    def thread_id(self) -> int | None:
        """The topic that the update comes from, in a forum or in a private chat with topics; None outside topics."""
        message = self.incoming.effective_message if self.incoming else None
        # In a group without topics, a reply has a thread id to which nothing can be sent.
        return message.message_thread_id if message is not None and message.is_topic_message else None

    @property
    def language(self) -> Language:
        """The chat's language: the stored choice, else the client's language, else the default."""
        if self.chat.language:
            return Language.stored(self.chat.language)
        return Language.of_client(self.client_language, self.services.company.language)

    @property
    def client_language(self) -> str | None:
        """The client's ``language_code``, or None; Telegram sends it optionally."""
        user = self.incoming.effective_user if self.incoming else None
        return user.language_code if user else None

    @property
    def first_name(self) -> str:
        """The person's first name in Telegram, unescaped; empty if the update has no person."""
        user = self.incoming.effective_user if self.incoming else None
        return user.first_name if user else ""

    @property
    def t(self) -> Texts:
        """The texts in the chat's language."""
        return texts_in(self.language)

    def wording(self, message: str) -> Wording:
        """Return the words of a message id in the chat's language, for the record of a consent."""
        return Wording(message, self.language)

    @property
    def today(self) -> datetime.date:
        """The date in the company's time zone."""
        return self.local(self.services.clock()).date()

    @property
    def now(self) -> datetime.datetime:
        """The time in the company's time zone."""
        return self.local(self.services.clock())

    @property
    def awaiting(self) -> Awaiting | None:
        """What the next text of the chat is expected to be; None if nothing is, or if it has expired."""
        awaiting = self.chat.awaiting
        return awaiting if awaiting and awaiting.until > self.services.clock() else None

    def local(self, at: datetime.datetime) -> datetime.datetime:
        """Return a time in the company's time zone."""
        return at.astimezone(self.services.company.zone)

    def link(self, link_id: int) -> LinkState:
        """Return a link of the chat.

        Raises:
            LinkGone: the chat has no link with this id.
        """
        link = self.chat.link(link_id)
        if link is None:
            raise LinkGone
        return link

    def reader(self, link_id: int) -> Reader:
        """Return the contact and account of a link, for calls to the portal; raises ``LinkGone`` as ``link``."""
        link = self.link(link_id)
        return Reader(link.contact_id, link.account_id, self.language.shipped)

    @property
    def papers(self) -> Papers:
        """The orders and invoices of the chat's accounts: the portal's, which are saved, or saved ones."""
        if self.saved is not None:
            return self.saved.papers
        return SavingPapers(self.services.portal, self.services.saved_answers, self.chat.links)

    def run_in_background(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine in parallel with the answer. A stop waits for it; the error handler gets its exceptions."""
        self.services.background.start(self._with_error_handler(work))

    async def _with_error_handler(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:
            await self.application.process_error(update=self.incoming, error=error)


def _is_own_chat(update: Update) -> bool:
    """Return whether an update comes from the private chat of the person who caused it."""
    if update.callback_query is not None:
        query = update.callback_query
        message = query.message
        # PTB gives an old message of the bot as inaccessible, without a ``business_connection_id``.
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
    return bool(chat and person and chat.type == chat.PRIVATE and chat.id == person.id)
