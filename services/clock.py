"""The type of an injected clock, and the system clock."""

import datetime
from collections.abc import Callable

Clock = Callable[[], datetime.datetime]
"""Returns the current time, timezone-aware, in UTC."""


def utc_now() -> datetime.datetime:
    """Return the time of the system clock."""
    return datetime.datetime.now(datetime.UTC)
