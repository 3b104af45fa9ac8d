"""Deliveries: claimed, rendered at that moment, paced, sent once, and what came of each recorded."""

import asyncio
import datetime
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog
from sqlalchemy.exc import SQLAlchemyError

from services.clock import Clock
from services.uninterrupted import uninterrupted
from storage import feed, outbox
from storage.database import Database
from storage.outbox import Claimed
from storage.tables import Channel, State

LEASE = datetime.timedelta(seconds=60)
"""How long a worker may take from claiming to sending: two portal reads, and its turn in the bulk lane."""
SENDING_LEASE = datetime.timedelta(seconds=300)
"""A mail server may take long to swallow a PDF; after this nobody believes that the worker still lives."""
AT_ONCE = 32
_FIRST_RETRY = datetime.timedelta(seconds=5)
_LONGEST_RETRY = datetime.timedelta(minutes=10)
_RECORD_PAUSES = (0.1, 0.5, 2.0, 5.0, 10.0, 30.0)
_OVERSLEPT = datetime.timedelta(milliseconds=20)
_IDLE_SECONDS = 0.5
_GATHER_SECONDS = 0.1  # claims are taken for several at a time: one for each would cost as much as the sending

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Sent:
    """The other side has it."""


@dataclass(frozen=True, slots=True)
class Retry:
    """It was certainly not done. ``after`` is what the other side asked for; ``halts`` where it asked everybody."""

    reason: str
    after: datetime.timedelta | None = None
    halts: bool = False


@dataclass(frozen=True, slots=True)
class Blocked:
    """The recipient does not want to be written to."""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """There is nothing to tell any more, or nobody who may be told."""

    reason: str


@dataclass(frozen=True, slots=True)
class Uncertain:
    """It was written, and nobody knows what became of it."""

    reason: str


@dataclass(frozen=True, slots=True)
class Later:
    """Not now: at ``due_at``. ``is_postponed`` where quiet hours are the reason."""

    due_at: datetime.datetime
    is_postponed: bool = False


Outcome = Sent | Retry | Blocked | Cancelled | Uncertain
Unsent = Retry | Blocked | Cancelled | Later
Ready = Callable[[], Awaitable[Outcome]]
"""A rendered message: called once, it writes the request. It raises nothing but what kills the process."""


class Carrier(Protocol):
    """What a channel's messages travel with."""

    is_paced: bool
    """Whether its messages count for the bulk rate."""

    async def render(self, parcel: Sequence[Claimed]) -> Ready | Unsent:
        """Makes one message of deliveries to one recipient, as everything stands now, with access checked anew."""


class BulkLane:
    """When the next bulk message may go: an even pace over all workers together, by times reserved in the database."""

    def __init__(self, database: Database, clock: Clock, rate: float) -> None:
        self._database = database
        self._clock = clock
        self._gap = datetime.timedelta(seconds=1 / rate)
        # A tenth of a second at a time: few reservations, and a halt by another worker is seen soon.
        self._block = max(1, int(rate / 10))
        self._times: list[datetime.datetime] = []
        self._halted_until: datetime.datetime | None = None
        self._lock = asyncio.Lock()

    async def turn(self) -> None:
        """Waits for this message's time."""
        while True:
            async with self._lock:
                at = await self._next()
            await asyncio.sleep(max(0.0, (at - self._clock()).total_seconds()))
            # A halt that came meanwhile takes this time away too, and one overslept would come together with the next.
            if not self.is_halted and self._clock() - at <= max(self._gap, _OVERSLEPT):
                return

    @property
    def is_halted(self) -> bool:
        """Whether a 429 still holds."""
        return self._halted_until is not None and self._clock() < self._halted_until

    async def halt(self, pause: datetime.timedelta) -> None:
        """A 429: nobody sends bulk before it is over. Here it holds at once, in other workers with their next times."""
        until = self._clock() + pause
        self._halted_until = max(self._halted_until or until, until)
        self._times.clear()
        async with self._database.write() as session:
            await feed.halt(session, until)

    async def _next(self) -> datetime.datetime:
        now = self._clock()
        # A time that has passed is given up: catching up would be a burst.
        self._times = [time for time in self._times if time >= now - self._gap]
        if not self._times:
            async with self._database.write() as session:
                slots = await feed.reserve(session, now, self._gap, self._block)
            self._times = [slots.start + self._gap * n for n in range(slots.count)]
        return self._times.pop(0)


