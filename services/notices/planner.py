"""Keeps the plan of reminders and order endings: compares it with the portal, and hands due rows to the outbox."""

import asyncio
import datetime
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar
from zoneinfo import ZoneInfo

import structlog
from msgspec import Struct

from portal.client import Portal, Reader
from portal.errors import Forbidden, NotFound, PortalAway, PortalError
from portal.models import Invoice, Order, Page, Status
from services.clock import Clock
from services.company import Company
from services.concurrency.uninterrupted import run_to_completion
from services.features import Feature
from services.notices.event_recorder import REMINDER_SUBSCRIPTION
from services.notices.reminders import endings_of, reminder_time_on, reminders_of
from storage.database import Database, Session
from storage.notices.plan import hand_over, mutes, rows, sweeps
from storage.notices.plan.rows import Wanted
from storage.notices.plan.sweeps import SweptLink
from storage.tables import Kind

HAND_OVER_BATCH = 200
SWEEP_BATCH = 10
_AT_ONCE = 4
_PAGE_SIZE = 100
_MOST_PAGES = 10
"""The newest 1,000 open invoices, and the newest 1,000 orders, are in the plan."""
LEASE = datetime.timedelta(minutes=10)
"""How long a sweep is taken, and the pause before the next attempt where the portal could not be read."""
_FOLLOWED_AT_ONCE = 1000

log = structlog.get_logger()

ItemT = TypeVar("ItemT", Invoice, Order)


class Coverage(Struct, frozen=True):
    """What the plan has for a link.

    Attributes:
        open: The open invoices, or the orders that end; without muted invoices.
        covered: How many of them have a notice that is to come.
        first: The day of the first of these notices; None where there is none.
    """

    open: int = 0
    covered: int = 0
    first: datetime.date | None = None


class Swept(Struct, frozen=True):
    """What a sweep found: ``invoices`` or ``orders`` is None where the link has no such subscription."""

    invoices: Coverage | None = None
    orders: Coverage | None = None


class _List(Struct, Generic[ItemT], frozen=True):
    """Orders or invoices; ``is_whole`` is False where there are more, or some could not be read."""

    items: list[ItemT]
    is_whole: bool


class PlanCounters(Struct):
    """What this process did since its start.

    Attributes:
        sweeps: Links that were compared with the portal.
        failures: Sweeps that failed; each is repeated.
        queued: Deliveries that were queued from the plan.
    """

    sweeps: int = 0
    failures: int = 0
    queued: int = 0


