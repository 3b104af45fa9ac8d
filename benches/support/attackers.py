"""Attackers on the public port, in their own process: ``python -m benches.support.attackers NAME PORT SECONDS``."""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable

MEBIBYTE = 1024 * 1024
HEADERS = 400 * MEBIBYTE
BODIES = 400
HALVES = 1100


async def _connect(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", port)


async def headers(port: int, _until: float) -> None:
    """Send 400 MiB of headers on one connection, and reconnect when it is closed."""
    line = b"X-Long: " + b"a" * (64 * 1024) + b"\r\n"
    sent = 0
    while sent < HEADERS:
        _, writer = await _connect(port)
        try:
            writer.write(b"POST /portal/events HTTP/1.1\r\nHost: x\r\n")
            while sent < HEADERS:
                writer.write(line)
                await writer.drain()
                sent += len(line)
        except ConnectionError:
            sent += len(line)
        finally:
            writer.close()


async def bodies(port: int, until: float) -> None:
    """Hold 400 requests whose body lacks the last byte."""
    head = b"POST /portal/events HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\n"

    async def hold() -> None:
        while time.monotonic() < until:
            try:
                async with asyncio.timeout(until - time.monotonic()):
                    reader, writer = await _connect(port)
                    writer.write(head + b"x" * (MEBIBYTE - 1))
                    await writer.drain()
                    while await reader.read(1024):
                        pass
            except (ConnectionError, TimeoutError):
                pass
            await asyncio.sleep(1)

    await asyncio.gather(*(hold() for _ in range(BODIES)))


async def halves(port: int, until: float) -> None:
    """Hold 1,100 incomplete requests, and reconnect those that are closed."""

    async def hold() -> None:
        while time.monotonic() < until:
            try:
                async with asyncio.timeout(until - time.monotonic()):
                    reader, writer = await _connect(port)
                    writer.write(b"POST /portal/ev")
                    while await reader.read(1024):
                        pass
            except (ConnectionError, TimeoutError):
                pass
            await asyncio.sleep(1)

    await asyncio.gather(*(hold() for _ in range(HALVES)))


ATTACKERS: dict[str, Callable[[int, float], Awaitable[None]]] = {
    "headers": headers,
    "bodies": bodies,
    "halves": halves,
}


async def main(name: str, port: str, seconds: str) -> None:
    """Attack for the given number of seconds."""
    await ATTACKERS[name](int(port), time.monotonic() + float(seconds))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
