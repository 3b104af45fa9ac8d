"""Limit the connections of a process to its mail server: concurrent ones, and per second."""

import asyncio
import heapq
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

from mail.errors import MailUnavailable

_CONCURRENT = 4
_CONCURRENT_COPIES = 2
"""Of these, for letters that are not urgent: a server may take a minute to scan an attachment."""
_BURST = 20
_LONGEST_WAIT = 30.0
"""Seconds."""


class ConnectionLimit:
    """A token bucket of ``rate`` connections per second, and a bound on concurrent ones.

    Mail servers refuse clients that connect too often, and then no code arrives. Urgent letters (codes, alerts) go
    first.
    """

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._tokens = float(max(_BURST, rate))
        self._capacity = self._tokens
        self._open = 0
        self._open_copies = 0
        self._refilled_at: float | None = None
        self._waiting: list[tuple[bool, int, asyncio.Future[None]]] = []
        self._order = count()
        self._timer: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def connection(self, *, urgent: bool) -> AsyncIterator[None]:
        """Wait until a connection is permitted, and hold it for the body.

        Raises:
            MailUnavailable: it is not permitted within 30 s.
        """
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (not urgent, next(self._order), turn))
        self._admit()
        try:
            async with asyncio.timeout(_LONGEST_WAIT):
                await turn
        except TimeoutError:
            why = "too many mails wait for the mail server (ODOBOT_MAIL_RATE)"
            raise MailUnavailable(why, is_outage=False) from None
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # admitted and cancelled at the same moment
                self._release(urgent=urgent)
            raise
        try:
            yield
        finally:
            self._release(urgent=urgent)

    def _release(self, *, urgent: bool) -> None:
        self._open -= 1
        self._open_copies -= not urgent
        self._admit()

    def _admit(self) -> None:
        now = asyncio.get_running_loop().time()
        passed = 0.0 if self._refilled_at is None else max(0.0, now - self._refilled_at)
        self._tokens, self._refilled_at = min(self._capacity, self._tokens + passed * self._rate), now
        while self._waiting and self._open < _CONCURRENT and self._tokens >= 1:
            is_copy, _, turn = self._waiting[0]
            if is_copy and self._open_copies >= _CONCURRENT_COPIES and not turn.done():
                return  # an urgent one would be first in the heap
            heapq.heappop(self._waiting)
            if not turn.done():
                self._tokens -= 1
                self._open += 1
                self._open_copies += is_copy
                turn.set_result(None)
        if self._waiting and self._open < _CONCURRENT and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later((1 - self._tokens) / self._rate, self._refill)

    def _refill(self) -> None:
        self._timer = None
        self._admit()
