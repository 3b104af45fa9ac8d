"""Long polling: a bot that skips updates PTB cannot parse, and a bounded queue."""

import asyncio
import warnings
from collections.abc import Sequence
from typing import Any

import structlog
from telegram import Update
from telegram.error import NetworkError, TelegramError
from telegram.ext import ExtBot

from bot.updates.ordering import MAX_IN_PROGRESS

_FALLBACK_LIMIT = 20
"""Updates fetched at once after an answer that PTB could not parse."""

log = structlog.get_logger()


class UpdateQueue(asyncio.Queue[object]):
    """Makes polling wait while ``limit`` updates are in progress.

    PTB takes an update from the queue at once and calls ``task_done`` when it is handled, so ``maxsize`` would limit
    nothing. PTB confirms updates to Telegram after putting them here, so a waiting update is not lost.
    """

    def __init__(self, limit: int = MAX_IN_PROGRESS) -> None:
        super().__init__()
        self._free = asyncio.Semaphore(limit)

    async def put(self, item: object) -> None:
        """Add an update; wait while ``limit`` updates are in progress."""
        await self._free.acquire()
        await super().put(item)

    def task_done(self) -> None:
        """Count an update as handled. Raises ``ValueError`` if none is in progress."""
        super().task_done()
        self._free.release()


class PollingBot(ExtBot[None]):
    """Parses updates one by one after a failure.

    PTB parses all updates of an answer together: if one fails, none is handled, and Telegram sends the same answer
    again without end.
    """

    async def get_updates(
        self,
        offset: int | None = None,
        limit: int | None = None,
        timeout: Any = None,
        allowed_updates: Sequence[str] | None = None,
        **options: Any,
    ) -> tuple[Update, ...]:
        """Get updates as PTB does. An update that cannot be parsed is logged, and returned with its id only.

        Raises:
            TelegramError: As PTB does; ``NetworkError`` also if no update of an answer has an id.
        """
        try:
            return await super().get_updates(offset, limit, timeout, allowed_updates, **options)
        except TelegramError:
            raise
        except Exception as error:
            log.warning("telegram.updates_not_read", error=type(error).__name__)
        return await self._get_one_by_one(offset, allowed_updates)

    async def _get_one_by_one(self, offset: int | None, allowed_updates: Sequence[str] | None) -> tuple[Update, ...]:
        parameters = {"offset": offset, "limit": _FALLBACK_LIMIT, "timeout": 0, "allowed_updates": allowed_updates}
        given = {name: value for name, value in parameters.items() if value is not None}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PTB warns that getUpdates has a method of its own
            answer: Any = await self.do_api_request("getUpdates", api_kwargs=given)
        updates = [self._parse(each) for each in answer] if isinstance(answer, list) else []
        parsed = tuple(update for update in updates if update is not None)
        if answer and not parsed:
            raise NetworkError("Invalid server response")
        return parsed

    def _parse(self, raw: object) -> Update | None:
        """Return the update; without content if PTB cannot parse it; None if it has no id."""
        update_id = raw.get("update_id") if isinstance(raw, dict) else None
        if not isinstance(raw, dict) or not isinstance(update_id, int) or isinstance(update_id, bool):
            return None
        try:
            return Update.de_json(raw, self)
        except Exception as error:
            log.error("telegram.update_not_read", update_id=update_id, error=type(error).__name__)
            return Update(update_id)
