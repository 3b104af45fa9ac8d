"""What an attack costs: the bot's peak memory, and the taps of people who are linked, each against the same bot idle.

    python -m benches.attacks [NAME ...]

Fifty people tap all the while. Telegram takes 30 ms and the portal 50 ms. As in ``latency``, a tap's time runs from the
update's delivery to the answer of the edit; the worst is also measured from the tap itself, the wait at Telegram
included. The bot may open 1,024 files, as under systemd.
"""

import argparse
import asyncio
import os
import resource
import sys
import tempfile
import time
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path

from benches.latency import OTHERS, PAUSE_SECONDS, PORTAL_SECONDS, TELEGRAM_SECONDS, Person
from benches.stubs.portal import answer_to
from benches.stubs.telegram import TelegramStub
from benches.support.attackers import BODIES, HALVES, HEADERS, MEBIBYTE
from benches.support.bots import CHATS, FIRST_CHAT, odobot
from benches.support.measure import peak, percentile, table, verdict
from handlers.actions import ListInvoices
from handlers.telegram.callback_data import encode
from sandbox.serving import free_port

MEMORY, TAPS = 1.5, 2.0
"""The most that peak memory and the 99th percentile of taps may be, over idle."""
WORST_SECONDS = 2.0
"""The longest that a tap may take, from the tap itself, while strangers write."""
IDLE_SECONDS = 10.0
ATTACK_SECONDS = 14.0
DESCRIPTORS = 1024
STRANGERS = 3000
FIRST_STRANGER = 9_000_001
ATTACKER = CHATS - 1
"""The number of the linked chat whose account the portal answers badly about."""
_BOMB = 1024 * MEBIBYTE
_ENDLESS = 1536 * MEBIBYTE


@dataclass(frozen=True, slots=True)
class Scene:
    """The servers and the bot that an attack may use."""

    stub: TelegramStub
    port: int


async def from_outside(name: str, scene: Scene) -> None:
    """Attack the public port from another process."""
    arguments = ("-m", "benches.support.attackers", name, str(scene.port), str(ATTACK_SECONDS - 2))
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, preexec_fn=lambda: os.nice(10))
    try:
        await asyncio.sleep(ATTACK_SECONDS)
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def by_taps(scene: Scene) -> None:
    """A linked person repeatedly requests a page to which the portal gives a hostile answer."""
    data = encode(ListInvoices(ATTACKER + 1, page=2)) or ""
    for _ in range(int(ATTACK_SECONDS / 2)):
        scene.stub.taps(FIRST_CHAT + ATTACKER, data)
        await asyncio.sleep(2)


async def by_strangers(scene: Scene) -> None:
    """3,000 unlinked people write at once; returns when all are answered."""
    for number in range(STRANGERS):
        scene.stub.says(FIRST_STRANGER + number, "/start")
    began, seen, waiting = time.perf_counter(), 0, set(range(FIRST_STRANGER, FIRST_STRANGER + STRANGERS))
    while waiting and time.perf_counter() - began < 40:
        await asyncio.sleep(0.2)
        calls = scene.stub.calls
        waiting -= {call.chat_id for call in calls[seen:]}
        seen = len(calls)
    print(f"{STRANGERS - len(waiting)} of {STRANGERS} strangers answered in {time.perf_counter() - began:.0f} s\n")


ATTACKS: dict[str, tuple[str, Callable[[Scene], Awaitable[None]]]] = {
    "headers": (f"{HEADERS // MEBIBYTE} MiB of headers", partial(from_outside, "headers")),
    "bodies": (f"{BODIES} bodies held", partial(from_outside, "bodies")),
    "halves": (f"{HALVES} half requests", partial(from_outside, "halves")),
    "bomb": ("1 MB of gzip from the portal, 1 GiB unpacked", by_taps),
    "endless": ("endless JSON from the portal", by_taps),
    "strangers": (f"{STRANGERS} strangers at once", by_strangers),
}


