"""Long polling: fetches updates for ever, and confirms to Telegram only what is handled or stored."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import structlog
from telegram import Update
from telegram.error import TelegramError
from telegram.ext import ExtBot
from telegram.request import BaseRequest

from bot.updates.fetched import FetchedUpdates
from bot.updates.get_updates import PollFailed, get_updates
from bot.updates.handling import UpdateHandler
from bot.updates.ordering import MAX_IN_PROGRESS, OVERLOAD
from bot.updates.parsing import parse_update, read_json, update_id_of
from bot.updates.poll_health import PollFailure, PollHealth
from services.retries import backoff
from storage.inbox import StoredUpdate

_ALLOWED_UPDATES = [Update.MESSAGE, Update.EDITED_MESSAGE, Update.CALLBACK_QUERY, Update.MY_CHAT_MEMBER]
POLL_SECONDS = 30
"""The time limit of a long poll."""
MAX_BEAT_SECONDS = 70.0
"""The longest time between two beats while all is well, or Telegram is away."""
_CALL_SECONDS = POLL_SECONDS + 30.0
_LIMIT = 100
"""Updates that an answer may have; Telegram's own limit."""
_PAUSE_AT = OVERLOAD - _LIMIT
"""Updates in progress at which polling pauses: Telegram keeps the others."""
_PATIENCE_SECONDS = 10.0
"""How long polling pauses before strangers' updates are dropped, so that linked chats behind them are answered."""
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 1.0, 30.0
_LONGEST_RETRY_AFTER = 60.0
_REPEATED_PAUSE_SECONDS = 0.3
_BEGIN_SECONDS = 5.0
"""How long handlers begin after a stop."""
_STOP_SECONDS = 1.0
"""The time limit of each step after the drain."""

log = structlog.get_logger()


def allowed_updates(*, inline: bool) -> list[str]:
    """Return the kinds of updates that Telegram sends; inline queries only where inline mode is on."""
    return [*_ALLOWED_UPDATES, Update.INLINE_QUERY] if inline else [*_ALLOWED_UPDATES]


