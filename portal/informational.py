"""A bound on informational answers (HTTP 1xx): aiohttp reads any number of them, without a pause."""

from typing import Any

import aiohttp

MOST = 8


class BoundedResponse(aiohttp.ClientResponse):
    """Give it to a session as ``response_class``; raises ``aiohttp.ClientResponseError`` past ``MOST`` heads."""

    async def start(self, connection: Any) -> aiohttp.ClientResponse:
        """See aiohttp; ``read`` of the connection's protocol gives one head at a time."""
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