@cache
def _bomb() -> bytes:
    """A page of invoices with a number of 1 GiB. In one gzip member: clients do not read on behind the first."""
    pack = zlib.compressobj(wbits=31)
    piece = b"a" * MEBIBYTE
    parts = [pack.compress(b'{"items":[{"number":"'), *(pack.compress(piece) for _ in range(_BOMB // MEBIBYTE))]
    return b"".join((*parts, pack.compress(b'"}]}'), pack.flush()))


@asynccontextmanager
async def portal(attack: str) -> AsyncIterator[str]:
    """Serve the portal stub, with hostile answers for one account. Gives its base URL."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                path = head.split(b" ", 2)[1].decode()
                await asyncio.sleep(PORTAL_SECONDS)
                if f"/accounts/a-{FIRST_CHAT + ATTACKER}/" in path and attack in ("bomb", "endless"):
                    await (_explode if attack == "bomb" else _never_end)(writer)
                else:
                    body = answer_to(path)
                    writer.write(_head(f"Content-Length: {len(body)}") + body)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


def _head(*lines: str) -> bytes:
    return "\r\n".join(("HTTP/1.1 200 OK", "Content-Type: application/json", *lines, "", "")).encode()


async def _explode(writer: asyncio.StreamWriter) -> None:
    writer.write(_head("Content-Encoding: gzip", f"Content-Length: {len(_bomb())}") + _bomb())
    await writer.drain()


async def _never_end(writer: asyncio.StreamWriter) -> None:
    writer.write(_head("Connection: close") + b'{"items":[{"number":"')
    for _ in range(_ENDLESS // MEBIBYTE):
        writer.write(b"a" * MEBIBYTE)
        await writer.drain()
        await asyncio.sleep(0)
    raise ConnectionError


@dataclass(slots=True)
class Taps:
    """The latencies of taps in milliseconds, from the update's delivery and from the tap."""

    delivered: list[float] = field(default_factory=list)
    tapped: list[float] = field(default_factory=list)


async def taps(stub: TelegramStub, while_this: Awaitable[None]) -> Taps:
    """Measure the taps of fifty people while an attack runs."""
    enough = asyncio.Event()
    found = Taps()

    async def go_on(person: Person) -> None:
        while not enough.is_set():
            began = time.perf_counter()
            found.delivered.append(await person.tap())
            found.tapped.append((time.perf_counter() - began) * 1000)
            await asyncio.sleep(person.pause())

    tapping = []
    for number in range(OTHERS):
        tapping.append(asyncio.create_task(go_on(Person(stub, number))))
        await asyncio.sleep(PAUSE_SECONDS / OTHERS)
    found.delivered.clear()
    found.tapped.clear()
    await while_this
    enough.set()
    async with asyncio.timeout(60):
        await asyncio.gather(*tapping)
    return found


@dataclass(frozen=True, slots=True)
class Measured:
    """A bot idle and under an attack: peak memory in megabytes, and taps."""

    idle_peak: float
    peak: float
    idle: Taps
    attacked: Taps

    def row(self) -> list[float]:
        """Return the cells of the table's row."""
        p99s = [percentile(of.delivered, 99) for of in (self.idle, self.attacked)]
        return [self.idle_peak, self.peak, *p99s, max(self.attacked.tapped)]


async def measure(name: str) -> Measured:
    """Measure one attack on a new bot."""
    stub = TelegramStub(latency=TELEGRAM_SECONDS)
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        url = await stack.enter_async_context(portal(name))
        port = free_port()
        process = await stack.enter_async_context(odobot(stub, url, Path(folder), f"127.0.0.1:{port}"))
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))
        idle = await taps(stub, asyncio.sleep(IDLE_SECONDS))
        idle_peak = peak(process.pid)
        attacked = await taps(stub, ATTACKS[name][1](Scene(stub, port)))
        return Measured(idle_peak, peak(process.pid), idle, attacked)


async def main(names: list[str]) -> bool:
    """Print the table and the verdicts. Returns whether all limits are kept."""
    if "bomb" in names:
        _bomb()
    results = {name: await measure(name) for name in names}
    columns = ("attack", "idle peak MB", "peak MB", "idle p99 ms", "p99 ms", "worst ms from the tap")
    print(table(columns, [[ATTACKS[name][0], *found.row()] for name, found in results.items()]))
    print()
    kept = True
    for name, found in results.items():
        what = ATTACKS[name][0]
        _, _, idle, attacked, worst = found.row()
        kept &= verdict(f"{what}: peak memory over idle", found.peak / found.idle_peak, MEMORY)
        kept &= verdict(f"{what}: others' p99 over idle", attacked / idle, TAPS)
        if name == "strangers":
            kept &= verdict(f"{what}: the worst tap, in seconds", worst / 1000, WORST_SECONDS)
    return kept


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(prog="python -m benches.attacks")
    arguments.add_argument("names", nargs="*", default=list(ATTACKS), metavar="NAME", help=", ".join(ATTACKS))
    sys.exit(not asyncio.run(main(arguments.parse_args().names)))
