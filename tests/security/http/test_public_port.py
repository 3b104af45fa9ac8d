"""The public port without a reverse proxy: connections, headers, bodies and time are bounded."""

import asyncio
import json
import resource
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from bot.http import server
from bot.http.bodies import BODY_MEMORY
from bot.http.connections import Connections, HttpLimits
from bot.http.limits import LimitedHttpProtocol
from bot.http.webhook import SECRET_HEADER
from sandbox.serving import free_port
from tests.scene import Scene

MEBIBYTE = 1024 * 1024
SECRET = "a-secret_of_the_webhook"
POST = b"POST /portal/events HTTP/1.1\r\nHost: x\r\n"
WHOLE = b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n"
PATIENCE = 20.0
SMALL = HttpLimits(connections=8, head_seconds=0.5, body_seconds=0.5, write_seconds=0.5, linger_seconds=0.3)

Serve = Callable[..., Awaitable["Port"]]


class Peer:
    """A raw connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        with suppress(ConnectionError):
            await self.writer.drain()

    async def answer(self) -> bytes:
        """Return the status line of the next answer and skip its body; empty if the connection ended."""
        async with asyncio.timeout(PATIENCE):
            try:
                head = await self.reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionError):
                return b""
            lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
            await self.reader.readexactly(int(lengths[0].split(b":")[1]) if lengths else 0)
            return head.partition(b"\r\n")[0]

    async def is_ended(self, timeout: float = PATIENCE) -> bool:
        """Return whether the server ends the connection within the timeout; data before that is skipped."""
        try:
            async with asyncio.timeout(timeout):
                while await self.reader.read(65536):
                    pass
        except ConnectionError:
            return True
        except TimeoutError:
            return False
        return True


class Port:
    """A served port, and the raw connections to it."""

    def __init__(self, url: str, stack: AsyncExitStack) -> None:
        self.url = url
        self._stack = stack

    async def connect(self, first: bytes = b"", *, receives: int = 0) -> Peer:
        """Connect and send; ``receives`` is the size of the receive buffer in bytes."""
        address = urlsplit(self.url)
        raw = socket.socket()
        if receives:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receives)
        raw.setblocking(False)
        await asyncio.get_running_loop().sock_connect(raw, (address.hostname, address.port))
        peer = Peer(*await asyncio.open_connection(sock=raw))
        self._stack.callback(peer.writer.close)
        await peer.send(first)
        return peer

    async def lives(self) -> bool:
        """Return whether a new connection is answered."""
        return (await (await self.connect(WHOLE)).answer()).startswith(b"HTTP/1.1 404")


@pytest.fixture
async def serve(scene: Scene) -> AsyncIterator[Serve]:
    """A function that serves the bot's public application once more, with other limits."""
    async with AsyncExitStack() as stack:

        async def start(limits: HttpLimits = SMALL, *, is_admin: bool = False) -> Port:
            listener = stack.enter_context(server.bind("127.0.0.1", 0))
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
            app = scene.components.admin_app if is_admin else scene.components.public_app
            url = await stack.enter_async_context(server.listening(app, listener, limits))
            return Port(url, stack)

        yield start


@pytest.fixture
async def port(scene: Scene) -> AsyncIterator[Port]:
    """The bot's public port with the default limits."""
    async with AsyncExitStack() as stack:
        yield Port(scene.public_url, stack)


async def test_header_size_is_bounded(port: Port) -> None:
    for size, status in ((15_000, b"401"), (16 * 1024, b"431"), (100_000, b"431")):
        peer = await port.connect(POST + b"Content-Length: 0\r\nX-Long: " + b"a" * size + b"\r\n\r\n")
        assert (await peer.answer()).split()[1] == status
    assert await peer.is_ended(), "a refused connection is closed"


