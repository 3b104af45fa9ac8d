"""Runs uvicorn in the process's event loop, without its signal handlers."""

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

_GRACE_SECONDS = 1
"""How long a stop waits for requests in progress: updates and notices are drained before."""
_BACKLOG = 128
"""Connections that the kernel queues. The event loop accepts all of them before it checks any limit, so a longer queue
could use up the file descriptors."""


class CannotListen(Exception):
    """The address is in use or not on this machine; the message names it."""


@contextmanager
def bind(host: str, port: int) -> Iterator[socket.socket]:
    """Bind a TCP socket to an IP address, without listening yet; port 0 is any free port.

    Raises:
        CannotListen: The address is in use or not on this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With IPPROTO_TCP asyncio disables Nagle's algorithm, which adds 40 ms to each answer of two writes.
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise CannotListen(f"{host}:{port} cannot be listened on ({error.strerror})") from None
        yield listener


@asynccontextmanager
async def listening(app: ASGIApp, listener: socket.socket, limits: HttpLimits | None = None) -> AsyncIterator[str]:
    """Serve during the body, with the default limits if None are given.

    Yields:
        ``http://host:port``, with the actual port.
    """
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
        log_level=logging.ERROR,  # its warnings are about one bad request each; `Connections` counts them
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
