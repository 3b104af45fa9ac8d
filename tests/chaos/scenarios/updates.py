"""Updates over kills and stops, and a polling that Telegram refuses."""

import asyncio
from typing import Any

from tests.chaos.faults import portal_fault, telegram_fault
from tests.chaos.scenarios.play import Where, playing, scenario, text_figures

KILLS = 5
MODES = ("polling", "webhook")


@scenario("kills-at-once", modes=MODES)
async def kills_at_once(where: Where) -> str:
    """500 texts of 100 people at once, with five ``kill -9``."""
    async with playing(where, own=100) as play:
        for _ in range(5):
            for customer in play.stage.customers:
                play.types(customer)
        for _ in range(KILLS):
            await asyncio.sleep(0.8)
            await play.kill_and_start()
            await play.stage.program.wait_until_started(play.stage.program.starts())
        return text_figures(await play.settle())


@scenario("kills-at-20", modes=MODES)
async def kills_at_20(where: Where) -> str:
    """500 texts of 100 people at 20/s, with five ``kill -9``."""
    async with playing(where, own=100) as play:
        typing = asyncio.create_task(play.types_evenly(500, 20.0))
        for _ in range(KILLS):
            await asyncio.sleep(3.7)
            await play.kill_and_start()
        await typing
        return text_figures(await play.settle())


async def _stopped(where: Where, people: int, texts: int, after: float, slow_seconds: float) -> str:
    """Texts at once, a portal that takes some seconds for each answer, SIGTERM, and a start."""
    async with playing(where, own=people) as play:
        async with portal_fault(play.stage, "slow", seconds=slow_seconds):
            for number in range(texts):
                play.types(play.stage.customers[number % people])
            await asyncio.sleep(after)
            took = await play.stop_and_start()
        return f"{text_figures(await play.settle())}; the stop took {took:.1f} s"


@scenario("stop-600", modes=MODES)
async def stop_600(where: Where) -> str:
    """600 texts of 100 people in hand, 1 s of the portal each."""
    return await _stopped(where, 100, 600, 1.0, 1.0)


@scenario("stop-one-chat", modes=MODES)
async def stop_one_chat(where: Where) -> str:
    """60 texts of one chat in hand, 1 s of the portal each."""
    return await _stopped(where, 1, 60, 1.0, 1.0)


@scenario("stop-hanging-portal", modes=MODES)
async def stop_hanging_portal(where: Where) -> str:
    """100 texts in hand, and a portal that does not answer."""
    return await _stopped(where, 100, 100, 2.0, 120.0)


async def _refused_polls(where: Where, seconds: float, **options: Any) -> str:
    """Refused polls, a text meanwhile, and one after it."""
    async with playing(where, own=2) as play:
        during, after = play.stage.customers
        async with telegram_fault(play.stage, "error", method="getUpdates", **options) as fault:
            play.types(during)  # the poll under way ends with it; the fault meets the next one
            await play.seconds_until(lambda: fault.met > 0, 60.0)
            play.types(during)
            await asyncio.sleep(seconds)
            reasons = await play.stage.program.readiness()
        play.types(after)
        answered = await play.seconds_until(lambda: play.is_answered(play.last_text()), 60.0)
        figures = text_figures(await play.settle(patience=20.0))
        return f"a text after it was answered after {answered}; {figures}; during it not ready: {reasons or 'ready'}"


@scenario("polls-401")
async def polls_401(where: Where) -> str:
    """5 s of 401 at getUpdates."""
    return await _refused_polls(where, 5.0, status=401, description="Unauthorized")


@scenario("polls-404")
async def polls_404(where: Where) -> str:
    """5 s of 404 at getUpdates."""
    return await _refused_polls(where, 5.0, status=404, description="Not Found")


@scenario("polls-409")
async def polls_409(where: Where) -> str:
    """30 s of 409 at getUpdates."""
    text = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
    return await _refused_polls(where, 30.0, status=409, description=text)
