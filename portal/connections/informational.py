"""Limits the informational responses (HTTP 1xx) before an answer: aiohttp reads any number without a pause."""

from typing import Any

import aiohttp

MOST = 8


class BoundedResponse(aiohttp.ClientResponse):
    """A ``response_class`` for an aiohttp session. Raises ``aiohttp.ServerDisconnectedError`` after ``MOST`` heads."""

    async def start(self, connection: Any) -> aiohttp.ClientResponse:
        """See aiohttp. ``read`` of the connection's protocol returns one head at a time."""
        protocol = connection.protocol
        read, heads = protocol.read, 0

        async def counted() -> Any:
            nonlocal heads
            heads += 1
            if heads > MOST:
                connection.close()
                raise aiohttp.ServerDisconnectedError("too many informational answers")
            return await read()

        protocol.read = counted
        try:
            return await super().start(connection)
        finally:
            del protocol.read
