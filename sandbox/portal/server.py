"""The portal on a loopback port, inside the caller's own event loop."""

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
from sandbox.portal.gate import TRANSPORT
from sandbox.portal.request_log import RequestLog

LONGEST_GOODBYE = 1.0
_GOODBYE_STEP = 0.005


class PortalServer:
    """A portal to talk to over HTTP: `async with PortalServer(token="…") as server: server.url`.

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
        """`port` 0 takes a free one, kept over a restart; the rest is as for Portal and its webhook."""
        self.token = token
        self.portal = Portal(database, clock, seeded, portal_url)
        self.portal.webhook.configure(webhook_url, webhook_secret)
        self._host = host
        self._port = port
        self._server: Server | None = None
        self._stopping = asyncio.Event()

    @property
    def url(self) -> str:
        """The base URL, without a slash at its end; raises RuntimeError before the first start."""
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
        """Listens from its return on; raises OSError when the port is taken."""
        self._stopping = asyncio.Event()
        # Named as TCP, or asyncio leaves Nagle's algorithm on: 40 ms for every answer in two writes.
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
        # `serve()` would take over the process's signals and poll ten times a second.
        self._server.lifespan = config.lifespan_class(config)
        await self._server.startup(sockets=[listener])

    async def stop(self) -> None:
        """Stops listening, lets answers under way finish for a second, and hangs up. The rows stay; see `close`."""
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
            await asyncio.wait(set(tasks), timeout=LONGEST_GOODBYE)
        for task in set(tasks):
            task.cancel()
        for _ in range(int(LONGEST_GOODBYE / _GOODBYE_STEP)):
            if not server.server_state.connections and not tasks:
                break
            await asyncio.sleep(_GOODBYE_STEP)
        await server.lifespan.shutdown()

    async def close(self) -> None:
        """Stops, and closes the database: one in memory is gone."""
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
    """uvicorn's own protocol, that also lets a fault hang up."""

    def on_headers_complete(self) -> None:
        cast(dict[str, Any], self.scope)[TRANSPORT] = self.transport
        super().on_headers_complete()
