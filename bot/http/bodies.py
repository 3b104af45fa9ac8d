"""Limits on request bodies: the length of each, and the memory of all unauthenticated ones together."""

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

BODY_LIMIT = 1024 * 1024
"""Bytes of one body."""
BODY_MEMORY = 16 * 1024 * 1024
"""Bytes of all unauthenticated bodies being read."""
SMALL_BODY = 64 * 1024
"""Bytes of each body that are not counted in ``BODY_MEMORY``: large bodies cannot keep out an event, which is small.
400 connections add 25 MiB."""
_RETRY_SECONDS = 5


class BodyTooLong(Exception):
    """The body is longer than ``BODY_LIMIT``."""


class BodyMemoryFull(Exception):
    """Other bodies being read use the shared memory."""


class BodyMemory:
    """The shared memory for bodies of unauthenticated senders; ``limit`` is in bytes."""

    def __init__(self, limit: int = BODY_MEMORY) -> None:
        self._free = limit

    async def read(self, request: Request) -> bytes:
        """Read the whole body. The returned bytes are not counted here.

        Raises:
            BodyTooLong: The body is longer than ``BODY_LIMIT``.
            BodyMemoryFull: Other bodies being read use the shared memory.
        """
        body, reserved = bytearray(), 0
        try:
            async for chunk in request.stream():
                if len(body) + len(chunk) > BODY_LIMIT:
                    raise BodyTooLong
                body += chunk
                needed = max(0, len(body) - SMALL_BODY) - reserved
                if needed > self._free:
                    raise BodyMemoryFull
                self._free -= needed
                reserved += needed
            return bytes(body)
        finally:
            self._free += reserved


async def read_body(request: Request) -> bytes:
    """Read the whole body of an authenticated sender, outside the shared memory.

    Raises:
        BodyTooLong: The body is longer than ``BODY_LIMIT``.
    """
    return await BodyMemory(BODY_LIMIT).read(request)


async def discard_body(request: Request) -> None:
    """Read the whole body and keep nothing of it.

    Raises:
        BodyTooLong: The body is longer than ``BODY_LIMIT``.
    """
    length = 0
    async for chunk in request.stream():
        length += len(chunk)
        if length > BODY_LIMIT:
            raise BodyTooLong


async def body_too_long(_request: Request, _error: Exception) -> Response:
    """Return the response to ``BodyTooLong``."""
    return PlainTextResponse("the body is longer than 1 MiB\n", status_code=413)


async def body_memory_full(_request: Request, _error: Exception) -> Response:
    """Return the response to ``BodyMemoryFull``."""
    headers = {"Retry-After": str(_RETRY_SECONDS)}
    return PlainTextResponse("too many request bodies at once\n", status_code=503, headers=headers)


async def client_disconnected(_request: Request, _error: Exception) -> Response:
    """Return the response to ``ClientDisconnect``. Nobody receives it; without it the server would log an error."""
    return Response(status_code=400)
