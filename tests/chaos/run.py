"""One run: start everything, play the plan, wait until everything is settled, and check the invariants."""

import asyncio
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import httpx

from tests.chaos import invariants, plan, report
from tests.chaos.history import End, History
from tests.chaos.invariants import Violation
from tests.chaos.players import Players
from tests.chaos.recorded import Recorder, unsettled
from tests.chaos.setup.stage import Stage, children, open_stage

SETTLING_SECONDS = 600.0
"""How long the calm phase may take while something new happens."""
PATIENCE_SECONDS = 60.0
"""How long it goes on without anything new."""
_HASTENED_AFTER = (5.0, 20.0, 40.0)
"""Seconds into the calm phase at which the marked repetitions of unclear notices are made due."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a run found; ``lines`` is the report."""

    violations: list[Violation]
    lines: list[str]


async def run(seed: int, seconds: float, engine: str, mode: str) -> Result:
    """Play one run.

    Args:
        seconds: How long faults and kills last; starting and settling add to it.
        engine: ``sqlite`` or ``postgresql``.
        mode: ``polling`` or ``webhook``.
    """
    before = children()
    with tempfile.TemporaryDirectory(prefix="odobot-chaos-", ignore_cleanup_errors=True) as folder:
        # Five messages a second to a chat: a backlog of a hundred would take minutes at one, and hide what is stuck.
        async with open_stage(Path(folder), engine, mode, chat_rate="5") as stage:
            await stage.link(plan.PEOPLE, shared=plan.SHARED, silent=plan.SILENT, copies=plan.COPIES)
            recorder = Recorder(stage)
            watching = asyncio.create_task(recorder.watch())
            await stage.start_and_read_feed()
            steps = plan.make_plan(
                seed,
                seconds,
                stage.engine.faults,
                is_polling=mode == "polling",
                can_step_clock=stage.clock.can_step,
            )
            began = time.time()
            await Players(stage, recorder).play(steps)
            calm = time.monotonic()
            await _settle(stage, recorder)
            settled = time.monotonic() - calm
            end = await _end(stage)
            await stage.program.stop()
            watching.cancel()
            history = await recorder.history()
            pid_left = stage.program.pid
        left = [f"process {pid}: {command}" for pid, command in children().items() if pid not in before]
        left += [f"process {pid_left}"] if pid_left else []
        stops = tuple(took for _, took in stage.program.stops)
        history.end = replace(end, stops=stops, left=(*left, *[f"{url} listens" for url in await _listening(stage)]))
    violations = invariants.check(history)
    return Result(violations, list(_lines(stage, history, violations, began, settled)))


def _lines(stage: Stage, history: History, violations: list[Violation], began: float, settled: float) -> Iterator[str]:
    yield f"{report.figures(history)}; settled after {settled:.0f} s"
    yield from report.explanation(violations, history, stage.program.lines, began)


async def _settle(stage: Stage, recorder: Recorder) -> None:
    """Wait until everybody is answered and told, and each delivery has a final state, or nothing new happens.

    Marked repetitions of unclear notices, which follow only after 15 minutes, are made due.
    """
    began = news_at = time.monotonic()
    to_hasten, known = list(_HASTENED_AFTER), -1
    while time.monotonic() < min(began + SETTLING_SECONDS, news_at + PATIENCE_SECONDS):
        history = await recorder.history()
        if await _is_settled(stage, history):
            return
        if len(history.answers) + len(history.told) > known:
            known, news_at = len(history.answers) + len(history.told), time.monotonic()
        if to_hasten and time.monotonic() - began > to_hasten[0]:
            del to_hasten[0]
            news_at = time.monotonic()
            await stage.hasten_repetitions()
            recorder.happened("clock", time.time(), "16 minutes on, and repetitions are made due")
        await asyncio.sleep(1)


async def _is_settled(stage: Stage, history: History) -> bool:
    if invariants.unanswered(history) or invariants.untold(history) or stage.telegram.world.bot().updates.waiting:
        return False
    try:
        return not await unsettled(stage) and not await stage.program.readiness()
    except Exception:  # a broken database is a violation, which the end shows
        return False


async def _end(stage: Stage) -> End:
    program = stage.program
    try:
        left = await unsettled(stage)
    except Exception as error:
        return End(not_ready=(f"the database: {type(error).__name__}",), is_alive=program.pid is not None)
    memory = (program.first_memory, program.memory)
    return End(tuple(await program.readiness()), program.pid is not None, left, memory)


async def _listening(stage: Stage) -> list[str]:
    """Return the URLs of those servers that still listen after the end."""
    found = []
    async with httpx.AsyncClient(trust_env=False, timeout=2) as client:
        for url in (stage.telegram.url, stage.portal.url, stage.program.admin_url):
            with suppress(httpx.HTTPError):
                await client.get(url)
                found.append(url)
    return found
