"""When the mail of a code is tried again, and until when."""

import datetime
import time
from collections.abc import Awaitable, Callable

from mail.errors import MailError
from services.clock import Clock
from services.mailing.sending import Pause, may_pass, pause_after
from storage.database import Database
from storage.linking import codes

OnLate = Callable[[], Awaitable[None]]
"""Tells the person that the mail is late, and follows by itself."""

_RETRIED_FOR = datetime.timedelta(hours=2)
"""The longest time in which a mail is tried again; the validity of most codes is shorter."""
_LEAST_LEFT = datetime.timedelta(minutes=1)
"""A code with less time left is not mailed any more."""


class CodeRetries:
    """Decides for one code whether its mail is tried again.

    A code whose mail is late does not count as mailed, so that the person may ask for another one at once.

    Args:
        until: When the code expires.
        pause: Waits for some seconds; returns False as soon as the process stops.
        on_late: Called once, before the second attempt; None where nobody may be told.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        pause: Pause,
        code_id: int,
        until: datetime.datetime,
        on_late: OnLate | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._pause = pause
        self._code_id = code_id
        self._began = time.monotonic()
        self._last = min(until - _LEAST_LEFT, clock() + _RETRIED_FOR)
        self._on_late = on_late
        self._is_late = False
        self.is_replaced = False
        """Whether the code was replaced, used or left meanwhile, so that its mail is not needed."""

    async def again(self, error: MailError) -> bool:
        """Wait, and return whether to try again after this error."""
        is_worth_it = may_pass(error) and await self._wait()
        async with self._database.read() as session:
            self.is_replaced = not await codes.is_live(session, self._code_id)
        return is_worth_it and not self.is_replaced

    async def end(self) -> None:
        """Count the code as mailed, after attempts of which the person was told that they are late."""
        if self._is_late:
            await self._count(is_counted=True)

    async def _count(self, *, is_counted: bool) -> None:
        async with self._database.write() as session:
            await codes.count(session, self._code_id, is_counted=is_counted)

    async def _wait(self) -> bool:
        """Wait before the next attempt. Returns: False if the code has no time left, or the process stops."""
        seconds = pause_after(time.monotonic() - self._began)
        if self._clock() + datetime.timedelta(seconds=seconds) > self._last:
            return False
        if self._on_late is not None:
            on_late, self._on_late, self._is_late = self._on_late, None, True
            await self._count(is_counted=False)
            await on_late()
        return await self._pause(seconds) and self._clock() <= self._last
