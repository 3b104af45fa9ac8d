"""Dispatches deliveries from the outbox: claim, render, wait for room and a slot, send once, record the outcome."""

import asyncio
import datetime
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import structlog

from portal.breaker import Caller, caller
from portal.errors import PortalAway, PortalError
from services.clock import Clock
from services.concurrency.uninterrupted import run_to_completion
from services.notices.delivery.breaker import ChannelBreaker, Gate, Ticket
from services.notices.delivery.claims import LEASE, Claims
from services.notices.delivery.marking import SendingMarks
from services.notices.delivery.outcome_recorder import OutcomeRecorder
from services.notices.delivery.outcomes import (
    Blocked,
    Cancelled,
    Deferred,
    NotSent,
    Outcome,
    PartlyRendered,
    Retry,
    Sender,
    SendFunc,
    Uncertain,
    after_portal_error,
)
from services.notices.delivery.rate_limiter import BulkRateLimiter
from storage.database import Database
from storage.health.errors import is_database_error
from storage.notices import outbox, repetitions
from storage.notices.outbox import ClaimedDelivery
from storage.tables import Channel

MAX_CONCURRENT_SENDS = 96
"""With the latencies of a real line, enough for 250 a second. At the default rate about 20 are in progress."""
_MIN_CLAIM = 16
"""Minimum size of a claim: a transaction per delivery would cost as much as sending it."""
_IDLE_SECONDS = 0.5
_GATHER_SECONDS = 0.1
"""Pause after a wake-up, so that one claim takes several new deliveries."""

log = structlog.get_logger()