@pytest.mark.parametrize(
    "start",
    [POST + b"X-Long: ", b"POST /", POST, b"\r\n", POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: "],
    ids=["one header", "the target", "many headers", "empty lines", "a trailer"],
)
async def test_endless_header_is_aborted(port: Port, start: bytes) -> None:
    more = b"X-More: 1\r\n" * 4096 if start == POST else b"\r\n" * 32_768 if start == b"\r\n" else b"a" * 65_536
    peer, sent = await port.connect(start), 0
    while sent < 64 * MEBIBYTE and not peer.reader.at_eof() and not peer.writer.transport.is_closing():
        await peer.send(more)
        sent += len(more)
        await asyncio.sleep(0)
        if b"HTTP/1.1" in bytes(peer.reader._buffer):  # type: ignore[attr-defined]
            break
    assert sent < 64 * MEBIBYTE
    assert await peer.is_ended()


async def test_many_small_headers_are_refused(port: Port) -> None:
    peer = await port.connect(POST + b"Content-Length: 0\r\n" + b"a:\r\n" * 200 + b"\r\n")
    assert b" 431 " in await peer.answer()


@pytest.mark.parametrize(
    "sent",
    [b"", b"POST /tele", POST, b"\r\n", WHOLE, WHOLE + b"POST /tele"],
    ids=["nothing", "half a line", "half a head", "an empty line", "idle", "half a second request"],
)
async def test_header_has_a_time_limit(serve: Serve, sent: bytes) -> None:
    port = await serve()
    assert await (await port.connect(sent)).is_ended()


async def test_trickled_bytes_do_not_extend_the_time_limit(serve: Serve) -> None:
    port = await serve()
    peer, began = await port.connect(), time.monotonic()

    async def trickle() -> None:
        for byte in POST * 20:
            await peer.send(bytes([byte]))
            await asyncio.sleep(0.1)

    trickling = asyncio.create_task(trickle())
    assert await peer.is_ended()
    trickling.cancel()
    assert time.monotonic() - began < 10, "the whole head would have taken over a minute"


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 1000\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"Content-Length: 9\r\nExpect: 100-continue\r\n\r\n",
    ],
    ids=["length", "chunked", "expect"],
)  # fmt: skip
async def test_body_has_a_time_limit(serve: Serve, head: bytes) -> None:
    port = await serve(HttpLimits(body_seconds=0.5))
    assert await (await port.connect(POST + head)).is_ended()


async def test_refused_body_has_a_time_limit(serve: Serve) -> None:
    port = await serve(HttpLimits(body_seconds=0.7))
    peer = await port.connect(POST + b"Content-Length: 9000000\r\n\r\n" + b"x" * (MEBIBYTE + 1))
    assert b" 413 " in await peer.answer()
    assert await peer.is_ended()


@pytest.mark.parametrize("at_once", [1, 20])
async def test_peer_that_never_reads_is_disconnected(serve: Serve, at_once: int) -> None:
    port = await serve(is_admin=True)
    peer = await port.connect(receives=4096)
    peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
    deadline = time.monotonic() + PATIENCE
    while not peer.writer.transport.is_closing():
        assert time.monotonic() < deadline
        peer.writer.write(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * at_once)
        await asyncio.sleep(0.05)
    assert await port.lives()


async def test_incomplete_requests_leave_room_for_others(serve: Serve) -> None:
    port = await serve(HttpLimits(connections=8))
    halves = [await port.connect(b"POST /tele") for _ in range(30)]
    assert await port.lives()
    assert await halves[0].is_ended(), "the oldest goes first"
    assert not await halves[-1].is_ended(0.2)


async def test_held_bodies_leave_room_for_others(serve: Serve) -> None:
    port = await serve(HttpLimits(connections=8))
    held = [await port.connect(POST + b"Content-Length: 1000\r\n\r\nx") for _ in range(30)]
    assert await port.lives()
    assert await held[0].is_ended()


async def test_connection_being_answered_is_not_closed(scene: Scene, serve: Serve) -> None:
    port = await serve(HttpLimits(connections=2), is_admin=True)
    scene.later(seconds=11)
    scene.telegram.world.faults.add("hang_before", method="getMe", count=1)
    asking = [await port.connect(b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n") for _ in range(2)]
    await asyncio.sleep(0.3)
    assert await (await port.connect(WHOLE)).is_ended(), "there is no room for a new connection"
    assert [(await peer.answer()).split()[1] for peer in asking] == [b"503", b"503"]


async def test_linking_works_during_1100_incomplete_requests(scene: Scene, port: Port) -> None:
    # The attacker's connections are open files of this process too.
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, 4096), hard), hard))
    for _ in range(1_100):
        await port.connect(b"POST /tele")
    camille = await scene.linked()
    assert "212380" in (await scene.say(camille, "/factures")).text
    assert await port.lives()


