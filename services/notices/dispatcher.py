"""Dispatches deliveries from the outbox: claim, render, wait for a send slot, send once, record the outcome."""

import asyncio
import datetime
import secrets
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import structlog
from sqlalchemy.exc import SQLAlchemyError

from portal.breaker import Caller, caller
from portal.errors import PortalAway, PortalError
from services.clock import Clock
from services.notices.outcomes import (
    Blocked,
    Cancelled,
    Deferred,
    NotSent,
    Outcome,
    Retry,
    Sender,
    SendFunc,
    Sent,
    Uncertain,
    after_portal_error,
)
from services.notices.rate_limiter import BulkRateLimiter
from services.retries import backoff
from services.uninterrupted import run_to_completion
from storage.database import Database
from storage.notices import outbox
from storage.notices.outbox import ClaimedDelivery
from storage.tables import Channel, State

LEASE = datetime.timedelta(seconds=60)
"""Time limit from claim to send: two portal reads, and the wait for a send slot."""
SENDING_LEASE = datetime.timedelta(seconds=300)
"""Time limit of a send: a mail server may be slow to accept a PDF. After it the worker counts as dead."""
MAX_CONCURRENT_SENDS = 32
_MIN_CLAIM = 8
"""Minimum size of a claim: a transaction per delivery would cost as much as sending it."""
_FIRST_RETRY_SECONDS = 5.0
LONGEST_RETRY_SECONDS = 600.0
_RECORD_ATTEMPTS = 10
"""They take about a minute, with the pauses of ``_record_with_retries``."""
_IDLE_SECONDS = 0.5
_GATHER_SECONDS = 0.1
"""Pause after a wake-up, so that one claim takes several new deliveries."""

log = structlog.get_logger()


