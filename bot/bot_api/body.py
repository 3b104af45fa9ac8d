"""The body of a request, as parts that are not joined because one may be a large file."""

import asyncio
import secrets
import select
from collections.abc import Iterator, Mapping
from typing import IO

import aiohttp

File = tuple[str, bytes | IO[bytes], str]
"""File name, content, media type."""

_CHUNK = 64 * 1024
"""Bytes written at once."""
# The escapes of HTML's "multipart/form-data", which telegram-bot-api reads.
_ESCAPES = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})


class Body(aiohttp.Payload):
    """A body in parts, which records whether anything of the request was written.

    Args:
        write_timeout: Seconds to write one part; None has no limit.

    Attributes:
        checks_connection: Whether ``write`` refuses a connection that the server has closed while it was idle.
        was_written: Whether anything of the request may have left this machine.
    """

    _autoclose = True

    def __init__(self, parts: list[bytes], content_type: str, write_timeout: float | None) -> None:
        super().__init__(parts, content_type=content_type)
        self._size = sum(map(len, parts))
        self._write_timeout = write_timeout
        self.checks_connection = True
        self.was_written = False

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        return b"".join(self._value).decode(encoding, errors)

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


def encode_multipart(fields: Mapping[str, str], files: Mapping[str, File]) -> tuple[list[bytes], str]:
    """Encode parameters and files as ``multipart/form-data`` (RFC 7578).

    Returns:
        The parts of the body and its content type. A file is one part: its bytes, not copied, or what its handle reads.
    """
    boundary = secrets.token_hex(16)
    parts: list[bytes] = []
    before = "".join(f"{_part_head(boundary, name)}\r\n\r\n{value}\r\n" for name, value in fields.items())
    for name, (file_name, content, media_type) in files.items():
        head = f'{_part_head(boundary, name)}; filename="{file_name.translate(_ESCAPES)}"\r\nContent-Type: {media_type}'
        parts.append(f"{before}{head}\r\n\r\n".encode())
        parts.append(content if isinstance(content, bytes) else content.read())
        before = "\r\n"
    parts.append(f"{before}--{boundary}--\r\n".encode())
    return parts, f"multipart/form-data; boundary={boundary}"


def _chunks(part: bytes) -> Iterator[bytes | memoryview]:
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
