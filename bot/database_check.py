"""The database check: tries a write every ten seconds, and reports once when the database fails and when it is back."""

import asyncio

import structlog

from bot.supervisor import Beat, Loop
from storage.database import Database
from storage.health.problems import problem_of
from storage.health.write_probe import try_write

PAUSE_SECONDS = 10.0
TIMEOUT_SECONDS = 5.0
_LIMIT_SECONDS = 30.0
"""Beyond its pause, a turn takes five seconds at most."""

log = structlog.get_logger()


class DatabaseCheck:
    """Knows whether the database can be written to, as of ten seconds ago at most."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._attempt: asyncio.Task[None] | None = None
        self.reason = ""
        """What is wrong with the database in one line; empty while it works."""

    @property
    def loop(self) -> Loop:
        """The loop that checks, for the supervisor."""
        return Loop("database", self._run, _LIMIT_SECONDS)

    async def _run(self, beat: Beat) -> None:
        """Check until cancelled."""
        try:
            while True:
                beat()
                self._set(await self._try_write())
                beat(PAUSE_SECONDS)
                await asyncio.sleep(PAUSE_SECONDS)
        finally:
            if self._attempt is not None:
                self._attempt.cancel()

    async def _try_write(self) -> str:
        """Return what is wrong. An attempt that hangs is not waited for; until it ends there is no further one."""
        if self._attempt is None:
            self._attempt = asyncio.create_task(try_write(self._database))
            self._attempt.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        attempt = self._attempt
        await asyncio.wait({attempt}, timeout=TIMEOUT_SECONDS)
        if not attempt.done():
            attempt.cancel()
            return f"no answer within {TIMEOUT_SECONDS:g} s: look at its server, its disk and its locks"
        self._attempt = None
        error = None if attempt.cancelled() else attempt.exception()
        if error is None:
            return ""
        problem = problem_of(error, self._database.file) if isinstance(error, Exception) else None
        return problem.reason if problem else f"the write fails ({type(error).__name__})"

    def _set(self, reason: str) -> None:
        """Keep the result; log the first failure, another reason, and the recovery."""
        before, self.reason = self.reason, reason
        if reason and reason != before:
            log.error("database.unusable", reason=reason)
        elif before and not reason:
            log.info("database.usable_again")
