"""Whether this process can do its work right now, and if not, why."""

import asyncio
import datetime
from collections.abc import Awaitable, Callable

from sqlalchemy import text
from telegram import Bot
from telegram.error import TelegramError

from portal.client import Portal
from portal.errors import PortalError
from services.clock import Clock
from storage.database import Database
from storage.notices import feed
from texts.language import Language

_PATIENCE = 5.0
_KEPT = datetime.timedelta(seconds=10)


class Readiness:
    """Asks database, Telegram, portal and feed; an answer is kept for ten seconds, so that asking costs nobody much."""

    def __init__(
        self, database: Database, bot: Bot, portal: Portal, clock: Clock, *, longest_lag: datetime.timedelta
    ) -> None:
        self._database = database
        self._bot = bot
        self._portal = portal
        self._clock = clock
        self._longest_lag = longest_lag
        self._asked: tuple[datetime.datetime, list[str]] | None = None

    async def reasons(self) -> list[str]:
        """Why it is not ready, one line a part; empty when it is."""
        now = self._clock()
        if self._asked is None or now - self._asked[0] > _KEPT:
            parts = (self._ask_database, self._ask_telegram, self._ask_portal, self._ask_feed)
            answers = await asyncio.gather(*(_within(part) for part in parts))
            self._asked = now, [answer for answer in answers if answer]
        return self._asked[1]

    async def _ask_database(self) -> str:
        try:
            async with self._database.engine.connect() as connection:
                await connection.execute(text("SELECT 1"))
        except Exception as error:  # each driver has exceptions of its own
            return f"database: {type(error).__name__}"
        return ""

    async def _ask_telegram(self) -> str:
        try:
            await self._bot.get_me()
        except TelegramError as error:
            return f"telegram: {type(error).__name__}"
        return ""

    async def _ask_portal(self) -> str:
        try:
            await self._portal.links(Language.FR)
        except PortalError as error:
            return f"portal: {type(error).__name__}"
        return ""

    async def _ask_feed(self) -> str:
        try:
            async with self._database.read() as session:
                position = await feed.position(session)
        except Exception as error:
            return f"feed: {type(error).__name__}"
        if position is None:
            return "feed: not read yet"
        lag = self._clock() - position.read_at
        return f"feed: not read for {int(lag.total_seconds())} s" if lag > self._longest_lag else ""


async def _within(ask: Callable[[], Awaitable[str]]) -> str:
    try:
        async with asyncio.timeout(_PATIENCE):
            return await ask()
    except TimeoutError:
        return f"{ask.__name__.removeprefix('_ask_')}: no answer within {_PATIENCE:g} s"
