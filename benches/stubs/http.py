"""A minimal HTTP/1.1 server for the benches, far faster than the client under measurement."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httptools


@dataclass(frozen=True, slots=True)
class Request:
    """A request with its complete body."""

    path: str
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that is no 200."""

    status: int
    body: bytes


Answer = Callable[[Request], Awaitable[bytes | Refusal]]
"""Gives the body of a 200, or a refusal."""


class _Connection(asyncio.Protocol):
    """One connection. Requests on it come one after the other, as HTTP clients with a pool send them."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._url = b""
        self._content_type = b""
        self._body: list[bytes] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, _error: Exception | None) -> None:
        for task in self._tasks:
            task.cancel()

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"content-type":
            self._content_type = value

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        request = Request(self._url.decode(), self._content_type.decode(), b"".join(self._body))
        self._url, self._content_type, self._body = b"", b"", []
        task = asyncio.get_running_loop().create_task(self._give(request))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _give(self, request: Request) -> None:
        answer = await self._answer(request)
        status, body = (answer.status, answer.body) if isinstance(answer, Refusal) else (200, answer)
        if self._transport is not None and not self._transport.is_closing():
            head = b"HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
            self._transport.write(head % (status, len(body)) + body)


@asynccontextmanager
async def serve(answer: Answer) -> AsyncIterator[str]:
    """Serve on a free port of loopback until the block ends. Gives ``http://127.0.0.1:port``."""
    server = await asyncio.get_running_loop().create_server(lambda: _Connection(answer), "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
