"""Oversized bodies that a portal may send, and a check of the time and memory of reading them."""

import asyncio
import gzip
import json
import time
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from portal.bodies import JSON_LIMIT
from tests.portal.test_http import INVOICE, PAGE, Answer, changed

MEGABYTE = 1024 * 1024
STALL_SECONDS = 0.6
"""The longest turn of the event loop, in seconds of processor time; one body took 13 s."""
MEMORY = 130 * MEGABYTE


def squeezed(window: int, head: bytes, piece: bytes, count: int) -> bytes:
    """Return a long compressed body, made in pieces."""
    compress = zlib.compressobj(9, zlib.DEFLATED, window)
    parts = [compress.compress(head), *(compress.compress(piece) for _ in range(count)), compress.flush()]
    return b"".join(parts)


def json_answer(body: bytes, coding: str = "") -> Answer:
    headers = {"content-type": "application/json"} | ({"content-encoding": coding} if coding else {})
    return Answer(200, body, headers)


FILLED = b"{}," * (MEGABYTE // 3)
BODIES: dict[str, Callable[[], Answer]] = {
    "gzip of spaces": lambda: json_answer(squeezed(31, b'{"items":[', b" " * MEGABYTE, 200), "gzip"),
    "gzip of objects": lambda: json_answer(squeezed(31, b'{"items":[', FILLED, 100), "gzip"),
    "deflate of objects": lambda: json_answer(squeezed(15, b'{"items":[', FILLED, 100), "deflate"),
    "raw deflate of objects": lambda: json_answer(squeezed(-15, b'{"items":[', FILLED, 100), "deflate"),
    "gzip twice": lambda: json_answer(gzip.compress(squeezed(31, b"", FILLED, 50)), "gzip, gzip"),
    "gzip of empty blocks": lambda: json_answer(gzip.compress(b"")[:10] + b"\x00\x00\x00\xff\xff" * MEGABYTE, "gzip"),
    "gzip with a long tail": lambda: json_answer(gzip.compress(b'{"items":1}') + b"x" * 5 * MEGABYTE, "gzip"),
    "another coding": lambda: json_answer(b'{"items": []}', "br"),
    "plain and long": lambda: json_answer(b'{"items":[' + FILLED * 3 + b"{}]}"),
    "as many objects as fit": lambda: json_answer(b'{"items":[' + FILLED[: 2 * MEGABYTE - 60] + b"{}]}"),
    "as many lists as fit": lambda: json_answer(b'{"items":[' + b"[]," * (JSON_LIMIT // 3 - 60) + b"[]]}"),
    "as many accounts as fit": lambda: json_answer(
        b'{"contact_id":"c","email":"a","items":1,"accounts":[' + b"{}," * 690_000 + b"{}]}"
    ),
    "as many wrong lines as are read": lambda: json_answer(
        b'{"number":"1","items":1,"lines":[' + b"{}," * 95_000 + b"{}]}"
    ),
    "many small rows": lambda: json_answer(b'{"items":[' + b'{"number":"1"},' * 60_000 + b'{"number":"1"}]}'),
    "deep lists": lambda: json_answer(b"[" * MEGABYTE),
    "deep objects": lambda: json_answer(b'{"items":' * 100_000),
    "a huge integer": lambda: json_answer(b'{"items":' + b"9" * MEGABYTE + b"}"),
    "a huge decimal": lambda: json_answer(
        json.dumps(changed(INVOICE, amount="9" * MEGABYTE, items=[changed(INVOICE, amount="9" * MEGABYTE)])).encode()
    ),
    "a huge total": lambda: json_answer(json.dumps(changed(PAGE, total=10**400, items=5)).encode()),
}


@asynccontextmanager
async def watched() -> AsyncIterator[None]:
    """Assert that the body keeps ``STALL_SECONDS`` of processor time between turns of the loop, and ``MEMORY``."""
    longest = 0.0

    async def tick() -> None:
        nonlocal longest
        while True:
            before = time.process_time()
            await asyncio.sleep(0.005)
            longest = max(longest, time.process_time() - before)

    ticking = asyncio.create_task(tick())
    tracemalloc.start(1)
    began = time.monotonic()
    try:
        yield
        assert time.monotonic() - began < 10
        assert longest < STALL_SECONDS
        assert tracemalloc.get_traced_memory()[1] < MEMORY
    finally:
        tracemalloc.stop()
        ticking.cancel()
