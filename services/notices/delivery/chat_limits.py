"""Tells the 429 of one chat from a limit of the whole bot."""

import datetime
import time
from collections.abc import Callable

from msgspec import Struct

LONGEST_PAUSE = datetime.timedelta(minutes=5)
"""Longest pause after a 429, of one chat and of all notices: Telegram may ask for hours, and may be asked again."""
_CHATS = 3
"""Different chats that meet a 429 within ``_WINDOW_SECONDS`` when the limit is the bot's, not that of a chat."""
_WINDOW_SECONDS = 5.0


class _Report(Struct, frozen=True):
    at: float
    chat_id: int
    pause: datetime.timedelta


class TooManyReports:
    """The 429s that this process met, and the chats that may get no message for now.

    Args:
        monotonic: Returns a time in seconds that never goes back.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._reports: list[_Report] = []
        self._held: dict[int, float] = {}

    def add(self, chat_id: int, pause: datetime.timedelta) -> datetime.timedelta | None:
        """Take a 429 into account.

        Returns:
            The longest pause of the last seconds if several chats met a 429: all notices have to wait. Else None.
        """
        now = self._monotonic()
        self._held = {held: until for held, until in self._held.items() if until > now}
        self._held[chat_id] = max(self._held.get(chat_id, 0.0), now + pause.total_seconds())
        self._reports = [each for each in self._reports if now - each.at <= _WINDOW_SECONDS]
        self._reports = [each for each in self._reports if each.chat_id != chat_id] + [_Report(now, chat_id, pause)]
        if len(self._reports) < _CHATS:
            return None
        return max(each.pause for each in self._reports)

    def pause_of(self, chat_id: int) -> datetime.timedelta:
        """Return how long the chat may get no message; zero where it may."""
        return datetime.timedelta(seconds=max(0.0, self._held.get(chat_id, 0.0) - self._monotonic()))
