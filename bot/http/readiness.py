"""Readiness: whether the process can do its work, and the reasons if it cannot."""

import asyncio
import datetime
from collections.abc import Awaitable, Callable

from sqlalchemy import text
from telegram import Bot
from telegram.error import TelegramError

from portal.breaker import Caller, caller
from portal.client import Portal
from portal.errors import PortalError
from services.clock import Clock
from storage.database import Database
from storage.notices import feed
from texts.language import Language

_TIMEOUT_SECONDS = 5.0
_CACHE_TIME = datetime.timedelta(seconds=10)


class Readiness:
    """Checks database, Telegram, portal and feed, at most once in ``_CACHE_TIME``.

    Args:
        max_lag: The age of the last read of the feed from which the process is not ready.
    """

    def __init__(
        self, database: Database, bot: Bot, portal: Portal, clock: Clock, *, max_lag: datetime.timedelta
    ) -> None:
        self._database = database
        self._bot = bot
        self._portal = portal
        self._clock = clock
        self._max_lag = max_lag
        self._cached: tuple[datetime.datetime, list[str]] | None = None

    async def reasons(self) -> list[str]:
        """Return one line for each part that fails; empty if the process is ready."""
        now = self._clock()
        if self._cached is None or now - self._cached[0] > _CACHE_TIME:
            checks = (self._check_database, self._check_telegram, self._check_portal, self._check_feed)
            reasons = await asyncio.gather(*(_with_timeout(check) for check in checks))
            self._cached = now, [reason for reason in reasons if reason]
        return self._cached[1]

    async def _check_database(self) -> str:
        try:
            async with self._database.engine.connect() as connection:
                await connection.execute(text("SELECT 1"))
        except Exception as error:  # each driver has its own exceptions
            return f"database: {type(error).__name__}"
        return ""

    async def _check_telegram(self) -> str:
        try:
            await self._bot.get_me()
        except TelegramError as error:
            return f"telegram: {type(error).__name__}"
        return ""

    async def _check_portal(self) -> str:
        caller.set(Caller.WORKER)  # of this task only
        try:
            await self._portal.links(Language.FR)
        except PortalError as error:
            return f"portal: {type(error).__name__}"
        return ""

    async def _check_feed(self) -> str:
        try:
            async with self._database.read() as session:
                position = await feed.position(session)
        except Exception as error:
            return f"feed: {type(error).__name__}"
        if position is None:
            return "feed: not read yet"
        lag = self._clock() - position.read_at
        return f"feed: not read for {int(lag.total_seconds())} s" if lag > self._max_lag else ""


async def _with_timeout(check: Callable[[], Awaitable[str]]) -> str:
    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            return await check()
    except TimeoutError:
        return f"{check.__name__.removeprefix('_check_')}: no answer within {_TIMEOUT_SECONDS:g} s"
