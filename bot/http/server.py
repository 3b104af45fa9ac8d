"""Uvicorn inside the process's own event loop, and its signals stay ours."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.types import ASGIApp
from uvicorn.lifespan.off import LifespanOff

from bot.http.connections import HttpLimits
from bot.http.limits import limited_protocol

_GRACE_SECONDS = 5
_BACKLOG = 128
"""Connections that the kernel holds for us. The event loop takes them all at once, before any limit is looked at: with
more, they could take every file descriptor for a moment."""


class CannotListen(Exception):
    """The address is taken or not ours; the message names it."""


@contextmanager
def bound(host: str, port: int) -> Iterator[socket.socket]:
    """An address taken, before anything else begins; nobody is let in yet. Raises ``CannotListen``."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named as TCP, or asyncio leaves Nagle's algorithm on: 40 ms for every answer in two writes.
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise CannotListen(f"{host}:{port} cannot be listened on ({error.strerror})") from None
        yield listener


@asynccontextmanager
async def listening(app: ASGIApp, listener: socket.socket, limits: HttpLimits | None = None) -> AsyncIterator[str]:
    """Serve until the body ends; give ``http://host:port`` as it is, also where the port was 0 (any free one)."""
    server = _server(app, limits or HttpLimits())
    await server.startup(sockets=[listener])
    try:
        host, port = listener.getsockname()[:2]
        yield f"http://{host}:{port}"
    finally:
        await asyncio.sleep(0)
        await server.shutdown(sockets=[listener])


def _server(app: ASGIApp, limits: HttpLimits) -> uvicorn.Server:
    config = uvicorn.Config(
        app,
        http=limited_protocol(limits),
        backlog=_BACKLOG,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level=logging.ERROR,  # its warnings tell of one bad request each; `limits` counts them
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = LifespanOff(config)
    return server