class Dispatcher:
    """Claims due deliveries and sends them.

    Args:
        chat_rate: Largest number of messages per second to one recipient.
        settled: Counts the deliveries that this process brought to each final state.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        senders: Mapping[Channel, Sender],
        limiter: BulkRateLimiter,
        *,
        chat_rate: float,
        settled: Counter[State],
    ) -> None:
        self._database = database
        self._clock = clock
        self._senders = senders
        self._limiter = limiter
        self._settled = settled
        self._chat_gap = datetime.timedelta(seconds=1 / chat_rate)
        self._wake = asyncio.Event()
        self._sending_tasks: set[asyncio.Task[None]] = set()
        self._claimed: list[ClaimedDelivery] = []
        self._portal_away_until = 0.0
        self._lease_ends: dict[str, float] = {}

    def wake(self) -> None:
        """Look for due deliveries at once."""
        self._wake.set()

    @property
    def in_progress(self) -> int:
        """The number of claimed deliveries and of sends in progress."""
        return len(self._claimed) + len(self._sending_tasks)

    async def work(self, beat: Callable[[], None]) -> None:
        """Dispatch until cancelled; then call ``drain``.

        Args:
            beat: Called at every turn, for the supervisor.
        """
        caller.set(Caller.WORKER)  # of this task and those that it creates
        while True:
            beat()
            await asyncio.sleep(self._portal_away_until - time.monotonic())
            await self._claim()
            if not self._claimed:
                await self._wait_for_work()
            while self._claimed:
                if self._senders[self._claimed[0].channel].is_paced:
                    await self._limiter.admit()
                claimed = self._claimed.pop(0)
                task = asyncio.create_task(self._deliver(claimed), name=claimed.lease)
                self._sending_tasks.add(task)
                task.add_done_callback(self._on_delivery_done)

    async def drain(self) -> None:
        """Wait for the sends in progress, and release the other claimed deliveries."""
        self._limiter.close()
        while self._claimed:
            await self._release([self._claimed.pop()])
        while self._sending_tasks:
            await asyncio.wait(self._sending_tasks)

    async def reclaim(self, *, everything: bool = False) -> None:
        """Release the deliveries of dead workers; with ``everything``, also those whose lease has not expired."""
        async with self._database.write() as session:
            now, kept = self._clock(), self._leases_in_use()
            returned, unknown = await outbox.reclaim(session, now, everything=everything, kept=kept)
        if returned or unknown:
            log.warning("delivery.reclaimed", returned=returned, uncertain=unknown)

    def _leases_in_use(self) -> set[str]:
        """Return the leases whose tasks run here. One that runs for longer than every lease counts as dead."""
        running = {task.get_name() for task in self._sending_tasks} | {each.lease for each in self._claimed}
        self._lease_ends = {lease: end for lease, end in self._lease_ends.items() if lease in running}
        return {lease for lease, end in self._lease_ends.items() if end > time.monotonic()}

    def _on_delivery_done(self, task: "asyncio.Task[None]") -> None:
        self._sending_tasks.discard(task)
        self._wake.set()  # the recipient may have further deliveries
        if not task.cancelled() and (error := task.exception()) is not None:
            # When the lease expires, reclaim() queues the delivery again or marks it uncertain.
            log.error("delivery.failed", error=type(error).__name__, exc_info=error)

    async def _claim(self) -> None:
        """Claim no more than can be sent concurrently, so that no lease expires before the rendering starts."""
        while (free := MAX_CONCURRENT_SENDS - len(self._sending_tasks)) < _MIN_CLAIM:
            await asyncio.wait(self._sending_tasks, return_when=asyncio.FIRST_COMPLETED)
        await run_to_completion(self._lease_due(free))

    async def _lease_due(self, limit: int) -> None:
        lease, now = secrets.token_hex(8), self._clock()
        async with self._database.write() as session:
            self._claimed = await outbox.claim(session, lease, now, now + LEASE, limit, self._chat_gap)
        if self._claimed:
            self._lease_ends[lease] = time.monotonic() + (LEASE + SENDING_LEASE).total_seconds()

    async def _wait_for_work(self) -> None:
        """Wait for ``wake``, or ``_IDLE_SECONDS``."""
        self._wake.clear()
        try:
            async with asyncio.timeout(_IDLE_SECONDS):
                await self._wake.wait()
        except TimeoutError:
            return
        await asyncio.sleep(_GATHER_SECONDS)

    async def _deliver(self, first: ClaimedDelivery) -> None:
        batch = [first]
        if first.is_postponed:
            now = self._clock()
            async with self._database.write() as session:
                batch += await outbox.claim_postponed(session, first, now, now + LEASE)
        sender = self._senders[first.channel]
        send: SendFunc | NotSent
        try:
            send = await sender.render(batch)
        except PortalAway as error:
            # Not an attempt of the delivery. Claim no more before the portal is tried again: most would come back.
            self._portal_away_until = time.monotonic() + error.retry_after
            send = Deferred(self._clock() + datetime.timedelta(seconds=error.retry_after))
        except PortalError as error:
            send = after_portal_error(error)
        except Exception as error:
            # Without a retry it would be claimed again after each lease, before the recipient's other deliveries.
            log.error("delivery.not_rendered", kind=first.kind, error=type(error).__name__, exc_info=error)
            send = Retry(f"not rendered: {type(error).__name__}")
        if isinstance(send, Retry | Blocked | Cancelled | Deferred):
            if sender.is_paced:
                self._limiter.return_admission()
            await self._record(batch, send)
            return
        if await (self._mark_sending_at_slot(batch) if sender.is_paced else self._mark_sending(batch)):
            outcome = await send() if await sender.is_still_wanted(batch) else Retry("unlinked meanwhile")
            await self._record_with_retries(batch, outcome)

    async def _mark_sending(self, batch: Sequence[ClaimedDelivery]) -> bool:
        """Commit the state ``sending``. Returns: False if a delivery was cancelled or its lease was lost."""
        now = self._clock()
        async with self._database.write() as session:
            return await outbox.begin_sending(session, _ids(batch), batch[0].lease, now, now + SENDING_LEASE)

    async def _mark_sending_at_slot(self, batch: Sequence[ClaimedDelivery]) -> bool:
        """Commit the state ``sending`` shortly before a send slot, then wait for the slot.

        The time that the commit takes does not delay the request.

        Returns:
            False if the lease was lost, a delivery was cancelled, or the worker stops.
        """
        while (slot := await self._limiter.wait_until_near()) is not None:
            if not await self._mark_sending(batch):
                # A delivery of the batch was cancelled meanwhile: queue the others to be rendered again.
                await self._release(batch)
                return False
            if await self._limiter.wait_for_slot(slot):
                return True
            if not await self._unmark_sending(batch):
                return False
        await self._release(batch)
        return False

    async def _unmark_sending(self, batch: Sequence[ClaimedDelivery]) -> bool:
        """Undo ``_mark_sending`` before anything was sent. Returns: False if the lease was lost."""
        async with self._database.write() as session:
            return await outbox.take_back(session, _ids(batch), batch[0].lease, self._clock() + LEASE)

    async def _release(self, batch: Sequence[ClaimedDelivery]) -> None:
        async with self._database.write() as session:
            await outbox.give_back(session, _ids(batch), batch[0].lease)

    async def _record_with_retries(self, batch: Sequence[ClaimedDelivery], outcome: Outcome) -> None:
        """Record an outcome, also if the database is busy or unreachable for up to a minute."""
        for failures in range(1, _RECORD_ATTEMPTS):
            try:
                await self._record(batch, outcome)
            except SQLAlchemyError as error:
                log.warning("delivery.not_recorded", error=type(error).__name__)
                await asyncio.sleep(backoff(failures, first=0.1, longest=30.0))
            else:
                return
        await self._record(batch, outcome)

    async def _record(self, batch: Sequence[ClaimedDelivery], outcome: Outcome | Deferred) -> None:
        ids, first, now = _ids(batch), batch[0], self._clock()
        if isinstance(outcome, Retry) and outcome.halts and outcome.after:
            await self._limiter.halt(outcome.after)
        async with self._database.write() as session:
            match outcome:
                case Retry(reason, after, _):
                    pause = backoff(first.attempts + 1, first=_FIRST_RETRY_SECONDS, longest=LONGEST_RETRY_SECONDS)
                    due_at = now + max(after or datetime.timedelta(), datetime.timedelta(seconds=pause))
                    await outbox.put_back(session, ids, first.lease, State.RETRY, due_at, reason=reason)
                case Deferred(due_at, is_postponed):
                    await outbox.put_back(
                        session, ids, first.lease, State.QUEUED, due_at, is_postponed=is_postponed or None
                    )
                case _:
                    state, detail = _final_state(outcome)
                    if await outbox.settle(session, ids, first.lease, state, now, detail):
                        self._settled[state] += len(ids)


def _ids(batch: Sequence[ClaimedDelivery]) -> list[int]:
    return [each.delivery_id for each in batch]


def _final_state(outcome: Sent | Blocked | Cancelled | Uncertain) -> tuple[State, str | None]:
    """Return the state to store, and its reason."""
    match outcome:
        case Sent():
            return State.SENT, None
        case Blocked():
            return State.BLOCKED, None
        case Cancelled(reason):
            return State.CANCELLED, reason
        case Uncertain(reason):
            log.warning("delivery.uncertain", reason=reason)
            return State.UNCERTAIN, reason
