"""The whole of Odobot against its peers: updates a second, and processor time for each.

    python -m benches.throughput [--rounds N] [--updates N]

Odobot answers ``/aide`` and ``/factures`` with everything it does (order per chat, database, portal at zero latency);
the peers only send the same text and keyboard. Telegram and portal are stubs in this process, each bot is a process of
its own, they alternate, and each figure is the median of the rounds: trust the ratios within one run.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benches.stubs.portal import portal
from benches.stubs.telegram import TelegramStub
from benches.support.bots import CHATS, FIRST_CHAT, ODOBOT, PEERS, PTB, Process, install, odobot, peer
from benches.support.measure import median, table

COMMANDS = {"/aide": 3.5, "/factures": 1.8}
"""What is asked, and how many times bare PTB's rate Odobot must answer it at."""
MARKS = {"/aide": "/factures", "/factures": "293,08"}
"""A text of the right answer: an apology would be measured without anybody noticing."""
WARM_UP = 300
SETTLE_SECONDS = 1.5  # command menus and the first reading of the feed run beside the first answers
_SAME = ("text", "parse_mode", "reply_markup")


@dataclass(frozen=True, slots=True)
class Figure:
    """Updates a second, and milliseconds of processor time for each."""

    rate: float
    cpu: float


async def measure(bot: Process, stub: TelegramStub, command: str, updates: int) -> Figure:
    """Queue all updates at once, after a warm-up, and wait for as many answers."""
    await asyncio.sleep(SETTLE_SECONDS)
    await ask(stub, command, WARM_UP)
    before, begun = bot.cpu, len(stub.calls)
    await ask(stub, command, updates)
    took = stub.calls[-1].came - stub.calls[begun].came
    return Figure((updates - 1) / took, (bot.cpu - before) * 1000 / updates)


async def ask(stub: TelegramStub, command: str, updates: int) -> None:
    """Queue updates from many chats in turn; returns when all are answered."""
    before = len(stub.calls)
    for number in range(updates):
        stub.says(FIRST_CHAT + number % CHATS, command)
    await stub.until(before + updates)


@asynccontextmanager
async def started(name: str, stub: TelegramStub, answer: dict[str, Any]) -> AsyncIterator[Process]:
    """Run one of the bots in a new folder."""
    with tempfile.TemporaryDirectory() as folder:
        if name == ODOBOT:
            async with portal() as url, odobot(stub, url, Path(folder)) as process:
                yield process
        else:
            async with peer(name, stub, answer, Path(folder)) as process:
                yield process


async def answer_to(command: str) -> dict[str, Any]:
    """Return Odobot's answer, which the peers send too."""
    stub = TelegramStub()
    async with started(ODOBOT, stub, {}):
        await ask(stub, command, 1)
    answer = {name: stub.calls[0].params.get(name) for name in _SAME}
    if MARKS[command] not in str(answer["text"]) or not answer["reply_markup"]:
        raise RuntimeError(f"{command} was answered by {answer['text']!r}")
    return answer


async def main(rounds: int, updates: int, names: list[str]) -> bool:
    """Print the table and the verdicts. Returns whether the limits are kept."""
    ratios: dict[str, float] = {}
    rows = []
    for command in COMMANDS:
        answer = await answer_to(command)
        found: dict[str, list[Figure]] = {name: [] for name in names}
        for _ in range(rounds):
            for name, figures in found.items():
                stub = TelegramStub()
                async with started(name, stub, answer) as bot:
                    figures.append(await measure(bot, stub, command, updates))
        rates = {name: median([each.rate for each in figures]) for name, figures in found.items()}
        costs = {name: median([each.cpu for each in figures]) for name, figures in found.items()}
        rows += [
            (
                f"`{command}`",
                name,
                f"{rates[name]:.0f}",
                rates[name] / rates[PTB],
                costs[name],
                costs[name] / costs[PTB],
            )
            for name in names
        ]
        ratios[command] = rates[ODOBOT] / rates[PTB]
    print(f"{rounds} rounds of {updates} updates from {CHATS} chats")
    print(table(("asked", "bot", "updates/s", "× bare PTB", "CPU ms an update", "× bare PTB"), rows))
    for command, limit in COMMANDS.items():
        print(f"{command}: {ratios[command]:.2f} times bare PTB, at least {limit}")
    return all(ratios[command] >= limit for command, limit in COMMANDS.items())


if __name__ == "__main__":
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--updates", type=int, default=2000)
    arguments.add_argument("--only", nargs="*", default=[ODOBOT, *PEERS])
    given = arguments.parse_args()
    install()
    sys.exit(not asyncio.run(main(given.rounds, given.updates, given.only)))
