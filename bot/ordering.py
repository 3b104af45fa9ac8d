"""In which order updates are handled: one chat's in order, chats side by side."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any

from telegram import Update
from telegram.ext import BaseUpdateProcessor

SLOTS = 64
"""How many updates are handled at once."""
_IN_HAND = 10_000  # how many may wait in memory before polling pauses


class PerChatOrder(BaseUpdateProcessor):
    """Hands out slots, at most one to a chat at a time.

    The slot is taken inside the chat's lock: a chat that floods waits in its own line, and the slots are for others.
    PTB's own semaphore is taken before anything here, so it only bounds how much is in hand.
    """

    def __init__(self, slots: int = SLOTS, *, handled: Callable[[float], None] | None = None) -> None:
        super().__init__(max_concurrent_updates=_IN_HAND)
        self._handled = handled
        self._slots = asyncio.Semaphore(slots)
        self._lines: dict[int, _Line] = {}

    @property
    def lines(self) -> int:
        """How many chats have something in hand; 0 when idle."""
        return len(self._lines)

    async def do_process_update(self, update: object, coroutine: Awaitable[Any]) -> None:
        """Waits for the chat's turn, then for a slot. An ``asyncio.Lock`` wakes whoever waits longest first."""
        begun = time.monotonic()
        try:
            await self._in_turn(update, coroutine)
        except asyncio.CancelledError:
            # A drain cut short: what never began is closed, or Python warns of each.
            if inspect.iscoroutine(coroutine):
                coroutine.close()
            raise
        finally:
            if self._handled:
                self._handled(time.monotonic() - begun)

    async def _in_turn(self, update: object, coroutine: Awaitable[Any]) -> None:
        key = _chat_of(update)
        if key is None:
            async with self._slots:
                await coroutine
            return
        line = self._lines.setdefault(key, _Line())
        line.waiting += 1
        try:
            async with line.lock, self._slots:
                await coroutine
        finally:
            line.waiting -= 1
            if not line.waiting:
                del self._lines[key]

    async def initialize(self) -> None:
        """Nothing to open."""

    async def shutdown(self) -> None:
        """Nothing to close."""


class _Line:
    """One chat's lock, and how many hold it or wait for it: an idle one is dropped."""

    __slots__ = ("lock", "waiting")

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.waiting = 0


def _chat_of(update: object) -> int | None:
    if not isinstance(update, Update):
        return None
    if update.effective_chat is not None:
        return update.effective_chat.id
    return update.effective_user.id if update.effective_user else None
