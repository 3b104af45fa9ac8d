"""Makes the packs that are due, some at once, each under a lease that is extended while it is made."""

import asyncio
import contextlib
import datetime
import secrets
from collections import Counter
from collections.abc import Callable

import structlog
from sqlalchemy.exc import SQLAlchemyError

from portal.breaker import Caller, caller
from portal.client import Portal
from portal.errors import PortalError
from services.access import Access
from services.clock import Clock
from services.company import Company
from services.concurrency.uninterrupted import run_to_completion
from services.packs.collecting import PortalStaysAway
from services.packs.packing import LeaseLost, LinkEnded, Packing
from services.packs.queue import PackQueue
from services.packs.reports import Finished, PackSender, Reason, Report, SendFailed, Stopped
from services.retention import Category, kept
from storage.database import Database
from storage.papers import packs
from storage.papers.packs import ClaimedPack
from storage.tables import PackState

AT_ONCE = 2
"""Packs that one process makes at once; further ones wait in the order of their requests."""
KEPT = kept(Category.PACKS)
"""How long a pack that ended can be continued, and its files sent again by ``file_id``."""
_IDLE_SECONDS = 2.0
_BEAT_SECONDS = 2.0
_LEASE = datetime.timedelta(seconds=60)
_EXTEND_EVERY = 10
"""Beats between two extensions: on SQLite every commit empties the cache of chats."""
_MOST_ATTEMPTS = 6
"""How often a pack is begun: one that kills its process must not do so for ever."""

ENDS = ("done", *Reason)
"""How packs end, for the metrics."""

log = structlog.get_logger()


