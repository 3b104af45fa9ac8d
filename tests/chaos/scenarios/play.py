"""What scenarios share: their registry, and a play, which types texts, issues invoices and counts what came of it."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from storage.tables import Kind
from tests.chaos import invariants
from tests.chaos.history import History
from tests.chaos.recorded import Recorder, unsettled
from tests.chaos.setup.stage import SHARED_ACCOUNT, Customer, Stage, open_stage

BOTH = ("sqlite", "postgresql")


@dataclass(frozen=True, slots=True)
class Where:
    """Where a scenario runs. ``folder`` is empty."""

    folder: Path
    engine: str
    mode: str


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario by its name, with the engines and modes on which it means something."""

    run: Callable[[Where], Awaitable[str]]
    engines: Sequence[str] = BOTH
    modes: Sequence[str] = ("polling",)


SCENARIOS: dict[str, Scenario] = {}


def scenario(
    name: str, engines: Sequence[str] = BOTH, modes: Sequence[str] = ("polling",)
) -> Callable[[Callable[[Where], Awaitable[str]]], Callable[[Where], Awaitable[str]]]:
    """Register a function that plays a scenario and returns its figures. The first engine and mode are the usual."""

    def register(run: Callable[[Where], Awaitable[str]]) -> Callable[[Where], Awaitable[str]]:
        SCENARIOS[name] = Scenario(run, engines, modes)
        return run

    return register


@dataclass(slots=True)
class Play:
    """A stage with the program running, and the numbers of texts and invoices."""

    stage: Stage
    recorder: Recorder
    texts: "count[int]" = field(default_factory=lambda: count(9_000_000))
    invoices: "count[int]" = field(default_factory=lambda: count(500_001))

    def types(self, customer: Customer) -> None:
        """Let a person type a number."""
        number = str(next(self.texts))
        self.recorder.typed(customer, number)
        customer.person.say(number)

    async def types_evenly(self, total: int, rate: float) -> None:
        """Let the customers in turn type ``total`` numbers, ``rate`` a second."""
        began = time.monotonic()
        for number in range(total):
            await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
            self.types(self.stage.customers[number % len(self.stage.customers)])

    def issues(self) -> str:
        """Issue an invoice to the account that the customers share. Returns its number."""
        number = str(next(self.invoices))
        concerned = [each for each in self.stage.customers if each.account_id == SHARED_ACCOUNT]
        self.recorder.reported(Kind.INVOICE_ISSUED, number, concerned)
        self.stage.portal.portal.issue_invoice(SHARED_ACCOUNT, amount="40.19", number=number)
        return number

    def issues_to(self, customer: Customer) -> str:
        """Issue an invoice to the account of one customer. Returns its number."""
        number = str(next(self.invoices))
        self.recorder.reported(Kind.INVOICE_ISSUED, number, [customer])
        self.stage.portal.portal.issue_invoice(customer.account_id, amount="40.19", number=number)
        return number

    async def settle(self, patience: float = 45.0, longest: float = 300.0) -> History:
        """Wait until everybody is answered and told, or nothing new comes for ``patience`` seconds.

        When nothing new comes for a third of that, marked repetitions are made due.
        """
        began = news_at = hastened_at = time.monotonic()
        known = -1
        while True:
            history = await self.recorder.history()
            if not invariants.unanswered(history) and not invariants.untold(history):
                return history
            now = time.monotonic()
            if len(history.answers) + len(history.told) > known:
                known, news_at = len(history.answers) + len(history.told), now
            if now > min(began + longest, news_at + patience):
                return history
            if now - max(news_at, hastened_at) > patience / 3:
                hastened_at = now
                await self.stage.hasten_repetitions()
            await asyncio.sleep(0.5)

    async def seconds_until(self, is_done: Callable[[], bool], timeout: float) -> str:
        """Wait until a condition holds. Returns the seconds, or ``never (watched … s)``."""
        began = time.monotonic()
        while time.monotonic() < began + timeout:
            self.recorder.catch_up()
            if is_done():
                return f"{time.monotonic() - began:.1f} s"
            await asyncio.sleep(0.05)
        return f"never (watched {timeout:.0f} s)"

    def told(self, number: str) -> int:
        """Return how many chats were told of an invoice."""
        return len({each.to for each in self.recorder.seen.told if each.number == number})

    def is_answered(self, number: str) -> bool:
        """Return whether a text was answered by its number."""
        return any(each.number == number for each in self.recorder.seen.answers)

    async def kill_and_start(self) -> None:
        """``kill -9`` and start again, without waiting until it serves."""
        began = time.time()
        await self.stage.program.kill()
        self.recorder.happened("kill", began)
        await self.stage.program.start()

    async def stop_and_start(self) -> float:
        """SIGTERM, and start again. Returns how long the stop took in seconds."""
        took = await self.stage.program.stop()
        await self.stage.program.start()
        return took

    async def restarted(self, timeout: float = 30.0) -> str:
        """Stop and start. Returns whether it then serves, or how often it ended by itself, and its last line."""
        program = self.stage.program
        await program.stop()
        ends, starts = len(program.ended), program.starts()
        began = time.monotonic()
        await program.start()
        while time.monotonic() < began + timeout and program.starts() == starts and len(program.ended) < ends + 2:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        if program.starts() > starts:
            return f"serves after {time.monotonic() - began:.1f} s"
        return f"ended by itself {len(program.ended) - ends} x, the last line: {program.lines[-1][1][:160]}"

    def last_text(self) -> str:
        """Return the number that was typed last."""
        return self.recorder.seen.texts[-1].number


