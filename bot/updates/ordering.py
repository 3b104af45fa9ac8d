"""The update order: updates of one chat run one after the other, chats run concurrently, and queues are bounded.

Each topic of a group counts as a chat of its own: one topic does not wait for another.
"""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from telegram import Chat, Update
from telegram.ext import BaseUpdateProcessor

from bot.updates.slots import LinkedAmong, LinkedChats, Slots

SLOTS = 128
"""Updates handled at once. One that waits to repeat an answer, or in a crowd for the portal, gives its slot back."""
RESERVED_SLOTS = 16
"""Slots that strangers never get."""
MAX_STRANGERS = 8
"""Strangers' updates handled at once while further strangers wait."""
MAX_IN_PROGRESS = 4_000
"""Updates waiting or being handled at which the webhook asks Telegram to post again later, and polling fetches no more.
A tap takes 15 KiB and a text 4 KiB, so all of them take 60 MB at most."""
OVERLOAD = 3_200
"""Updates waiting or being handled at which strangers' updates are dropped. Before that, polling pauses for a while."""
MAX_WAITING = 200
"""Updates of one chat that may wait for the one being handled: a person may forward a hundred messages at once."""
_MAX_WAITING_IN_OVERLOAD = 20

log = structlog.get_logger()

ReportUnread = Callable[[Update], Awaitable[None]]
"""Tells the chat of an update that its last messages were not read."""


