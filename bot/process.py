"""The process: start in order, take updates by polling or by webhook, and stop without losing any.

``running`` is the whole start, from top to bottom; the stop is the same from bottom to top.
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
"""How long Telegram may hold back an answer without updates, in seconds; PTB waits that much longer for it."""
DRAIN_SECONDS = 10.0
"""How long a stop waits for updates in hand, in seconds."""
UPDATES = [Update.MESSAGE, Update.EDITED_MESSAGE, Update.CALLBACK_QUERY, Update.MY_CHAT_MEMBER]
MAX_CONNECTIONS = 40
"""How many updates Telegram may post at once: the back-pressure of the webhook."""

log = structlog.get_logger()


class Role(StrEnum):
    """What one process does: conversations, notices, or both."""

    ALL = "all"
    WEB = "web"
    WORKER = "worker"


class StartError(Exception):
    """The process cannot start; the message is one line that names the part."""


@dataclass(frozen=True, slots=True)
class Running:
    """What runs, and the base URLs of the public endpoints and of the operator's."""

    components: Components
    public_url: str
    admin_url: str


async def run(settings: Settings, role: Role = Role.ALL) -> None:
    """Run until SIGTERM or SIGINT."""
    if role is not Role.ALL and settings.database_url.startswith("sqlite"):
        raise StartError("ODOBOT_DATABASE_URL: --role web and worker need PostgreSQL; on SQLite one process is all")
    stop = asyncio.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signal_number, stop.set)
    async with running(settings, role):
        _freeze_start_up_objects()
        await stop.wait()


@asynccontextmanager
async def running(settings: Settings, role: Role = Role.ALL, clock: Clock = utc_now) -> AsyncIterator[Running]:
    """Start everything that a role does; at the end stop it in the reverse order.

    The stop takes no more updates first and drains those in hand, then finishes notices, and closes the endpoints last.

    Raises:
        StartError: a part does not start, or Telegram revoked the token meanwhile.
    """
    async with AsyncExitStack() as stack:
        public, admin = stack.enter_context(bound(settings))
        components = await stack.enter_async_context(build(settings, clock))
        await prepare_database(components.database)
        stack.callback(lambda: log.info("odobot.stopped"))
        await stack.enter_async_context(connected(components.application))
        public_url = await stack.enter_async_context(server.listening(components.public_app, public))
        admin_url = await stack.enter_async_context(server.listening(components.admin_app, admin))
        worker = components.worker
        await stack.enter_async_context(worker.reading() if role is Role.WEB else worker.working())
        if role is not Role.WORKER:
            await stack.enter_async_context(taking_updates(components, settings))
            menus = set_menus(components.application.bot, settings.company, settings.default_language)
            stack.callback(asyncio.create_task(menus).cancel)
        by_webhook = role is not Role.WORKER and components.webhook is not None
        log.info("odobot.started", bot=components.application.bot.username, role=role, webhook=by_webhook)
        yield Running(components, public_url, admin_url)


@contextmanager
def bound(settings: Settings) -> Iterator[tuple[socket, socket]]:
    """Bind the public address and the operator's. Raises ``StartError`` where one cannot be had."""
    try:
        with (
            server.bound(*split_address(settings.listen)) as public,
            server.bound(*split_address(settings.admin_listen)) as admin,
        ):
            yield public, admin
    except server.CannotListen as error:
        raise StartError(f"ODOBOT_LISTEN or ODOBOT_ADMIN_LISTEN: {error}") from None


async def prepare_database(database: Database) -> None:
    """Bring SQLite up to date; ask for ``odobot migrate`` on PostgreSQL, where replicas share one schema."""
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
async def connected(application: OdobotApplication) -> AsyncIterator[None]:
    """Ask Telegram who the bot is. An error of Telegram's, here or until the end of the body, is a ``StartError``."""
    try:
        await application.initialize()
        yield
    except InvalidToken:
        raise StartError("ODOBOT_TELEGRAM_TOKEN: Telegram does not know this token") from None
    except TelegramError as error:
        raise StartError(f"ODOBOT_TELEGRAM_API_URL: Telegram cannot be reached ({type(error).__name__})") from None


@asynccontextmanager
async def taking_updates(components: Components, settings: Settings) -> AsyncIterator[None]:
    """Handle updates, by webhook where there is one, else by polling; at the end drain those in hand."""
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
    """Tell Telegram where to post updates. A stop leaves that as it is: other replicas go on."""
    try:
        await application.bot.set_webhook(
            f"{base_url}/telegram",
            secret_token=secret,
            max_connections=MAX_CONNECTIONS,
            allowed_updates=UPDATES,
        )
    except TelegramError as error:
        raise StartError(f"ODOBOT_WEBHOOK_URL: Telegram does not take it ({error.message})") from None


@asynccontextmanager
async def _polling(application: OdobotApplication) -> AsyncIterator[None]:
    updater = application.updater
    assert updater is not None  # the builder made it
    try:
        await updater.start_polling(timeout=POLL_SECONDS, allowed_updates=UPDATES, error_callback=_poll_failed)
        yield
    finally:
        if updater.running:
            await updater.stop()


def _poll_failed(error: TelegramError) -> None:
    log.warning("telegram.poll_failed", error=type(error).__name__)


async def _drain(components: Components) -> None:
    """Wait up to ``DRAIN_SECONDS`` for updates in hand and for what runs beside their answers."""
    try:
        async with asyncio.timeout(DRAIN_SECONDS):
            await components.application.stop()  # the webhook then answers 503
            if components.webhook is not None:
                await components.webhook.drain()
            await components.application.bot_data.background.drain()
    except TimeoutError:
        log.warning("odobot.drain_cut_short", seconds=DRAIN_SECONDS)


def _freeze_start_up_objects() -> None:
    """Freeze start-up objects: scanning them again cost 5 % of CPU, in pauses of up to 0.2 s."""
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
