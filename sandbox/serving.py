"""Serves an ASGI application on a loopback port, in the caller's event loop."""

import logging
import random
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import uvicorn
from starlette.types import ASGIApp
from uvicorn.lifespan.off import LifespanOff

_RANDOM = random.SystemRandom()


@asynccontextmanager
async def serve(app: ASGIApp, port: int = 0) -> AsyncIterator[str]:
    """Serve `app` until the block ends, and yield the base URL. Port 0 means a free port."""
    # asyncio sets TCP_NODELAY only on sockets made with IPPROTO_TCP; without it, two writes take 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    config = uvicorn.Config(
        app, ws="none", lifespan="off", log_config=None, log_level=logging.CRITICAL, access_log=False,
        timeout_graceful_shutdown=1,
    )  # fmt: skip
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = LifespanOff(config)
    await server.startup(sockets=[listener])
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        await server.shutdown(sockets=[listener])


def free_port() -> int:
    """Return a free port, for a process that needs its port number before it starts.

    It is below the ports that the system gives to connections: one of those could take it meanwhile.
    """
    while True:
        port = _RANDOM.randrange(20_000, 32_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
