"""Keeps lists for a few seconds, so that turning pages does not read a whole list for each."""

import time
from collections.abc import Callable, Hashable
from typing import Any

MOST_LISTS = 32


class ListCache:
    """Has up to ``MOST_LISTS`` lists, the newest ones.

    Args:
        seconds: How long a list is kept; 0 keeps none.
        clock: Returns monotonic seconds.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._lists: dict[Hashable, tuple[float, Any]] = {}

    def get(self, key: Hashable) -> Any:
        """Return the list; None where there is none, or it is too old."""
        until, found = self._lists.get(key, (0.0, None))
        return found if self._clock() < until else None

    def put(self, key: Hashable, found: object) -> None:
        """Keep a list, and drop those that are too old or too many."""
        now = self._clock()
        self._lists.pop(key, None)
        newest = [(each, kept) for each, kept in self._lists.items() if kept[0] > now][1 - MOST_LISTS :]
        self._lists = {**dict(newest), key: (now + self._seconds, found)}