@asynccontextmanager
async def playing(
    where: Where, *, own: int = 0, shared: int = 0, copies: int = 0, **settings: str
) -> AsyncIterator[Play]:
    """Start a stage with linked people and the program; stop everything at the end. See ``Stage.link``."""
    async with open_stage(where.folder, where.engine, where.mode, **settings) as stage:
        await stage.link(own, shared=shared, copies=copies)
        recorder = Recorder(stage)
        watching = asyncio.create_task(recorder.watch())
        await stage.start_and_read_feed()
        try:
            yield Play(stage, recorder)
        finally:
            watching.cancel()


def text_figures(history: History) -> str:
    """Return how many texts were lost, answered again and in another order, and the slowest answer."""
    answered = {(each.chat, each.number): each.at for each in reversed(history.answers) if each.number}
    delays = [answered[t.chat, t.number] - t.at for t in history.texts if (t.chat, t.number) in answered]
    times = Counter(len(answers) for answers in invariants.repeated(history).values())
    swapped = sum(each.rule.startswith("answers keep") for each in invariants.check(history))
    excuses = sum(not each.number for each in history.answers)
    return (
        f"{len(history.texts)} texts: lost {len(invariants.unanswered(history))}, twice {times[2]},"
        f" oftener {sum(times.values()) - times[2]}, excuses {excuses}, out of order {swapped},"
        f" slowest {max(delays, default=0.0):.1f} s"
    )


async def notice_figures(play: Play, history: History) -> str:
    """Return how many notices were due, never told, marked and told twice; and the deliveries left open."""
    due = sum(len(event.chats) + len(event.addresses) for event in history.events)
    marked = sum(each.is_marked for each in history.told)
    states = Counter(state.split()[0] for state in history.states.values())
    return (
        f"{due} notices: never told {len(invariants.untold(history))}, marked {marked},"
        f" twice unmarked {len(invariants.told_twice(history))}, uncertain {states['uncertain']},"
        f" without final state {await unsettled(play.stage)}"
    )


def ended_figures(play: Play) -> str:
    """Return how often the process ended by itself."""
    return f"ended by itself {len(play.stage.program.ended)} x"
