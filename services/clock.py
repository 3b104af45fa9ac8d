"""Time, as something that is handed in."""

import datetime
from collections.abc import Callable

Clock = Callable[[], datetime.datetime]
"""The time now: aware, in UTC."""


def utc_now() -> datetime.datetime:
    """The machine's clock."""
    return datetime.datetime.now(datetime.UTC)
