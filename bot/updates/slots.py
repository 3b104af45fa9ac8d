"""Slots for updates: linked chats go ahead of strangers when slots run short."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Set
from contextlib import asynccontextmanager

import structlog

_BATCH = 500
"""Chats that are looked up in one query."""
_REMEMBERED_SECONDS = 10.0

log = structlog.get_logger()

LinkedAmong = Callable[[Set[int]], Awaitable[Set[int]]]
"""Which of these chats are linked."""


class Slots:
    """A counting semaphore with two classes of waiters. Who waits longest in a class is next in it.

    Linked chats go first. Strangers never take the last ``reserved`` slots; once one of them had to wait, no more than
    ``crowd`` of them are served at once until none waits: what they cost in processor time is felt by everybody.
    """

    def __init__(self, total: int, reserved: int, crowd: int) -> None:
        self._free = total
        self._reserved = reserved
        self._crowd = crowd
        self._strangers = 0
        self._linked_waiting: deque[asyncio.Future[None]] = deque()
        self._strangers_waiting: deque[asyncio.Future[None]] = deque()

    @property
    def is_short(self) -> bool:
        """Whether it has to be known who asks for a slot."""
        return self._free <= self._reserved or bool(self._strangers_waiting)

    @asynccontextmanager
    async def one(self, *, is_linked: bool) -> AsyncIterator[None]:
        """Waits for a slot, and holds it. Whoever is cancelled while waiting holds none."""
        turn = asyncio.get_running_loop().create_future()
        (self._linked_waiting if is_linked else self._strangers_waiting).append(turn)
        self._hand_out()
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # it was given one in the same moment
                self._give_back(is_linked=is_linked)
            raise
        try:
            yield
        finally:
            self._give_back(is_linked=is_linked)

    def _give_back(self, *, is_linked: bool) -> None:
        self._free += 1
        self._strangers -= not is_linked
        self._hand_out()

    def _hand_out(self) -> None:
        while self._free and (turn := _next(self._linked_waiting)):
            self._free -= 1
            turn.set_result(None)
        while (
            self._free > self._reserved and self._strangers < self._crowd and (turn := _next(self._strangers_waiting))
        ):
            self._free -= 1
            self._strangers += 1
            turn.set_result(None)


def _next(waiting: deque[asyncio.Future[None]]) -> asyncio.Future[None] | None:
    """Takes who waits longest and was not cancelled out of a queue; None where nobody waits."""
    while waiting:
        if not (turn := waiting.popleft()).done():
            return turn
    return None


class LinkedChats:
    """Tells linked chats from strangers, many in one query, and remembers it for ten seconds."""

    def __init__(self, linked_among: LinkedAmong | None) -> None:
        """Without ``linked_among`` every chat counts as linked."""
        self._linked_among = linked_among
        self._known: dict[int, bool] = {}
        self._known_since = 0.0
        self._asked: deque[tuple[int, asyncio.Future[bool]]] = deque()
        self._asking: asyncio.Task[None] | None = None

    def known(self, chat_id: int | None) -> bool | None:
        """What is remembered of a chat; None where that is nothing."""
        if self._linked_among is None:
            return True
        return False if chat_id is None else self._known.get(chat_id)

    async def is_linked(self, chat_id: int | None) -> bool:
        """Looks a chat up. Where that fails, nobody is a stranger."""
        known = self.known(chat_id)
        if known is not None or chat_id is None:
            return bool(known)
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._asked.append((chat_id, answer))
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._look_up())
        return await answer

    async def _look_up(self) -> None:
        """Answers everybody who asks, also those who come while others are looked up."""
        assert self._linked_among is not None
        while self._asked:
            now = asyncio.get_running_loop().time()
            if now - self._known_since > _REMEMBERED_SECONDS:
                self._known.clear()
                self._known_since = now
            asked = [self._asked.popleft() for _ in range(min(_BATCH, len(self._asked)))]
            chats = {chat_id for chat_id, _ in asked}
            try:
                linked = await self._linked_among(chats)
            except Exception as error:
                log.warning("slots.chats_not_looked_up", error=type(error).__name__)
                linked = chats
            for chat_id, answer in asked:
                self._known[chat_id] = chat_id in linked
                if not answer.done():
                    answer.set_result(chat_id in linked)
