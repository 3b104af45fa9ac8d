"""The composition root: the only place where things are made and put together."""

import asyncio
import datetime
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from telegram import Update
from telegram.error import InvalidToken, TelegramError
from telegram.ext import Application, ApplicationBuilder, ContextTypes, ExtBot

from bot.carriers import Company, MailCarrier, TelegramCarrier
from bot.menus import set_menus
from bot.metrics import Metrics
from bot.ordering import SLOTS, PerChatOrder
from bot.readiness import Readiness
from bot.request import AiohttpRequest
from bot.serving import CannotListen, listening
from bot.settings import Settings, split_address
from bot.web import admin_app, public_app
from bot.worker import Worker
from handlers.background import Background
from handlers.context import Context, Services
from handlers.routes import register
from mail.mailer import Mailer
from mail.smtp import SmtpMailer, parse_sender, parse_smtp_url
from portal.client import Portal
from portal.http import HttpPortal
from portal.tryton import TrytonPortal
from portal.tryton_links import parse_links
from portal.tryton_wire import SCHEME
from services.clock import Clock, utc_now
from services.delivery import BulkLane, Carrier, Courier
from services.linking import Linking
from services.notices import Intake
from storage import migrations
from storage.database import Database
from storage.tables import Channel
from storage.vault import Vault
from texts.catalogue import texts_in
from texts.language import Language

# RetryAfter and others then speak of time as timedelta, which PTB asks for from version 22.2 on.
os.environ.setdefault("PTB_TIMEDELTA", "true")

DRAIN_SECONDS = 10.0
"""How long a stop waits for updates in hand."""
UPDATES = [Update.MESSAGE, Update.EDITED_MESSAGE, Update.CALLBACK_QUERY, Update.MY_CHAT_MEMBER]
_POLL_SECONDS = 30

log = structlog.get_logger()

OdobotApplication = Application[ExtBot[None], Context, dict[Any, Any], dict[Any, Any], Services, None]


class StartError(Exception):
    """The process cannot start; the message is one line that names the part."""


@dataclass(frozen=True, slots=True)
class House:
    """Everything that was made, for the process that runs it."""

    application: OdobotApplication
    database: Database
    portal: Portal
    mailer: Mailer
    worker: Worker
    public: Starlette
    admin: Starlette


@asynccontextmanager
async def build(
    settings: Settings, *, clock: Clock = utc_now, portal: Portal | None = None, mailer: Mailer | None = None
) -> AsyncIterator[House]:
    """Makes everything from the settings, and gives its connections back at the end."""
    database = Database(settings.database_url, Vault(settings.keys))
    token = settings.portal_token.get_secret_value()
    portal = portal or portal_at(settings.portal_url, token, settings.portal_links)
    mailer = mailer or SmtpMailer(parse_smtp_url(settings.smtp_url.get_secret_value()), settings.mail_from, clock=clock)
    linking = Linking(database, portal, mailer, clock, company=settings.company, support=settings.support)
    services = Services(
        database=database,
        portal=portal,
        linking=linking,
        clock=clock,
        background=Background(),
        company=settings.company,
        support=settings.support,
        default_language=settings.default_language,
        zone=settings.zone,
    )
    for language in Language:
        texts_in(language)
    try:
        yield _house(settings, services, mailer)
    finally:
        await portal.aclose()
        await database.close()


def _house(settings: Settings, services: Services, mailer: Mailer) -> House:
    database, portal, clock = services.database, services.portal, services.clock
    intake = Intake(database, portal, clock)
    metrics = Metrics(database, clock, intake.report)
    application = _application(settings, services, metrics)
    company = Company(settings.company, settings.zone, settings.default_language)
    sender = parse_sender(settings.mail_from).address
    carriers: dict[Channel, Carrier] = {
        Channel.TELEGRAM: TelegramCarrier(application.bot, database, portal, clock, company),
        Channel.EMAIL: MailCarrier(
            database, portal, mailer, clock, company, public_url=settings.public_url, mail_from=sender
        ),
    }
    lane = BulkLane(database, clock, settings.bulk_rate)
    courier = Courier(database, clock, carriers, lane, chat_rate=settings.chat_rate)
    worker = Worker(database, intake, courier, services.linking, clock, poll_seconds=settings.portal_poll_seconds)
    public = public_app(
        database=database,
        read_now=worker.read_now,
        portal_secret=settings.portal_webhook_secret.get_secret_value(),
        language=settings.default_language,
    )
    longest_lag = datetime.timedelta(seconds=max(180.0, 3 * settings.portal_poll_seconds))
    readiness = Readiness(database, application.bot, portal, clock, longest_lag=longest_lag)
    admin = admin_app(readiness=readiness, metrics=metrics)
    return House(application, database, portal, mailer, worker, public, admin)


