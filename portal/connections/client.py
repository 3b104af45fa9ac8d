"""Requests to one host: no cookie is stored, no redirect followed, and no proxy or ``.netrc`` of the environment used.

``httpx.AsyncClient`` is not used for them: its cookies, redirects and authentication, which are not wanted here, take
8 % of the processor time of an update.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx

_DEFAULT_TIMEOUT = httpx.Timeout(8.0, connect=3.0)


class HttpClient:
    """Has one pool of connections to one host.

    Args:
        base_url: Paths are appended to it.
        headers: Sent with each request, the authorization among them.
        transport: The connections.
    """

    def __init__(self, base_url: str, headers: Mapping[str, str], transport: httpx.AsyncBaseTransport) -> None:
        self._base_url = str(httpx.URL(base_url)).rstrip("/")
        self._headers = dict(headers)
        self._transport = transport

    async def aclose(self) -> None:
        """Close the connections."""
        await self._transport.aclose()

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        timeout: httpx.Timeout = _DEFAULT_TIMEOUT,
    ) -> AsyncIterator[httpx.Response]:
        """Send a request and open its answer; the body is read by ``portal.bodies``.

        Args:
            method: ``GET`` or ``POST``.
            path: Appended to the base URL as it is: quoted already, with its query.
            headers: Sent beside the client's own.
            content: The body.
            timeout: For the steps of the connection, each.

        Raises:
            httpx.TransportError: the connection failed.
        """
        request = httpx.Request(
            method,
            self._base_url + path,
            headers={**self._headers, **(headers or {})},
            content=content,
            extensions={"timeout": timeout.as_dict()},
        )
        response = await self._transport.handle_async_request(request)
        try:
            yield response
        finally:
            await response.aclose()
