"""The clock is stepped by two hours, while the program runs and over a restart."""

import asyncio
from contextlib import AsyncExitStack

from tests.chaos.faults import portal_fault
from tests.chaos.scenarios.play import Play, Where, notice_figures, playing, scenario

HOUR = 3600.0
NOTICES = 30


async def _stepped(where: Where, offset: float) -> str:
    """Invoices before and after a step of the clock, and after a restart; readiness while the portal is down."""
    async with playing(where, shared=NOTICES, bulk_rate="28", chat_rate="1000") as play:
        first = await _until_told(play, 30.0)
        play.stage.clock.step(offset)
        await asyncio.sleep(2)
        second = await _until_told(play, 80.0)
        await play.stop_and_start()
        third = await _until_told(play, 80.0)
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(portal_fault(play.stage, "unavailable"))
            await asyncio.sleep(40)
            reasons = await play.stage.program.readiness()
        history = await play.recorder.history()
        return (
            f"30 notices told after {first} before it, {second} after it, {third} after a restart;"
            f" {await notice_figures(play, history)}; with the portal down 40 s: {reasons or 'ready'}"
        )


async def _until_told(play: Play, timeout: float) -> str:
    number = play.issues()
    return await play.seconds_until(lambda: play.told(number) == NOTICES, timeout)


@scenario("clock-back")
async def clock_back(where: Where) -> str:
    """Two hours back."""
    return await _stepped(where, -2 * HOUR)


@scenario("clock-forward")
async def clock_forward(where: Where) -> str:
    """Two hours forward."""
    return await _stepped(where, 2 * HOUR)
