"""The process: it starts in order, takes updates by polling or by webhook, works, and stops without losing anything."""

import asyncio
import gc
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from socket import socket
from typing import TYPE_CHECKING

import structlog
from sqlalchemy.exc import SQLAlchemyError
from telegram import Update
from telegram.error import InvalidToken, TelegramError
from telegram.ext import ExtBot, Updater

from bot.base import POLL_SECONDS, Base, base_of
from bot.http import server
from bot.settings import Settings, split_address
from services.clock import Clock, utc_now
from storage import migrations
from storage.database import Database
from storage.migrations import Schema

# What handles updates is imported while the first of them are asked for.
if TYPE_CHECKING:
    from bot.app import House

DRAIN_SECONDS = 10.0
"""How long a stop waits for updates in hand."""
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


async def prepare_database(database: Database) -> None:
    """Brings SQLite up to date; asks for ``odobot migrate`` on PostgreSQL, where replicas share one schema."""
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
async def connected(base: Base) -> AsyncIterator[None]:
    """A database that is up to date, and a bot that can send and take updates: what comes first, and goes last."""
    await prepare_database(base.database)
    try:
        await base.updater.initialize()
        yield
    except InvalidToken:
        raise StartError("ODOBOT_TELEGRAM_TOKEN: Telegram does not know this token") from None
    except TelegramError as error:
        raise StartError(f"ODOBOT_TELEGRAM_API_URL: Telegram cannot be reached ({type(error).__name__})") from None
    finally:
        await _stop(base.updater)
        await base.bot.shutdown()  # also where it never came up
        log.info("odobot.stopped")


async def _poll(updater: Updater) -> None:
    await updater.start_polling(timeout=POLL_SECONDS, allowed_updates=UPDATES, error_callback=_poll_failed)


async def _stop(updater: Updater) -> None:
    if updater.running:
        await updater.stop()


@asynccontextmanager
async def handling(house: "House", base: Base) -> AsyncIterator[None]:
    """Handles updates; at the end takes no more, and drains those in hand."""
    await house.application.initialize()
    await house.application.start()
    base.inbox.open()
    try:
        yield
    finally:
        try:
            await _stop(base.updater)
        finally:
            await _drain(house)


async def _set_webhook(house: "House", settings: Settings) -> None:
    """It is never taken back: other replicas go on, and so does the webhook."""
    assert house.webhook is not None
    try:
        await house.application.bot.set_webhook(
            f"{settings.webhook_url}/telegram",
            secret_token=house.webhook.secret,
            max_connections=MAX_CONNECTIONS,
            allowed_updates=UPDATES,
        )
    except TelegramError as error:
        raise StartError(f"ODOBOT_WEBHOOK_URL: Telegram does not take it ({error.message})") from None


async def _drain(house: "House") -> None:
    try:
        async with asyncio.timeout(DRAIN_SECONDS):
            await house.application.stop()  # from here on the webhook takes nothing more
            if house.webhook is not None:
                await house.webhook.drain()
            await house.application.bot_data.background.drain()
    except TimeoutError:
        log.warning("odobot.drain_cut_short", seconds=DRAIN_SECONDS)


@contextmanager
def bound(settings: Settings) -> Iterator[tuple[socket, socket]]:
    """Takes the addresses of the public and of the operator."""
    try:
        with (
            server.bound(*split_address(settings.listen)) as public,
            server.bound(*split_address(settings.admin_listen)) as admin,
        ):
            yield public, admin
    except server.CannotListen as error:
        raise StartError(f"ODOBOT_LISTEN or ODOBOT_ADMIN_LISTEN: {error}") from None


def _poll_failed(error: TelegramError) -> None:
    log.warning("telegram.poll_failed", error=type(error).__name__)


@dataclass(frozen=True, slots=True)
class Running:
    """What runs, and the base URLs of the public and of the operator."""

    house: "House"
    public_url: str
    admin_url: str


@asynccontextmanager
async def running(settings: Settings, role: Role = Role.ALL, clock: Clock = utc_now) -> AsyncIterator[Running]:
    """Everything a role does. It stops in this order: first no more updates, then no more notices, and the endpoints
    last."""
    talks = role is not Role.WORKER
    polls = talks and not settings.webhook_url
    with bound(settings) as (public, admin):
        async with base_of(settings) as base, connected(base):
            # Telegram is asked for updates while what handles them is imported, which takes as long as a round trip.
            if polls:
                await _poll(base.updater)
            build = await asyncio.to_thread(_builder)
            async with (
                build(settings, base, clock) as house,
                AsyncExitStack() as endpoints,
                AsyncExitStack() as work,
                AsyncExitStack() as updates,
            ):
                # Who polls answers people first, then works, then tells operators; who is posted to has to be there.
                if polls:
                    await updates.enter_async_context(handling(house, base))
                worker = house.worker.reading() if role is Role.WEB else house.worker.working()
                await work.enter_async_context(worker)
                public_url = await endpoints.enter_async_context(server.listening(house.make_public, public))
                admin_url = await endpoints.enter_async_context(server.listening(house.make_admin, admin))
                if talks and not polls:
                    await updates.enter_async_context(handling(house, base))
                    await _set_webhook(house, settings)
                if talks:  # nobody waits for these
                    updates.callback(asyncio.create_task(_set_menus(base.bot, settings)).cancel)
                log.info("odobot.started", bot=base.bot.username, role=role, webhook=talks and not polls)
                yield Running(house, public_url, admin_url)


def _builder() -> "Callable[[Settings, Base, Clock], AbstractAsyncContextManager[House]]":
    from bot.app import build

    return build


async def _set_menus(bot: ExtBot[None], settings: Settings) -> None:
    from handlers.telegram.bot_menus import set_menus

    await set_menus(bot, settings.company, settings.default_language)


async def run(settings: Settings, role: Role = Role.ALL) -> None:
    """Runs until SIGTERM or SIGINT."""
    if role is not Role.ALL and settings.database_url.startswith("sqlite"):
        raise StartError("ODOBOT_DATABASE_URL: --role web and worker need PostgreSQL; on SQLite one process is all")
    stop = asyncio.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sign, stop.set)
    async with running(settings, role):
        _spare_the_collector()
        await stop.wait()


def _spare_the_collector() -> None:
    """What was made up to here stays: looking through it again and again took a twentieth of the processor time, in
    pauses that people felt; also once would hold up the first of them."""
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
    gc.enable()
