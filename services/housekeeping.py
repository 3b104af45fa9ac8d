"""Deletes old rows."""

import asyncio
import datetime
from collections.abc import Awaitable, Callable, Sequence

from services.clock import Clock
from services.retention import SENT_PDFS_KEPT, TOPICS_KEPT, Category, kept
from storage import personal_data, support, updates
from storage.database import Database
from storage.notices import retention
from storage.notices.plan import rows
from storage.papers import sent_pdfs, uploaded_pdfs
from storage.sqlite_log import empty_log

_BATCH = 100
_BETWEEN_BATCHES_SECONDS = 0.02

Purge = Callable[[int], Awaitable[int]]
"""Deletes up to a number of rows, and returns how many it deleted or looked at; less means that none is left."""


class Housekeeping:
    """Deletes what is older than it may be, by the periods of ``services.retention``.

    Args:
        of_services: What services delete by their own rules.
    """

    def __init__(self, database: Database, clock: Clock, of_services: Sequence[Purge]) -> None:
        self._database = database
        self._clock = clock
        self._of_services = of_services
        self._last_checked_notice = 0
        self._last_checked_delivery = 0
        self._last_checked_upload = uploaded_pdfs.FIRST_KEY

    async def clean(self, beat: Callable[[], None]) -> None:
        """Delete old rows in batches, so that other writers wait for one batch at most; then empty SQLite's log."""
        for purge in (
            *self._of_services,
            self._purge_strangers,
            self._purge_deliveries,
            self._purge_updates,
            self._purge_sent_pdfs,
            self._purge_notices,
            self._purge_plan,
            self._purge_conversations,
            self._purge_ownerless_deliveries,
            self._purge_ownerless_uploads,
        ):
            count = _BATCH
            while count == _BATCH:
                beat()
                count = await purge(_BATCH)
                await asyncio.sleep(_BETWEEN_BATCHES_SECONDS)
        beat()
        await empty_log(self._database)

    async def _purge_strangers(self, limit: int) -> int:
        async with self._database.write() as session:
            return await personal_data.delete_unlinked(session, self._clock(), limit)

    async def _purge_deliveries(self, limit: int) -> int:
        async with self._database.write() as session:
            return await retention.purge_settled(session, self._before(Category.NOTICES), limit)

    async def _purge_updates(self, limit: int) -> int:
        async with self._database.write() as session:
            return await updates.purge(session, self._before(Category.UPDATES), limit)

    async def _purge_sent_pdfs(self, limit: int) -> int:
        async with self._database.write() as session:
            return await sent_pdfs.purge(session, self._clock() - SENT_PDFS_KEPT, limit)

    async def _purge_plan(self, limit: int) -> int:
        async with self._database.write() as session:
            return await rows.purge(session, self._before(Category.REMINDERS).date(), limit)

    async def _purge_conversations(self, limit: int) -> int:
        ended_before = self._clock() - TOPICS_KEPT
        async with self._database.write() as session:
            return await support.purge(session, self._before(Category.SUPPORT), ended_before, limit)

    async def _purge_notices(self, limit: int) -> int:
        """Delete notices without deliveries, checking each once; others are deleted with their last delivery.

        Returns:
            How many notices were checked.
        """
        last, before = self._last_checked_notice, self._before(Category.NOTICES)
        async with self._database.write() as session:
            checked = await retention.purge_undelivered(session, last, before, limit)
        self._last_checked_notice = max([last, *checked])
        return len(checked)

    async def _purge_ownerless_deliveries(self, limit: int) -> int:
        """Delete deliveries to chats that are not stored, checking each once. Returns: how many were checked."""
        async with self._database.write() as session:
            checked = await retention.delete_ownerless(session, self._last_checked_delivery, limit)
        self._last_checked_delivery = max([self._last_checked_delivery, *checked])
        return len(checked)

    async def _purge_ownerless_uploads(self, limit: int) -> int:
        """Delete uploads of accounts without a link, checking all again and again. Returns: how many were checked."""
        async with self._database.write() as session:
            checked = await uploaded_pdfs.delete_ownerless(session, self._last_checked_upload, limit)
        self._last_checked_upload = checked[-1] if len(checked) == limit else uploaded_pdfs.FIRST_KEY
        return len(checked)

    def _before(self, category: Category) -> datetime.datetime:
        return self._clock() - kept(category)
