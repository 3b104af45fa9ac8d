"""CPU time of sending a message: PTB's own request class beside ours, to the sandbox's Telegram in another process.

    python -m benches.request

CPU is this process's alone. Each line is the median of rounds that alternate, so trust the ratios, not the times.
"""

import asyncio
import multiprocessing
import statistics
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection

import uvloop
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup
from telegram.request import BaseRequest, HTTPXRequest

from bot.bot_api.request import AiohttpRequest
from sandbox.telegram import TelegramServer

TOKEN = "123456789:AAbenchbenchbenchbenchbenchbench"
ROUNDS = 3
CALLS = 128
TEXT = "<b>Facture 212380</b>\n" + "Été à Québec, 293,08 $\n" * 25
KEYBOARD = InlineKeyboardMarkup(
    [
        [InlineKeyboardButton(f"Facture {row}{column}", callback_data=f"1I{row}{column}") for column in "ab"]
        for row in "1234"
    ]
)
LoopFactory = Callable[[], asyncio.AbstractEventLoop]
CASES: dict[str, tuple[Callable[[], BaseRequest], LoopFactory]] = {
    "HTTPXRequest": (HTTPXRequest, asyncio.new_event_loop),
    "AiohttpRequest": (AiohttpRequest, asyncio.new_event_loop),
    "AiohttpRequest, uvloop": (AiohttpRequest, uvloop.new_event_loop),
}


def serve(told: Connection) -> None:
    """Serve a Telegram with one person in another process until the pipe says to stop."""

    async def run() -> None:
        async with TelegramServer() as telegram:
            telegram.world.create_bot(TOKEN, username="odobot")
            person = telegram.world.create_person()
            person.start()
            told.send((telegram.url, person.user_id))
            await asyncio.to_thread(told.recv)

    asyncio.run(run())


async def cpu_per_call(make: Callable[[], BaseRequest], url: str, chat_id: int, at_once: int) -> float:
    """Return the CPU milliseconds of this process for one sendMessage."""
    async with make() as request:
        bot = Bot(TOKEN, base_url=f"{url}/bot", request=request)

        async def send(count: int) -> None:
            for _ in range(count):
                await bot.send_message(chat_id, TEXT, parse_mode="HTML", reply_markup=KEYBOARD)

        await asyncio.gather(*(send(1) for _ in range(at_once)))
        before = time.process_time()
        await asyncio.gather(*(send(CALLS // at_once) for _ in range(at_once)))
        return (time.process_time() - before) * 1000 / (CALLS // at_once * at_once)


def main() -> None:
    """Print the table."""
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,), daemon=True)
    server.start()
    url, chat_id = ours.recv()
    cases = [(name, at_once) for at_once in (1, 32) for name in CASES]
    measured: dict[tuple[str, int], list[float]] = {case: [] for case in cases}
    for _ in range(ROUNDS):
        for name, at_once in cases:
            make, loop_factory = CASES[name]
            with asyncio.Runner(loop_factory=loop_factory) as runner:
                measured[name, at_once].append(runner.run(cpu_per_call(make, url, chat_id, at_once)))
    print(f"Python {sys.version.split()[0]}; {len(TEXT)} characters with 8 buttons; {ROUNDS} rounds of {CALLS} calls")
    print("| request class | in flight | CPU ms a call | of PTB's |\n|---|---|---|---|")
    for (name, at_once), costs in measured.items():
        cost, base = statistics.median(costs), statistics.median(measured["HTTPXRequest", at_once])
        print(f"| {name} | {at_once} | {cost:.2f} | {cost / base:.2f} |")
    ours.send("end")
    server.join(5)


if __name__ == "__main__":
    main()
