"""A circuit breaker for the portal: while the portal does not answer, calls fail at once, except a probe at times.

It opens after ``FAILURES`` failed calls in a row, and when ``SILENT_CALLS`` calls wait and no call was answered for
``SILENT_SECONDS``. Any answer closes it, also a refusal such as 404. It does no I/O but log lines.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from enum import Enum, auto

import structlog

from portal.errors import PortalAway, PortalError, PortalUnavailable

FAILURES = 5
"""Failed calls in a row, retries included in each, after which the breaker opens."""
SILENT_CALLS = 8
SILENT_SECONDS = 3.0
CROWD = 32
"""Calls of people in progress above which ``crowded`` is called for each further one."""
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 10.0
"""The pauses between the starts of two probes double from the first to the longest."""
PROBE_SECONDS = 3.0
"""How long a person whose call is the probe waits at most; a slower portal is probed by the worker."""

log = structlog.get_logger()


class Caller(Enum):
    """Whom a call is made for."""

    PERSON = auto()
    """Somebody waits for the answer."""
    WORKER = auto()
    """Feed, notices, readiness: may probe, but never open the breaker: they may wait for slow documents."""
    BACKGROUND = auto()
    """A call that can be left out, such as an early access confirmation: not made while the breaker is open."""


caller: ContextVar[Caller] = ContextVar("caller", default=Caller.PERSON)
"""Set it for a task; the tasks that it starts inherit it."""


class PortalBreaker:
    """The state of one portal, as the calls of this process see it.

    Args:
        crowded: Called in the task of a person's call that begins while ``CROWD`` others wait for the portal.
        clock: Returns monotonic seconds.
    """

    def __init__(
        self, *, crowded: Callable[[], None] = lambda: None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._crowded = crowded
        self._clock = clock
        self._waiting = 0
        self._silent_since = 0.0
        self._failures = 0
        self._opened_at: float | None = None
        self._probe_at = 0.0
        self._pause = 0.0
        self._tried_at = 0.0
        self.outcomes: Counter[tuple[str, str]] = Counter()
        """Calls since the start by name and outcome: ``ok``, ``cancelled``, or the name of the exception's class."""

    @property
    def is_open(self) -> bool:
        """Whether calls fail at once."""
        return self._opened_at is not None

    @contextmanager
    def call(self, name: str = "", *, is_document: bool = False) -> Iterator[float | None]:
        """Guard one call with all its attempts, whose exceptions pass.

        Args:
            name: The call's name in ``outcomes``, without ids.
            is_document: The portal makes a document, which may take a minute: silence says nothing about the portal.

        Yields:
            The seconds that the call may take; None has no limit of the breaker's.

        Raises:
            PortalAway: the breaker is open, and this call is not the next probe. The body does not run.
        """
        begun, by = self._clock(), caller.get()
        try:
            is_probe = self._admit(begun, by)
        except PortalAway as error:
            self.outcomes[name, type(error).__name__] += 1
            raise
        self._tried_at = begun
        counts = by is Caller.PERSON
        is_timed = counts and not is_document
        if is_timed:
            self._begin(begun)
        try:
            yield PROBE_SECONDS if is_probe and counts else None
        except PortalError as error:
            self.outcomes[name, type(error).__name__] += 1
            if isinstance(error, PortalUnavailable) and error.is_outage:
                self._failed(counts=counts)
            else:
                self._answered()
            raise
        except BaseException:
            self.outcomes[name, "cancelled"] += 1
            # Cancelled: by a time limit around the call, or because the process stops.
            if not is_document and self._clock() - begun >= SILENT_SECONDS:
                self._failed(counts=counts)
            raise
        else:
            self.outcomes[name, "ok"] += 1
            self._answered()
        finally:
            self._waiting -= is_timed

    def _admit(self, now: float, by: Caller) -> bool:
        """Return whether the call is a probe. Raise ``PortalAway`` if it must not be made."""
        is_silent = self._waiting >= SILENT_CALLS and now - self._silent_since >= SILENT_SECONDS
        if self._opened_at is None:
            if not is_silent or by is not Caller.PERSON:
                return False
            self._open(now, "no answer", probe_at=now)
        if now < self._probe_at or by is Caller.BACKGROUND:
            wait = max(self._probe_at - now, FIRST_PAUSE_SECONDS)
            raise PortalAway("not called, the portal does not answer", retry_after=wait, tried_ago=now - self._tried_at)
        # From start to start: a probe may hang.
        self._pause = min(2 * self._pause, LONGEST_PAUSE_SECONDS)
        self._probe_at = now + self._pause
        return True

    def _begin(self, now: float) -> None:
        if not self._waiting:
            self._silent_since = now
        self._waiting += 1
        if self._waiting > CROWD:
            self._crowded()

    def _failed(self, *, counts: bool) -> None:
        self._failures += counts
        if self._opened_at is None and self._failures >= FAILURES:
            now = self._clock()
            self._open(now, "failures in a row", probe_at=now + FIRST_PAUSE_SECONDS)

    def _answered(self) -> None:
        self._failures, self._silent_since = 0, self._clock()
        if self._opened_at is not None:
            log.warning("portal.breaker_closed", seconds=round(self._silent_since - self._opened_at, 1))
            self._opened_at = None

    def _open(self, now: float, reason: str, *, probe_at: float) -> None:
        log.warning("portal.breaker_opened", reason=reason, waiting=self._waiting)
        self._opened_at, self._probe_at, self._pause = now, probe_at, FIRST_PAUSE_SECONDS


def guarded(
    breaker: PortalBreaker | None, name: str, *, is_document: bool = False
) -> AbstractContextManager[float | None]:
    """Return ``breaker.call(…)``; without a breaker, a context that lets everything through, without a limit."""
    return breaker.call(name, is_document=is_document) if breaker else nullcontext()
