"""Rate limits: how often a bot may send before Telegram answers 429."""

import math
from collections import deque

from sandbox.telegram.errors import too_many_requests
from sandbox.telegram.settings import Settings


class SendRates:
    """Sliding windows over the messages of one bot: per second overall, per second and chat, per minute and group."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._sent: dict[object, deque[float]] = {}

    def take(self, chat_id: int, now: float) -> None:
        """Count one message to a chat at `now` (seconds).

        Raises:
            ApiError: 429, a rate limit is reached.
        """
        settings = self._settings
        windows: list[tuple[object, float, float]] = []
        if settings.overall_per_second:
            windows.append(("all", settings.overall_per_second, 1.0))
        if settings.per_chat_per_second:
            windows.append((chat_id, settings.per_chat_per_second, 1.0))
        if settings.per_group_per_minute and chat_id < 0:
            windows.append((("minute", chat_id), settings.per_group_per_minute, 60.0))
        wait = max((self._wait(key, rate, span, now) for key, rate, span in windows), default=0.0)
        if wait > 0:
            raise too_many_requests(max(1, math.ceil(wait)))
        for key, _, _ in windows:
            self._sent[key].append(now)

    def _wait(self, key: object, rate: float, span: float, now: float) -> float:
        # A rate below one per window (0.5/s) allows one message in a longer window.
        most, span = (int(rate), span) if rate >= 1 else (1, span / rate)
        sent = self._sent.setdefault(key, deque())
        while sent and sent[0] <= now - span:
            sent.popleft()
        return 0.0 if len(sent) < most else sent[0] + span - now