class Polling:
    """The polling loop. ``run`` may be cancelled and started again at any time: the state is kept here.

    Args:
        request: The request class of the long poll.
        kinds: The kinds of updates to receive, see ``allowed_updates``.
    """

    def __init__(
        self,
        bot: ExtBot[None],
        request: BaseRequest,
        handler: UpdateHandler,
        fetched: FetchedUpdates,
        health: PollHealth,
        kinds: list[str],
    ) -> None:
        self._bot = bot
        self._request = request
        self._handler = handler
        self._fetched = fetched
        self._health = health
        self._kinds = kinds
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._left: deque[StoredUpdate] | None = None
        """What an earlier process left and is not started yet; None: not loaded."""
        self._limit = _LIMIT
        self._overloaded_since: float | None = None
        self._beat: Callable[[], None] = lambda: None

    async def run(self, beat: Callable[[], None]) -> None:
        """Fetch updates for ever; after a failure again, with a growing pause.

        Args:
            beat: Called at every step, for the supervisor.
        """
        self._beat = beat
        failures = 0
        while True:
            beat()
            try:
                await self._take_step()
                failures = 0
                continue
            except PollFailed as failure:
                failures += 1
                pause = backoff(failures, first=_FIRST_PAUSE_SECONDS, longest=_LONGEST_PAUSE_SECONDS)
                if failure.retry_after is not None:
                    pause = max(pause, min(failure.retry_after, _LONGEST_RETRY_AFTER))
                self._health.failed(failure.kind, failure.reason)
            except Exception as error:
                failures += 1
                pause = backoff(failures, first=_FIRST_PAUSE_SECONDS, longest=_LONGEST_PAUSE_SECONDS)
                self._health.failed(PollFailure.INTERNAL, type(error).__name__, error)
            await asyncio.sleep(pause)

    async def drain(self) -> None:
        """Wait until what was fetched is handled. ``run`` must not run.

        After ``_BEGIN_SECONDS`` no further handler begins, so that those that run can end: one that is cut short may
        have sent its answer.
        """
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=_BEGIN_SECONDS)
        for update_id, task in self._tasks.items():
            if update_id not in self._handler.running:
                task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks.values())

    async def finish(self) -> int:
        """Cancel the handling of the rest, store it, and confirm to Telegram. ``run`` must not run.

        Returns:
            The number of updates for the next process: it handles them first.
        """
        for task in self._tasks.values():
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=_STOP_SECONDS)
        await self._fetched.save(_STOP_SECONDS)
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await self._confirm()
        except (TimeoutError, PollFailed):
            log.info("telegram.last_poll_failed")
        if not self._fetched.is_confirmed:
            await self._fetched.remember_handled(_STOP_SECONDS)
        return self._fetched.in_progress

    async def _take_step(self) -> None:
        """Handle what an earlier process left; then fetch once, and start the handling of what is new."""
        if self._left is None:
            self._left = await self._load()
        while self._left:
            await self._wait_for_room()
            self._start_left(self._left.popleft())
        await self._wait_for_room()
        await self._fetched.save()
        offset = self._fetched.offset
        try:
            async with asyncio.timeout(_CALL_SECONDS):
                found = await self._get_updates(offset, POLL_SECONDS, self._limit)
        except TimeoutError:
            raise PollFailed(PollFailure.TIMED_OUT, f"no answer within {_CALL_SECONDS:g} s") from None
        except PollFailed as failure:
            if failure.kind in (PollFailure.TOO_LONG, PollFailure.NONSENSE, PollFailure.GATEWAY):
                self._limit = max(1, self._limit // 5)  # something in the answer may be the cause
            if failure.kind is PollFailure.WEBHOOK and not self._health.has_answered:
                await self._delete_webhook()
            raise
        self._fetched.confirmed(offset)
        is_new = self._start(found)
        self._limit = _LIMIT
        self._health.answered()
        if found and not is_new:
            # What cannot be stored is fetched again: wait until some of it is handled.
            await self._fetched.progress(_REPEATED_PAUSE_SECONDS)

    async def _load(self) -> deque[StoredUpdate]:
        try:
            return deque(await self._fetched.load())
        except Exception as error:  # each driver has its own exceptions
            raise PollFailed(PollFailure.DATABASE, f"{type(error).__name__}: {error}") from error

    async def _wait_for_room(self) -> None:
        """Wait while many updates are in progress: up to ``OVERLOAD`` for some time, then up to ``MAX_IN_PROGRESS``."""
        if len(self._tasks) < _PAUSE_AT // 2:
            self._overloaded_since = None
        while len(self._tasks) >= _PAUSE_AT:
            self._beat()
            now = time.monotonic()
            if self._overloaded_since is None:
                self._overloaded_since = now
            if len(self._tasks) < MAX_IN_PROGRESS and now - self._overloaded_since > _PATIENCE_SECONDS:
                return
            await self._fetched.progress(1.0)

    async def _get_updates(self, offset: int | None, timeout: int, limit: int) -> list[Any]:
        """Call getUpdates. Raises ``PollFailed`` also if no element of an answer has an id."""
        found = await get_updates(
            self._request,
            self._bot.base_url,
            timeout,
            offset=offset,
            limit=limit,
            allowed_updates=self._kinds,
        )
        if found and all(update_id_of(raw) is None for raw in found):
            raise PollFailed(PollFailure.NONSENSE, "no element of the result is an update")
        return found

    async def _confirm(self) -> None:
        if (offset := self._fetched.offset) is not None and not self._fetched.is_confirmed:
            await self._get_updates(offset, 0, 1)
            self._fetched.confirmed(offset)

    async def _delete_webhook(self) -> None:
        """Delete the webhook that was set on this token before this process started.

        One that is set later is left: the next version of this bot may have set it.
        """
        try:
            await self._bot.delete_webhook()
        except TelegramError as error:
            raise PollFailed(PollFailure.WEBHOOK, f"it cannot be deleted: {type(error).__name__}") from None
        log.warning("telegram.webhook_deleted", reason="ODOBOT_WEBHOOK_URL is empty, so updates are polled")

    def _start(self, found: list[Any]) -> bool:
        """Start the handling of new updates. Returns: whether there was one."""
        is_new = False
        for raw in found:
            update_id = update_id_of(raw)
            if update_id is None:
                self._health.skipped(None)
            elif self._fetched.add(update_id, raw):
                is_new = True
                self._start_one(update_id, raw)
        return is_new

    def _start_left(self, stored: StoredUpdate) -> None:
        self._start_one(stored.update_id, read_json((stored.content or "").encode()))

    def _start_one(self, update_id: int, raw: Any) -> None:
        update = parse_update(raw, self._bot)
        if update is None:
            self._health.skipped(update_id)
            self._fetched.handled(update_id)
            return
        task = asyncio.create_task(self._handle(update))
        self._tasks[update_id] = task
        task.add_done_callback(lambda _: self._tasks.pop(update_id))

    async def _handle(self, update: Update) -> None:
        """Handle an update; what is cancelled is not handled."""
        try:
            await self._handler.handle(update)
        except Exception as error:
            log.error("update.failed", update_id=update.update_id, error=type(error).__name__, exc_info=error)
        self._fetched.handled(update.update_id)
