"""The circuit breaker of a channel: while its server fails, notices wait instead of being spent."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import structlog

from services.retries import backoff
from storage.tables import Channel

_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 30.0
_FORGET_SECONDS = 60.0
"""A failure that is older than this says nothing about the server any more."""
_LONGEST_WAIT_SECONDS = 40.0
"""Longest wait for room: less than a lease. A delivery that waits longer is put back."""
_LOOK_AGAIN_SECONDS = 0.5

log = structlog.get_logger()


class BreakerState(StrEnum):
    """How many messages may be sent at once. ``odobot_breaker_state`` shows the position in this order, from 0."""

    CLOSED = "closed"
    """As many as there are places: the server answers."""
    RECOVERING = "recovering"
    """Two, and one more after each answer."""
    OPEN = "open"
    """One, after a pause: the server failed."""


@dataclass(eq=False, slots=True)
class Ticket:
    """The permission to send one message. ``is_probe``: it finds out whether the server answers again."""

    began_at: float
    is_probe: bool


class ChannelBreaker:
    """Limits the messages of one channel that are being sent. It waits for nothing: ``Gate`` does.

    A message ends as answered, whatever the server says about its recipient, or as failed: no clear answer, or an error
    of the whole server. The first failure opens the breaker. Then one message at a time probes the server, after 1, 2,
    4 … 30 s. Once one is answered, each answer allows one more message at once, up to the full number.

    While the server is silent, so that no answer came for ``silence`` seconds although one is due, no message begins.

    Args:
        places: The most messages at once.
        silence: Seconds.
        monotonic: Returns a time in seconds that never goes back.
    """

    def __init__(
        self, channel: Channel, *, places: int, silence: float, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.state = BreakerState.CLOSED
        self._channel = channel
        self._places = places
        self._silence = silence
        self._monotonic = monotonic
        self._sending: set[Ticket] = set()
        self._window = places
        self._failures = 0
        self._failed_at = self._answered_at = self._opened_at = monotonic()
        self._probe_at = 0.0

    @property
    def has_room(self) -> bool:
        """Whether a message may begin now."""
        now = self._monotonic()
        if self.state is BreakerState.OPEN:
            return not self._sending and now >= self._probe_at
        return len(self._sending) < self._window and not self._is_silent(now)

    @property
    def is_trusted(self) -> bool:
        """Whether the server is not known to fail: a repetition, which is sent once only, may be queued."""
        return self.state is BreakerState.CLOSED or self._monotonic() - self._failed_at > _FORGET_SECONDS

    def claimable(self, in_hand: int) -> int | None:
        """Return how many more deliveries a worker that has ``in_hand`` may claim; None for any number."""
        match self.state:
            case BreakerState.CLOSED:
                return None
            case BreakerState.RECOVERING:
                return max(0, self._window - in_hand)
        return max(0, 1 - in_hand) if self.has_room else 0

    def begin(self) -> Ticket | None:
        """Take a place for a message. Returns: its ticket, for ``end`` or ``withdraw``; None without room."""
        if not self.has_room:
            return None
        ticket = Ticket(self._monotonic(), is_probe=self.state is BreakerState.OPEN)
        self._sending.add(ticket)
        return ticket

    def withdraw(self, ticket: Ticket) -> None:
        """Free the place of a message that was not sent. After ``end`` it does nothing."""
        self._sending.discard(ticket)

    def end(self, ticket: Ticket, *, failed: bool) -> None:
        """Free the place of a message, and take into account how it ended."""
        if ticket not in self._sending:
            return
        self._sending.discard(ticket)
        now = self._monotonic()
        if failed:
            self._on_failure(ticket, now)
        else:
            self._on_answer(ticket, now)

    def _is_silent(self, now: float) -> bool:
        if not self._sending:
            return False
        waiting_since = max(self._answered_at, min(ticket.began_at for ticket in self._sending))
        return now - waiting_since > self._silence

    def _on_failure(self, ticket: Ticket, now: float) -> None:
        # Messages that began before the breaker opened fail with it; they are one failure.
        if ticket.is_probe or self.state is not BreakerState.OPEN:
            self._failures += 1
        if self.state is not BreakerState.OPEN:
            log.warning("breaker.opened", channel=self._channel, failures=self._failures)
            self._opened_at = now if self.state is BreakerState.CLOSED else self._opened_at
        self.state = BreakerState.OPEN
        self._failed_at = now
        self._probe_at = now + backoff(self._failures, first=_FIRST_PAUSE_SECONDS, longest=_LONGEST_PAUSE_SECONDS)

    def _on_answer(self, ticket: Ticket, now: float) -> None:
        self._answered_at = now
        if self.state is BreakerState.OPEN and ticket.is_probe:
            self.state, self._window = BreakerState.RECOVERING, 2
            log.info("breaker.recovering", channel=self._channel)
        elif self.state is BreakerState.RECOVERING:
            self._window += 1
            if self._window >= self._places or now - self._failed_at > _FORGET_SECONDS:
                self.state, self._window, self._failures = BreakerState.CLOSED, self._places, 0
                log.info("breaker.closed", channel=self._channel, seconds=round(now - self._opened_at, 1))


class Gate:
    """Lets deliveries wait for room in a breaker."""

    def __init__(self, breaker: ChannelBreaker) -> None:
        self.breaker = breaker
        self._changed = asyncio.Event()
        self._closed = False

    async def wait_for_room(self) -> bool:
        """Wait until a message may begin.

        Returns:
            False if the delivery should be put back: the breaker is open, the wait is long, or the worker stops.
        """
        give_up_at = time.monotonic() + _LONGEST_WAIT_SECONDS
        while not self.breaker.has_room:
            if self._closed or self.breaker.state is BreakerState.OPEN or time.monotonic() > give_up_at:
                return False
            self._changed.clear()
            try:
                async with asyncio.timeout(_LOOK_AGAIN_SECONDS):
                    await self._changed.wait()
            except TimeoutError:
                continue
        return not self._closed

    def end(self, ticket: Ticket, *, failed: bool) -> None:
        """As ``ChannelBreaker.end``; wakes those that wait."""
        self.breaker.end(ticket, failed=failed)
        self._changed.set()

    def withdraw(self, ticket: Ticket) -> None:
        """As ``ChannelBreaker.withdraw``; wakes those that wait."""
        self.breaker.withdraw(ticket)
        self._changed.set()

    def close(self) -> None:
        """End every wait."""
        self._closed = True
        self._changed.set()