class Dispatcher:
    """Claims due deliveries and sends them.

    Args:
        senders: One for each channel, and ``breakers`` as well.
        chat_rate: Largest number of messages per second to one recipient.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        senders: Mapping[Channel, Sender],
        breakers: Mapping[Channel, ChannelBreaker],
        limiter: BulkRateLimiter,
        recorder: OutcomeRecorder,
        *,
        chat_rate: float,
    ) -> None:
        self._database = database
        self._clock = clock
        self._senders = senders
        self._gates = {channel: Gate(breaker) for channel, breaker in breakers.items()}
        self._limiter = limiter
        self._recorder = recorder
        self._wake = asyncio.Event()
        self._sending_tasks: dict[asyncio.Task[None], Channel] = {}
        self._claims = Claims(database, clock, self._gates, datetime.timedelta(seconds=1 / chat_rate))
        self._marks = SendingMarks(database, clock)
        self._portal_away_until = 0.0

    def wake(self) -> None:
        """Look for due deliveries at once."""
        self._wake.set()

    @property
    def in_progress(self) -> int:
        """The number of claimed deliveries and of sends in progress."""
        return len(self._claims.waiting) + len(self._sending_tasks)

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
            if not self._claims.waiting:
                await self._wait_for_work()
            while self._claims.waiting:
                channel = self._claims.waiting[0].channel
                if self._senders[channel].is_paced:
                    await self._limiter.admit()
                claimed = self._claims.waiting.pop(0)
                task = asyncio.create_task(self._deliver(claimed), name=claimed.lease)
                self._sending_tasks[task] = channel
                task.add_done_callback(self._on_delivery_done)

    async def drain(self) -> None:
        """Wait for the sends in progress and their outcomes, and release the other claimed deliveries."""
        self._limiter.close()
        for gate in self._gates.values():
            gate.close()
        while self._claims.waiting:
            await self._marks.release([self._claims.waiting.pop()])
        while self._sending_tasks:
            await asyncio.wait(self._sending_tasks)

    async def reclaim(self, *, everything: bool = False) -> None:
        """Release the deliveries of dead workers; with ``everything``, also those whose lease has not expired."""
        async with self._database.write() as session:
            now = self._clock()
            kept = self._claims.in_use({task.get_name() for task in self._sending_tasks})
            returned, unknown = await outbox.reclaim(session, now, everything=everything, kept=kept)
        if returned or unknown:
            log.warning("delivery.reclaimed", returned=returned, uncertain=unknown)

    async def queue_repetitions(self) -> None:
        """Queue the repetitions that are due, in each channel whose server answers: each is sent only once."""
        async with self._database.read() as session:
            due = await repetitions.channels_due(session, self._clock())
        for channel in due & self._gates.keys():
            if self._gates[channel].breaker.is_trusted and await self._senders[channel].is_reachable():
                await run_to_completion(self._queue_repetitions(channel))

    async def _queue_repetitions(self, channel: Channel) -> None:
        async with self._database.write() as session:
            count = await repetitions.queue_due(session, self._clock(), channel)
        if count:
            log.info("delivery.repeated", channel=channel, count=count)
            self.wake()

    def _on_delivery_done(self, task: "asyncio.Task[None]") -> None:
        del self._sending_tasks[task]
        self._wake.set()  # the recipient may have further deliveries
        if not task.cancelled() and (error := task.exception()) is not None:
            # When the lease expires, reclaim() queues the delivery again or marks it uncertain.
            log.error("delivery.failed", error=type(error).__name__, exc_info=error)

    async def _claim(self) -> None:
        """Claim no more than can be sent concurrently, so that no lease expires before the rendering starts."""
        while (free := MAX_CONCURRENT_SENDS - len(self._sending_tasks)) < _MIN_CLAIM:
            await asyncio.wait(self._sending_tasks, return_when=asyncio.FIRST_COMPLETED)
        await run_to_completion(self._claims.claim(free, Counter(self._sending_tasks.values())))

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
        outcome: Outcome | Deferred | None
        try:
            outcome = await self._render_and_send(batch)
        except Exception as error:
            if not is_database_error(error):
                raise
            # It failed before the request was written: after it, nothing asks the database.
            outcome = Retry(f"database: {type(error).__name__}")
        if outcome is not None:
            await self._recorder.record(batch, outcome)

    async def _render_and_send(self, batch: list[ClaimedDelivery]) -> Outcome | Deferred | None:
        """Render and send a message for the delivery in ``batch``, and for those that quiet hours put off with it.

        Returns:
            The outcome of what ``batch`` still has; None if nothing was sent, and each delivery has an outcome of its
            own, was put back or is no longer this worker's.

        Raises:
            Exception: The database failed before anything was sent.
        """
        first, sender = batch[0], self._senders[batch[0].channel]
        if sender.is_paced and (pause := self._limiter.pause_of(first.recipient)):
            self._limiter.return_admission()
            return Deferred(self._clock() + pause)
        if first.is_postponed:
            now = self._clock()
            async with self._database.write() as session:
                batch += await outbox.claim_postponed(session, first, now, now + LEASE)
        send: SendFunc | NotSent | PartlyRendered | None
        try:
            send = await sender.render(batch)
        except PortalAway as error:
            # Not an attempt of the delivery. Claim no more before the portal is tried again: most would come back.
            self._portal_away_until = time.monotonic() + error.retry_after
            send = Deferred(self._clock() + datetime.timedelta(seconds=error.retry_after))
        except PortalError as error:
            send = after_portal_error(error, reported=self._clock() - first.occurred_at)
        except Exception as error:
            # Without a retry it would be claimed again after each lease, before the recipient's other deliveries.
            log.error("delivery.not_rendered", kind=first.kind, error=type(error).__name__, exc_info=error)
            send = Retry(f"not rendered: {type(error).__name__}")
        if isinstance(send, PartlyRendered):
            await asyncio.gather(*(self._recorder.record([each], outcome) for each, outcome in send.left_out))
            for each, _ in send.left_out:
                batch.remove(each)
            send = send.send
        if send is None or isinstance(send, Retry | Blocked | Cancelled | Deferred):
            if sender.is_paced:
                self._limiter.return_admission()
            return send
        gate = self._gates[first.channel]
        ticket = await self._begin(batch)
        if ticket is None:
            return None
        try:
            if not await sender.is_still_wanted(batch):
                return Retry("unlinked meanwhile")
            outcome = await self._send(send)
            gate.end(
                ticket, failed=isinstance(outcome, Uncertain) or (isinstance(outcome, Retry) and outcome.is_outage)
            )
            return outcome
        finally:
            gate.withdraw(ticket)

    @staticmethod
    async def _send(send: SendFunc) -> Outcome:
        try:
            return await send()
        except Exception as error:
            log.error("delivery.failed", error=type(error).__name__, exc_info=error)
            return Uncertain(type(error).__name__)

    async def _begin(self, batch: Sequence[ClaimedDelivery]) -> Ticket | None:
        """Wait for room and, if the channel is paced, for a send slot, and commit the state ``sending`` before it.

        Returns:
            The breaker's ticket: the request must be sent at once. None if the deliveries were put back because the
            server fails or the worker stops, or if one was cancelled or lost its lease.
        """
        first, sender = batch[0], self._senders[batch[0].channel]
        gate = self._gates[first.channel]
        while await gate.wait_for_room():
            slot = await self._limiter.wait_until_near() if sender.is_paced else None
            if sender.is_paced and slot is None:
                break
            ticket = gate.breaker.begin()
            if ticket is None:  # the room was taken, or the server failed, during the wait for the slot
                continue
            is_begun = False
            try:
                if ticket.is_probe and not await sender.is_reachable():
                    gate.end(ticket, failed=True)
                    break
                if not await self._marks.mark(batch):
                    # A delivery of the batch was cancelled meanwhile: queue the others to be rendered again.
                    break
                is_begun = slot is None or await self._limiter.wait_for_slot(slot)
                if is_begun:
                    return ticket
                if not await self._marks.unmark(batch):
                    return None
            finally:
                if not is_begun:
                    gate.withdraw(ticket)
        if sender.is_paced:
            self._limiter.return_admission()
        await self._marks.release(batch)
        return None
