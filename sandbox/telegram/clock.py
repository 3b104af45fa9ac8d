"""The sandbox's time: real time that tests and the operator may push forward."""

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What the sandbox needs of a clock."""

    def now(self) -> datetime:
        """The present, aware."""


class SandboxClock:
    """Runs with real time from wherever it was put; frozen, it stands still until it is moved."""

    def __init__(self, start: datetime | None = None, *, frozen: bool = False) -> None:
        self._offset = timedelta() if start is None else start - datetime.now(UTC)
        self._frozen_at = (start or datetime.now(UTC)) if frozen else None

    def now(self) -> datetime:
        """The sandbox's present, in UTC."""
        return self._frozen_at if self._frozen_at is not None else datetime.now(UTC) + self._offset

    def advance(self, by: timedelta) -> None:
        """Move the present; nothing is woken, since every expiry is looked at when it matters."""
        if self._frozen_at is not None:
            self._frozen_at += by
        self._offset += by

    def set(self, to: datetime) -> None:
        """Put the present at an aware time."""
        self.advance(to - self.now())


def unix(clock: Clock) -> int:
    """The clock's time as Telegram writes it, whole seconds."""
    return int(clock.now().timestamp())
