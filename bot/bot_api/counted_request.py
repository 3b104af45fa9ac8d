"""Counts the requests to the Bot API by method and by what became of them, for the metrics."""

from collections import Counter
from typing import Any

from telegram.error import NetworkError, TimedOut

from bot.bot_api.request import GATEWAY_ANSWERED, AiohttpRequest, ServerFailed
from handlers.telegram.failures import NotSent

OUTCOMES = ("ok", "too_many", "refused", "server", "gateway", "timed_out", "not_sent", "network", "cancelled")
"""2xx; 429; another 4xx of Telegram; its 5xx; a proxy's answer; none in time; nothing was written; the connection
broke; the process stopped."""
FILE = "file"
"""Stands for a method where a file is downloaded."""
_BY_ERROR = ((ServerFailed, "server"), (NotSent, "not_sent"), (TimedOut, "timed_out"), (NetworkError, "network"))


class CountedRequest(AiohttpRequest):
    """An ``AiohttpRequest`` that counts."""

    __slots__ = ("outcomes",)

    def __init__(self, connection_pool_size: int = 256, **options: Any) -> None:
        super().__init__(connection_pool_size, **options)
        self.outcomes: Counter[tuple[str, str]] = Counter()
        """Requests since the start, by method of the Bot API or ``FILE``, and ``OUTCOMES``."""

    async def do_request(self, url: str, method: str, *args: Any, **kwargs: Any) -> tuple[int, bytes]:
        """See ``AiohttpRequest``."""
        outcome = "cancelled"
        try:
            status, answer = await super().do_request(url, method, *args, **kwargs)
            outcome = _outcome_of(status)
            return status, answer
        except NetworkError as error:
            is_gateway = error.message.startswith(GATEWAY_ANSWERED)
            outcome = "gateway" if is_gateway else next(name for kind, name in _BY_ERROR if isinstance(error, kind))
            raise
        finally:
            # The path of a file is Telegram's, and not one of a few names.
            self.outcomes[FILE if method == "GET" else url.rpartition("/")[2], outcome] += 1


def _outcome_of(status: int) -> str:
    if status < 300:
        return "ok"
    if status == 429:
        return "too_many"
    return "gateway" if status >= 500 else "refused"
