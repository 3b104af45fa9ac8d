"""Bounds on the bodies that the public may post: each one's length, and the memory that all of them take together."""

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

BODY_LIMIT = 1024 * 1024
BODY_MEMORY = 16 * 1024 * 1024
SMALL_BODY = 64 * 1024
"""So much of each body takes no part of the common memory: an event is small, and large bodies of others never keep it
out. 400 connections take 25 MiB with it."""
_RETRY_SECONDS = 5


class TooLong(Exception):
    """The body is over the limit."""


class NoMemory(Exception):
    """Bodies of others take what memory there is for them."""


class BodyMemory:
    """The memory for bodies whose sender is not known yet."""

    def __init__(self, limit: int = BODY_MEMORY) -> None:
        self._free = limit

    async def read(self, request: Request) -> bytes:
        """Read the whole body. From then on it is the caller's, and not counted here.

        Raises:
            TooLong: it is over 1 MiB.
            NoMemory: bodies that are being read take all the memory there is for them.
        """
        body, taken = bytearray(), 0
        try:
            async for piece in request.stream():
                if len(body) + len(piece) > BODY_LIMIT:
                    raise TooLong
                body += piece
                wanted = max(0, len(body) - SMALL_BODY) - taken
                if wanted > self._free:
                    raise NoMemory
                self._free -= wanted
                taken += wanted
            return bytes(body)
        finally:
            self._free += taken


async def limited_body(request: Request) -> bytes:
    """Read the whole body of a sender who has proven who it is.

    Raises:
        TooLong: it is over 1 MiB.
    """
    return await BodyMemory(BODY_LIMIT).read(request)


async def discard_body(request: Request) -> None:
    """Read a body that nobody needs, and keep nothing of it.

    Raises:
        TooLong: it is over 1 MiB.
    """
    length = 0
    async for piece in request.stream():
        length += len(piece)
        if length > BODY_LIMIT:
            raise TooLong


async def too_long(_request: Request, _error: Exception) -> Response:
    """The answer to ``TooLong``."""
    return PlainTextResponse("the body is over 1 MiB\n", status_code=413)


async def no_memory(_request: Request, _error: Exception) -> Response:
    """The answer to ``NoMemory``."""
    headers = {"Retry-After": str(_RETRY_SECONDS)}
    return PlainTextResponse("too much is being posted\n", status_code=503, headers=headers)


async def disconnected(_request: Request, _error: Exception) -> Response:
    """For whoever hung up, or was cut off, in the middle of a body: nobody reads it, and it is no error of ours."""
    return Response(status_code=400)
