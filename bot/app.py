"""The composition root: the only module that constructs and connects the components."""

import asyncio
import datetime
import os
from collections import Counter
from collections.abc import AsyncIterator, MutableMapping
from contextlib import AsyncExitStack, asynccontextmanager

from telegram.ext import ExtBot

from bot.alerts.watch import watch_for
from bot.bot_api.answer import MAX_UPDATES_BYTES
from bot.bot_api.counted_request import CountedRequest
from bot.bot_api.request import AiohttpRequest
from bot.components import Components
from bot.database_check import DatabaseCheck
from bot.http.admin.key_check import KeyCheck
from bot.http.admin.metrics import Metrics
from bot.http.admin.readiness import Readiness
from bot.http.admin.sources import Sources
from bot.http.calendar import CalendarEndpoint
from bot.http.endpoints import admin_app, public_app
from bot.http.policy import PolicyPage
from bot.http.portal_requests import PortalRequests
from bot.http.unsubscribe import Unsubscribe
from bot.http.webhook import TelegramWebhook
from bot.settings import Settings, SettingsError
from bot.supervisor import Supervisor
from bot.updates.application import linked_chats, make_application
from bot.updates.fetched import FetchedUpdates
from bot.updates.handling import UpdateHandler
from bot.updates.ordering import SLOTS, PerChatOrder
from bot.updates.poll_health import PollHealth
from bot.updates.polling import Polling, allowed_updates
from bot.updates.slots import give_back_slot
from bot.updates.webhook_state import WebhookState
from bot.worker import Worker
from handlers.background import BackgroundTasks
from handlers.context import Services
from handlers.flood import on_flood
from handlers.rich_support import RichSupport
from handlers.telegram.notice_sender import TelegramNoticeSender
from handlers.telegram.pack_sender import TelegramPackSender
from handlers.telegram.support.closing import ConversationCloser
from mail.addresses import parse_sender
from mail.counted import CountedMailer
from mail.imap import ImapMailbox
from mail.mailer import Mailer
from mail.server import parse_imap_url, parse_smtp_url
from mail.smtp import SmtpMailer
from portal.adapters.registry import find_adapter
from portal.breaker import PortalBreaker
from portal.client import Portal
from services.access import Access
from services.calendar.feeds import CalendarFeeds
from services.clock import Clock, utc_now
from services.company import Company
from services.housekeeping import Housekeeping
from services.linking.code_delivery import CodeDelivery
from services.linking.invitations import Invitations
from services.linking.linking import Linking
from services.mailing.mailbox_alerts import MailboxAlerts
from services.mailing.sending import send_with_retries
from services.notices.clock_watch import ClockWatch
from services.notices.copy_sender import CopySender
from services.notices.delivery.breaker import ChannelBreaker
from services.notices.delivery.dispatcher import Dispatcher
from services.notices.delivery.outcome_recorder import OutcomeRecorder
from services.notices.delivery.outcomes import Sender
from services.notices.delivery.rate_limiter import BulkRateLimiter
from services.notices.feed_reader import FeedReader
from services.notices.planner import Planner
from services.notices.stop_mail_reader import StopMailReader
from services.packs.queue import PackQueue
from services.packs.runner import PackRunner
from services.portal_links import PortalLinks
from services.privacy.policy import Policy
from services.recent import Recent
from services.saved_answers.store import SavedAnswers
from services.security import SecurityLog
from storage.chat_cache import ChatCache
from storage.database import Database
from storage.inbox import Inbox
from storage.replica_locks import ReplicaLocks
from storage.tables import Channel, State
from storage.vault import Vault

# PTB then gives durations such as RetryAfter.retry_after as timedelta, without a deprecation warning.
# https://docs.python-telegram-bot.org/en/v22.8/telegram.error.html
os.environ.setdefault("PTB_TIMEDELTA", "true")


def _places(bulk_rate: float) -> int:
    """Return how many notices may be on their way to Telegram at once.

    Enough for the rate while Telegram answers within 0.25 s, and no more than 48. Each of them may become uncertain
    when Telegram falls silent, so a slow rate gets few; 16 suffice for 30/s at half a second an answer.
    """
    return min(48, max(16, round(bulk_rate / 4)))


