"""The body of a request, as parts that are not joined because one may be a large file."""

import asyncio
import os
import secrets
import select
from collections.abc import Iterator, Mapping
from typing import IO

import aiohttp

File = tuple[str, bytes | IO[bytes], str]
"""File name, content, media type."""

Piece = bytes | IO[bytes]
"""A part of a body: bytes, or a file, of which one chunk at a time is in memory."""

_CHUNK = 64 * 1024
"""Bytes written at once."""
# The escapes of HTML's "multipart/form-data", which telegram-bot-api reads.
_ESCAPES = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})


class Body(aiohttp.Payload):
    """A body in parts, which records whether anything of the request was written. A file is read while it is written.

    Args:
        write_timeout: Seconds to write one part; None has no limit.

    Attributes:
        checks_connection: Whether ``write`` refuses a connection that the server has closed while it was idle.
        was_written: Whether anything of the request may have left this machine.
    """

    _autoclose = True

    def __init__(self, parts: list[Piece], content_type: str, write_timeout: float | None) -> None:
        super().__init__(parts, content_type=content_type)
        self._size = sum(map(_length, parts))
        self._write_timeout = write_timeout
        self.checks_connection = True
        self.was_written = False

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        return b"".join(b"".join(_chunks(part)) for part in self._value).decode(encoding, errors)

    async def write(self, writer: aiohttp.abc.AbstractStreamWriter) -> None:
        # aiohttp sends the head together with the first write, so nothing was sent before.
        transport = writer.transport
        if transport is None or transport.is_closing() or (self.checks_connection and _is_readable(transport)):
            raise aiohttp.ClientConnectionResetError("the server closed this connection while it was idle")
        self.was_written = True
        try:
            for part in self._value:
                async with asyncio.timeout(self._write_timeout):
                    for chunk in _chunks(part):
                        await writer.write(chunk)
        except BaseException:
            # ``close`` would wait for a peer that does not read.
            transport.abort()
            raise


def encode_multipart(fields: Mapping[str, str], files: Mapping[str, File]) -> tuple[list[Piece], str]:
    """Encode parameters and files as ``multipart/form-data`` (RFC 7578).

    Returns:
        The parts of the body and its content type. A file is one part: its bytes, not copied, or its handle.
    """
    boundary = secrets.token_hex(16)
    parts: list[Piece] = []
    before = "".join(f"{_part_head(boundary, name)}\r\n\r\n{value}\r\n" for name, value in fields.items())
    for name, (file_name, content, media_type) in files.items():
        head = f'{_part_head(boundary, name)}; filename="{file_name.translate(_ESCAPES)}"\r\nContent-Type: {media_type}'
        parts.append(f"{before}{head}\r\n\r\n".encode())
        parts.append(content)
        before = "\r\n"
    parts.append(f"{before}--{boundary}--\r\n".encode())
    return parts, f"multipart/form-data; boundary={boundary}"


def _length(part: Piece) -> int:
    return len(part) if isinstance(part, bytes) else part.seek(0, os.SEEK_END)


def _chunks(part: Piece) -> Iterator[bytes | memoryview]:
    """Yield a part in chunks; a file from its begin, also when the body is written once more."""
    if not isinstance(part, bytes):
        part.seek(0)
        while chunk := part.read(_CHUNK):
            yield chunk
        return
    if len(part) <= _CHUNK:
        yield part
        return
    view = memoryview(part)
    for start in range(0, len(part), _CHUNK):
        yield view[start : start + _CHUNK]


def _is_readable(transport: asyncio.BaseTransport) -> bool:
    """Return whether the idle connection has input: its end, which the event loop has not read yet."""
    sock = transport.get_extra_info("socket")
    if sock is None or not hasattr(select, "poll"):
        return False
    poll = select.poll()
    poll.register(sock.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def _part_head(boundary: str, name: str) -> str:
    return f'--{boundary}\r\nContent-Disposition: form-data; name="{name.translate(_ESCAPES)}"'
