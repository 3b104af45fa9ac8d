"""How many connections a process opens to its mail server: at once, and a second."""

import asyncio
import heapq
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

from mail.errors import MailUnavailable

_AT_ONCE = 4
_COPIES_AT_ONCE = 2
"""Of these, for what is not urgent: a server may take a minute to scan an attachment."""
_BURST = 20
_LONGEST_WAIT = 30.0  # seconds


class ConnectionLimit:
    """A token bucket of ``rate`` connections a second, and a bound on how many are open at once.

    Mail servers refuse who connects too often, and then nobody gets a code. Urgent ones (codes, alerts) go first.
    """

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._tokens = float(max(_BURST, rate))
        self._most = self._tokens
        self._open = 0
        self._open_copies = 0
        self._refilled_at: float | None = None
        self._waiting: list[tuple[bool, int, asyncio.Future[None]]] = []
        self._order = count()
        self._timer: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def connection(self, *, urgent: bool) -> AsyncIterator[None]:
        """Waits for its turn; raises ``MailUnavailable`` where that does not come within 30 s."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (not urgent, next(self._order), turn))
        self._let_in()
        try:
            async with asyncio.timeout(_LONGEST_WAIT):
                await turn
        except TimeoutError:
            raise MailUnavailable("too many mails wait for the mail server (ODOBOT_MAIL_RATE)") from None
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # let in and cancelled at the same moment
                self._leave(urgent=urgent)
            raise
        try:
            yield
        finally:
            self._leave(urgent=urgent)

    def _leave(self, *, urgent: bool) -> None:
        self._open -= 1
        self._open_copies -= not urgent
        self._let_in()

    def _let_in(self) -> None:
        now = asyncio.get_running_loop().time()
        passed = 0.0 if self._refilled_at is None else max(0.0, now - self._refilled_at)
        self._tokens, self._refilled_at = min(self._most, self._tokens + passed * self._rate), now
        while self._waiting and self._open < _AT_ONCE and self._tokens >= 1:
            is_copy, _, turn = self._waiting[0]
            if is_copy and self._open_copies >= _COPIES_AT_ONCE and not turn.done():
                return  # nothing urgent waits, or it would stand in front
            heapq.heappop(self._waiting)
            if not turn.done():
                self._tokens -= 1
                self._open += 1
                self._open_copies += is_copy
                turn.set_result(None)
        if self._waiting and self._open < _AT_ONCE and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later((1 - self._tokens) / self._rate, self._refill)

    def _refill(self) -> None:
        self._timer = None
        self._let_in()