async def test_connections_per_peer_are_bounded() -> None:
    def connection(peer: str | None) -> Any:
        made = LimitedHttpProtocol.__new__(LimitedHttpProtocol)
        made.peer, made.abort = peer, lambda: gone.append(made)  # type: ignore[method-assign]
        return made

    gone: list[Any] = []
    table = Connections(HttpLimits(connections=10, connections_per_peer=2))
    first = connection("192.0.2.1")
    assert all(table.admit(each) for each in (first, connection("192.0.2.1"), connection("192.0.2.1")))
    assert gone == [first]
    assert all(table.admit(connection(None)) for _ in range(8)), "loopback has no share of its own"
    assert len(table) == 10


@pytest.mark.parametrize("path", ["telegram/", "portal/events/", "unsubscribe/1.a/"])
async def test_no_redirect_to_the_host_header(scene: Scene, path: str) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        for url in (scene.public_url, scene.admin_url):
            answer = await client.post(f"{url}/{path}", headers={"Host": "evil.example"})
            assert answer.status_code == 404
            assert "location" not in answer.headers


async def test_unauthenticated_bodies_share_a_memory_limit(port: Port) -> None:
    count = BODY_MEMORY // MEBIBYTE + 4
    part = POST + b"Content-Length: 1048576\r\n\r\n" + b"x" * (MEBIBYTE - 1)
    peers = [await port.connect(part) for _ in range(count)]
    asking = {asyncio.create_task(peer.answer()) for peer in peers}
    done, _ = await asyncio.wait(asking, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
    assert {task.result() for task in done} == {b"HTTP/1.1 503 Service Unavailable"}
    # A released body takes no memory, and its share is available again.
    unsubscribe = await port.connect(b"POST /unsubscribe/1.a HTTP/1.1\r\nHost: x\r\nContent-Length: 500000\r\n\r\n")
    await unsubscribe.send(b"x" * 500_000)
    assert b" 404 " in await unsubscribe.answer()  # the token is none; its body was taken all the same
    for task in asking:
        task.cancel()
    await asyncio.gather(*asking, return_exceptions=True)
    for peer in peers:
        peer.writer.transport.abort()
    deadline = time.monotonic() + PATIENCE
    while True:
        whole = await port.connect(POST + b"Content-Length: 500000\r\n\r\n" + b"x" * 500_000)
        if b" 401 " in await whole.answer():
            break
        assert time.monotonic() < deadline


@asynccontextmanager
async def by_webhook(database_url: str) -> AsyncIterator[tuple[Scene, Port]]:
    address = f"127.0.0.1:{free_port()}"
    async with (
        Scene(database_url, listen=address, webhook_url=f"http://{address}", webhook_secret=SECRET) as scene,
        AsyncExitStack() as stack,
    ):
        yield scene, Port(scene.public_url, stack)


async def test_telegram_bodies_are_outside_the_memory_limit(database_url: str) -> None:
    async with by_webhook(database_url) as (_, port):
        held = POST + b"Content-Length: 1048576\r\n\r\n" + b"x" * (MEBIBYTE - 1)
        peers = [await port.connect(held) for _ in range(BODY_MEMORY // MEBIBYTE + 1)]
        await asyncio.wait(
            [asyncio.create_task(peer.answer()) for peer in peers],
            timeout=PATIENCE,
            return_when=asyncio.FIRST_COMPLETED,
        )
        update = json.dumps({"update_id": 1, "from_the_future": "x" * 1_000_000}).encode()
        head = (
            f"POST /telegram HTTP/1.1\r\nHost: x\r\n{SECRET_HEADER}: {SECRET}\r\nContent-Length: {len(update)}\r\n\r\n"
        )
        assert b" 200 " in await (await port.connect(head.encode() + update)).answer()


async def test_without_the_secret_no_body_is_read(database_url: str) -> None:
    async with by_webhook(database_url) as (_, port):
        peer = await port.connect(b"POST /telegram HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
        assert b" 403 " in await peer.answer()


async def test_pipelined_requests_are_answered_in_order(port: Port) -> None:
    peer = await port.connect(WHOLE * 3 + POST + b"Content-Length: 0\r\n\r\n")
    assert [(await peer.answer()).split()[1] for _ in range(4)] == [b"404", b"404", b"404", b"401"]


async def test_thousands_of_pipelined_requests_are_refused(port: Port) -> None:
    peer = await port.connect(WHOLE * 3_000)
    assert await peer.is_ended()
    assert await port.lives()


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"CONNECT evil.example:443 HTTP/1.1\r\nHost: x\r\n\r\n", b"400"),
        (b"CONNECT / HTTP/1.1\r\nHost: x\r\n\r\n", b"404"),
        (b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", b"404"),
        (b"BREW / HTTP/1.1\r\nHost: x\r\n\r\n", b"400"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"400"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"400"),
        (b"GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", b"404"),
        (b"POST /portal/events HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n", b"400"),
        (b"TRACE /nowhere HTTP/1.1\r\nHost: x\r\n\r\n", b"404"),
    ],
)
async def test_unusual_requests_are_answered(serve: Serve, sent: bytes, status: bytes) -> None:
    port = await serve()
    peer = await port.connect(sent)
    assert (await peer.answer()).split()[1:2] == [status]
    assert await peer.is_ended()


async def test_expect_100_continue_is_answered(port: Port) -> None:
    peer = await port.connect(POST + b"Content-Length: 3\r\nExpect: 100-continue\r\n\r\n")
    assert await peer.answer() == b"HTTP/1.1 100 Continue"
    await peer.send(b"abc")
    assert b" 401 " in await peer.answer()


async def test_chunked_bodies_are_bounded(port: Port) -> None:
    peer = await port.connect(POST + b"Transfer-Encoding: chunked\r\n\r\n")
    await peer.send(b"1\r\nx\r\n" * 3 + b"0\r\n\r\n")
    assert b" 401 " in await peer.answer()
    await peer.send(POST + b"Transfer-Encoding: chunked\r\n\r\n")
    for _ in range(17):
        await peer.send(b"10000\r\n" + b"x" * 65_536 + b"\r\n")
    assert b" 413 " in await peer.answer()


async def test_admin_port_is_bounded(serve: Serve) -> None:
    port = await serve(is_admin=True)
    assert b" 431 " in await (await port.connect(b"GET /" + b"a" * 20_000)).answer()
    assert await (await port.connect(b"GET /he")).is_ended()


@pytest.mark.parametrize(
    "body",
    [
        b'{"update_id":1,"message":' + b'{"reply_to_message":' * 900 + b"{}" + b"}" * 901,
        b'{"update_id":1,"message":' + b"[" * 900 + b"]" * 900 + b"}",
        b'{"update_id":1,"message":{"message_id":1,"date":1,"chat":{"id":1e400,"type":"private"}}}',
        b'{"update_id":1,"message":{"message_id":1,"date":1,"chat":{"id":18446744073709551615,"type":"private"}}}',
        b'{"update_id":1,"message":{"message_id":1,"date":1e30,"chat":{"id":1,"type":"private"}}}',
        b'{"update_id":1,"message":{"message_id":1,"date":1,"chat":{"id":"x","type":"private"}}}',
        b'{"update_id":' + b"9" * 5000 + b"}",
        b'[{"update_id":1}]', b'"x"', b"true", b'{"update_id":true}',
    ],
)  # fmt: skip
async def test_invalid_update_gets_a_400(database_url: str, body: bytes) -> None:
    async with by_webhook(database_url) as (scene, _), httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(f"{scene.public_url}/telegram", content=body, headers={SECRET_HEADER: SECRET})
        assert answer.status_code == 400
