"""The clock of the simulated Telegram: real time that tests and the operator can move."""

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """The part of a clock that the sandbox uses."""

    def now(self) -> datetime:
        """Return the current time, timezone-aware."""


class SandboxClock:
    """A clock that runs from `start` (by default: from the real time), or stands still when `frozen`."""

    def __init__(self, start: datetime | None = None, *, frozen: bool = False) -> None:
        self._offset = timedelta() if start is None else start - datetime.now(UTC)
        self._frozen_at = (start or datetime.now(UTC)) if frozen else None

    def now(self) -> datetime:
        """Return the current time in UTC."""
        return self._frozen_at if self._frozen_at is not None else datetime.now(UTC) + self._offset

    def advance(self, by: timedelta) -> None:
        """Move the time. Nothing wakes up: each expiry is checked when it is used."""
        if self._frozen_at is not None:
            self._frozen_at += by
        self._offset += by

    def set(self, to: datetime) -> None:
        """Set the time to `to`, which is timezone-aware."""
        self.advance(to - self.now())


def unix(clock: Clock) -> int:
    """Return the clock's time in whole unix seconds, as the Bot API does."""
    return int(clock.now().timestamp())
