"""What time the portal believes it is: injected, so that a test can be at any day of the month."""

from datetime import UTC, date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

COMPANY_TIMEZONE = ZoneInfo("America/Toronto")


class Clock(Protocol):
    def now(self) -> datetime:
        """The present moment, timezone-aware."""
        ...


class MovableClock:
    """Stands still at `start` until moved; without `start` it runs with the system's clock, and moves from there."""

    def __init__(self, start: datetime | None = None) -> None:
        self._frozen_at = _aware(start) if start else None
        self._offset = timedelta()

    def now(self) -> datetime:
        return (self._frozen_at or datetime.now(UTC)) + self._offset

    def advance(self, by: timedelta) -> None:
        """Moves on (or back, by a negative step)."""
        self._offset += by

    def set(self, moment: datetime) -> None:
        """Makes it `moment` (aware, else ValueError); a running clock runs on from there."""
        self._offset += _aware(moment) - self.now()


def company_day(moment: datetime) -> date:
    """The date it is then at the company, whatever zone the moment is written in."""
    return moment.astimezone(COMPANY_TIMEZONE).date()


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a moment needs its timezone")
    return moment
