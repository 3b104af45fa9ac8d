"""aiohttp's connections under httpx: the errors are httpcore's, and hold no URL."""

import asyncio
import socket
import ssl
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import pytest

from portal.connections.transport import AiohttpTransport

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
TIMEOUT = httpx.Timeout(0.3)
BODY = b"x" * 40
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n"


def ours() -> AiohttpTransport:
    return AiohttpTransport(connections=4, idle_seconds=60)


@asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[str]:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await answer(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()
    await server.wait_closed()


def sending(*parts: bytes, then_hang: bool = False) -> Answer:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.writelines(parts)
        await writer.drain()
        if then_hang:
            await reader.read()

    return answer


async def failure(transport: httpx.AsyncBaseTransport, url: str) -> Exception:
    async with httpx.AsyncClient(transport=transport, timeout=TIMEOUT) as client:
        with pytest.raises(Exception) as raised:  # noqa: PT011
            await client.get(f"{url}/v1/contacts/c-1001-secret")
    return raised.value


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (sending(), httpx.TransportError),
        (sending(b"SSH-2.0-OpenSSH\r\n\r\n"), httpx.TransportError),
        (sending(HEAD, BODY[:7]), httpx.TransportError),
        (sending(HEAD, BODY[:7], then_hang=True), httpx.ReadTimeout),
        (sending(then_hang=True), httpx.ReadTimeout),
    ],
    ids=["closed", "nonsense", "cut", "stopped", "silent"],
)
async def test_errors_are_those_of_httpcore(answer: Answer, kind: type[Exception]) -> None:
    """The error has httpcore's type, and its text and trace do not hold the URL."""
    async with serving(answer) as url:
        assert isinstance(await failure(httpx.AsyncHTTPTransport(), url), kind)
        error = await failure(ours(), url)
    assert isinstance(error, kind)
    assert "secret" not in "".join(traceback.format_exception(error, limit=0)) + str(error)


async def test_refused_connection_and_missing_tls() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        assert isinstance(await failure(ours(), f"http://127.0.0.1:{taken.getsockname()[1]}"), httpx.ConnectError)

    async def no_tls(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(HEAD + BODY)

    async with serving(no_tls) as url:
        assert isinstance(await failure(ours(), url.replace("http:", "https:")), httpx.ConnectError)


async def test_unfinished_tls_handshake() -> None:
    async with serving(sending(then_hang=True)) as url:
        assert isinstance(await failure(ours(), url.replace("http:", "https:")), httpx.ConnectTimeout)


async def test_tls_uses_the_certificates_of_httpx(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[bool] = []
    make = httpx.create_ssl_context

    def create(*, trust_env: bool) -> ssl.SSLContext:
        made.append(trust_env)
        return make(trust_env=trust_env)

    monkeypatch.setattr(httpx, "create_ssl_context", create)
    async with serving(sending()) as url:
        await failure(ours(), url)
        assert made == []
        await failure(ours(), url.replace("http:", "https:"))
    assert made == [False]


async def test_path_is_sent_unchanged() -> None:
    """A number of two dots must not lead to the path above."""
    asked: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n\r\n")).split(b" ")[1])
        writer.write(HEAD + BODY)

    path = "/v1/invoices/%2E%2E/a%2Fb%C3%A9%20?query=a%2Bb+c"
    async with serving(answer) as url, httpx.AsyncClient(transport=ours()) as client:
        await client.get(url + path)
    assert asked == [path.encode()]


async def test_connection_reuse() -> None:
    """A connection is used again, unless its last answer was not read to the end."""
    connections = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        while True:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(HEAD + BODY[:20])
            await writer.drain()
            await asyncio.sleep(0.01)
            writer.write(BODY[20:])

    async with serving(answer) as url, httpx.AsyncClient(transport=ours()) as client:
        for _ in range(3):
            assert (await client.get(url)).content == BODY
        assert connections == 1
        async with client.stream("GET", url) as response:
            async for _ in response.aiter_bytes():
                break
        assert (await client.get(url)).content == BODY
        assert connections == 2
