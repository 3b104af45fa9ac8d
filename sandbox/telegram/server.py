"""The simulated Telegram as a server on loopback, in the caller's event loop."""

import asyncio
import logging
import socket
from typing import TYPE_CHECKING

import uvicorn
from uvicorn.lifespan.off import LifespanOff
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sandbox.telegram.app import create_app
from sandbox.telegram.clock import Clock
from sandbox.telegram.http.transport import CONNECTION
from sandbox.telegram.model.bots import Bot
from sandbox.telegram.settings import Settings
from sandbox.telegram.world import TelegramWorld

if TYPE_CHECKING:
    from types import TracebackType

GRACE_SECONDS = 2


class _Protocol(HttpToolsProtocol):
    """Uvicorn's HTTP protocol. It exposes the connection, which faults cut."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope[CONNECTION] = self.transport  # type: ignore[literal-required]


class TelegramServer:
    """Runs a simulated Telegram: `async with TelegramServer() as telegram: …`, or start() and stop().

    `world` is its state and its people; `url` replaces https://api.telegram.org.
    """

    def __init__(
        self,
        world: TelegramWorld | None = None,
        *,
        port: int = 0,
        clock: Clock | None = None,
        settings: Settings | None = None,
    ) -> None:
        self.world = world or TelegramWorld(clock, settings)
        self._port = port
        self._socket: socket.socket | None = None
        self._server: uvicorn.Server | None = None
        self._reserved: socket.socket | None = None

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT`. Raises RuntimeError before start."""
        if not self._port:
            raise RuntimeError("the server has not been started")
        return f"http://127.0.0.1:{self._port}"

    def api_url(self, bot: Bot | str | None = None) -> str:
        """Return the base URL of a bot's methods: `{url}/bot<token>`."""
        return f"{self.url}/bot{self.world.bot(bot).token}"

    async def start(self) -> None:
        """Listen on `port`, or on a free port. After a stop, it listens on the same port."""
        # asyncio sets TCP_NODELAY only on sockets made with IPPROTO_TCP; without it, two writes take 40 ms.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", self._port))
        self._port = self._socket.getsockname()[1]
        config = uvicorn.Config(
            create_app(self.world),
            http=_Protocol,
            ws="none",
            lifespan="off",
            log_config=None,
            log_level=logging.CRITICAL,
            access_log=False,
            server_header=False,
            backlog=512,
            timeout_keep_alive=60,
        )
        config.load()
        self._server = uvicorn.Server(config)
        self._server.lifespan = LifespanOff(config)
        await self._server.startup(sockets=[self._socket])
        self.world.events.closed = False
        for bot in self.world.bots.values():
            bot.webhook.resume()

    async def stop(self) -> None:
        """Stop listening and delivering. Polls and subscriptions end; the state stays."""
        if self._server is None or self._socket is None:
            return
        self.world.close()
        for bot in self.world.bots.values():
            await bot.webhook.suspend()
        server, self._server = self._server, None
        self._socket = None
        await _shut_down(server)

    async def go_down(self) -> None:
        """Refuse connections, and close the open ones, until `come_back`. The port stays reserved."""
        await self.stop()
        # Bound without listening: connections are refused.
        self._reserved = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._reserved.bind(("127.0.0.1", self._port))

    async def come_back(self) -> None:
        """End `go_down`, on the same port."""
        await self.start()
        self._release_port()

    def _release_port(self) -> None:
        if self._reserved is not None:
            self._reserved.close()
            self._reserved = None

    async def __aenter__(self) -> "TelegramServer":
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: "TracebackType | None"
    ) -> None:
        await self.stop()
        self._release_port()


async def _shut_down(server: uvicorn.Server) -> None:
    """Shut uvicorn down without its sleeps: a test stops a server in milliseconds."""
    for listener in server.servers:
        listener.close()
    connections, tasks = server.server_state.connections, server.server_state.tasks
    for connection in list(connections):
        connection.shutdown()
    if tasks:
        await asyncio.wait(set(tasks), timeout=GRACE_SECONDS)
    for task in list(tasks):
        task.cancel()
    for connection in list(connections):
        connection.transport.abort()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.sleep(0)  # the loop closes an aborted connection in its next iteration
    for listener in server.servers:
        await listener.wait_closed()
