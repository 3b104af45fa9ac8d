"""The process: it starts in order, takes updates by polling or by webhook, works, and stops without losing anything."""

import asyncio
import gc
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from enum import StrEnum
from socket import socket

import structlog
from sqlalchemy.exc import SQLAlchemyError
from telegram import Update
from telegram.error import InvalidToken, TelegramError

from bot import serving
from bot.app import House, build
from bot.menus import set_menus
from bot.settings import Settings, split_address
from storage import migrations
from storage.database import Database

DRAIN_SECONDS = 10.0
"""How long a stop waits for updates in hand."""
UPDATES = [Update.MESSAGE, Update.EDITED_MESSAGE, Update.CALLBACK_QUERY, Update.MY_CHAT_MEMBER]
MAX_CONNECTIONS = 40
"""How many updates Telegram may post at once: the back-pressure of the webhook."""
_POLL_SECONDS = 30

log = structlog.get_logger()


class Role(StrEnum):
    """What one process does: conversations, notices, or both."""

    ALL = "all"
    WEB = "web"
    WORKER = "worker"


class StartError(Exception):
    """The process cannot start; the message is one line that names the part."""


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
async def connected(house: House) -> AsyncIterator[None]:
    """A bot that can send: what the worker needs, and what is the last to go."""
    application = house.application
    try:
        await application.initialize()
        yield
    except InvalidToken:
        raise StartError("ODOBOT_TELEGRAM_TOKEN: Telegram does not know this token") from None
    except TelegramError as error:
        raise StartError(f"ODOBOT_TELEGRAM_API_URL: Telegram cannot be reached ({type(error).__name__})") from None
    finally:
        await application.shutdown()
        await application.bot.shutdown()  # also where the application never came up
        log.info("odobot.stopped")


@asynccontextmanager
async def talking(house: House, settings: Settings) -> AsyncIterator[None]:
    """Takes updates, by webhook where one is set, else by long polling; at the end drains those in hand."""
    application = house.application
    await application.start()
    try:
        async with _updates(house, settings):
            yield
    finally:
        await _drain(house)


@asynccontextmanager
async def _updates(house: House, settings: Settings) -> AsyncIterator[None]:
    application = house.application
    if house.webhook is not None:
        try:
            await application.bot.set_webhook(
                f"{settings.webhook_url}/telegram",
                secret_token=house.webhook.secret,
                max_connections=MAX_CONNECTIONS,
                allowed_updates=UPDATES,
            )
        except TelegramError as error:
            raise StartError(f"ODOBOT_WEBHOOK_URL: Telegram does not take it ({error.message})") from None
        yield
        # Other replicas go on, and so does the webhook.
        return
    updater = application.updater
    assert updater is not None
    await updater.start_polling(timeout=_POLL_SECONDS, allowed_updates=UPDATES, error_callback=_poll_failed)
    try:
        yield
    finally:
        await updater.stop()


async def _drain(house: House) -> None:
    try:
        async with asyncio.timeout(DRAIN_SECONDS):
            if house.webhook is not None:
                await house.webhook.drain()
            await house.application.stop()
            await house.application.bot_data.background.drain()
    except TimeoutError:
        log.warning("odobot.drain_cut_short", seconds=DRAIN_SECONDS)


@contextmanager
def bound(settings: Settings) -> Iterator[tuple[socket, socket]]:
    """Takes the addresses of the public and of the operator."""
    try:
        with (
            serving.bound(*split_address(settings.listen)) as public,
            serving.bound(*split_address(settings.admin_listen)) as admin,
        ):
            yield public, admin
    except serving.CannotListen as error:
        raise StartError(f"ODOBOT_LISTEN or ODOBOT_ADMIN_LISTEN: {error}") from None


def _poll_failed(error: TelegramError) -> None:
    log.warning("telegram.poll_failed", error=type(error).__name__)


@asynccontextmanager
async def running(house: House, settings: Settings, role: Role = Role.ALL) -> AsyncIterator[tuple[str, str]]:
    """Everything a role does; gives the base URLs of the public and of the operator. It stops in this order: first no
    more updates, then no more notices, and the endpoints last."""
    worker = house.worker.reading() if role is Role.WEB else house.worker.working()
    talks = role is not Role.WORKER
    with bound(settings) as (public, admin):
        async with (
            AsyncExitStack() as endpoints,
            connected(house),
            AsyncExitStack() as work,
            AsyncExitStack() as updates,
        ):
            # Who polls answers people first, then works, then tells operators; who is posted to has to be there for it.
            if talks and house.webhook is None:
                await updates.enter_async_context(talking(house, settings))
            await work.enter_async_context(worker)
            urls = (
                await endpoints.enter_async_context(serving.listening(house.make_public, public)),
                await endpoints.enter_async_context(serving.listening(house.make_admin, admin)),
            )
            if talks and house.webhook is not None:
                await updates.enter_async_context(talking(house, settings))
            if talks:  # nobody waits for these
                menus = asyncio.create_task(
                    set_menus(house.application.bot, settings.company, settings.default_language)
                )
                updates.callback(menus.cancel)
            log.info("odobot.started", bot=house.application.bot.username, role=role, webhook=house.webhook is not None)
            yield urls


async def run(settings: Settings, role: Role = Role.ALL) -> None:
    """Runs until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sign, stop.set)
    async with build(settings) as house:
        if house.database.is_sqlite and role is not Role.ALL:
            raise StartError("ODOBOT_DATABASE_URL: --role web and worker need PostgreSQL; on SQLite one process is all")
        await prepare_database(house.database)
        async with running(house, settings, role):
            _spare_the_collector()
            await stop.wait()


def _spare_the_collector() -> None:
    """What was made up to here stays: looking through it again and again took a twentieth of the processor time, in
    pauses that people felt; also once would hold up the first of them."""
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
    gc.enable()
