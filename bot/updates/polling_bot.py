"""Polling: a bot that survives an update that PTB cannot read, and a queue that makes polling wait."""

import asyncio
import warnings
from collections.abc import Sequence
from typing import Any

import structlog
from telegram import Update
from telegram.error import NetworkError, TelegramError
from telegram.ext import ExtBot

from bot.updates.ordering import IN_HAND

_AT_ONCE = 20
"""Updates fetched at once while one of them cannot be read."""

log = structlog.get_logger()


class UpdateQueue(asyncio.Queue[object]):
    """Makes polling wait while ``limit`` updates are being handled.

    PTB takes an update from the queue at once and calls ``task_done`` when it is handled, so ``maxsize`` would limit
    nothing. PTB confirms updates to Telegram after it has put them here: an update that waits is not lost.
    """

    def __init__(self, limit: int = IN_HAND) -> None:
        super().__init__()
        self._room = asyncio.Semaphore(limit)

    async def put(self, item: object) -> None:
        """Add an update; wait while ``limit`` updates are being handled."""
        await self._room.acquire()
        await super().put(item)

    def task_done(self) -> None:
        """Count an update as handled. Raises ``ValueError`` if none is being handled."""
        super().task_done()
        self._room.release()


class PollingBot(ExtBot[None]):
    """PTB builds its objects of all updates of an answer together; where one fails, none is handled and the same answer
    comes again without end. Here each is then read by itself."""

    async def get_updates(
        self,
        offset: int | None = None,
        limit: int | None = None,
        timeout: Any = None,
        allowed_updates: Sequence[str] | None = None,
        **options: Any,
    ) -> tuple[Update, ...]:
        """As PTB's. An update that cannot be read comes back empty, with its number alone, and is logged.

        Raises:
            TelegramError: as PTB's; ``NetworkError`` also where an answer holds no update with a number.
        """
        try:
            return await super().get_updates(offset, limit, timeout, allowed_updates, **options)
        except TelegramError:
            raise
        except Exception as error:
            log.warning("telegram.updates_not_read", error=type(error).__name__)
        return await self._one_by_one(offset, allowed_updates)

    async def _one_by_one(self, offset: int | None, allowed_updates: Sequence[str] | None) -> tuple[Update, ...]:
        asked = {"offset": offset, "limit": _AT_ONCE, "timeout": 0, "allowed_updates": allowed_updates}
        known = {name: value for name, value in asked.items() if value is not None}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it would rather be called by its own method
            found: Any = await self.do_api_request("getUpdates", api_kwargs=known)
        updates = [self._read(each) for each in found] if isinstance(found, list) else []
        readable = tuple(update for update in updates if update is not None)
        if found and not readable:
            raise NetworkError("Invalid server response")
        return readable

    def _read(self, raw: object) -> Update | None:
        number = raw.get("update_id") if isinstance(raw, dict) else None
        if not isinstance(raw, dict) or not isinstance(number, int) or isinstance(number, bool):
            return None
        try:
            return Update.de_json(raw, self)
        except Exception as error:
            log.error("telegram.update_not_read", update_id=number, error=type(error).__name__)
            return Update(number)
