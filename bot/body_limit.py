"""A bound on what the public may post."""

from starlette.requests import Request

BODY_LIMIT = 1024 * 1024


class TooLong(Exception):
    """The body is over the limit."""


async def limited_body(request: Request) -> bytes:
    """The whole body; raises ``TooLong`` over 1 MiB, without reading on."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > BODY_LIMIT:
            raise TooLong
    return bytes(body)
