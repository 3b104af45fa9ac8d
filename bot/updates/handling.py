"""Handle one update, again while the database is away: the way that polling and the webhook share."""

import asyncio
import time
from collections.abc import Callable
from itertools import count
from typing import Any

import structlog
from telegram import Update
from telegram.ext import Application, ExtBot

from bot.logs import ThrottledWarning
from bot.updates.ordering import PerChatOrder
from handlers.context import Context, Services
from services.retries import backoff
from storage.health.errors import is_outage

RETRY_SECONDS = 45.0
"""How long an update is tried while the database is away; then the person gets an excuse."""
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.5, 4.0

log = structlog.get_logger()


class OdobotApplication(Application[ExtBot[None], Context, dict[Any, Any], dict[Any, Any], Services, None]):
    """PTB's application, which may raise an outage of the database instead of answering with an excuse."""

    def __init__(self, **parts: Any) -> None:
        super().__init__(**parts)
        self._raising: set[asyncio.Task[Any] | None] = set()

    async def process_or_raise(self, update: Update) -> None:
        """Process an update as ``process_update`` does, except that an outage of the database is raised."""
        task = asyncio.current_task()
        self._raising.add(task)
        try:
            await self.process_update(update)
        finally:
            self._raising.discard(task)

    async def process_error(self, update: object, error: Exception, *more: Any, **named: Any) -> bool:
        """Pass an error to the error handler; raise an outage where ``process_or_raise`` waits for it.

        Errors of background tasks are never raised: each has a task of its own, which nobody repeats.
        """
        if asyncio.current_task() in self._raising and is_outage(error):
            raise error
        return await super().process_error(update, error, *more, **named)


class UpdateHandler:
    """Passes updates to the handlers, in the order of each chat.

    Args:
        retried: Called for each further attempt.
    """

    def __init__(
        self, application: OdobotApplication, order: PerChatOrder, retried: Callable[[], None] | None = None
    ) -> None:
        self._application = application
        self._order = order
        self._retried = retried
        self.running: set[int] = set()
        """The ids of the updates whose handlers run; others wait for their chat or for a slot."""
        self._warning = ThrottledWarning(log, "updates.retried", seconds=10.0)

    async def handle(self, update: Update) -> bool:
        """Handle an update. Returns: False if the order dropped it, so that no handler received it."""
        has_begun = False

        async def process() -> None:
            nonlocal has_begun
            has_begun = True
            self.running.add(update.update_id)
            try:
                await self._process(update)
            finally:
                self.running.discard(update.update_id)

        await self._order.process_update(update, process())
        return has_begun

    async def _process(self, update: Update) -> None:
        """Run the handlers, again after an outage of the database; a doubled answer harms nobody.

        The chat's later updates wait meanwhile. Without the database no other update could be handled either, so the
        slot is kept.
        """
        give_up_at = time.monotonic() + RETRY_SECONDS
        for failures in count(1):
            pause = backoff(failures, first=_FIRST_PAUSE_SECONDS, longest=_LONGEST_PAUSE_SECONDS)
            try:
                await self._application.process_or_raise(update)
                return
            except Exception as error:
                if not is_outage(error):
                    raise
                if time.monotonic() + pause >= give_up_at:
                    await self._application.process_error(update, error)
                    return
            self._warning.count()
            if self._retried:
                self._retried()
            await asyncio.sleep(pause)
