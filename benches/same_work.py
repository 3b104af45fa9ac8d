"""The same work, side by side: ``/factures`` by Odobot, and by bots that their libraries' users would write.

    python -m benches.same_work [--rounds N] [--updates N] [--ways polling webhook]

Each bot reads the chat's row and its link from an SQLite file, asks the portal (at zero latency) for the page of
invoices, renders the same list with CLDR's formats, and sends it with the same keyboard; the bench refuses a peer whose
text or labels differ from Odobot's. Telegram and portal are stubs in this process, each bot is a process of its own,
they take turns, and each figure is the median of the rounds: trust the ratios within one run.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import orjson

from benches.stubs.portal import portal
from benches.stubs.telegram import Call, TelegramStub
from benches.stubs.webhook import posting
from benches.support.bots import CHATS, ODOBOT, Process, install, odobot
from benches.support.measure import median, table
from benches.support.same_work import ODOBOT_DOES, PEERS, same_work_peer
from benches.throughput import Figure, ask, measure
from sandbox.serving import free_port

COMMAND = "/factures"
POLLING, WEBHOOK = "polling", "webhook"
_SPACES = str.maketrans("\xa0\u202f", "  ")  # CLDR's spaces differ from one release to the next


@asynccontextmanager
async def started(name: str, way: str, stub: TelegramStub) -> AsyncIterator[Process]:
    """Run one of the bots in a new folder, and deliver the updates to it."""
    port = free_port() if way == WEBHOOK else 0
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        portal_url = await stack.enter_async_context(portal())
        if name == ODOBOT:
            url = f"http://127.0.0.1:{port}" if port else ""
            bot = odobot(stub, portal_url, folder, listen=f"127.0.0.1:{port}", webhook_url=url)
        else:
            bot = same_work_peer(name, stub, portal_url, folder, port)
        process = await stack.enter_async_context(bot)
        if port:
            await stack.enter_async_context(posting(stub))
        yield process


async def answer_of(name: str, way: str) -> tuple[str, list[list[str]]]:
    """Return what a bot answers: the text, and the labels of the keyboard's rows."""
    stub = TelegramStub()
    async with started(name, way, stub):
        await ask(stub, COMMAND, 1)
    return seen(stub.calls[0])


def seen(call: Call) -> tuple[str, list[list[str]]]:
    """Return what a person sees of a message: the text, and the labels of the keyboard's rows."""
    keyboard: Any = call.params["reply_markup"]
    rows = (orjson.loads(keyboard) if isinstance(keyboard, str) else keyboard)["inline_keyboard"]
    return str(call.params["text"]).translate(_SPACES), [[button["text"] for button in row] for row in rows]


async def check_answers(ways: list[str]) -> None:
    """Raise ``RuntimeError`` if a peer's answer differs from Odobot's."""
    for way in ways:
        expected = await answer_of(ODOBOT, way)
        if "293,08" not in expected[0]:
            raise RuntimeError(f"{COMMAND} was answered by {expected[0]!r}")
        for name in PEERS:
            if (found := await answer_of(name, way)) != expected:
                raise RuntimeError(f"{name} answers {found!r} instead of {expected!r}")


async def main(rounds: int, updates: int, ways: list[str]) -> bool:
    """Print the tables and the verdicts. Returns whether the limits are kept."""
    await check_answers(ways)
    rows, kept, lines = [], True, []
    for way in ways:
        found: dict[str, list[Figure]] = {name: [] for name in (ODOBOT, *PEERS)}
        for _ in range(rounds):
            for name, figures in found.items():
                stub = TelegramStub()
                async with started(name, way, stub) as bot:
                    figures.append(await measure(bot, stub, COMMAND, updates))
        rates = {name: median([each.rate for each in figures]) for name, figures in found.items()}
        costs = {name: median([each.cpu for each in figures]) for name, figures in found.items()}
        for name, rate in rates.items():
            rows.append((way, name, f"{rate:.0f}", rates[ODOBOT] / rate, costs[name], costs[name] / costs[ODOBOT]))
        for name, peer in PEERS.items():
            ratio = rates[ODOBOT] / rates[name]
            kept &= ratio >= peer.at_least
            end = "kept" if ratio >= peer.at_least else "MISSED"
            lines.append(f"{way}: {ratio:.2f} times {name}, at least {peer.at_least}: {end}")
    print(f"{rounds} rounds of {updates} updates from {CHATS} chats, {COMMAND}")
    print(
        table(
            ("updates by", "bot", "updates/s", "Odobot's / its", "CPU ms an update", "its CPU / Odobot's"),
            rows,
            left=2,
        )
    )
    does = [(ODOBOT, ODOBOT_DOES), *((name, peer.what) for name, peer in PEERS.items())]
    print("What each does:")
    print(table(("bot", "what it does for `/factures`"), does, left=2))
    print("\n".join(lines))
    return kept


if __name__ == "__main__":
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--updates", type=int, default=1000)
    arguments.add_argument("--ways", nargs="*", choices=(POLLING, WEBHOOK), default=[POLLING, WEBHOOK])
    given = arguments.parse_args()
    install()
    sys.exit(not asyncio.run(main(given.rounds, given.updates, given.ways)))
