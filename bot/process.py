"""The process: starts the components in order, receives updates by polling or webhook, and stops without losing any.

``running`` starts everything from top to bottom, and stops it in the reverse order.
"""

import asyncio
import gc
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from enum import StrEnum
from socket import socket

import structlog
from msgspec import Struct

from bot.app import build
from bot.components import Components
from bot.environment.addresses import split_address
from bot.environment.company_texts import use_company_texts
from bot.http import server
from bot.settings import COPIES_OFF, Settings
from bot.starting import StartError, initialized, prepare_database, reporting_absences, set_webhook, use_database
from bot.stopping import Stop
from bot.supervisor import Loop
from bot.updates.polling import MAX_BEAT_SECONDS, allowed_updates
from handlers.telegram.bot_menus import set_menus
from services.clock import Clock, utc_now
from services.privacy.announcement import announce
from texts.company import TextsError

DRAIN_SECONDS = 7.0
"""How long a stop waits for updates in progress, in seconds: the rest of the ten is for storing what is left."""
_AFTER_START_SECONDS = 1.0
"""The pause before the menus are set and the keys tried, in which who wrote while the bot was down is answered."""
MAX_CONNECTIONS = 40
"""Updates that Telegram may post at once: the back-pressure of the webhook."""

log = structlog.get_logger()


class Role(StrEnum):
    """What a process handles: conversations, notices, or both."""

    ALL = "all"
    WEB = "web"
    WORKER = "worker"


class Running(Struct, frozen=True):
    """The running components, and the base URLs of the public and the admin endpoints."""

    components: Components
    public_url: str
    admin_url: str


async def run(settings: Settings, role: Role = Role.ALL, clock: Clock = utc_now) -> None:
    """Run until SIGTERM or SIGINT, which end also a start that waits; a second one ends the process at once.

    Raises:
        StartError: As ``running`` does, and for a role that SQLite excludes.
    """
    if role is not Role.ALL and settings.database_url.startswith("sqlite"):
        raise StartError("ODOBOT_DATABASE_URL: --role web and worker need PostgreSQL; on SQLite use --role all")
    stop = Stop()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signal_number, stop.on_signal, signal_number)
    has_started = asyncio.Event()
    serving = asyncio.create_task(_serve(settings, role, clock, stop, has_started))
    requested = asyncio.create_task(stop.requested.wait())
    await asyncio.wait({serving, requested}, return_when=asyncio.FIRST_COMPLETED)
    requested.cancel()
    if not has_started.is_set():
        serving.cancel()
    with suppress(asyncio.CancelledError):
        await serving


async def _serve(settings: Settings, role: Role, clock: Clock, stop: Stop, has_started: asyncio.Event) -> None:
    async with running(settings, role, clock) as bot, reporting_absences(bot.components):
        stop.unfinished = bot.components.unfinished
        _freeze_start_up_objects()
        has_started.set()
        await stop.requested.wait()


@asynccontextmanager
async def running(settings: Settings, role: Role = Role.ALL, clock: Clock = utc_now) -> AsyncIterator[Running]:
    """Run a role during the body, and stop it in the reverse order of the start.

    The start waits for the database and for Telegram; the admin endpoints answer meanwhile. The stop receives no more
    updates, drains those in progress and the notices at the same time, then closes the endpoints.

    Raises:
        StartError: A component does not start, or Telegram revoked the token meanwhile.
    """
    incomplete = _use_company_texts(settings)
    async with AsyncExitStack() as stack:
        public, admin = stack.enter_context(bind_addresses(settings))
        components = await stack.enter_async_context(build(settings, clock))
        database, readiness, worker = components.database, components.readiness, components.worker
        admin_url = await stack.enter_async_context(server.listening(components.admin_app, admin))
        stack.push(_log_stop)
        await prepare_database(database, readiness)
        version = components.application.bot_data.policy.version
        await use_database(database, readiness, lambda: announce(database, version, clock))
        if role is not Role.WEB:
            await use_database(database, readiness, worker.reclaim_left)
        await stack.enter_async_context(components.supervisor.running(components.database_check.loop))
        await stack.enter_async_context(initialized(components.application, readiness))
        public_url = await stack.enter_async_context(server.listening(components.public_app, public))
        await stack.enter_async_context(worker.reading() if role is Role.WEB else worker.working())
        if role is not Role.WORKER:
            await stack.enter_async_context(receiving_updates(components, settings))
            menus = set_menus(
                components.application.bot, components.application.bot_data.company, after=_AFTER_START_SECONDS
            )
            stack.callback(asyncio.create_task(menus).cancel)
        stack.callback(asyncio.create_task(readiness.try_keys(after=_AFTER_START_SECONDS)).cancel)
        if components.alerts is not None:
            await stack.enter_async_context(components.supervisor.running(components.alerts.loop))
        stack.callback(worker.begin_stop)
        readiness.start_reasons = None
        by_webhook = role is not Role.WORKER and components.webhook is not None
        if settings.lacks_way_to_stop_copies:
            log.warning("odobot.copies_off", reason=COPIES_OFF)
        for line in incomplete:
            log.warning("odobot.texts_incomplete", reason=line)
        log.info("odobot.started", bot=components.application.bot.username, role=role, webhook=by_webhook)
        yield Running(components, public_url, admin_url)


def _use_company_texts(settings: Settings) -> list[str]:
    try:
        return use_company_texts(settings)
    except TextsError as error:
        raise StartError(str(error)) from None


def _log_stop(kind: type[BaseException] | None, *_: object) -> None:
    if kind is None or issubclass(kind, asyncio.CancelledError):
        log.info("odobot.stopped")


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


@asynccontextmanager
async def receiving_updates(components: Components, settings: Settings) -> AsyncIterator[None]:
    """Receive updates during the body, by webhook if one is set, else by polling; then drain those in progress."""
    application = components.application
    await application.start()
    try:
        if components.webhook is not None:
            # A stop does not remove it, because other replicas use it.
            await set_webhook(
                application,
                components.readiness,
                f"{settings.webhook_url}/telegram",
                secret_token=components.webhook.secret,
                max_connections=MAX_CONNECTIONS,
                allowed_updates=allowed_updates(inline=settings.inline),
            )
            application.bot_data.background.start(components.webhook.handle_inbox())
            yield
        elif components.polling is not None:
            async with components.supervisor.running(Loop("polling", components.polling.run, MAX_BEAT_SECONDS)):
                yield
    finally:
        await _drain(components)


async def _drain(components: Components) -> None:
    """Wait up to ``DRAIN_SECONDS`` for updates in progress and for background tasks; store what is left."""
    polling, webhook = components.polling, components.webhook
    is_cut_short = False
    try:
        async with asyncio.timeout(DRAIN_SECONDS):
            await components.application.stop()  # the webhook then answers 503
            if webhook is not None:
                await webhook.drain()
            if polling is not None:
                await polling.drain()
            await components.application.bot_data.background.drain()
    except TimeoutError:
        is_cut_short = True
        components.application.bot_data.background.cancel()
    left = await polling.finish() if polling is not None else 0
    if is_cut_short or left:
        log.warning("odobot.drain_cut_short", seconds=DRAIN_SECONDS, left_for_the_next_start=left)


def _freeze_start_up_objects() -> None:
    """Freeze start-up objects: scanning them again took 5 % of CPU, in pauses of up to 0.2 s."""
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
