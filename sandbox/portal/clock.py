"""The portal's clock, injected so that a test can choose the day."""

from datetime import UTC, date, datetime, timedelta
from typing import Protocol, runtime_checkable
from zoneinfo import ZoneInfo

COMPANY_TIMEZONE = ZoneInfo("America/Toronto")


class Clock(Protocol):
    def now(self) -> datetime:
        """Return the current time, timezone-aware."""
        ...


@runtime_checkable
class Movable(Protocol):
    """A clock that the control API can move."""

    def now(self) -> datetime: ...

    def advance(self, by: timedelta) -> None: ...

    def set(self, to: datetime) -> None: ...


class MovableClock:
    """A clock that stands still at `start` until moved. Without `start`, it runs from the system's time."""

    def __init__(self, start: datetime | None = None) -> None:
        self._frozen_at = _aware(start) if start else None
        self._offset = timedelta()

    def now(self) -> datetime:
        """Return the current time, timezone-aware."""
        return (self._frozen_at or datetime.now(UTC)) + self._offset

    def advance(self, by: timedelta) -> None:
        """Move the clock by `by`, which may be negative."""
        self._offset += by

    def set(self, to: datetime) -> None:
        """Set the clock to `to`, which must be timezone-aware (else ValueError). A running clock runs on."""
        self._offset += _aware(to) - self.now()


def company_day(moment: datetime) -> date:
    """Return the date in the company's time zone."""
    return moment.astimezone(COMPANY_TIMEZONE).date()


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a time needs its time zone")
    return moment
