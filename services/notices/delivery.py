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
from services.notices.rate_limiter import BulkLane
from services.uninterrupted import uninterrupted
from storage import outbox
from storage.database import Database
from storage.outbox import Claimed
from storage.tables import Channel, State

LEASE = datetime.timedelta(seconds=60)
"""How long a worker may take from claiming to sending: two portal reads, and its turn in the bulk lane."""
SENDING_LEASE = datetime.timedelta(seconds=300)
"""A mail server may take long to swallow a PDF; after this nobody believes that the worker still lives."""
AT_ONCE = 32
_CLAIMED_AT_LEAST = 8
"""Claims are taken for several at a time: one for each would cost as much as the sending."""
_FIRST_RETRY = datetime.timedelta(seconds=5)
_LONGEST_RETRY = datetime.timedelta(minutes=10)
_RECORD_PAUSES = (0.1, 0.5, 2.0, 5.0, 10.0, 30.0)
_IDLE_SECONDS = 0.5
_GATHER_SECONDS = 0.1

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

    async def may_leave(self, parcel: Sequence[Claimed]) -> bool:
        """Whether the recipient is still linked, asked right before the request is written."""


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
                if self._carriers[self._claimed[0].channel].is_paced:
                    await self._lane.begin()
                task = asyncio.create_task(self._carry(self._claimed.pop(0)))
                self._carrying.add(task)
                task.add_done_callback(self._carried)

    async def drain(self) -> None:
        """Waits for what is being sent, and gives back what was claimed and is not."""
        self._lane.close()
        while self._claimed:
            await self._give_back([self._claimed.pop()])
        while self._carrying:
            await asyncio.wait(self._carrying)

    async def reclaim(self, *, everything: bool = False) -> None:
        """Takes back what dead workers held."""
        async with self._database.write() as session:
            returned, unknown = await outbox.reclaim(session, self._clock(), everything=everything)
        if returned or unknown:
            log.warning("delivery.reclaimed", returned=returned, uncertain=unknown)

    def _carried(self, task: "asyncio.Task[None]") -> None:
        self._carrying.discard(task)
        self._wake.set()  # its recipient may have more
        if not task.cancelled() and (error := task.exception()) is not None:
            # Its lease runs out and the delivery comes back, or is uncertain: nothing is lost here.
            log.error("delivery.failed", error=type(error).__name__, exc_info=error)

    async def _claim(self) -> None:
        """No more than can be carried at once: what waited here behind a slow portal would outlive its lease."""
        while (free := AT_ONCE - len(self._carrying)) < _CLAIMED_AT_LEAST:
            await asyncio.wait(self._carrying, return_when=asyncio.FIRST_COMPLETED)
        await uninterrupted(self._lease_due(free))

    async def _lease_due(self, limit: int) -> None:
        now = self._clock()
        async with self._database.write() as session:
            self._claimed = await outbox.claim(session, secrets.token_hex(8), now, now + LEASE, limit, self._chat_gap)

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
            if carrier.is_paced:
                self._lane.came_to_nothing()
            await self._record(parcel, ready)
            return
        if await (self._begin_in_turn(parcel) if carrier.is_paced else self._begin(parcel)):
            outcome = await ready() if await carrier.may_leave(parcel) else Retry("unlinked meanwhile")
            await self._record_surely(parcel, outcome)

    async def _begin(self, parcel: Sequence[Claimed]) -> bool:
        """Commits ``sending``; ``False`` where the parcel is no longer ours."""
        now = self._clock()
        async with self._database.write() as session:
            return await outbox.begin_sending(session, _ids(parcel), parcel[0].lease, now, now + SENDING_LEASE)

    async def _begin_in_turn(self, parcel: Sequence[Claimed]) -> bool:
        """Commits ``sending`` shortly before the turn, and waits for it: the request then leaves at its time, whatever
        the commit took. ``False`` where the parcel is no longer ours, or a stop came first."""
        while await self._lane.near():
            with self._lane.owed():
                is_ours = await self._begin(parcel)
            if not is_ours:
                # A part of it was cancelled while it was rendered: the rest is rendered anew.
                await self._give_back(parcel)
                return False
            if await self._lane.turn():
                return True
            if not await self._take_back(parcel):
                return False
        await self._give_back(parcel)
        return False

    async def _take_back(self, parcel: Sequence[Claimed]) -> bool:
        """Nothing was written, and nobody need doubt that if this worker dies meanwhile."""
        async with self._database.write() as session:
            return await outbox.take_back(session, _ids(parcel), parcel[0].lease, self._clock() + LEASE)

    async def _give_back(self, parcel: Sequence[Claimed]) -> None:
        async with self._database.write() as session:
            await outbox.give_back(session, _ids(parcel), parcel[0].lease)

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
        ids, first, now = _ids(parcel), parcel[0], self._clock()
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


def _ids(parcel: Sequence[Claimed]) -> list[int]:
    return [each.delivery_id for each in parcel]


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