@asynccontextmanager
async def build(settings: Settings, clock: Clock = utc_now) -> AsyncIterator[Components]:
    """Make every component, without connecting any; after the body close the connections made meanwhile.

    Raises:
        SettingsError: The settings of the portal's adapter do not fit together.
    """
    async with AsyncExitStack() as stack:
        database = Database(settings.database_url, Vault(settings.keys))
        stack.push_async_callback(database.close)
        breaker = PortalBreaker(crowded=give_back_slot)
        portal = _portal(settings, breaker)
        stack.push_async_callback(portal.aclose)
        server = parse_smtp_url(settings.smtp_url.get_secret_value())
        mailer = CountedMailer(SmtpMailer(server, settings.mail_from, clock=clock, rate=settings.mail_rate))
        services = _services(settings, database, portal, mailer, clock)
        stack.push_async_callback(services.locks.close)

        feed_reader = FeedReader(database, portal, clock)
        settled: Counter[State] = Counter()
        recorder = OutcomeRecorder(database, clock, services.bulk_limiter, settled)
        breakers = {
            Channel.TELEGRAM: ChannelBreaker(Channel.TELEGRAM, places=_places(settings.bulk_rate), silence=3.0),
            Channel.EMAIL: ChannelBreaker(Channel.EMAIL, places=4, silence=30.0),  # a mail server may scan each PDF
        }
        supervisor, database_check = Supervisor(), DatabaseCheck(database)
        clock_watch, keys = ClockWatch(database, clock), KeyCheck(database)
        request = CountedRequest(connection_pool_size=SLOTS * 4, pool_timeout=10.0)
        sources = Sources(
            services=services,
            feed=feed_reader.counters,
            settled=settled,
            recorder=recorder,
            breakers=breakers,
            clock_steps=clock_watch.steps,
            supervisor=supervisor,
            database_check=database_check,
            is_portal_away=lambda: breaker.is_open,
            telegram_calls=request.outcomes,
            portal_calls=breaker.outcomes,
            mail=mailer.outcomes,
            keys=keys,
            stop_mails=Counter(),
        )
        metrics = Metrics(database, clock, sources)
        order = PerChatOrder(
            handled=metrics.handled,
            dropped=metrics.dropped,
            linked_among=linked_chats(database, settings.staff_chat),
            report_unread=lambda update: on_flood(update, application),
        )
        get_updates_request = AiohttpRequest(connection_pool_size=2, max_answer_bytes=MAX_UPDATES_BYTES)
        application = make_application(settings, services, order, request, get_updates_request)
        stack.push_async_callback(application.bot.shutdown)  # also closes a bot that could not be initialized
        stack.push_async_callback(application.shutdown)

        senders = _senders(settings, services, mailer, application.bot)
        dispatcher = Dispatcher(
            database, clock, senders, breakers, services.bulk_limiter, recorder, chat_rate=settings.chat_rate
        )
        pack_sender = TelegramPackSender(application.bot, database, services.bulk_limiter)
        packs = PackRunner(
            database, portal, services.access, pack_sender, services.packs, services.large_document, clock,
            services.company,
        )  # fmt: skip
        metrics.watch_packs(packs)
        closer = ConversationCloser(application.bot, database, services.company, clock) if settings.staff_chat else None
        of_services = (services.linking.purge, services.saved_answers.purge, packs.purge)
        stop_mails = _stop_mail_reader(settings, services, mailer, sources.stop_mails)
        housekeeping = Housekeeping(database, clock, of_services)
        worker = Worker(
            database, feed_reader, dispatcher, services.planner, packs, housekeeping, clock_watch, supervisor,
            poll_seconds=settings.portal_poll_seconds, closer=closer, stop_mails=stop_mails,
        )  # fmt: skip

        handler, inbox = UpdateHandler(application, order, metrics.retried), Inbox(database)
        webhook, polling, health = None, None, None
        if settings.webhook_url:
            own = settings.webhook_secret.get_secret_value()
            accepted = [own] if own else database.vault.hashes("webhook", "telegram")
            webhook = TelegramWebhook(application, order, handler, database, inbox, services.locks, clock, accepted)
            stack.push_async_callback(webhook.close)
        else:
            health, fetched = PollHealth(), FetchedUpdates(inbox, clock)
            kinds = allowed_updates(inline=settings.inline)
            polling = Polling(application.bot, get_updates_request, handler, fetched, health, kinds)
            metrics.watch_polling(health, fetched)
        signed_by = settings.portal_webhook_secret.get_secret_value()
        public = public_app(
            telegram=webhook,
            unsubscribe=Unsubscribe(database, clock, services.security, services.company),
            portal=PortalRequests(worker.read_now, services.invitations, lambda: application.bot.username, signed_by),
            calendar=CalendarEndpoint(services.calendar_feeds) if settings.serves_calendars else None,
            policy=PolicyPage(services.company, services.policy),
        )
        url = f"{settings.webhook_url}/telegram" if settings.webhook_url else ""
        webhook_state = WebhookState(application.bot, clock, url)
        stack.callback(webhook_state.close)
        metrics.watch_webhook(webhook_state)
        max_lag = datetime.timedelta(seconds=max(180.0, 3 * settings.portal_poll_seconds))
        readiness = Readiness(
            database, database_check, supervisor, application.bot, portal, mailer, feed_reader.counters, clock,
            webhook_state, keys, health, max_lag=max_lag,
        )  # fmt: skip
        watch = watch_for(settings.alerts_chat, application.bot, readiness, sources)
        admin = admin_app(readiness=readiness, metrics=metrics)
        yield Components(
            application, database, portal, mailer, worker, webhook, polling, supervisor, database_check, readiness,
            public, admin, watch,
        )  # fmt: skip


