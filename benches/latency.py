"""Latency of a tap with realistic network latencies, alone and beside a chat that floods.

    python -m benches.latency

Telegram takes 30 ms and the portal 50 ms. A tap's time runs from the update's delivery to the answer of the edit: at
its best both latencies, one after the other.
"""

import asyncio
import random
import statistics
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path

from benches.stubs.portal import portal
from benches.stubs.telegram import TelegramStub
from benches.support.bots import CHATS, FIRST_CHAT, odobot
from benches.support.measure import median, percentile, table, verdict
from bot.updates.ordering import MAX_WAITING
from handlers.actions import ListInvoices
from handlers.telegram.callback_data import encode

TELEGRAM_SECONDS = 0.030
PORTAL_SECONDS = 0.050
TAPS = 300
FLOOD = 1000
FLOODER = FIRST_CHAT + CHATS - 1
OTHERS = 50
"""Chats that go on tapping, each waiting for its answer, with a pause of ``PAUSE_SECONDS`` between, more or less: what
came behind a flood comes all at once, and would go on in step for ever."""
PAUSE_SECONDS = 1.0
WARM_UP = 50


class Person:
    """Taps through the pages of a list: each tap needs one read of the portal and one edit."""

    def __init__(self, stub: TelegramStub, number: int) -> None:
        self._stub = stub
        self._chat_id = FIRST_CHAT + number
        self._link = number + 1
        self._page = 1
        self._pauses = random.Random(number)

    async def tap(self) -> float:
        """Tap once. Returns milliseconds from the update's delivery to the answer of the edit."""
        self._page = 3 - self._page
        before = len(self._stub.calls)
        data = encode(ListInvoices(self._link, page=self._page))
        update_id = self._stub.taps(self._chat_id, data or "")
        while True:
            for call in self._stub.calls[before:]:
                if call.chat_id == self._chat_id:
                    return (call.answered - self._stub.handed[update_id]) * 1000
            before = len(self._stub.calls)
            await self._stub.until(before + 1)

    async def go_on(self, until: asyncio.Event) -> list[float]:
        """Tap until stopped. Returns the milliseconds of every tap."""
        found = []
        while not until.is_set():
            found.append(await self.tap())
            await asyncio.sleep(self.pause())
        return found

    def pause(self) -> float:
        """Return the seconds to the next tap."""
        return PAUSE_SECONDS * self._pauses.uniform(0.5, 1.5)


async def everybody(stub: TelegramStub, seconds: float | None) -> list[float]:
    """Fifty people tap for the given time, or until the flood is processed."""
    enough = asyncio.Event()
    tapping = []
    for number in range(OTHERS):
        tapping.append(asyncio.create_task(Person(stub, number).go_on(enough)))
        await asyncio.sleep(PAUSE_SECONDS / OTHERS)
    if seconds is None:
        said = answered = seen = 0
        while answered < FLOOD:
            # As many updates as the bot keeps waiting; it drops the others.
            while said < min(FLOOD, answered + MAX_WAITING):
                stub.says(FLOODER, "/aide")
                said += 1
            await stub.until(len(stub.calls) + 1)
            answered += sum(call.chat_id == FLOODER for call in stub.calls[seen:])
            seen = len(stub.calls)
    else:
        await asyncio.sleep(seconds)
    enough.set()
    return [figure for figures in await asyncio.gather(*tapping) for figure in figures]


async def main() -> bool:
    """Print both tables and the verdicts. Returns whether the limits are kept."""
    stub = TelegramStub(latency=TELEGRAM_SECONDS)
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        url = await stack.enter_async_context(portal(PORTAL_SECONDS))
        await stack.enter_async_context(odobot(stub, url, Path(folder)))
        alone = Person(stub, 0)
        for _ in range(WARM_UP):
            await alone.tap()
        taps = [await alone.tap() for _ in range(TAPS)]
        idle = await everybody(stub, 20)
        began = time.perf_counter()
        flooded = await everybody(stub, None)
        took = time.perf_counter() - began
        idle += await everybody(stub, 20)
    best = (TELEGRAM_SECONDS + PORTAL_SECONDS) * 1000
    rows = [("alone", taps), (f"{OTHERS} chats, idle", idle), (f"{OTHERS} chats, one floods {FLOOD}", flooded)]
    print(
        f"Telegram {TELEGRAM_SECONDS * 1000:.0f} ms, portal {PORTAL_SECONDS * 1000:.0f} ms; the flood took {took:.0f} s"
    )
    print(
        table(
            ("taps", "count", "median ms", "p99 ms", "worst ms"),
            [(name, len(f), median(f), percentile(f, 99), max(f)) for name, f in rows],
        )
    )
    kept = verdict("a tap's median over both latencies", statistics.median(taps) / best, 1.10)
    return (
        verdict("others' p99 while one floods, over idle", percentile(flooded, 99) / percentile(idle, 99), 1.5) & kept
    )


if __name__ == "__main__":
    sys.exit(not asyncio.run(main()))
