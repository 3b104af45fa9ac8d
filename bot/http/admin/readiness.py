"""Readiness: whether the process can do its work, and the reasons if it cannot."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta

from telegram import Bot
from telegram.error import InvalidToken, TelegramError

from bot.database_check import DatabaseCheck
from bot.http.admin.key_check import KeyCheck
from bot.supervisor import Supervisor
from bot.updates.poll_health import PollHealth
from bot.updates.webhook_state import WebhookState
from mail.errors import MailError
from mail.mailer import Mailer
from portal.breaker import Caller, caller
from portal.client import Portal
from portal.errors import PortalError, PortalRefused
from services.clock import Clock
from services.notices.feed_reader import FeedCounters
from storage.database import Database
from storage.notices import feed
from texts.language import Language

CACHE_SECONDS = 10.0
"""The shortest time between two questions to Telegram, portal and feed, by the monotonic clock."""
MAIL_SECONDS = 60.0
"""The same for the mail server, where each question is a session with a login."""
_TIMEOUT_SECONDS = 5.0


class Readiness:
    """Checks database, keys, loops, Telegram, webhook, polling, portal, mail server and feed.

    Args:
        counters: What this process read of the feed.
        polling: None if the process does not poll.
        max_lag: The age of the last read of the feed from which the process is not ready.
    """

    def __init__(
        self,
        database: Database,
        database_check: DatabaseCheck,
        supervisor: Supervisor,
        bot: Bot,
        portal: Portal,
        mailer: Mailer,
        counters: FeedCounters,
        clock: Clock,
        webhook: WebhookState,
        keys: KeyCheck,
        polling: PollHealth | None = None,
        *,
        max_lag: timedelta,
    ) -> None:
        self._database = database
        self._database_check = database_check
        self._supervisor = supervisor
        self._bot = bot
        self._portal = portal
        self._mailer = mailer
        self._webhook = webhook
        self._keys = keys
        self._counters = counters
        self._clock = clock
        self._polling = polling
        self._max_lag = max_lag
        self._cached: tuple[float, dict[str, str]] | None = None
        self._turn = asyncio.Lock()
        self._running: dict[str, asyncio.Task[str]] = {}
        self.start_reasons: list[str] | None = ["start: not begun"]
        """What the start waits for; None once the process has started."""
        self._mail: tuple[float, str] | None = None
        """When the mail server was asked last, by the monotonic clock, and what was wrong with it."""

    async def reasons(self) -> list[str]:
        """Return one line for each part that fails; empty if the process is ready. It takes 5 s at most."""
        if self.start_reasons is not None:
            return self.start_reasons or ["start: in progress"]
        return [line for lines in (await self.failing()).values() for line in lines]

    async def failing(self) -> dict[str, list[str]]:
        """Return the lines of each part that fails, by its name; only after the start. It takes 5 s at most."""
        async with self._turn:
            if self._cached is None or time.monotonic() - self._cached[0] > CACHE_SECONDS:
                self._cached = time.monotonic(), await self._ask()
            asked = self._cached[1]
        polling = self._polling.reason() if self._polling else ""
        reasons = {"database": self._database_check.reason, "updates": polling, **asked}
        lines = {part: [f"{part}: {reason}"] for part, reason in reasons.items() if reason}
        return lines | ({"loops": loops} if (loops := self._supervisor.reasons()) else {})

    def forget(self) -> None:
        """Ask every part again at the next question, also within ``CACHE_SECONDS`` and ``MAIL_SECONDS``."""
        self._cached = self._mail = None
        self._webhook.forget()
        self._keys.forget()

    async def try_keys(self, *, after: float) -> None:
        """Try the keys soon after the start, so that the log tells of those that are wrong before anybody asks."""
        await asyncio.sleep(after)
        await self._keys.refresh()

    async def _ask(self) -> dict[str, str]:
        """Ask each part at once. One that hangs is not waited for, and not asked again before it answers.

        Returns:
            What is wrong with each part; an empty text if nothing is.
        """
        checks = (
            self._check_telegram, self._check_webhook, self._check_portal, self._check_mail, self._check_feed,
            self._check_keys,
        )  # fmt: skip
        parts = {check.__name__.removeprefix("_check_"): check for check in checks}
        for part, check in parts.items():
            if part not in self._running:
                self._running[part] = asyncio.create_task(_reason_of(check))
        asked = {part: self._running[part] for part in parts}
        await asyncio.wait(asked.values(), timeout=_TIMEOUT_SECONDS)
        reasons = {}
        for part, task in asked.items():
            if task.done():
                del self._running[part]
                reason = "" if task.cancelled() else task.result()
            else:
                task.cancel()
                reason = f"no answer within {_TIMEOUT_SECONDS:g} s: look whether it runs, and at the network"
            reasons[part] = reason
        return reasons

    async def _check_telegram(self) -> str:
        try:
            await self._bot.get_me()
        except InvalidToken:
            return "InvalidToken: the token was revoked, set ODOBOT_TELEGRAM_TOKEN and restart"
        except TelegramError as error:
            return f"{type(error).__name__}: look at the network, and whether Telegram has an outage"
        return ""

    async def _check_webhook(self) -> str:
        return await self._webhook.reason()

    async def _check_keys(self) -> str:
        return "" if self._database_check.reason else await self._keys.reason()

    async def _check_mail(self) -> str:
        if self._mail is None or time.monotonic() - self._mail[0] > MAIL_SECONDS:
            try:
                await self._mailer.ready()
                reason = ""
            except MailError as error:
                reason = f"{type(error).__name__}: {error}: look at ODOBOT_SMTP_URL, and whether the server runs"
            self._mail = time.monotonic(), reason
        return self._mail[1]

    async def _check_portal(self) -> str:
        caller.set(Caller.WORKER)  # of this task only
        try:
            await self._portal.links(Language.FR)
        except PortalRefused:
            return "PortalRefused: it refuses the token, set ODOBOT_PORTAL_TOKEN and restart"
        except PortalError as error:
            return f"{type(error).__name__}: look whether the portal runs"
        return ""

    async def _check_feed(self) -> str:
        if self._database_check.reason:
            return ""  # the database's own reason says it
        async with self._database.read() as session:
            position = await feed.position(session)
        if position is None:
            return "not read yet: look whether a worker runs and reaches the portal"
        if self._counters.stuck:
            return f"does not advance, {self._counters.stuck}"
        lag = self._clock() - position.read_at
        if lag <= self._max_lag:
            return ""
        return f"not read for {int(lag.total_seconds())} s: look at the worker's log"


async def _reason_of(check: Callable[[], Awaitable[str]]) -> str:
    try:
        return await check()
    except Exception as error:  # such as those of each database driver
        return f"cannot be checked ({type(error).__name__})"