class PackRunner:
    """Makes packs. ``outcomes`` counts those that ended since the start: ``done``, or the reason of the stop."""

    def __init__(
        self, database: Database, portal: Portal, access: Access, sender: PackSender, queue: PackQueue,
        large_document: asyncio.Lock, clock: Clock, company: Company,
    ) -> None:  # fmt: skip
        self._database = database
        self._portal = portal
        self._access = access
        self._sender = sender
        self._queue = queue
        self._large_document = large_document
        self._clock = clock
        self._company = company
        self._running: set[asyncio.Task[None]] = set()
        self.outcomes: Counter[str] = Counter()

    @property
    def in_progress(self) -> int:
        """How many packs this process makes now."""
        return len(self._running)

    async def reclaim(self) -> None:
        """Queue the packs that a dead process left; only where no other process uses the database."""
        async with self._database.write() as session:
            if count := await packs.reclaim(session, self._clock()):
                log.info("pack.resumed", packs=count)

    async def purge(self, limit: int) -> int:
        """Delete up to ``limit`` packs that ended more than ``KEPT`` ago. Returns: the number deleted."""
        async with self._database.write() as session:
            return await packs.purge(session, self._clock() - KEPT, limit)

    async def work(self, beat: Callable[[float], None]) -> None:
        """Make packs until cancelled; then queue those in progress again, for the next start or another process."""
        caller.set(Caller.BACKGROUND)  # of this task, and of those that it starts
        try:
            while True:
                beat(_IDLE_SECONDS)
                self._queue.wake.clear()
                if len(self._running) < AT_ONCE:
                    await self._begin_due()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_IDLE_SECONDS):
                        await self._queue.wake.wait()
        finally:
            for task in self._running:
                task.cancel()
            if self._running:
                await asyncio.wait(set(self._running))

    async def _begin_due(self) -> None:
        now = self._clock()
        async with self._database.read() as session:
            if not await packs.is_due(session, now):
                return
        free, lease = AT_ONCE - len(self._running), secrets.token_hex(8)
        async with self._database.write() as session:
            claimed = await packs.claim(session, lease, now, now + _LEASE, free)
        for pack in claimed:
            task = asyncio.create_task(self._make(pack))
            self._running.add(task)
            task.add_done_callback(self._on_end)

    def _on_end(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._queue.wake.set()
        if not task.cancelled() and (error := task.exception()):
            log.error("pack.failed", error=type(error).__name__, exc_info=error)

    async def _make(self, pack: ClaimedPack) -> None:
        """Make a pack until its end, the loss of its lease, or the stop of the process."""
        if pack.has_ended:
            return await self._end(pack)
        packing = Packing(
            pack, self._database, self._portal, self._access, self._sender, self._large_document, self._clock,
            self._company,
        )  # fmt: skip
        packing.progress.attempts += 1
        if packing.progress.attempts > _MOST_ATTEMPTS:
            return await self._settle(pack, Stopped(Reason.INTERNAL))
        work = asyncio.create_task(self._outcome(packing))
        beats = asyncio.create_task(self._keep_lease(pack))
        try:
            await asyncio.wait({work, beats}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            await _cancel(work, beats)
            with contextlib.suppress(SQLAlchemyError):
                await run_to_completion(self._put_back(pack))
            raise
        if not work.done():
            await _cancel(work)
            await packing.stop_reporting()
            return await self._after_loss(packing.pack)
        await _cancel(beats)
        outcome = work.result()
        if outcome is None:
            return await self._after_loss(packing.pack)
        return await self._settle(packing.pack, outcome)

    async def _outcome(self, packing: Packing) -> Report | None:
        """Return how a pack ended; None if its lease was lost."""
        try:
            return await packing.run()
        except LinkEnded:
            return Stopped(Reason.ENDED)
        except LeaseLost:
            return None
        except PortalStaysAway:
            return Stopped(Reason.PORTAL)
        except PortalError as error:
            log.warning("pack.portal_error", error=type(error).__name__, reason=str(error))
            return Stopped(Reason.REFUSED)
        except SendFailed as error:
            return Stopped(Reason.ENDED if error.is_chat_gone else error.reason)
        except OSError as error:
            log.error("pack.disk", reason=f"no temporary file (TMPDIR): {error.strerror}")
            return Stopped(Reason.INTERNAL)
        except SQLAlchemyError as error:
            log.warning("pack.database", error=type(error).__name__)
            return None  # its lease expires, and it is begun again
        except Exception as error:
            log.exception("pack.failed", error=type(error).__name__)
            return Stopped(Reason.INTERNAL)

    async def _keep_lease(self, pack: ClaimedPack) -> None:
        """Return once the pack is no longer this process's: cancelled, or its link removed."""
        beat = 0
        while True:
            await asyncio.sleep(_BEAT_SECONDS)
            beat += 1
            try:
                if beat % _EXTEND_EVERY:
                    async with self._database.read() as session:
                        is_held = await packs.is_held(session, pack)
                else:
                    async with self._database.write() as session:
                        is_held = await packs.extend(session, pack, self._clock() + _LEASE)
            except SQLAlchemyError:
                continue  # the lease lasts for some beats more
            if not is_held:
                return

    async def _settle(self, pack: ClaimedPack, outcome: Report) -> None:
        is_done = isinstance(outcome, Finished)
        reason = outcome.reason if isinstance(outcome, Stopped) else "done"
        if reason is Reason.ENDED:
            return await self._end(pack)
        state = PackState.DONE if is_done else PackState.FAILED
        async with self._database.write() as session:
            settled = await packs.settle(session, pack, state, self._clock(), keep_files=is_done)
        if not settled:
            return await self._after_loss(pack)
        self._count(pack, str(reason), outcome)
        await self._sender.report(pack, outcome)
        return None

    async def _after_loss(self, pack: ClaimedPack) -> None:
        """Tell the chat of a pack that was cancelled or whose link ended; another process's is left to it."""
        async with self._database.read() as session:
            state = await packs.state_of(session, pack.pack_id)
        if state is PackState.CANCELLED:
            self._count(pack, Reason.CANCELLED)
            await self._sender.report(pack, Stopped(Reason.CANCELLED))
        elif state in (None, PackState.ENDED):
            await self._end(pack)

    async def _end(self, pack: ClaimedPack) -> None:
        """Tell the chat that the link is gone, and delete the pack."""
        self._count(pack, Reason.ENDED)
        if pack.message_id is not None:
            await self._sender.report(pack, Stopped(Reason.ENDED))
        async with self._database.write() as session:
            await packs.delete_pack(session, pack.pack_id)

    async def _put_back(self, pack: ClaimedPack) -> None:
        async with self._database.write() as session:
            await packs.put_back(session, pack, self._clock())

    def _count(self, pack: ClaimedPack, reason: str, outcome: Report | None = None) -> None:
        self.outcomes[reason] += 1
        found = outcome if isinstance(outcome, Finished) else None
        facts = {"invoices": found.count, "missing": len(found.missing)} if found else {}
        log.info("pack.ended", outcome=str(reason), format=pack.format, **facts)


async def _cancel(*tasks: "asyncio.Task[Report | None] | asyncio.Task[None]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
