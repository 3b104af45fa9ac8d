"""Uvicorn inside the process's own event loop: its signals stay ours, and it listens before anything else begins."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.types import ASGIApp
from uvicorn.lifespan.off import LifespanOff

_GRACE_SECONDS = 5


class CannotListen(Exception):
    """The address is taken or not ours; the message names it."""


@asynccontextmanager
async def listening(app: ASGIApp, host: str, port: int) -> AsyncIterator[str]:
    """Serves until the body ends; gives ``http://host:port`` as it is, also where the port was 0 (any free one)."""
    listener = _bound(host, port)
    config = uvicorn.Config(
        app,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level=logging.WARNING,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = LifespanOff(config)
    await server.startup(sockets=[listener])
    try:
        yield f"http://{host}:{listener.getsockname()[1]}"
    finally:
        await asyncio.sleep(0)
        await server.shutdown(sockets=[listener])


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named as TCP, or asyncio leaves Nagle's algorithm on: 40 ms for every answer in two writes.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise CannotListen(f"{host}:{port} cannot be listened on ({error.strerror})") from None
    return listener
