"""The process: starts the components in order, receives updates by polling or webhook, and stops without losing any.

``running`` starts everything from top to bottom, and stops it in the reverse order.
"""

import asyncio
import gc
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from socket import socket

import structlog
from sqlalchemy.exc import SQLAlchemyError
from telegram import Update
from telegram.error import InvalidToken, TelegramError

from bot.app import Components, OdobotApplication, build
from bot.http import server
from bot.settings import Settings, split_address
from handlers.telegram.bot_menus import set_menus
from services.clock import Clock, utc_now
from storage import migrations
from storage.database import Database
from storage.migrations import Schema

POLL_SECONDS = 30
"""The time limit of a long poll in seconds; PTB adds it to the read time-out."""
DRAIN_SECONDS = 10.0
"""How long a stop waits for updates in progress, in seconds."""
ALLOWED_UPDATES = [Update.MESSAGE, Update.EDITED_MESSAGE, Update.CALLBACK_QUERY, Update.MY_CHAT_MEMBER]
MAX_CONNECTIONS = 40
"""Updates that Telegram may post at once: the back-pressure of the webhook."""

log = structlog.get_logger()


class Role(StrEnum):
    """What a process handles: conversations, notices, or both."""

    ALL = "all"
    WEB = "web"
    WORKER = "worker"


class StartError(Exception):
    """The process cannot start; the message is one line that names the setting."""


@dataclass(frozen=True, slots=True)
class Running:
    """The running components, and the base URLs of the public and the admin endpoints."""

    components: Components
    public_url: str
    admin_url: str


async def run(settings: Settings, role: Role = Role.ALL) -> None:
    """Run until SIGTERM or SIGINT. Raises ``StartError`` as ``running`` does, and for a role that SQLite excludes."""
    if role is not Role.ALL and settings.database_url.startswith("sqlite"):
        raise StartError("ODOBOT_DATABASE_URL: --role web and worker need PostgreSQL; on SQLite use --role all")
    stop = asyncio.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signal_number, stop.set)
    async with running(settings, role):
        _freeze_start_up_objects()
        await stop.wait()


@asynccontextmanager
async def running(settings: Settings, role: Role = Role.ALL, clock: Clock = utc_now) -> AsyncIterator[Running]:
    """Run a role during the body, and stop it in the reverse order of the start.

    The stop receives no more updates and drains those in progress, then finishes notices, then closes the endpoints.

    Raises:
        StartError: A component does not start, or Telegram revoked the token meanwhile.
    """
    async with AsyncExitStack() as stack:
        public, admin = stack.enter_context(bind_addresses(settings))
        components = await stack.enter_async_context(build(settings, clock))
        await prepare_database(components.database)
        stack.callback(lambda: log.info("odobot.stopped"))
        await stack.enter_async_context(initialized(components.application))
        public_url = await stack.enter_async_context(server.listening(components.public_app, public))
        admin_url = await stack.enter_async_context(server.listening(components.admin_app, admin))
        worker = components.worker
        await stack.enter_async_context(worker.reading() if role is Role.WEB else worker.working())
        if role is not Role.WORKER:
            await stack.enter_async_context(receiving_updates(components, settings))
            menus = set_menus(components.application.bot, settings.company, settings.default_language)
            stack.callback(asyncio.create_task(menus).cancel)
        by_webhook = role is not Role.WORKER and components.webhook is not None
        log.info("odobot.started", bot=components.application.bot.username, role=role, webhook=by_webhook)
        yield Running(components, public_url, admin_url)


@contextmanager
def bind_addresses(settings: Settings) -> Iterator[tuple[socket, socket]]:
    """Bind the public and the admin address. Raises ``StartError`` if one is not available."""
    try:
        with (
            server.bind(*split_address(settings.listen)) as public,
            server.bind(*split_address(settings.admin_listen)) as admin,
        ):
            yield public, admin
    except server.CannotListen as error:
        raise StartError(f"ODOBOT_LISTEN or ODOBOT_ADMIN_LISTEN: {error}") from None


async def prepare_database(database: Database) -> None:
    """Upgrade the schema on SQLite; on PostgreSQL, where replicas share it, only check it.

    Raises:
        StartError: The database cannot be opened, or its schema is newer or, on PostgreSQL, older.
    """
    try:
        schema = await migrations.schema_of(database.engine)
        if schema is Schema.OLDER and database.is_sqlite:
            await migrations.upgrade(database.engine)
            return
    except (SQLAlchemyError, OSError) as error:
        raise StartError(f"ODOBOT_DATABASE_URL: the database cannot be opened ({type(error).__name__})") from None
    if schema is Schema.UNKNOWN:
        raise StartError(f"ODOBOT_DATABASE_URL: {migrations.NOT_KNOWN}")
    if schema is Schema.OLDER:
        raise StartError("ODOBOT_DATABASE_URL: the schema is not up to date, run: odobot migrate")


@asynccontextmanager
async def initialized(application: OdobotApplication) -> AsyncIterator[None]:
    """Call ``getMe``. Turn errors of Telegram, here and in the body, into ``StartError``."""
    try:
        await application.initialize()
        yield
    except InvalidToken:
        raise StartError("ODOBOT_TELEGRAM_TOKEN: Telegram does not know this token") from None
    except TelegramError as error:
        raise StartError(f"ODOBOT_TELEGRAM_API_URL: Telegram cannot be reached ({type(error).__name__})") from None


@asynccontextmanager
async def receiving_updates(components: Components, settings: Settings) -> AsyncIterator[None]:
    """Receive updates during the body, by webhook if one is set, else by polling; then drain those in progress."""
    application = components.application
    await application.start()
    try:
        if components.webhook is not None:
            await _set_webhook(application, settings.webhook_url, components.webhook.secret)
            yield
        else:
            async with _polling(application):
                yield
    finally:
        await _drain(components)


async def _set_webhook(application: OdobotApplication, base_url: str, secret: str) -> None:
    """Register the webhook with Telegram. A stop does not remove it, because other replicas use it."""
    try:
        await application.bot.set_webhook(
            f"{base_url}/telegram",
            secret_token=secret,
            max_connections=MAX_CONNECTIONS,
            allowed_updates=ALLOWED_UPDATES,
        )
    except TelegramError as error:
        raise StartError(f"ODOBOT_WEBHOOK_URL: Telegram refuses it ({error.message})") from None


@asynccontextmanager
async def _polling(application: OdobotApplication) -> AsyncIterator[None]:
    updater = application.updater
    assert updater is not None  # the builder made it
    try:
        await updater.start_polling(timeout=POLL_SECONDS, allowed_updates=ALLOWED_UPDATES, error_callback=_poll_failed)
        yield
    finally:
        if updater.running:
            await updater.stop()


def _poll_failed(error: TelegramError) -> None:
    log.warning("telegram.poll_failed", error=type(error).__name__)


async def _drain(components: Components) -> None:
    """Wait up to ``DRAIN_SECONDS`` for updates in progress and for background tasks."""
    try:
        async with asyncio.timeout(DRAIN_SECONDS):
            await components.application.stop()  # the webhook then answers 503
            if components.webhook is not None:
                await components.webhook.drain()
            await components.application.bot_data.background.drain()
    except TimeoutError:
        log.warning("odobot.drain_cut_short", seconds=DRAIN_SECONDS)


def _freeze_start_up_objects() -> None:
    """Freeze start-up objects: scanning them again took 5 % of CPU, in pauses of up to 0.2 s."""
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
