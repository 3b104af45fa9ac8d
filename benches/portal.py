"""CPU time of a portal read: httpcore's connections beside aiohttp's, to the sandbox's portal in another process.

    python -m benches.portal

CPU is this process's alone. Each line is the median of rounds that alternate, so trust the ratios, not the times.
"""

import asyncio
import multiprocessing
import statistics
import time
from collections.abc import Callable
from importlib.util import find_spec
from multiprocessing.connection import Connection

import httpx

from portal.client import Reader
from portal.connections.transport import AiohttpTransport
from portal.http import HttpPortal
from sandbox.portal.server import PortalServer

TOKEN = "bench-token"
READER = Reader("c-1001", "a-2001")
ROUNDS = 3
READS = 128


def _published() -> httpx.AsyncBaseTransport:
    from httpx_aiohttp import AiohttpTransport as Published

    return Published(trust_env=False, limits=httpx.Limits(max_connections=64, keepalive_expiry=60))


TRANSPORTS: dict[str, Callable[[], httpx.AsyncBaseTransport]] = {
    "httpcore": lambda: httpx.AsyncHTTPTransport(
        trust_env=False, limits=httpx.Limits(max_connections=64, max_keepalive_connections=32, keepalive_expiry=60)
    ),
    "aiohttp": lambda: AiohttpTransport(connections=64, idle_seconds=60),
} | ({"httpx-aiohttp": _published} if find_spec("httpx_aiohttp") else {})


def serve(told: Connection) -> None:
    """Serve a portal in another process until the pipe says to stop."""

    async def run() -> None:
        async with PortalServer(TOKEN) as server:
            told.send(server.url)
            await asyncio.to_thread(told.recv)

    asyncio.run(run())


async def cpu_per_read(transport: httpx.AsyncBaseTransport, url: str, at_once: int) -> float:
    """Return the CPU milliseconds of this process for one page of invoices."""
    portal = HttpPortal(url, TOKEN, transport=transport)

    async def read(count: int) -> None:
        for _ in range(count):
            await portal.invoices(READER, page=1, page_size=5)

    await asyncio.gather(*(read(1) for _ in range(at_once)))
    before = time.process_time()
    await asyncio.gather(*(read(READS // at_once) for _ in range(at_once)))
    cost = (time.process_time() - before) * 1000 / READS
    await portal.aclose()
    return cost


def main() -> None:
    """Print the table."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    server = context.Process(target=serve, args=(theirs,), daemon=True)
    server.start()
    url = ours.recv()
    measured: dict[tuple[str, int], list[float]] = {(name, at_once): [] for at_once in (1, 32) for name in TRANSPORTS}
    for _ in range(ROUNDS):
        for (name, at_once), costs in measured.items():
            costs.append(asyncio.run(cpu_per_read(TRANSPORTS[name](), url, at_once)))
    print(f"{ROUNDS} rounds of {READS} reads")
    print("| transport | in flight | CPU ms a read | of httpcore's |\n|---|---|---|---|")
    for (name, at_once), costs in measured.items():
        cost, base = statistics.median(costs), statistics.median(measured["httpcore", at_once])
        print(f"| {name} | {at_once} | {cost:.2f} | {cost / base:.2f} |")
    ours.send("end")
    server.join(5)


if __name__ == "__main__":
    main()
