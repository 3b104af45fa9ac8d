"""In which order updates are handled, and how many wait: one chat's in order, chats side by side, linked ones first."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from telegram import Update
from telegram.ext import BaseUpdateProcessor

from bot.updates.slots import LinkedAmong, LinkedChats, Slots

SLOTS = 128
"""How many updates are handled at once. Who waits for a document or for the portal holds one."""
RESERVED = 16
"""Slots that strangers never take."""
CROWD = 8
"""How many strangers are served at once while others of them wait."""
IN_HAND = 4_000
"""How many updates may be in hand before polling pauses; by webhook Telegram is told to post again later."""
CROWDED = 3_200
"""How many updates in hand leave the rest to linked chats."""
WAITING = 200
"""How many updates of one chat may wait for the one that is handled: someone may forward a hundred messages at once."""
_WAITING_IN_CROWD = 20

log = structlog.get_logger()

TellUnread = Callable[[Update], Awaitable[None]]
"""Tells the chat of an update that its last messages were not read."""


class PerChatOrder(BaseUpdateProcessor):
    """Hands out slots, at most one to a chat at a time.

    The slot is taken inside the chat's lock: a chat that floods waits in its own line, and the slots are for others.
    What a chat sends beyond its bound is dropped, and the chat is told so once it has been answered everything else.
    PTB's own semaphore is taken before anything here, so it never binds: ``UpdateQueue`` bounds polling.
    """

    def __init__(
        self,
        slots: int = SLOTS,
        *,
        crowd: int = CROWD,
        waiting: int = WAITING,
        crowded: int = CROWDED,
        in_hand: int = IN_HAND,
        handled: Callable[[float], None] | None = None,
        dropped: Callable[[], None] | None = None,
        linked_among: LinkedAmong | None = None,
        tell_unread: TellUnread | None = None,
    ) -> None:
        """Every bound may be set.

        Args:
            slots: how many updates are handled at once; strangers leave a quarter of them, at most ``RESERVED``.
            crowd: how many strangers are served at once while others of them wait.
            waiting: how many updates of one chat may wait.
            crowded: how many updates in hand leave the rest to linked chats.
            in_hand: how many updates may be in hand by webhook.
            handled: is given the seconds from taking an update to the end of its handling.
            dropped: is called for each update that is dropped.
            linked_among: tells which chats are linked; without it all count as linked.
            tell_unread: tells a chat that its last messages were not read.
        """
        super().__init__(max_concurrent_updates=in_hand + SLOTS)
        self._waiting = waiting
        self._crowded = crowded
        self._most = in_hand
        self._handled = handled
        self._dropped = dropped
        self._tell_unread = tell_unread
        self._linked = LinkedChats(linked_among)
        self._slots = Slots(slots, min(RESERVED, slots // 4), crowd)
        self._lines: dict[int, _Line] = {}
        self._in_hand = 0

    @property
    def lines(self) -> int:
        """How many chats have something in hand; 0 when idle."""
        return len(self._lines)

    def has_room(self, update: object) -> bool:
        """Whether an update would be taken now: for who can ask for it again later."""
        return self._in_hand < self._most and not self._is_too_much(_chat_of(update))

    async def is_linked(self, update: object) -> bool:
        """Whether an update is from a linked chat."""
        return await self._linked.is_linked(_chat_of(update))

    async def do_process_update(self, update: object, coroutine: Awaitable[Any]) -> None:
        """Waits for the chat's turn, then for a slot. An ``asyncio.Lock`` wakes whoever waits longest first."""
        begun = time.monotonic()
        is_handled = True
        try:
            is_handled = await self._in_turn(update, coroutine)
        except asyncio.CancelledError:
            # A drain cut short: what never began is closed, or Python warns of each.
            _close(coroutine)
            raise
        finally:
            if is_handled and self._handled:
                self._handled(time.monotonic() - begun)
        if not is_handled:
            _close(coroutine)
            if self._dropped:
                self._dropped()

    async def _in_turn(self, update: object, coroutine: Awaitable[Any]) -> bool:
        """Whether it was handled; False where it was dropped."""
        key = _chat_of(update)
        if self._is_too_much(key):
            if key is not None and (line := self._lines.get(key)):
                line.dropped += 1
            return False
        self._in_hand += 1
        try:
            if key is None:
                return await self._in_slot(key, coroutine)
            line = self._lines.setdefault(key, _Line())
            line.waiting += 1
            try:
                async with line.lock:
                    is_handled = await self._in_slot(key, coroutine)
                    if line.dropped and line.waiting == 1:
                        await self._end_flood(line, update)
                    return is_handled
            finally:
                line.waiting -= 1
                if not line.waiting:
                    del self._lines[key]
        finally:
            self._in_hand -= 1

    def _is_too_much(self, key: int | None) -> bool:
        """Whether the chat has enough in hand, or is a stranger's in a crowd."""
        line = self._lines.get(key) if key is not None else None
        is_crowded = self._in_hand >= self._crowded
        if line is not None and line.waiting > (min(self._waiting, _WAITING_IN_CROWD) if is_crowded else self._waiting):
            return True
        return is_crowded and self._linked.known(key) is False

    async def _in_slot(self, key: int | None, coroutine: Awaitable[Any]) -> bool:
        """Whether it was handled: in a crowd a stranger is not, where it was not known before that it is one."""
        is_linked = not self._slots.is_short or await self._linked.is_linked(key)
        if not is_linked and self._in_hand > self._crowded:
            return False
        async with self._slots.one(is_linked=is_linked):
            await coroutine
        return True

    async def _end_flood(self, line: "_Line", update: object) -> None:
        """Tells the chat once, after its last answer."""
        log.warning("updates.flood", dropped=line.dropped)
        line.dropped = 0
        if self._tell_unread and isinstance(update, Update):
            await self._tell_unread(update)

    async def initialize(self) -> None:
        """Nothing to open."""

    async def shutdown(self) -> None:
        """Nothing to close."""


class _Line:
    """One chat's lock, how many hold it or wait for it, and how many were dropped: an idle one is forgotten."""

    __slots__ = ("dropped", "lock", "waiting")

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.waiting = 0
        self.dropped = 0


def _close(coroutine: Awaitable[Any]) -> None:
    if inspect.iscoroutine(coroutine):
        coroutine.close()


def _chat_of(update: object) -> int | None:
    if not isinstance(update, Update):
        return None
    if update.effective_chat is not None:
        return update.effective_chat.id
    return update.effective_user.id if update.effective_user else None
