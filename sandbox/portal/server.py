"""The portal on a loopback port, in the caller's event loop."""

import asyncio
import socket
from pathlib import Path
from types import TracebackType
from typing import Any, cast

from uvicorn import Config, Server
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sandbox.portal.app import create_app
from sandbox.portal.clock import Clock
from sandbox.portal.company import DEFAULT_PORTAL_URL, Portal
from sandbox.portal.faults import FaultBoard
from sandbox.portal.http.middleware import TRANSPORT
from sandbox.portal.request_log import RequestLog

SHUTDOWN_SECONDS = 1.0
_SHUTDOWN_STEP_SECONDS = 0.005


class PortalServer:
    """Serves a portal over HTTP: `async with PortalServer(token="…") as server: server.url`.

    `server.portal` is the same portal as Python.
    """

    def __init__(
        self,
        token: str,
        *,
        clock: Clock | None = None,
        database: Path | str | None = None,
        seeded: bool = True,
        host: str = "127.0.0.1",
        port: int = 0,
        portal_url: str = DEFAULT_PORTAL_URL,
        webhook_url: str | None = None,
        webhook_secret: str | None = None,
    ) -> None:
        """Create the server. Port 0 takes a free port, which a restart keeps. The rest is as in Portal."""
        self.token = token
        self.portal = Portal(database, clock, seeded, portal_url)
        self.portal.webhook.configure(webhook_url, webhook_secret)
        self._host = host
        self._port = port
        self._server: Server | None = None
        self._stopping = asyncio.Event()

    @property
    def url(self) -> str:
        """The base URL, without a trailing slash. Raises RuntimeError before the first start."""
        if not self._port:
            raise RuntimeError("the portal has not been started")
        return f"http://{self._host}:{self._port}"

    @property
    def is_up(self) -> bool:
        return self._server is not None

    @property
    def faults(self) -> FaultBoard:
        return self.portal.faults

    @property
    def log(self) -> RequestLog:
        return self.portal.log

    async def start(self) -> None:
        """Start listening. Raises OSError when the port is taken."""
        self._stopping = asyncio.Event()
        # asyncio sets TCP_NODELAY only on sockets made with IPPROTO_TCP; without it, two writes take 40 ms.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((self._host, self._port))
        except OSError:
            listener.close()
            raise
        self._port = listener.getsockname()[1]
        config = Config(
            create_app(self.portal, self.token, self._stopping),
            http=_OpenTransport,
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            date_header=False,
        )
        config.load()
        self._server = Server(config)
        # `serve()` would handle the process's signals and poll ten times a second.
        self._server.lifespan = config.lifespan_class(config)
        await self._server.startup(sockets=[listener])

    async def stop(self) -> None:
        """Stop listening, let running requests finish for a second, and close the connections. The rows stay."""
        if (server := self._server) is None:
            return
        self._server = None
        self._stopping.set()
        for listening in server.servers:
            listening.close()
        for connection in list(server.server_state.connections):
            connection.shutdown()
        tasks = server.server_state.tasks
        if tasks:
            await asyncio.wait(set(tasks), timeout=SHUTDOWN_SECONDS)
        for task in set(tasks):
            task.cancel()
        for _ in range(int(SHUTDOWN_SECONDS / _SHUTDOWN_STEP_SECONDS)):
            if not server.server_state.connections and not tasks:
                break
            await asyncio.sleep(_SHUTDOWN_STEP_SECONDS)
        await server.lifespan.shutdown()

    async def close(self) -> None:
        """Stop, and close the database. A database in memory is lost."""
        await self.stop()
        self.portal.close()

    async def __aenter__(self) -> "PortalServer":
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


class _OpenTransport(HttpToolsProtocol):
    """uvicorn's protocol, which exposes its transport so that a fault can close it."""

    def on_headers_complete(self) -> None:
        cast(dict[str, Any], self.scope)[TRANSPORT] = self.transport
        super().on_headers_complete()
