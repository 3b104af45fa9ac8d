"""Telegram's side of a webhook: posts the stub's updates, over as many connections as Telegram opens."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import httptools
import orjson

from benches.stubs.telegram import TelegramStub

CONNECTIONS = 40
"""Telegram's default (https://core.telegram.org/bots/api#setwebhook, ``max_connections``)."""
_RETRY_SECONDS = 0.1


class _Answer:
    """Reads one answer after the other from a connection that stays open."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self._is_complete = False

    async def status(self) -> int:
        """Return the status of the next answer. Raises ``ConnectionError`` if none comes."""
        self._is_complete = False
        parser = httptools.HttpResponseParser(self)
        while not self._is_complete:
            data = await self._reader.read(65_536)
            if not data:
                raise ConnectionError("closed before the answer")
            parser.feed_data(data)
        return int(parser.get_status_code())

    def on_message_complete(self) -> None:
        self._is_complete = True


@asynccontextmanager
async def posting(stub: TelegramStub) -> AsyncIterator[None]:
    """Post the stub's updates during the body, each again until its answer is a 2xx."""
    url, secret = stub.webhook
    parts = urlsplit(url)
    head = (
        f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\n"
        f"X-Telegram-Bot-Api-Secret-Token: {secret}\r\nContent-Length: "
    ).encode()
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(_post(stub, parts.hostname or "", parts.port or 80, head)) for _ in range(CONNECTIONS)
        ]
        yield
        for task in tasks:
            task.cancel()


async def _post(stub: TelegramStub, host: str, port: int, head: bytes) -> None:
    """Post updates over one connection; connect again where the bot closes it or does not listen yet."""
    body = b""
    while True:
        try:
            reader, writer = await asyncio.open_connection(host, port)
            answer = _Answer(reader)
            while True:
                body = body or orjson.dumps(await stub.next_update())
                writer.write(head + b"%d\r\n\r\n" % len(body) + body)
                if 200 <= await answer.status() < 300:
                    body = b""
                else:
                    await asyncio.sleep(_RETRY_SECONDS)
        except OSError:
            await asyncio.sleep(_RETRY_SECONDS)
