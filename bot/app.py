"""The composition root: the only place where things are made and put together."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

import structlog
from telegram import Update
from telegram.error import InvalidToken, TelegramError
from telegram.ext import Application, ApplicationBuilder, ContextTypes, ExtBot
from telegram.request import HTTPXRequest

from bot.menus import set_menus
from bot.ordering import SLOTS, PerChatOrder
from bot.settings import Settings
from handlers.context import Context, Services
from handlers.routes import register
from mail.mailer import Mailer
from mail.smtp import SmtpMailer, parse_smtp_url
from portal.client import Portal
from portal.http import HttpPortal
from services.clock import Clock, utc_now
from services.linking import Linking
from storage import migrations
from storage.database import Database
from storage.vault import Vault
from texts.catalogue import texts_in
from texts.language import Language

# RetryAfter and others then speak of time as timedelta, which PTB asks for from version 22.2 on.
os.environ.setdefault("PTB_TIMEDELTA", "true")

DRAIN_SECONDS = 10.0
"""How long a stop waits for updates in hand."""
UPDATES = [Update.MESSAGE, Update.EDITED_MESSAGE, Update.CALLBACK_QUERY]
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


@asynccontextmanager
async def build(
    settings: Settings, *, clock: Clock = utc_now, portal: Portal | None = None, mailer: Mailer | None = None
) -> AsyncIterator[House]:
    """Makes everything from the settings, and gives its connections back at the end."""
    database = Database(settings.database_url, Vault(settings.keys))
    portal = portal or HttpPortal(settings.portal_url, settings.portal_token.get_secret_value())
    mailer = mailer or SmtpMailer(parse_smtp_url(settings.smtp_url.get_secret_value()), settings.mail_from, clock=clock)
    linking = Linking(database, portal, mailer, clock, company=settings.company, support=settings.support)
    services = Services(
        database=database,
        portal=portal,
        linking=linking,
        clock=clock,
        company=settings.company,
        support=settings.support,
        default_language=settings.default_language,
        zone=settings.zone,
    )
    for language in Language:
        texts_in(language)
    try:
        yield House(_application(settings, services), database, portal, mailer)
    finally:
        await portal.aclose()
        await database.close()


def _application(settings: Settings, services: Services) -> OdobotApplication:
    # PTB calls this for its bot_data; the services are made, not kept by PTB.
    hand_over = cast("type[Services]", lambda: services)
    builder = (
        ApplicationBuilder()
        .token(settings.telegram_token.get_secret_value())
        .base_url(f"{settings.telegram_api_url}/bot")
        .base_file_url(f"{settings.telegram_api_url}/file/bot")
        .request(HTTPXRequest(connection_pool_size=SLOTS * 4, pool_timeout=10.0))
        .get_updates_request(HTTPXRequest(connection_pool_size=2, read_timeout=_POLL_SECONDS + 10.0))
        .concurrent_updates(PerChatOrder())
        .context_types(ContextTypes(context=Context, bot_data=hand_over))
        .job_queue(None)
    )
    application: OdobotApplication = builder.build()
    register(application)
    return application


async def prepare_database(database: Database) -> None:
    """Brings SQLite up to date; asks for ``odobot migrate`` on PostgreSQL, where replicas share one schema."""
    if await migrations.is_current(database.engine):
        return
    if not database.is_sqlite:
        raise StartError("ODOBOT_DATABASE_URL: the schema is not up to date, run: odobot migrate")
    await migrations.upgrade(database.engine)


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
            except TimeoutError:
                log.warning("odobot.drain_cut_short", seconds=DRAIN_SECONDS)
    finally:
        await application.shutdown()
        log.info("odobot.stopped")


def _poll_failed(error: TelegramError) -> None:
    log.warning("telegram.poll_failed", error=type(error).__name__)


async def run(settings: Settings) -> None:
    """Runs until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sign, stop.set)
    async with build(settings) as house:
        await prepare_database(house.database)
        async with polling(house, settings):
            await stop.wait()