def portal_at(url: str, token: str, links: str = "") -> Portal:
    """The client for a portal's address: ``https://…`` speaks the contract, ``tryton+https://…`` is a Tryton 8 server,
    whose menu the company writes itself."""
    if url.startswith(SCHEME):
        return TrytonPortal(url, token, links=parse_links(links))
    return HttpPortal(url, token)


def _application(settings: Settings, services: Services, metrics: Metrics) -> OdobotApplication:
    # PTB calls this for its bot_data; the services are made, not kept by PTB.
    hand_over = cast("type[Services]", lambda: services)
    builder = (
        ApplicationBuilder()
        .token(settings.telegram_token.get_secret_value())
        .base_url(f"{settings.telegram_api_url}/bot")
        .base_file_url(f"{settings.telegram_api_url}/file/bot")
        .request(AiohttpRequest(connection_pool_size=SLOTS * 4, pool_timeout=10.0, cut_echoes=True))
        .get_updates_request(AiohttpRequest(connection_pool_size=2, read_timeout=_POLL_SECONDS + 10.0))
        .concurrent_updates(PerChatOrder(handled=metrics.handled))
        .context_types(ContextTypes(context=Context, bot_data=hand_over))
        .job_queue(None)
    )
    application: OdobotApplication = builder.build()
    register(application)
    return application


async def prepare_database(database: Database) -> None:
    """Brings SQLite up to date; asks for ``odobot migrate`` on PostgreSQL, where replicas share one schema."""
    try:
        if await migrations.is_current(database.engine):
            return
        if database.is_sqlite:
            await migrations.upgrade(database.engine)
            return
    except (SQLAlchemyError, OSError) as error:
        raise StartError(f"ODOBOT_DATABASE_URL: the database cannot be opened ({type(error).__name__})") from None
    raise StartError("ODOBOT_DATABASE_URL: the schema is not up to date, run: odobot migrate")


@asynccontextmanager
async def polling(house: House, settings: Settings) -> AsyncIterator[None]:
    """Takes updates by long polling; at the end drains those in hand, and confirms what was taken."""
    application = house.application
    updater = application.updater
    assert updater is not None
    try:
        await application.initialize()
    except InvalidToken:
        raise StartError("ODOBOT_TELEGRAM_TOKEN: Telegram does not know this token") from None
    except TelegramError as error:
        raise StartError(f"ODOBOT_TELEGRAM_API_URL: Telegram cannot be reached ({type(error).__name__})") from None
    try:
        await application.start()
        await updater.start_polling(timeout=_POLL_SECONDS, allowed_updates=UPDATES, error_callback=_poll_failed)
        menus = application.create_task(set_menus(application.bot, settings.company, settings.default_language))
        log.info("odobot.started", bot=application.bot.username)
        try:
            yield
        finally:
            await updater.stop()
            menus.cancel()
            try:
                async with asyncio.timeout(DRAIN_SECONDS):
                    await application.stop()
                    await application.bot_data.background.drain()
            except TimeoutError:
                log.warning("odobot.drain_cut_short", seconds=DRAIN_SECONDS)
    finally:
        await application.shutdown()
        log.info("odobot.stopped")


@asynccontextmanager
async def serving(house: House, settings: Settings) -> AsyncIterator[tuple[str, str]]:
    """Listens for the public and for the operator; gives both base URLs."""
    try:
        public_host, public_port = split_address(settings.listen)
        admin_host, admin_port = split_address(settings.admin_listen)
        async with (
            listening(house.public, public_host, public_port) as public,
            listening(house.admin, admin_host, admin_port) as admin,
        ):
            yield public, admin
    except CannotListen as error:
        raise StartError(f"ODOBOT_LISTEN or ODOBOT_ADMIN_LISTEN: {error}") from None


def _poll_failed(error: TelegramError) -> None:
    log.warning("telegram.poll_failed", error=type(error).__name__)


async def run(settings: Settings) -> None:
    """Runs until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sign, stop.set)
    async with build(settings) as house:
        await prepare_database(house.database)
        async with serving(house, settings), house.worker.working(), polling(house, settings):
            await stop.wait()
