"""Answers in place of Telegram's are bounded, and every invalid one is a NetworkError."""

import asyncio
import gzip
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from telegram import Bot
from telegram.error import NetworkError

from bot.app import build
from bot.bot_api.answer import MAX_ANSWER_BYTES, MAX_UPDATES_BYTES, AnswerTooLong
from bot.bot_api.request import AiohttpRequest
from handlers.telegram.failures import NotDone
from tests.scene import TOKEN, Scene

MEBIBYTE = 1024 * 1024
Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def answering(answer: Answer, asked: list[bytes] | None = None) -> AsyncIterator[str]:
    """Serve a function's answers to requests. Gives the URL."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            if asked is not None:
                asked.append(head)
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            await reader.readexactly(int(length.split(b":")[1]))
            await answer(writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


def whole(body: bytes, *headers: str) -> Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        lines = ("HTTP/1.1 200 OK", "Connection: close", f"Content-Length: {len(body)}", *headers, "", "")
        writer.write("\r\n".join(lines).encode() + body)

    return answer


async def endless(writer: asyncio.StreamWriter) -> None:
    writer.write(b'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{"ok":true,"result":"')
    for _ in range(512):
        writer.write(b"a" * MEBIBYTE)
        await writer.drain()


async def failure(answer: Answer, **options: int) -> NetworkError:
    async with answering(answer) as url, AiohttpRequest(**options) as request:
        with pytest.raises(NetworkError) as raised:
            await Bot(TOKEN, base_url=f"{url}/bot", request=request).send_message(1, "avis")
    assert type(raised.value) in (NetworkError, AnswerTooLong)
    assert not isinstance(raised.value, NotDone), "after writing nobody knows"
    assert TOKEN not in str(raised.value)
    return raised.value


async def test_endless_answer_is_aborted() -> None:
    assert "longer than" in (await failure(endless)).message


@pytest.mark.parametrize("size", [MAX_ANSWER_BYTES, MAX_ANSWER_BYTES + 1])
async def test_answer_at_the_size_limit_is_read(size: int) -> None:
    start, end = b'{"ok":true,"result":{"x":"', b'"}}'
    body = start + b"a" * (size - len(start) - len(end)) + end
    if size > MAX_ANSWER_BYTES:
        assert "longer than" in (await failure(whole(body))).message
        return
    async with answering(whole(body)) as url, AiohttpRequest() as request:
        status, answer = await request.do_request(f"{url}/bot/getMe", "POST")
        assert (status, len(answer)) == (200, size)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "GZIP", "x-gzip"])
async def test_compressed_answer_is_not_decompressed(encoding: str) -> None:
    bomb = gzip.compress(b"a" * 64 * MEBIBYTE)
    assert "compressed" in (await failure(whole(bomb, f"Content-Encoding: {encoding}"))).message


async def test_no_compression_is_requested() -> None:
    asked: list[bytes] = []
    async with answering(whole(b'{"ok":true,"result":true}'), asked) as url, AiohttpRequest() as request:
        assert (await request.do_request(f"{url}/bot/getMe", "POST"))[0] == 200
    assert b"accept-encoding: identity\r\n" in asked[0].lower()


async def test_get_updates_has_a_larger_limit(scene: Scene) -> None:
    async with build(scene.settings) as components:
        polling, sending = components.application.bot._request
        for request, longest in ((polling, MAX_UPDATES_BYTES), (sending, MAX_ANSWER_BYTES)):
            body = b'{"ok":true,"result":[' + b" " * (longest - 100) + b"]}"
            async with answering(whole(body)) as url:
                await request.initialize()
                assert (await request.do_request(f"{url}/bot/getUpdates", "POST"))[0] == 200
            async with answering(whole(body + b" " * 200)) as url:
                with pytest.raises(NetworkError, match="longer than"):
                    await request.do_request(f"{url}/bot/getUpdates", "POST")
                await request.shutdown()


DEEP = {
    "arrays": b"[" * 200_000,
    "arrays that end": b"[" * 200_000 + b"]" * 200_000,
    "within orjson's bound": b'{"ok":true,"result":' + b"[" * 900 + b"]" * 900 + b"}",
    "objects": b'{"ok":true,"result":' + b'{"a":' * 5_000 + b"1" + b"}" * 5_001,
    "no UTF-8": b'{"\xff":' + b"[" * sys.getrecursionlimit() * 2,
    "quotes of quotes": b'{"ok":true,"result":{"message_id":1,' + b'"a":{' * 300 + b"}" * 302,
}


@pytest.mark.parametrize("payload", DEEP.values(), ids=DEEP)
def test_deeply_nested_json_raises_network_error(payload: bytes) -> None:
    with pytest.raises(NetworkError):
        AiohttpRequest.parse_json_payload(payload)


async def test_deeply_nested_answer_to_send_message() -> None:
    chat = b'{"a":' * 300 + b"1" + b"}" * 300
    await failure(whole(b'{"ok":true,"result":{"message_id":1,"date":1,"chat":' + chat + b"}}"))
    sent = whole(b'{"ok":true,"result":{"message_id":1,"date":1,"chat":' + chat + b"}}")
    async with answering(sent) as url, AiohttpRequest() as request:
        bot = Bot(TOKEN, base_url=f"{url}/bot", request=request)
        with pytest.raises(NetworkError):
            await bot.send_document(1, b"%PDF", filename="a.pdf")


def test_many_updates_do_not_exceed_the_depth() -> None:
    update = b'{"update_id":1,"message":{"chat":{"id":1},"entities":[{"a":[{"b":1}]}]}}'
    payload = b'{"ok":true,"result":[' + b",".join([update] * 100) + b"]}"
    assert len(AiohttpRequest.parse_json_payload(payload)["result"]) == 100
