"""The key check: tries the keys on a sample of links, for readiness and metrics."""

import math
import time

from sqlalchemy.exc import SQLAlchemyError

from storage.database import Database
from storage.health.keys import KeyTrial, sample_keys

INTERVAL_SECONDS = 600.0
"""The shortest time between two trials. Keys change with a restart, data with a restore."""
_SAMPLE = 100


class KeyCheck:
    """Knows how many chats of the 100 oldest and the 100 newest links have a column that no key opens."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._trial: KeyTrial | None = None
        self._tried_at = -math.inf

    @property
    def unreadable(self) -> float:
        """The number of chats; NaN if no trial was made yet."""
        return len(self._trial.unreadable) if self._trial else math.nan

    async def refresh(self) -> None:
        """Try the keys, if the last trial is ten minutes old and the database can be read."""
        now = time.monotonic()
        if now - self._tried_at < INTERVAL_SECONDS:
            return
        try:
            self._trial = await sample_keys(self._database, _SAMPLE)
        except (TimeoutError, SQLAlchemyError, OSError):
            return  # the database check reports it
        self._tried_at = now

    def forget(self) -> None:
        """Try again at the next call, also within ten minutes."""
        self._tried_at = -math.inf

    async def reason(self) -> str:
        """Return what is wrong with the keys in one line; empty if nothing is."""
        await self.refresh()
        if self._trial is None or not self._trial.unreadable:
            return ""
        return unreadable_reason(len(self._trial.unreadable), self._trial.tried)


def unreadable_reason(unreadable: int, tried: int) -> str:
    """Return the line for the operator about chats whose columns no key opens."""
    return (
        f"no key of ODOBOT_SECRET_KEYS opens {unreadable} of {tried} chats, which have to link again: "
        "add the old key, or remove their links: odobot unlink --unreadable"
    )