def _services(settings: Settings, database: Database, portal: Portal, mailer: Mailer, clock: Clock) -> Services:
    security = SecurityLog(database.vault)
    company = Company(
        settings.company, settings.support, settings.zone, settings.language,
        has_public_url=bool(settings.base_url), staff_chat=settings.staff_chat,
        offers_copies=settings.offers_copies, features=settings.features_on,
        postal_address=settings.postal_address, mail_address=parse_sender(settings.mail_from).address,
    )  # fmt: skip
    facts, background = settings.policy_facts(settings.privacy_contact, settings.postal_address), BackgroundTasks()
    alerts = MailboxAlerts(mailer, company, background.pause)
    access = Access(database, portal, clock, security, idle_after=datetime.timedelta(days=settings.link_idle_days))
    saved = SavedAnswers(database, clock, background.start, background.pause, is_on=settings.save_portal_answers)
    return Services(
        database=database,
        chat_cache=ChatCache(database),
        portal=portal,
        linking=Linking(database, portal, clock, security),
        invitations=Invitations(database, portal, clock, security),
        code_delivery=CodeDelivery(
            database, portal, mailer, clock, alerts, security, company=company, pause=background.pause
        ),
        alerts=alerts,
        access=access,
        security=security,
        bulk_limiter=BulkRateLimiter(database, clock, settings.bulk_rate),
        clock=clock,
        background=background,
        large_document=asyncio.Lock(),
        documents=asyncio.Semaphore(16),
        company=company,
        give_back_slot=give_back_slot,
        undelivered=Counter(),
        recent=Recent(clock),
        planner=Planner(database, portal, clock, company),
        portal_links=PortalLinks(portal, clock),
        rich_support=RichSupport(settings.rich_tables),
        has_inline_mode=settings.inline,
        saved_answers=saved,
        calendar_feeds=CalendarFeeds(database, portal, access, saved, clock, security, company),
        public_url=settings.base_url,
        policy=Policy(company, facts, saves_answers=settings.save_portal_answers),
        packs=PackQueue(database, clock),
        locks=ReplicaLocks(database),
        failed_updates=Counter(),
    )


def _stop_mail_reader(
    settings: Settings, services: Services, mailer: Mailer, counts: MutableMapping[str, int]
) -> StopMailReader | None:
    background = services.background
    if not (url := settings.imap_url.get_secret_value()):
        return None
    return StopMailReader(
        services.database, mailbox_at(url), services.security, services.company, services.clock,
        lambda letter: background.start(send_with_retries(mailer, letter, background.pause)), counts,
    )  # fmt: skip


def _senders(settings: Settings, services: Services, mailer: Mailer, bot: ExtBot[None]) -> dict[Channel, Sender]:
    database, portal, access, clock = services.database, services.portal, services.access, services.clock
    return {
        Channel.TELEGRAM: TelegramNoticeSender(
            bot, database, portal, access, clock, services.company, services.rich_support
        ),
        Channel.EMAIL: CopySender(
            database, portal, mailer, access, services.large_document, clock, services.company,
            public_url=settings.base_url, stop_address=settings.stop_mail_address,
            reads_replies=bool(settings.imap_url.get_secret_value()),
        ),
    }  # fmt: skip


def mailbox_at(url: str) -> ImapMailbox:
    """Make the client of the mailbox in ``ODOBOT_IMAP_URL``."""
    return ImapMailbox(parse_imap_url(url))


def _portal(settings: Settings, breaker: PortalBreaker) -> Portal:
    try:
        return find_adapter(settings.portal_url).open(settings.connection(breaker))
    except ValueError as error:
        raise SettingsError(f"ODOBOT_PORTAL_URL: {error}") from None
