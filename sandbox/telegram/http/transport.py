"""The Bot API over HTTP: paths, parameters in each of the four encodings, answers, and cut connections."""

import asyncio
import json
import re
import socket
import struct
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote

from starlette.datastructures import FormData, Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.types import Message, Receive, Scope, Send

from sandbox.telegram.errors import ApiError, bad_request
from sandbox.telegram.faults import FaultKind
from sandbox.telegram.http.dispatch import Answer, Request, answer
from sandbox.telegram.model.bots import TOKEN, Bot
from sandbox.telegram.spec.methods import UploadedFile
from sandbox.telegram.world import TelegramWorld

PATH = re.compile(r"/bot([^/]*)/([^/]*)/?")
FILE_PATH = re.compile(r"/file/bot([^/]*)/(.+)")
# Bytes that a multipart request may have besides its files.
FORM_ALLOWANCE = 1024 * 1024
_FORM_CHUNK = 256 * 1024
# The key in the ASGI scope of the connection's asyncio transport, which faults cut.
CONNECTION = "sandbox.connection"
SCALARS = (str, int, float, bool)


class BotApi:
    """The ASGI application for `/bot<token>/<method>` and `/file/bot<token>/<path>`."""

    def __init__(self, world: TelegramWorld) -> None:
        self._world = world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = unquote(scope["raw_path"].decode("latin-1")) if scope.get("raw_path") else scope["path"]
        try:
            found = FILE_PATH.fullmatch(path)
            if found is not None:
                return await self._download(found[1], found[2], send)
            reply = await self._call(path, scope, receive)
        except ApiError as error:
            reply = Answer(error.error_code, error.body())
        if reply.cut is None:
            return await _send(reply, send)
        return await self._cut(reply, scope, receive)

    def _bot(self, token: str) -> Bot:
        bot = self._world.bots.get(token)
        if bot is None:
            raise ApiError(401, "Unauthorized") if TOKEN.fullmatch(token) else ApiError(404, "Not Found")
        return bot

    async def _call(self, path: str, scope: Scope, receive: Receive) -> Answer:
        found = PATH.fullmatch(path)
        if found is None:
            raise ApiError(404, "Not Found")
        headers = Headers(scope=scope)
        most = self._world.settings.upload_bytes + FORM_ALLOWANCE
        body = await _body(receive, most)
        bot = self._bot(found[1])
        if body is None:
            raise ApiError(413, "Request Entity Too Large")
        raw: dict[str, object] = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        files: Mapping[str, UploadedFile] = {}
        if scope["method"] == "POST":
            form, files = await _parameters(headers, body)
            raw |= form
        elif scope["method"] != "GET":
            raise ApiError(405, "Method Not Allowed")
        if any(len(file.content) > self._world.settings.upload_bytes for file in files.values()):
            raise ApiError(413, "Request Entity Too Large")
        client = scope.get("client") or ("", 0)
        request = Request(found[2], raw, files, scope["method"], f"{client[0]}:{client[1]}")
        return await answer(self._world, bot, request)

    async def _download(self, token: str, path: str, send: Send) -> None:
        self._bot(token)
        file = self._world.files.at_path(path)
        if file is None or file.size > self._world.settings.download_bytes:
            raise ApiError(404, "Not Found")
        await _respond(send, 200, file.content, [(b"content-type", b"application/octet-stream")])

    async def _cut(self, reply: Answer, scope: Scope, receive: Receive) -> None:
        """End the connection without an answer, at once or after a delay."""
        if reply.cut in (FaultKind.HANG_BEFORE, FaultKind.HANG_AFTER):
            await self._hang(reply.hang_seconds, receive)
        connection = scope.get(CONNECTION)
        if connection is None:
            raise ConnectionAbortedError("a fault of the sandbox cuts this connection")
        if reply.cut in (FaultKind.RESET_BEFORE, FaultKind.RESET_AFTER):
            # A linger time of zero makes the kernel send RST.
            linger = struct.pack("ii", 1, 0)
            connection.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        connection.abort()

    async def _hang(self, seconds: float, receive: Receive) -> None:
        """Wait until the time is over, the client disconnects, or the faults are cleared."""
        released = asyncio.ensure_future(self._world.faults.released.wait(seconds))
        gone = asyncio.ensure_future(_disconnected(receive))
        done, pending = await asyncio.wait({released, gone}, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        await asyncio.gather(*done, *pending, return_exceptions=True)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _body(receive: Receive, most: int) -> bytes | None:
    """Return the request's body; None when it is larger than `most` bytes. It is read to its end in both cases."""
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ApiError(400, "Bad Request: connection closed")
        chunk = message.get("body", b"")
        size += len(chunk)
        if size <= most:
            chunks.append(chunk)
        else:
            chunks.clear()
        if not message.get("more_body", False):
            return b"".join(chunks) if size <= most else None


async def _parameters(headers: Headers, body: bytes) -> tuple[dict[str, object], dict[str, UploadedFile]]:
    """Return the parameters and files of a body.

    Raises:
        ApiError: 400, the body cannot be parsed.
    """
    content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if not body:
        return {}, {}
    if content_type == "application/json":
        return json_parameters(body), {}
    if content_type == "multipart/form-data":
        return await _multipart(headers, body)
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)), {}


def json_parameters(body: bytes) -> dict[str, object]:
    """Return the parameters of a JSON object.

    Raises:
        ApiError: 400, the body is not a JSON object.
    """
    try:
        value = json.loads(body)
    except ValueError:
        raise bad_request("can't parse request: can't parse JSON object") from None
    if not isinstance(value, dict):
        raise bad_request("can't parse request: JSON object expected")
    return value


async def _multipart(headers: Headers, body: bytes) -> tuple[dict[str, object], dict[str, UploadedFile]]:
    async def stream() -> Any:
        for start in range(0, len(body), _FORM_CHUNK):  # a large file does not hold up other calls
            yield body[start : start + _FORM_CHUNK]
            await asyncio.sleep(0)

    try:
        form: FormData = await MultiPartParser(headers, stream(), max_part_size=FORM_ALLOWANCE).parse()
    except (MultiPartException, KeyError, ValueError) as error:
        raise bad_request(f"can't parse request: {error}") from None
    values: dict[str, object] = {}
    files: dict[str, UploadedFile] = {}
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            files[name] = UploadedFile(value.filename or "", value.content_type or "", await value.read())
            await value.close()
        else:
            values[name] = value
    return values, files


async def _send(reply: Answer, send: Send) -> None:
    if reply.html is not None:
        headers = [(b"content-type", b"text/html")]
        return await _respond(send, reply.status, reply.html.encode(), headers)
    headers = [(b"content-type", b"application/json")]
    if reply.text is not None:
        return await _respond(send, reply.status, reply.text.encode(), headers)
    if reply.retry_after is not None:
        headers.append((b"retry-after", str(reply.retry_after).encode()))
    return await _respond(send, reply.status, json.dumps(reply.body).encode(), headers)


async def _respond(send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    headers.append((b"content-length", str(len(body)).encode()))
    start: Message = {"type": "http.response.start", "status": status, "headers": headers}
    await send(start)
    await send({"type": "http.response.body", "body": body})