class Planner:
    """Compares links with the portal, one or two calls each, and queues what is due."""

    def __init__(self, database: Database, portal: Portal, clock: Clock, company: Company) -> None:
        self._database = database
        self._portal = portal
        self._clock = clock
        self._company = company
        self._is_failing = False
        self.counters = PlanCounters()

    async def adopt(self, beat: Callable[[], None]) -> None:
        """Make the missing sweeps of links that subscribed through a version without the plan."""
        after: int | None = 0
        while after is not None:
            beat()
            async with self._database.write() as session:
                after = await sweeps.follow_range(session, after, _FOLLOWED_AT_ONCE, self._clock())
            await asyncio.sleep(0)

    async def hand_over(self) -> tuple[int, int]:
        """Queue the deliveries of due rows. Returns: how many rows it took, at most a batch, and how many it queued."""
        async with self._database.read() as session:
            due_at = await hand_over.next_due(session)
        if due_at is None or due_at > self._clock():
            return 0, 0
        taken, queued = await run_to_completion(self._queue_due())
        self.counters.queued += queued
        return taken, queued

    async def _queue_due(self) -> tuple[int, int]:
        async with self._database.write() as session:
            return await hand_over.queue_due(session, self._clock(), HAND_OVER_BATCH)

    async def sweep_due(self) -> int:
        """Sweep links that are due. Returns: how many it took, at most a batch.

        Raises:
            PortalAway: No call is made now; the links are due again after ``LEASE``.
        """
        async with self._database.read() as session:
            due_at = await sweeps.next_due(session)
        if due_at is None or due_at > self._clock():
            return 0
        taken = await run_to_completion(self._claim())
        places = asyncio.Semaphore(_AT_ONCE)

        async def sweep(swept: SweptLink) -> PortalError | None:
            async with places:
                return await self._try(swept)

        errors = await asyncio.gather(*(sweep(each) for each in taken))
        away = next((error for error in errors if isinstance(error, PortalAway)), None)
        if away is not None:
            raise away
        return len(taken)

    async def _claim(self) -> list[SweptLink]:
        now = self._clock()
        async with self._database.write() as session:
            return await sweeps.claim(session, now, now + LEASE, SWEEP_BATCH)

    async def _try(self, swept: SweptLink) -> PortalError | None:
        """Sweep one link. Returns: why it failed; the link is due again after its lease."""
        try:
            await self._sweep(swept)
        except PortalError as error:
            self.counters.failures += 1
            if not self._is_failing:
                log.warning("sweep.failed", error=type(error).__name__, reason=str(error))
            self._is_failing = True
            return error
        self._is_failing = False
        return None

    async def sweep_link(self, link_id: int) -> Swept:
        """Compare one link with the portal at once.

        Raises:
            PortalError: The portal could not be read; the sweep stays due.
        """
        async with self._database.read() as session:
            swept = await sweeps.load(session, link_id)
        return await self._sweep(swept) if swept else Swept()

    async def _sweep(self, swept: SweptLink) -> Swept:
        due_at = sweeps.next_slot(swept.link_id, self._clock())
        if swept.is_blocked:  # compared again when the person unblocks the bot
            await run_to_completion(self._finish(swept, due_at))
            return Swept()
        reader = Reader(swept.contact_id, swept.account_id)
        invoices: _List[Invoice] | None = None
        orders: _List[Order] | None = None
        features = self._company.features
        if swept.reminders_since is not None and Feature.REMINDERS in features:
            invoices = await self._read(
                lambda page: self._portal.invoices(reader, page=page, page_size=_PAGE_SIZE, status=Status.UNPAID)
            )
        if swept.endings_since is not None and Feature.ORDERS in features:
            orders = await self._read(lambda page: self._portal.orders(reader, page=page, page_size=_PAGE_SIZE))
        self.counters.sweeps += 1
        return await run_to_completion(self._store(swept, invoices, orders, due_at))

    async def _finish(self, swept: SweptLink, due_at: datetime.datetime) -> None:
        async with self._database.write() as session:
            await sweeps.finish(session, swept, due_at)

    @staticmethod
    async def _read(read: Callable[[int], Awaitable[Page[ItemT]]]) -> "_List[ItemT] | None":
        """Return a list; None where the contact may not see it now: then the plan stays as it is."""
        found: list[ItemT] = []
        try:
            for number in range(1, _MOST_PAGES + 1):
                page = await read(number)
                found += page.items
                if len(found) >= page.total:
                    return _List(found, is_whole=True)
                if not page.items:
                    break
        except (NotFound, Forbidden):
            return None
        return _List(found, is_whole=False)

    async def _store(
        self,
        swept: SweptLink,
        invoices: _List[Invoice] | None,
        orders: _List[Order] | None,
        due_at: datetime.datetime,
    ) -> Swept:
        zone = ZoneInfo(swept.timezone) if swept.timezone else self._company.zone
        now = self._clock()
        of_invoices, of_orders = None, None
        async with self._database.write() as session:
            locked = await sweeps.lock(session, swept.link_id)
            if locked is None:
                return Swept()
            if invoices is not None and locked.reminders_since is not None and REMINDER_SUBSCRIPTION in locked.wishes:
                unpaid = [each for each in invoices.items if each.is_unpaid]
                numbers = {each.number for each in unpaid}
                wanted = [*reminders_of(unpaid, zone), *await self._snoozed(session, swept.link_id, numbers, zone)]
                plan = rows.Part(
                    swept.link_id, swept.account_id, sweeps.REMINDER_KINDS, locked.reminders_since, invoices.is_whole
                )
                planned = await rows.correct(session, plan, wanted, now)
                muted = await mutes.muted_numbers(session, swept.link_id)
                of_invoices = _coverage(planned, len(numbers - muted), now)
            if orders is not None and locked.endings_since is not None and Kind.ORDER_ENDING in locked.wishes:
                wanted = list(endings_of(orders.items, zone))
                plan = rows.Part(
                    swept.link_id, swept.account_id, sweeps.ENDING_KINDS, locked.endings_since, orders.is_whole
                )
                planned = await rows.correct(session, plan, wanted, now)
                of_orders = _coverage(planned, len({each.number for each in wanted if each.due_at > now}), now)
            await sweeps.finish(session, swept, due_at)
        return Swept(of_invoices, of_orders)

    @staticmethod
    async def _snoozed(session: Session, link_id: int, unpaid: set[str], zone: ZoneInfo) -> list[Wanted]:
        found = await rows.rows_of(session, link_id, [Kind.REMINDER_LATER])
        at = {(row.number, row.day): reminder_time_on(row.day, zone) for row in found if row.number in unpaid}
        return [
            Wanted(number, Kind.REMINDER_LATER, day, due_at, rows.until_of(due_at))
            for (number, day), due_at in at.items()
        ]


def _coverage(planned: list[Wanted], count: int, now: datetime.datetime) -> Coverage:
    coming = [each for each in planned if each.due_at > now]
    first = min(coming, key=lambda each: each.due_at).day if coming else None
    return Coverage(count, len({each.number for each in coming}), first)