class PerChatOrder(BaseUpdateProcessor):
    """Runs at most one update of each chat at a time, in one of a limited number of slots.

    An update acquires its slot while it holds the chat's lock, so a flooding chat occupies one slot and the others stay
    free. Updates beyond a chat's limit are dropped; the chat gets one message about them after its last other answer.
    PTB's own semaphore is acquired before anything here, so its limit is never reached: ``Polling`` fetches no more.
    """

    def __init__(
        self,
        slots: int = SLOTS,
        *,
        max_strangers: int = MAX_STRANGERS,
        max_waiting: int = MAX_WAITING,
        overload: int = OVERLOAD,
        max_in_progress: int = MAX_IN_PROGRESS,
        handled: Callable[[float], None] | None = None,
        dropped: Callable[[], None] | None = None,
        linked_among: LinkedAmong | None = None,
        report_unread: ReportUnread | None = None,
    ) -> None:
        """Take the limits and the callbacks.

        Args:
            slots: Updates handled at once; a quarter of them, at most ``RESERVED_SLOTS``, is reserved for linked chats.
            max_strangers: Strangers' updates handled at once while further strangers wait.
            max_waiting: Updates of one chat that may wait.
            overload: Updates waiting or being handled at which strangers' updates are dropped.
            max_in_progress: Updates waiting or being handled at which ``accepts`` returns False.
            handled: Called with the seconds from the arrival of an update to the end of its handling.
            dropped: Called for each dropped update.
            linked_among: Returns which chats are linked; without it every chat counts as linked.
            report_unread: Tells a chat that its last messages were not read.
        """
        super().__init__(max_concurrent_updates=max_in_progress + SLOTS)
        self._max_waiting = max_waiting
        self._overload = overload
        self._max_in_progress = max_in_progress
        self._handled = handled
        self._dropped = dropped
        self._report_unread = report_unread
        self._linked = LinkedChats(linked_among)
        self._slots = Slots(slots, min(RESERVED_SLOTS, slots // 4), max_strangers)
        self._queues: dict[_Line, _ChatQueue] = {}
        self._in_progress = 0

    @property
    def active_chats(self) -> int:
        """The number of chats with an update waiting or being handled."""
        return len(self._queues)

    @property
    def in_progress(self) -> int:
        """The number of updates waiting or being handled."""
        return self._in_progress

    def accepts(self, update: object) -> bool:
        """Return whether the limits allow one more update like this. The webhook asks: it can refuse an update."""
        return self._in_progress < self._max_in_progress and not self._is_over_limit(update)

    async def is_linked(self, update: object) -> bool:
        """Return whether the update's chat is linked."""
        return await self._linked.is_linked(_chat_of(update))

    async def do_process_update(self, update: object, coroutine: Awaitable[Any]) -> None:
        """Wait for the chat's earlier updates, then for a slot, and run the handlers; or drop the update."""
        begun = time.monotonic()
        is_handled = True
        try:
            is_handled = await self._handle_in_order(update, coroutine)
        except asyncio.CancelledError:
            # Python warns of each coroutine that was neither started nor closed.
            _close(coroutine)
            raise
        finally:
            if is_handled and self._handled:
                self._handled(time.monotonic() - begun)
        if not is_handled:
            _close(coroutine)
            if self._dropped:
                self._dropped()

    async def _handle_in_order(self, update: object, coroutine: Awaitable[Any]) -> bool:
        """Return whether the update was handled; False if it was dropped."""
        chat_id, line = _chat_of(update), _line_of(update)
        if self._is_over_limit(update):
            if line is not None and (queue := self._queues.get(line)):
                queue.dropped += 1
            return False
        self._in_progress += 1
        try:
            if line is None:
                return await self._handle_in_slot(chat_id, coroutine)
            queue = self._queues.setdefault(line, _ChatQueue())
            queue.length += 1
            try:
                async with queue.lock:  # an asyncio.Lock is granted in the order of the requests
                    is_handled = await self._handle_in_slot(chat_id, coroutine)
                    if queue.dropped and queue.length == 1:
                        await self._report_dropped(queue, update)
                    return is_handled
            finally:
                queue.length -= 1
                if not queue.length:
                    del self._queues[line]
        finally:
            self._in_progress -= 1

    def _is_over_limit(self, update: object) -> bool:
        """Return whether the chat's queue is full, or the process is overloaded and the chat is a known stranger."""
        line = _line_of(update)
        queue = self._queues.get(line) if line is not None else None
        is_overloaded = self._in_progress >= self._overload
        limit = min(self._max_waiting, _MAX_WAITING_IN_OVERLOAD) if is_overloaded else self._max_waiting
        if queue is not None and queue.length > limit:
            return True
        return is_overloaded and self._linked.cached(_chat_of(update)) is False

    async def _handle_in_slot(self, chat_id: int | None, coroutine: Awaitable[Any]) -> bool:
        """Return whether the update was handled; False if a lookup found a stranger during overload."""
        is_linked = not self._slots.is_contended or await self._linked.is_linked(chat_id)
        if not is_linked and self._in_progress > self._overload:
            return False
        async with self._slots.hold(is_linked=is_linked):
            await coroutine
        return True

    async def _report_dropped(self, queue: "_ChatQueue", update: object) -> None:
        log.warning("updates.flood", dropped=queue.dropped)
        queue.dropped = 0
        if self._report_unread and isinstance(update, Update):
            await self._report_unread(update)

    async def initialize(self) -> None:
        """Do nothing; PTB requires this method."""

    async def shutdown(self) -> None:
        """Do nothing; PTB requires this method."""


class _ChatQueue:
    """The lock of one chat, how many updates hold or await it, and how many were dropped. Removed when it is empty."""

    __slots__ = ("dropped", "length", "lock")

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.length = 0
        self.dropped = 0


def _close(coroutine: Awaitable[Any]) -> None:
    if inspect.iscoroutine(coroutine):
        coroutine.close()


_Line = int | tuple[int, int]
"""A chat, or a group and one of its topics."""


def _line_of(update: object) -> _Line | None:
    """Return whose earlier updates an update waits for; None for nobody's."""
    chat_id = _chat_of(update)
    message = update.effective_message if isinstance(update, Update) else None
    if chat_id is None or message is None or not getattr(message, "is_topic_message", False):
        return chat_id
    is_private = message.chat.type == Chat.PRIVATE
    topic = getattr(message, "message_thread_id", None)
    return chat_id if is_private or topic is None else (chat_id, topic)


def _chat_of(update: object) -> int | None:
    """Return the id of the update's chat, else of its user; None if it has neither."""
    if not isinstance(update, Update):
        return None
    if update.effective_chat is not None:
        return update.effective_chat.id
    return update.effective_user.id if update.effective_user else None
