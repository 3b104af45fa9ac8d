"""What a process stands on before the rest is imported: its database, and its bot, which can be asked for updates."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from telegram.ext import ExtBot, Updater

from bot.bot_api.answer import LONGEST_UPDATES
from bot.bot_api.polling_bot import PollingBot
from bot.bot_api.request import AiohttpRequest
from bot.settings import Settings
from bot.updates.ordering import IN_HAND, SLOTS
from storage.database import Database
from storage.vault import Vault

# RetryAfter and others then speak of time as timedelta, which PTB asks for from version 22.2 on.
os.environ.setdefault("PTB_TIMEDELTA", "true")

POLL_SECONDS = 30
"""How long Telegram may hold back an answer without updates; PTB waits that much longer for it."""


class Inbox(asyncio.Queue[object]):
    """Takes nothing until it is open, and while ``limit`` updates are in hand. PTB tells Telegram that it has an update
    only after putting it here: what was fetched by a process that then cannot start stays Telegram's.

    PTB takes an update out at once, and reports it with ``task_done`` when it is handled.
    """

    def __init__(self, limit: int = IN_HAND) -> None:
        super().__init__()
        self._opened = asyncio.Event()
        self._limit = limit
        self._in_hand = 0
        self._has_room = asyncio.Event()

    def open(self) -> None:
        """From now on there is somebody who handles what comes."""
        self._opened.set()

    async def put(self, item: object) -> None:
        """Waits until it is open and has room."""
        await self._opened.wait()
        while self._in_hand >= self._limit:
            self._has_room.clear()
            await self._has_room.wait()
        self._in_hand += 1
        await super().put(item)

    def task_done(self) -> None:
        """An update was handled. Raises ``ValueError`` where none was in hand."""
        super().task_done()
        self._in_hand -= 1
        self._has_room.set()


@dataclass(frozen=True, slots=True)
class Base:
    """Nothing of it is connected yet."""

    database: Database
    bot: ExtBot[None]
    updater: Updater
    inbox: Inbox


@asynccontextmanager
async def base_of(settings: Settings) -> AsyncIterator[Base]:
    """Made from the settings; the database's are given back at the end."""
    database = Database(settings.database_url, Vault(settings.keys))
    bot: ExtBot[None] = PollingBot(
        settings.telegram_token.get_secret_value(),
        base_url=f"{settings.telegram_api_url}/bot",
        base_file_url=f"{settings.telegram_api_url}/file/bot",
        request=AiohttpRequest(connection_pool_size=SLOTS * 4, pool_timeout=10.0, cut_echoes=True),
        get_updates_request=AiohttpRequest(connection_pool_size=2, longest_answer=LONGEST_UPDATES),
    )
    inbox = Inbox()
    try:
        yield Base(database, bot, Updater(bot, inbox), inbox)
    finally:
        await database.close()
