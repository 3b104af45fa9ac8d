"""The body of a request: parts that are not joined, since one of them may be a large file."""

import asyncio
import secrets
import select
from collections.abc import Iterator, Mapping
from typing import IO

import aiohttp

File = tuple[str, bytes | IO[bytes], str]
"""File name, content, media type."""

_PIECE = 64 * 1024
# As browsers write them (HTML, "multipart/form-data"), which is what telegram-bot-api reads.
_QUOTED = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})


class Body(aiohttp.Payload):
    """A request's body in parts, written without being joined; knows whether anything of the request was written."""

    _autoclose = True

    def __init__(self, parts: list[bytes], content_type: str, write_timeout: float | None) -> None:
        super().__init__(parts, content_type=content_type)
        self._size = sum(map(len, parts))
        self._write_timeout = write_timeout
        self.may_find_stale = True
        self.was_written = False

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        return b"".join(self._value).decode(encoding, errors)

    async def write(self, writer: aiohttp.abc.AbstractStreamWriter) -> None:
        # aiohttp keeps the head back until the first write here, so nothing has left yet.
        transport = writer.transport
        if transport is None or transport.is_closing() or (self.may_find_stale and _has_input(transport)):
            raise aiohttp.ClientConnectionResetError("the server closed this connection while it was idle")
        self.was_written = True
        try:
            for part in self._value:
                async with asyncio.timeout(self._write_timeout):
                    for piece in _pieces(part):
                        await writer.write(piece)
        except BaseException:
            # Closing would wait for a peer that does not read.
            transport.abort()
            raise


def multipart(fields: Mapping[str, str], files: Mapping[str, File]) -> tuple[list[bytes], str]:
    """Parameters and files as ``multipart/form-data`` (RFC 7578): the parts, and the content type.

    A file's bytes are one part as they came; a handle is read.
    """
    boundary = secrets.token_hex(16)
    parts: list[bytes] = []
    before = "".join(f"{_head(boundary, name)}\r\n\r\n{value}\r\n" for name, value in fields.items())
    for name, (file_name, content, media_type) in files.items():
        head = f'{_head(boundary, name)}; filename="{file_name.translate(_QUOTED)}"\r\nContent-Type: {media_type}'
        parts.append(f"{before}{head}\r\n\r\n".encode())
        parts.append(content if isinstance(content, bytes) else content.read())
        before = "\r\n"
    parts.append(f"{before}--{boundary}--\r\n".encode())
    return parts, f"multipart/form-data; boundary={boundary}"


def _pieces(part: bytes) -> Iterator[bytes | memoryview]:
    if len(part) <= _PIECE:
        yield part
        return
    view = memoryview(part)
    for start in range(0, len(part), _PIECE):
        yield view[start : start + _PIECE]


def _has_input(transport: asyncio.BaseTransport) -> bool:
    """Whether something came before anything was asked: the end, which the event loop has not come to read yet."""
    found = transport.get_extra_info("socket")
    if found is None or not hasattr(select, "poll"):
        return False
    poll = select.poll()
    poll.register(found.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def _head(boundary: str, name: str) -> str:
    return f'--{boundary}\r\nContent-Disposition: form-data; name="{name.translate(_QUOTED)}"'
