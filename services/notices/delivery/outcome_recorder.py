"""Records what came of deliveries, however long the database fails."""

import asyncio
import datetime
from collections import Counter, defaultdict
from collections.abc import Sequence

import structlog

from services.clock import Clock
from services.concurrency.grouping import Grouped
from services.notices.delivery.counters import DeliveryCounters
from services.notices.delivery.outcomes import (
    NEVER_FOUND,
    Blocked,
    Cancelled,
    Deferred,
    Outcome,
    Retry,
    Sent,
    Uncertain,
)
from services.notices.delivery.rate_limiter import BulkRateLimiter
from services.retries import backoff
from storage.database import Database, Session
from storage.health.errors import is_database_error
from storage.notices import outbox
from storage.notices.outbox import ClaimedDelivery, Held
from storage.tables import State

_FIRST_RETRY_SECONDS = 5.0
LONGEST_RETRY_SECONDS = 600.0
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 3.0
"""Shorter than a stop waits for the sends in progress."""

_MOST_WRITTEN = 64
_GATHER_SECONDS = 0.05

_Batch = Sequence[ClaimedDelivery]
_Result = tuple[_Batch, Outcome | Deferred]

log = structlog.get_logger()


class OutcomeRecorder:
    """Writes outcomes to the outbox. One that cannot be written is kept in memory, and tried until it is.

    Outcomes that come while others are written are written together; one that failed is tried again alone, so that it
    does not hold up others. Each caller waits for its own, so no more are kept than deliveries are sent at once.

    Args:
        settled: Counts the deliveries that this process brought to each final state.
    """

    def __init__(self, database: Database, clock: Clock, limiter: BulkRateLimiter, settled: Counter[State]) -> None:
        self._database = database
        self._clock = clock
        self._limiter = limiter
        self._settled = settled
        self._groups = Grouped(self._write_each, _MOST_WRITTEN, _GATHER_SECONDS)
        self.counters = DeliveryCounters()
        self.unrecorded = 0
        """Deliveries whose outcome the database did not take yet."""
        self.never_found = 0
        """Deliveries that were given up, because the portal did not have what it had reported."""

    async def record(self, batch: _Batch, outcome: Outcome | Deferred) -> None:
        """Write the outcome of a batch; return once the database has it."""
        if outcome == Cancelled(NEVER_FOUND):
            self.never_found += len(batch)
            log.error("notice.never_found", kind=batch[0].kind, deliveries=len(batch))
        if isinstance(outcome, Uncertain):
            log.warning("delivery.uncertain", reason=outcome.reason, repeated=batch[0].is_repetition)
        self.counters.count(batch, outcome, self._clock())
        failures = 0
        while (error := await self._try(batch, outcome, alone=failures > 0)) is not None:
            failures += 1
            if failures == 1:
                self.unrecorded += len(batch)
                log.warning("delivery.not_recorded", error=type(error).__name__)
            await asyncio.sleep(backoff(failures, first=_FIRST_PAUSE_SECONDS, longest=_LONGEST_PAUSE_SECONDS))
        if failures:
            self.unrecorded -= len(batch)
            log.info("delivery.recorded_late", attempts=failures + 1)

    async def _try(self, batch: _Batch, outcome: Outcome | Deferred, *, alone: bool) -> Exception | None:
        """Write an outcome. Returns: the error if the database failed."""
        try:
            if isinstance(outcome, Retry) and outcome.is_too_many and outcome.after:
                pause = await self._limiter.report_too_many(batch[0].recipient, outcome.after)
                outcome = Retry(outcome.reason, pause)
            if alone:
                await self._write_each([(batch, outcome)])
            else:
                await self._groups.ask((batch, outcome))
        except Exception as error:
            if not is_database_error(error):
                raise
            return error
        return None

    async def _write_each(self, results: Sequence[_Result]) -> list[None]:
        """Write outcomes in one transaction; those with the same final state in one statement."""
        now = self._clock()
        final: dict[tuple[State, str | None], list[Held]] = defaultdict(list)
        counted: Counter[State] = Counter()
        async with self._database.write() as session:
            for batch, outcome in results:
                if isinstance(outcome, Retry | Deferred):
                    await _put_back(session, batch, outcome, now)
                else:
                    final[_final_state(outcome)] += [each.held for each in batch]
            for (state, reason), held in final.items():
                counted[state] += len(await outbox.settle(session, held, state, now, reason))
        self._settled.update(counted)
        return [None] * len(results)


async def _put_back(session: Session, batch: _Batch, outcome: Retry | Deferred, now: datetime.datetime) -> None:
    ids, first = [each.delivery_id for each in batch], batch[0]
    match outcome:
        case Retry(reason=reason, after=after):
            pause_seconds = backoff(first.attempts + 1, first=_FIRST_RETRY_SECONDS, longest=LONGEST_RETRY_SECONDS)
            due_at = now + max(after or datetime.timedelta(), datetime.timedelta(seconds=pause_seconds))
            await outbox.put_back(session, ids, first.lease, State.RETRY, due_at, reason=reason)
        case Deferred(due_at, is_postponed):
            await outbox.put_back(session, ids, first.lease, State.QUEUED, due_at, is_postponed=is_postponed or None)


def _final_state(outcome: Sent | Blocked | Cancelled | Uncertain) -> tuple[State, str | None]:
    """Return the state to store, and its reason."""
    match outcome:
        case Sent(reason):
            return State.SENT, reason
        case Blocked():
            return State.BLOCKED, None
        case Cancelled(reason):
            return State.CANCELLED, reason
        case Uncertain(reason):
            return State.UNCERTAIN, reason
