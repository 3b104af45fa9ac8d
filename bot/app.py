"""The composition root: the only place where things are made and put together."""

import asyncio
import datetime
from collections.abc import AsyncIterator, Callable, Set
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import structlog
from telegram.ext import Application, ApplicationBuilder, ContextTypes, ExtBot

from bot.base import Base
from bot.http.metrics import Metrics
from bot.http.readiness import Readiness
from bot.settings import Settings
from bot.updates.ordering import PerChatOrder, TellUnread
from bot.worker import Worker
from handlers.background import Background
from handlers.context import Context, Services
from handlers.flood import tell_unread
from handlers.routes import register
from handlers.telegram.notice_sender import TelegramCarrier
from mail.mailer import Mailer
from mail.smtp import SmtpMailer, parse_sender, parse_smtp_url
from portal.client import Portal
from portal.http import HttpPortal
from portal.tryton_wire import SCHEME
from services.access import Access
from services.clock import Clock, utc_now
from services.company import Company
from services.linking.code_delivery import CodeDelivery
from services.linking.linking import Linking
from services.mailing.mailbox_alerts import MailboxAlerts
from services.notices.copy_sender import MailCarrier
from services.notices.delivery import Carrier, Courier
from services.notices.feed_reader import Intake
from services.notices.rate_limiter import BulkLane
from services.security import SecurityLog
from storage import chats
from storage.database import Database
from storage.recent import RecentChats
from storage.tables import Channel

# What serves over HTTP is imported when it begins to: polling goes first.
if TYPE_CHECKING:
    from starlette.applications import Starlette

    from bot.http.webhook import TelegramWebhook

log = structlog.get_logger()

OdobotApplication = Application[ExtBot[None], Context, dict[Any, Any], dict[Any, Any], Services, None]


@dataclass(frozen=True, slots=True)
class House:
    """Everything that was made, for the process that runs it."""

    application: OdobotApplication
    database: Database
    portal: Portal
    mailer: Mailer
    worker: Worker
    webhook: "TelegramWebhook | None"
    make_public: "Callable[[], Starlette]"
    make_admin: "Callable[[], Starlette]"


@asynccontextmanager
async def build(settings: Settings, base: Base, clock: Clock = utc_now) -> AsyncIterator[House]:
    """Makes everything else from the settings, and gives the portal's connections back at the end."""
    database = base.database
    token = settings.portal_token.get_secret_value()
    portal = portal_at(settings.portal_url, token, settings.portal_links)
    server = parse_smtp_url(settings.smtp_url.get_secret_value())
    mailer = SmtpMailer(server, settings.mail_from, clock=clock, rate=settings.mail_rate)
    security = SecurityLog(database.vault)
    company = Company(settings.company, settings.support, settings.zone, settings.default_language)
    alerts = MailboxAlerts(mailer, company)
    services = Services(
        database=database,
        recent=RecentChats(database),
        portal=portal,
        linking=Linking(database, portal, clock, security),
        code_delivery=CodeDelivery(database, portal, mailer, clock, alerts, security, company=settings.company),
        alerts=alerts,
        access=Access(database, portal, clock, security, idle_after=datetime.timedelta(days=settings.link_idle_days)),
        security=security,
        lane=BulkLane(database, clock, settings.bulk_rate),
        clock=clock,
        background=Background(),
        large_document=asyncio.Lock(),
        documents=asyncio.Semaphore(16),
        company=company,
    )
    async with AsyncExitStack() as closing:
        closing.push_async_callback(portal.aclose)
        house = _house(settings, base, services, mailer)
        closing.push_async_callback(house.application.shutdown)
        if house.webhook is not None:
            closing.push_async_callback(house.webhook.close)
        yield house


def _house(settings: Settings, base: Base, services: Services, mailer: Mailer) -> House:
    database, portal, clock = services.database, services.portal, services.clock
    intake = Intake(database, portal, clock)
    metrics = Metrics(database, clock, intake.report, services.security)
    order = _order(database, metrics, lambda update: tell_unread(update, application))
    application = _application(base, services, order)
    sender = parse_sender(settings.mail_from).address
    carriers: dict[Channel, Carrier] = {
        Channel.TELEGRAM: TelegramCarrier(application.bot, database, portal, services.access, clock, services.company),
        Channel.EMAIL: MailCarrier(
            database,
            portal,
            mailer,
            services.access,
            services.large_document,
            clock,
            services.company,
            public_url=settings.base_url,
            mail_from=sender,
        ),
    }
    courier = Courier(database, clock, carriers, services.lane, chat_rate=settings.chat_rate)
    worker = Worker(database, intake, courier, services.linking, clock, poll_seconds=settings.portal_poll_seconds)
    webhook = None
    if settings.webhook_url:
        secret = settings.webhook_secret.get_secret_value() or database.vault.hash("webhook", "telegram")
        from bot.http.webhook import TelegramWebhook

        webhook = TelegramWebhook(application, order, database, clock, secret)

    def make_public() -> "Starlette":
        from bot.http.endpoints import public_app
        from bot.http.unsubscribe import Unsubscribe

        return public_app(
            telegram=webhook,
            unsubscribe=Unsubscribe(database, clock, services.security, services.company),
            read_now=worker.read_now,
            portal_secret=settings.portal_webhook_secret.get_secret_value(),
        )

    def make_admin() -> "Starlette":
        from bot.http.endpoints import admin_app

        longest_lag = datetime.timedelta(seconds=max(180.0, 3 * settings.portal_poll_seconds))
        readiness = Readiness(database, application.bot, portal, clock, longest_lag=longest_lag)
        return admin_app(readiness=readiness, metrics=metrics)

    return House(application, database, portal, mailer, worker, webhook, make_public, make_admin)


def portal_at(url: str, token: str, links: str = "") -> Portal:
    """The client for a portal's address: ``https://…`` speaks the contract, ``tryton+https://…`` is a Tryton 8 server,
    whose menu the company writes itself."""
    if url.startswith(SCHEME):
        from portal.tryton import TrytonPortal
        from portal.tryton_links import parse_links

        return TrytonPortal(url, token, links=parse_links(links))
    return HttpPortal(url, token)


def _order(database: Database, metrics: Metrics, tell: TellUnread) -> PerChatOrder:
    async def linked_among(chat_ids: Set[int]) -> Set[int]:
        async with database.read() as session:
            return await chats.linked_among(session, chat_ids)

    return PerChatOrder(handled=metrics.handled, dropped=metrics.dropped, linked_among=linked_among, tell_unread=tell)


def _application(base: Base, services: Services, order: PerChatOrder) -> OdobotApplication:
    # PTB calls this for its bot_data; the services are made, not kept by PTB.
    hand_over = cast("type[Services]", lambda: services)
    builder = (
        ApplicationBuilder()
        .updater(base.updater)
        .concurrent_updates(order)
        .context_types(ContextTypes(context=Context, bot_data=hand_over))
        .job_queue(None)
    )
    application: OdobotApplication = builder.build()
    register(application)
    return application
