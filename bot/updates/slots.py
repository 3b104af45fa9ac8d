"""Slots for updates: linked chats have priority over strangers when slots are scarce."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Set
from contextlib import asynccontextmanager
from contextvars import ContextVar

import structlog

_BATCH = 500
"""Chats looked up in one query."""
_CACHE_SECONDS = 10.0

log = structlog.get_logger()

LinkedAmong = Callable[[Set[int]], Awaitable[Set[int]]]
"""Returns which of the given chats are linked."""


on_given_back: ContextVar[Callable[[], None]] = ContextVar("on_given_back", default=lambda: None)
"""Called once when the update that the task handles gives its slot back before its end."""
_give_back: ContextVar[Callable[[], bool]] = ContextVar("_give_back")


def give_back_slot() -> None:
    """Free the slot of the update that this task handles; the update goes on without one.

    Call it before a long wait. Outside of an update, and after the first call, it does nothing.
    """
    if (give_back := _give_back.get(None)) and give_back():
        on_given_back.get()()


class Slots:
    """A counting semaphore with two priorities; each priority is first in, first out.

    Linked chats go first. Strangers never get the last ``reserved`` slots. While strangers wait, at most
    ``max_strangers`` of them hold a slot, because their processor time delays every chat.
    """

    def __init__(self, total: int, reserved: int, max_strangers: int) -> None:
        self._free = total
        self._reserved = reserved
        self._max_strangers = max_strangers
        self._strangers = 0
        self._linked_waiting: deque[asyncio.Future[None]] = deque()
        self._strangers_waiting: deque[asyncio.Future[None]] = deque()

    @property
    def is_contended(self) -> bool:
        """Whether a stranger would have to wait, so that the caller must look up whether the chat is linked."""
        return self._free <= self._reserved or bool(self._strangers_waiting)

    @asynccontextmanager
    async def hold(self, *, is_linked: bool) -> AsyncIterator[None]:
        """Wait for a slot, and hold it during the body, or until ``give_back_slot``."""
        waiter = asyncio.get_running_loop().create_future()
        (self._linked_waiting if is_linked else self._strangers_waiting).append(waiter)
        self._grant()
        try:
            await waiter
        except asyncio.CancelledError:
            if not waiter.cancelled():  # granted in the same iteration of the event loop
                self._release(is_linked=is_linked)
            raise
        is_held = True

        def give_back() -> bool:
            """Return whether the slot was held until now."""
            nonlocal is_held
            was_held, is_held = is_held, False
            if was_held:
                self._release(is_linked=is_linked)
            return was_held

        _give_back.set(give_back)
        try:
            yield
        finally:
            give_back()

    def _release(self, *, is_linked: bool) -> None:
        self._free += 1
        self._strangers -= not is_linked
        self._grant()

    def _grant(self) -> None:
        """Give the free slots to waiters."""
        while self._free and (waiter := _pop(self._linked_waiting)):
            self._free -= 1
            waiter.set_result(None)
        while (
            self._free > self._reserved
            and self._strangers < self._max_strangers
            and (waiter := _pop(self._strangers_waiting))
        ):
            self._free -= 1
            self._strangers += 1
            waiter.set_result(None)


def _pop(waiting: deque[asyncio.Future[None]]) -> asyncio.Future[None] | None:
    """Remove and return the oldest waiter that was not cancelled; None if there is none."""
    while waiting:
        if not (waiter := waiting.popleft()).done():
            return waiter
    return None


class LinkedChats:
    """Looks up whether chats are linked, many in one query, and caches the results for ``_CACHE_SECONDS``."""

    def __init__(self, linked_among: LinkedAmong | None) -> None:
        """Without ``linked_among`` every chat counts as linked."""
        self._linked_among = linked_among
        self._cache: dict[int, bool] = {}
        self._cached_since = 0.0
        self._requests: deque[tuple[int, asyncio.Future[bool]]] = deque()
        self._lookup: asyncio.Task[None] | None = None

    def cached(self, chat_id: int | None) -> bool | None:
        """Return whether the chat is linked, without a query; None if it is not cached."""
        if self._linked_among is None:
            return True
        return False if chat_id is None else self._cache.get(chat_id)

    async def is_linked(self, chat_id: int | None) -> bool:
        """Return whether the chat is linked, by a query if it is not cached; True if the query fails."""
        cached = self.cached(chat_id)
        if cached is not None or chat_id is None:
            return bool(cached)
        result: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._requests.append((chat_id, result))
        if self._lookup is None or self._lookup.done():
            self._lookup = asyncio.create_task(self._look_up())
        return await result

    async def _look_up(self) -> None:
        """Look up batches until no request is left, including requests that arrive meanwhile."""
        assert self._linked_among is not None
        while self._requests:
            now = asyncio.get_running_loop().time()
            if now - self._cached_since > _CACHE_SECONDS:
                self._cache.clear()
                self._cached_since = now
            batch = [self._requests.popleft() for _ in range(min(_BATCH, len(self._requests)))]
            chats = {chat_id for chat_id, _ in batch}
            try:
                linked = await self._linked_among(chats)
            except Exception as error:
                log.warning("slots.chats_not_looked_up", error=type(error).__name__)
                linked = chats
            for chat_id, result in batch:
                self._cache[chat_id] = chat_id in linked
                if not result.done():
                    result.set_result(chat_id in linked)
