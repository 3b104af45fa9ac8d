"""Starts while the neighbours are away."""

import asyncio
import time

from tests.chaos.faults import mail_fault, portal_fault, telegram_away
from tests.chaos.scenarios.play import Where, scenario
from tests.chaos.setup.databases import PostgresEngine
from tests.chaos.setup.stage import open_stage

AWAY_SECONDS = 15.0


@scenario("start-alone", modes=("polling", "webhook"))
async def start_alone(where: Where) -> str:
    """Telegram, portal, mail and PostgreSQL are away for 15 s from the start on."""
    async with open_stage(where.folder, where.engine, where.mode) as stage:
        await stage.link(2)
        is_postgres = isinstance(stage.engine, PostgresEngine)
        async with telegram_away(stage), portal_fault(stage, "refused"), mail_fault(stage, "refused"):
            away = asyncio.create_task(stage.engine.fail("away", AWAY_SECONDS)) if is_postgres else None
            await asyncio.sleep(1)
            await stage.program.start()
            await asyncio.sleep(AWAY_SECONDS)
            if away:
                await away
        began = time.monotonic()
        await stage.program.wait_until_started(0, 60.0)
        said = [line for _, line in stage.program.lines if '"info"' not in line]
        return (
            f"ended by itself {len(stage.program.ended)} x, {len(said)} lines that warn; serves"
            f" {time.monotonic() - began:.1f} s after they are back"
        )


@scenario("start-webhook-429", modes=("webhook",))
async def start_webhook_429(where: Where) -> str:
    """Telegram answers 429 with ``retry_after`` 3 to setWebhook, twice."""
    async with open_stage(where.folder, where.engine, where.mode) as stage:
        await stage.link(2)
        fault = stage.telegram.world.faults.add("retry_after", method="setWebhook", count=2, retry_after=3)
        began = time.monotonic()
        await stage.program.start()
        await stage.program.wait_until_started(0, 60.0)
        return f"ended by itself {len(stage.program.ended)} x, met {fault.met} x, {time.monotonic() - began:.1f} s"
