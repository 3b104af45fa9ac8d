"""A transport for ``httpx.AsyncClient`` over aiohttp's connections, which need less CPU than httpcore's.

``httpx-aiohttp`` 0.2 is not used: it decodes ``%2E%2E`` in a path and folds it away, so that a number could reach
another resource; it reports a closed connection as a connect timeout; and its errors repeat aiohttp's, with the URL.
"""

from collections.abc import AsyncIterator

import aiohttp
import httpx
from yarl import URL

from portal.connections.informational import BoundedResponse


class AiohttpTransport(httpx.AsyncBaseTransport):
    """Has one pool of connections, made in the event loop of the first request.

    Args:
        connections: The most connections at once.
        idle_seconds: How long an unused connection stays open.
    """

    def __init__(self, *, connections: int, idle_seconds: float) -> None:
        self._connections = connections
        self._idle_seconds = idle_seconds
        self._session: aiohttp.ClientSession | None = None
        self._is_closed = False

    async def aclose(self) -> None:
        """Close the connections. A later request fails: nothing would close what it opens."""
        self._is_closed = True
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; return the answer before its body is read. Raises ``httpx.TransportError``."""
        if self._is_closed:
            raise httpx.ConnectError("the client is closed")
        body = await request.aread()
        seconds = request.extensions.get("timeout", {})
        # aiohttp's "connect" includes the wait for a connection of the pool.
        timeout = aiohttp.ClientTimeout(
            connect=seconds.get("pool"), sock_connect=seconds.get("connect"), sock_read=seconds.get("read")
        )
        session = self._session or self._make_session(request.url.scheme)
        try:
            response = await session.request(
                request.method,
                URL(str(request.url), encoded=True),
                headers=request.headers.multi_items(),
                data=body or None,
                timeout=timeout,
                allow_redirects=False,
                auto_decompress=False,
            )
        except (aiohttp.ClientError, OSError) as error:
            failure = _as_httpx(error)
        else:
            return httpx.Response(response.status, headers=response.raw_headers, stream=_Body(response))
        raise failure

    def _make_session(self, scheme: str) -> aiohttp.ClientSession:
        trust = httpx.create_ssl_context(trust_env=False) if scheme == "https" else True
        connector = aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=self._idle_seconds, ssl=trust)
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            response_class=BoundedResponse,
            trust_env=False,
        )
        return self._session


class _Body(httpx.AsyncByteStream):
    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._response.content.iter_any():
                yield piece
        except (aiohttp.ClientError, OSError) as error:
            failure = _as_httpx(error)
        else:
            return
        raise failure

    async def aclose(self) -> None:
        # aiohttp returns the connection to the pool at the end of the body; before that, this closes it.
        self._response.close()


def _as_httpx(error: Exception) -> httpx.TransportError:
    """Map aiohttp's error to httpx's. Raise it without a cause: aiohttp's errors repeat the URL, with ids."""
    words = type(error).__name__
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return httpx.ConnectTimeout(words)
    if isinstance(error, TimeoutError):
        return httpx.ReadTimeout(words)
    return httpx.ConnectError(words) if isinstance(error, aiohttp.ClientConnectorError) else httpx.ReadError(words)
