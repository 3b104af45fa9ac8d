"""Uvicorn inside the process's own event loop, and its signals stay ours."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import uvicorn
    from starlette.types import ASGIApp

    from bot.http.limits import HttpLimits

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
async def listening(
    make_app: "Callable[[], ASGIApp]", listener: socket.socket, limits: "HttpLimits | None" = None
) -> AsyncIterator[str]:
    """Serves until the body ends; gives ``http://host:port`` as it is, also where the port was 0 (any free one)."""
    # What is imported for it takes a tenth of a second, in which people are answered.
    server = await asyncio.to_thread(_server, make_app, limits)
    await server.startup(sockets=[listener])
    try:
        host, port = listener.getsockname()[:2]
        yield f"http://{host}:{port}"
    finally:
        await asyncio.sleep(0)
        await server.shutdown(sockets=[listener])


def _server(make_app: "Callable[[], ASGIApp]", limits: "HttpLimits | None") -> "uvicorn.Server":
    import uvicorn
    from uvicorn.lifespan.off import LifespanOff

    from bot.http.limits import HttpLimits, limited_protocol

    config = uvicorn.Config(
        make_app(),
        http=limited_protocol(limits or HttpLimits()),
        backlog=_BACKLOG,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level=logging.ERROR,  # its warnings tell of one bad request each; http_limits counts them
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
