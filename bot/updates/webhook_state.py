"""What Telegram says of the webhook (``getWebhookInfo``), for readiness, metrics and ``odobot check``."""

import asyncio
import math
import time
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from telegram import Bot, WebhookInfo
from telegram.error import TelegramError

from services.clock import Clock

INTERVAL_SECONDS = 60.0
"""The shortest time between two questions to Telegram."""
_WAIT_SECONDS = 1.0
"""The longest that readiness waits for an answer; without one it uses the last one."""
_FRESH = timedelta(minutes=5)
"""The age up to which a failure of the webhook is a present one."""
_MANY = 100
"""Waiting updates from which their growth is reported; Telegram posts up to 40 at once."""


def problem_of(info: WebhookInfo, url: str, now: datetime, waited: int | None = None) -> str:
    """Return in one line what is wrong with the webhook; empty if nothing is.

    Args:
        url: The URL that this process sets; empty if it polls.
        waited: The number of waiting updates when Telegram was asked before; None: this is the first time.
    """
    if not url and info.url:
        return f"a webhook is set at {_host(info.url)}, so that nobody can poll: stop what set it, and restart"
    if url and not info.url:
        return "no webhook is set, perhaps another process that polls deleted it: stop that one, and restart"
    if info.url != url:
        return f"the webhook is set elsewhere, at {_host(info.url)}: stop what set it, and restart"
    pending = info.pending_update_count
    failed_at = info.last_error_date
    does_not_shrink = waited is not None and 0 < waited <= pending
    if url and pending and failed_at is not None and (now - failed_at < _FRESH or does_not_shrink):
        seconds = max(0, int((now - failed_at).total_seconds()))
        return (
            f"Telegram cannot deliver to the webhook (updates that wait: {pending}), last failure {seconds} s ago: "
            f"{' '.join((info.last_error_message or '').split())[:200]}"
        )
    if pending >= _MANY and waited is not None and pending > waited:
        return f"{pending} updates wait at Telegram, {pending - waited} more than before: look at odobot_update_seconds"
    return ""


def _host(url: str) -> str:
    """Return the host of another's URL, whose path may be a secret."""
    return urlsplit(url).hostname or "an unknown address"


class WebhookState:
    """Asks Telegram at most once a minute, and keeps the answer.

    Args:
        url: The URL that this process sets; empty if it polls.
    """

    def __init__(self, bot: Bot, clock: Clock, url: str) -> None:
        self._bot = bot
        self._clock = clock
        self._url = url
        self._info: WebhookInfo | None = None
        self._problem = ""
        self._asked_at = -math.inf
        self._asking: asyncio.Task[None] | None = None

    @property
    def pending(self) -> float:
        """The updates that wait at Telegram; NaN as long as it has not answered."""
        return self._info.pending_update_count if self._info else math.nan

    @property
    def last_error_age(self) -> float:
        """Seconds since Telegram last failed to deliver; NaN if it never did, or has not answered yet."""
        failed_at = self._info.last_error_date if self._info else None
        return max(0.0, (self._clock() - failed_at).total_seconds()) if failed_at else math.nan

    def refresh(self) -> None:
        """Begin to ask Telegram, if the last question is a minute old."""
        if self._asking is None and time.monotonic() - self._asked_at >= INTERVAL_SECONDS:
            self._asked_at = time.monotonic()
            self._asking = asyncio.create_task(self._ask())

    def forget(self) -> None:
        """Ask again at the next call, also within a minute."""
        self._asked_at = -math.inf

    def close(self) -> None:
        """Stop asking."""
        if self._asking is not None:
            self._asking.cancel()

    async def reason(self) -> str:
        """Return what is wrong with the webhook, in one line; empty if nothing is known to be. It takes 1 s at most."""
        self.refresh()
        if self._asking is not None:
            await asyncio.wait({self._asking}, timeout=_WAIT_SECONDS)
        return self._problem

    async def _ask(self) -> None:
        try:
            info = await self._bot.get_webhook_info()
        except TelegramError:
            return  # the check of getMe reports Telegram itself
        finally:
            self._asking = None
        waited = self._info.pending_update_count if self._info else None
        self._problem = problem_of(info, self._url, self._clock(), waited)
        self._info = info
