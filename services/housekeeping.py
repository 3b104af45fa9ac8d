"""Deletes old rows."""

import asyncio
import datetime
from collections.abc import Awaitable, Callable, Sequence

from services.clock import Clock
from storage import chats, support, updates
from storage.database import Database
from storage.notices import retention
from storage.notices.plan import rows

_DELIVERIES_KEPT = datetime.timedelta(days=400)
"""Age at which settled deliveries are deleted: the list of sent copies covers the invoices of a year."""
_UPDATES_KEPT = datetime.timedelta(days=2)
_PLAN_KEPT = datetime.timedelta(days=30)
"""How long a row of the plan is kept after its day. The outbox knows longer what was told."""
_BATCH = 100
_BETWEEN_BATCHES_SECONDS = 0.02

Purge = Callable[[int], Awaitable[int]]
"""Deletes up to a number of rows, and returns how many it deleted or looked at; less means that none is left."""


class Housekeeping:
    """Deletes what is older than it may be.

    Args:
        of_services: What services delete by their own rules.
    """

    def __init__(self, database: Database, clock: Clock, of_services: Sequence[Purge]) -> None:
        self._database = database
        self._clock = clock
        self._of_services = of_services
        self._last_checked_notice = 0

    async def clean(self, beat: Callable[[], None]) -> None:
        """Delete old rows in batches, so that other writers wait for one batch at most."""
        for purge in (
            *self._of_services,
            self._purge_strangers,
            self._purge_deliveries,
            self._purge_updates,
            self._purge_notices,
            self._purge_plan,
            self._purge_conversations,
        ):
            count = _BATCH
            while count == _BATCH:
                beat()
                count = await purge(_BATCH)
                await asyncio.sleep(_BETWEEN_BATCHES_SECONDS)

    async def _purge_strangers(self, limit: int) -> int:
        async with self._database.write() as session:
            return await chats.purge_unlinked(session, self._clock(), limit)

    async def _purge_deliveries(self, limit: int) -> int:
        async with self._database.write() as session:
            return await retention.purge_settled(session, self._clock() - _DELIVERIES_KEPT, limit)

    async def _purge_updates(self, limit: int) -> int:
        async with self._database.write() as session:
            return await updates.purge(session, self._clock() - _UPDATES_KEPT, limit)

    async def _purge_plan(self, limit: int) -> int:
        async with self._database.write() as session:
            return await rows.purge(session, (self._clock() - _PLAN_KEPT).date(), limit)

    async def _purge_conversations(self, limit: int) -> int:
        async with self._database.write() as session:
            return await support.purge(session, self._clock(), limit)

    async def _purge_notices(self, limit: int) -> int:
        """Delete notices without deliveries, checking each once; others are deleted with their last delivery.

        Returns:
            How many notices were checked.
        """
        last, before = self._last_checked_notice, self._clock() - _DELIVERIES_KEPT
        async with self._database.write() as session:
            checked = await retention.purge_undelivered(session, last, before, limit)
        self._last_checked_notice = max([last, *checked])
        return len(checked)
