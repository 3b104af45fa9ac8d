"""The state of polling, for logs, metrics and readiness."""

import time
from collections import Counter, deque
from enum import StrEnum

import structlog

_LATE_SECONDS = 90.0
"""The age of the last answered poll that is reported: a long poll takes 30 s."""
_FAILING_SECONDS = 15.0
"""How long polling fails before it is reported; a restart of Telegram's servers takes less."""
_CONFLICTS, _CONFLICT_SECONDS = 3, 120.0
"""So many conflicts within so many seconds are reported. The start of a new version before the old one has stopped
causes fewer."""

log = structlog.get_logger()


class PollFailure(StrEnum):
    """Why a getUpdates brought no updates. Operators see these words."""

    UNAUTHORIZED = "unauthorized"
    """401: Telegram does not know the token, or, for seconds, its own database."""
    NOT_FOUND = "not_found"
    """404: the token is malformed, or ODOBOT_TELEGRAM_API_URL leads elsewhere."""
    ANOTHER_POLLER = "another_poller"
    """409: another process polls with the same token."""
    WEBHOOK = "webhook"
    """409: another process has set a webhook on the same token."""
    TOO_MANY = "too_many"
    """429."""
    REFUSED = "refused"
    """Any other 4xx, or a redirection."""
    SERVER = "server"
    """5xx of Telegram itself."""
    GATEWAY = "gateway"
    """An answer that is not the Bot API's: usually a page of a gateway."""
    TIMED_OUT = "timed_out"
    """No connection or no answer in time."""
    NETWORK = "network"
    """No connection, or it broke."""
    TOO_LONG = "too_long"
    """The answer is larger than any of Telegram's."""
    NONSENSE = "nonsense"
    """An answer of the Bot API without usable updates."""
    DATABASE = "database"
    """The inbox cannot be read, which the start needs."""
    INTERNAL = "internal"
    """An error of the program."""


class PollHealth:
    """Counts what polling met, and logs each change."""

    def __init__(self) -> None:
        self.failures: Counter[PollFailure] = Counter()
        self.unreadable = 0
        """Updates that could not be parsed, and were skipped."""
        self.has_answered = False
        """Whether any poll of this process was answered."""
        self._answered_at = time.monotonic()
        self._failing: PollFailure | None = None
        self._failing_since = 0.0
        self._attempts = 0
        self._conflicts: deque[float] = deque(maxlen=_CONFLICTS)
        """When another process took the updates, the latest times."""

    @property
    def age(self) -> float:
        """Seconds since the last answered poll, or since the start."""
        return time.monotonic() - self._answered_at

    def answered(self) -> None:
        """Note an answered poll."""
        if self._failing is not None:
            seconds = round(time.monotonic() - self._failing_since, 1)
            log.info("telegram.poll_recovered", kind=self._failing, seconds=seconds, attempts=self._attempts)
        self.has_answered = True
        self._answered_at = time.monotonic()
        self._failing, self._attempts = None, 0

    def failed(self, kind: PollFailure, reason: str, error: Exception | None = None) -> None:
        """Note a failed poll; log it unless the one before failed in the same way.

        Args:
            error: An unexpected error, whose traceback is logged.
        """
        self.failures[kind] += 1
        if kind is PollFailure.ANOTHER_POLLER:
            self._conflicts.append(time.monotonic())
        if self._failing is None:
            self._failing_since = time.monotonic()
        self._attempts += 1
        if kind != self._failing:
            log.warning("telegram.poll_failed", kind=kind, reason=reason, exc_info=error)
        self._failing = kind

    def skipped(self, update_id: int | None) -> None:
        """Note an update that could not be parsed; ``update_id`` is None where it has none."""
        self.unreadable += 1
        log.error("telegram.update_not_read", update_id=update_id)

    def reason(self) -> str:
        """Return why the process does not receive updates, for the operator; empty if it does."""
        # Two processes interrupt each other: each poll may succeed for a while in between.
        is_disputed = len(self._conflicts) == _CONFLICTS and time.monotonic() - self._conflicts[0] < _CONFLICT_SECONDS
        if is_disputed:
            return "another process polls with this token (another_poller): stop one of them"
        failing_for = time.monotonic() - self._failing_since
        if self._failing is not None and failing_for > _FAILING_SECONDS:
            return f"getUpdates fails for {int(failing_for)} s ({self._failing})"
        return f"no answered getUpdates for {int(self.age)} s" if self.age > _LATE_SECONDS else ""
