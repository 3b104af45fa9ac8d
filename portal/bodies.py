"""Reads bodies within a limit that holds after decompression."""

import asyncio
import zlib
from collections.abc import AsyncIterator, Iterator

import httpx

from portal.errors import TooLarge

JSON_LIMIT = 2 * 1024 * 1024
"""The largest JSON answer, in bytes, decompressed: a hundred orders of a hundred lines take about 1 MiB."""
_WINDOWS = {"gzip": (31,), "x-gzip": (31,), "deflate": (15, -15)}
"""zlib's window sizes to try, by content coding: some servers send deflate without its header (RFC 9110, 8.4.1.2)."""
_STEP = 1024 * 1024
"""Bytes to inflate before the event loop runs other tasks: about 2 ms."""
_REFUSAL_LIMIT = 64 * 1024


async def read_body(response: httpx.Response, limit: int) -> bytes:
    """Read an open answer's body, decompressed.

    Args:
        response: An answer whose body was not read yet.
        limit: The most bytes to return. It limits the compressed body too.

    Raises:
        TooLarge: the body is longer than ``limit``.
        httpx.DecodingError: the body cannot be decompressed, or has a content coding that was not requested.
        httpx.TransportError: the connection failed.
    """
    coding = response.headers.get("Content-Encoding", "").strip().lower()
    if coding not in ("", "identity"):
        return await _inflated(response, coding, limit)
    body = bytearray()
    async for piece in _raw(response):
        body += piece
        if len(body) > limit:
            raise TooLarge(f"a body over {limit} bytes")
    return bytes(body)


async def skip_body(response: httpx.Response) -> None:
    """Read and drop an error's body, so that its connection can be used again. A body over 64 KiB is left unread."""
    came = 0
    async for piece in _raw(response):
        came += len(piece)
        if came > _REFUSAL_LIMIT:
            return


async def _inflated(response: httpx.Response, coding: str, limit: int) -> bytes:
    if coding not in _WINDOWS:
        raise httpx.DecodingError("a content coding that was not requested")
    inflater = _Inflater(_WINDOWS[coding])
    body = bytearray()
    came = 0
    async for piece in _raw(response):
        came += len(piece)
        # Empty blocks, and bytes after the end, produce no output, so the input has a limit of its own.
        if came > limit + _REFUSAL_LIMIT:
            raise TooLarge(f"a compressed body over {limit} bytes")
        for inflated in inflater.inflate(piece):
            body += inflated
            if len(body) > limit:
                raise TooLarge(f"a body over {limit} bytes")
            if len(inflated) == _STEP:
                await asyncio.sleep(0)
    body += inflater.rest()
    if len(body) > limit:
        raise TooLarge(f"a body over {limit} bytes")
    return bytes(body)


class _Inflater:
    """zlib's inflate in bounded steps. Raises ``httpx.DecodingError``."""

    def __init__(self, windows: tuple[int, ...]) -> None:
        self._windows = windows
        self._zlib = zlib.decompressobj(windows[0])
        self._is_first = True

    def inflate(self, piece: bytes) -> Iterator[bytes]:
        """Yield what a piece inflates to, at most ``_STEP`` bytes at once. Drop what follows the stream's end."""
        while piece and not self._zlib.eof:
            inflated = self._step(piece)
            piece = self._zlib.unconsumed_tail
            yield inflated

    def rest(self) -> bytes:
        """Return the bytes that zlib still holds after the last piece: less than one match, 258 bytes."""
        try:
            return self._zlib.flush()
        except zlib.error:
            raise httpx.DecodingError("not the compression that was declared") from None

    def _step(self, piece: bytes) -> bytes:
        try:
            inflated = self._zlib.decompress(piece, _STEP)
        except zlib.error:
            if not self._is_first or len(self._windows) == 1:
                raise httpx.DecodingError("not the compression that was declared") from None
            self._is_first = False
            self._zlib = zlib.decompressobj(self._windows[1])
            return self._step(piece)
        self._is_first = False
        return inflated


def _raw(response: httpx.Response) -> AsyncIterator[bytes]:
    """The body as received: httpx would decompress it without a limit."""
    stream = response.stream
    assert isinstance(stream, httpx.AsyncByteStream)
    return stream.__aiter__()