class Courier:
    """One worker: claims what is due and carries it."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        carriers: Mapping[Channel, Carrier],
        lane: BulkLane,
        *,
        chat_rate: float,
    ) -> None:
        self._database = database
        self._clock = clock
        self._carriers = carriers
        self._lane = lane
        self._chat_gap = datetime.timedelta(seconds=1 / chat_rate)
        self._wake = asyncio.Event()
        self._free = asyncio.Semaphore(AT_ONCE)
        self._carrying: set[asyncio.Task[None]] = set()
        self._claimed: list[Claimed] = []

    def wake(self) -> None:
        """There may be something new."""
        self._wake.set()

    async def work(self) -> None:
        """Carries until cancelled; then what is being carried is finished by ``drain``."""
        while True:
            await self._claim()
            if not self._claimed:
                await self._rest()
            while self._claimed:
                await self._free.acquire()
                task = asyncio.create_task(self._carry(self._claimed.pop(0)))
                self._carrying.add(task)
                task.add_done_callback(self._carried)

    async def drain(self) -> None:
        """Waits for what is being carried, and gives back what was claimed and not begun."""
        while self._carrying:
            await asyncio.wait(self._carrying)
        for each in self._claimed:
            async with self._database.write() as session:
                await outbox.put_back(session, [each.delivery_id], each.lease, State.QUEUED, self._clock())
        self._claimed.clear()

    async def reclaim(self, *, everything: bool = False) -> None:
        """Takes back what dead workers held."""
        async with self._database.write() as session:
            returned, unknown = await outbox.reclaim(session, self._clock(), everything=everything)
        if returned or unknown:
            log.warning("delivery.reclaimed", returned=returned, uncertain=unknown)

    def _carried(self, task: "asyncio.Task[None]") -> None:
        self._carrying.discard(task)
        self._free.release()
        self._wake.set()  # its recipient may have more
        if not task.cancelled() and (error := task.exception()) is not None:
            # Its lease runs out and the delivery comes back, or is uncertain: nothing is lost here.
            log.error("delivery.failed", error=type(error).__name__, exc_info=error)

    async def _claim(self) -> None:
        if self._free.locked():
            async with self._free:  # until one of those in hand is done
                pass
        await uninterrupted(self._lease_due())

    async def _lease_due(self) -> None:
        now = self._clock()
        async with self._database.write() as session:
            self._claimed = await outbox.claim(session, secrets.token_hex(8), now, now + LEASE, AT_ONCE, self._chat_gap)

    async def _rest(self) -> None:
        self._wake.clear()
        try:
            async with asyncio.timeout(_IDLE_SECONDS):
                await self._wake.wait()
        except TimeoutError:
            return
        await asyncio.sleep(_GATHER_SECONDS)

    async def _carry(self, first: Claimed) -> None:
        parcel = [first]
        if first.is_postponed:
            now = self._clock()
            async with self._database.write() as session:
                parcel += await outbox.claim_postponed(session, first, now, now + LEASE)
        carrier = self._carriers[first.channel]
        ready = await carrier.render(parcel)
        if isinstance(ready, Retry | Blocked | Cancelled | Later):
            await self._record(parcel, ready)
            return
        if await self._begin(parcel, is_paced=carrier.is_paced):
            await self._record_surely(parcel, await ready())

    async def _begin(self, parcel: Sequence[Claimed], *, is_paced: bool) -> bool:
        """Waits for the turn and commits ``sending``; ``False`` where the parcel is no longer ours."""
        ids = [each.delivery_id for each in parcel]
        while True:
            if is_paced:
                await self._lane.turn()
            async with self._database.write() as session:
                if is_paced and self._lane.is_halted:  # while this waited for its turn to write
                    continue
                now = self._clock()
                return await outbox.begin_sending(session, ids, parcel[0].lease, now, now + SENDING_LEASE)

    async def _record_surely(self, parcel: Sequence[Claimed], outcome: Outcome) -> None:
        """What came of a message is known now, and must not be forgotten because the database is busy or away."""
        for pause in _RECORD_PAUSES:
            try:
                await self._record(parcel, outcome)
            except SQLAlchemyError as error:
                log.warning("delivery.not_recorded", error=type(error).__name__)
                await asyncio.sleep(pause)
            else:
                return
        await self._record(parcel, outcome)

    async def _record(self, parcel: Sequence[Claimed], outcome: Outcome | Later) -> None:
        ids = [each.delivery_id for each in parcel]
        first, now = parcel[0], self._clock()
        if isinstance(outcome, Retry) and outcome.halts and outcome.after:
            await self._lane.halt(outcome.after)
        async with self._database.write() as session:
            match outcome:
                case Retry(reason, after, _):
                    due_at = now + max(after or datetime.timedelta(), _backoff(first.attempts))
                    await outbox.put_back(session, ids, first.lease, State.RETRY, due_at, reason=reason)
                case Later(due_at, is_postponed):
                    await outbox.put_back(
                        session, ids, first.lease, State.QUEUED, due_at, is_postponed=is_postponed or None
                    )
                case _:
                    state, why = _settled(outcome)
                    await outbox.settle(session, ids, first.lease, state, now, why)


def _settled(outcome: Sent | Blocked | Cancelled | Uncertain) -> tuple[State, str | None]:
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


def _backoff(attempts: int) -> datetime.timedelta:
    doubled: int = 2 ** min(attempts, 10)
    return min(_FIRST_RETRY * doubled, _LONGEST_RETRY)
