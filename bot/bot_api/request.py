"""Requests to the Bot API over aiohttp and orjson, with the time-outs and errors of PTB's own ``HTTPXRequest``.

Every error has the class that PTB would raise, or a subclass. The class says whether Telegram may have carried out the
request; the first of these that matches holds:

- ``NotDone``: certainly not, because nothing was sent (``NotSent``) or because Telegram said so (``ServerFailed``);
- ``BadRequest``, ``RetryAfter`` and others that are not a ``NetworkError``: no, Telegram refused;
- any other ``NetworkError``, including ``TimedOut``: unknown. The connection broke, no answer came, a gateway answered,
  or the answer is too long, compressed without a request for it, or nested too deeply.

A POST is written once. Errors and log lines contain no URL, because the URL contains the token.
"""

import asyncio
import re
import ssl
from functools import cache, lru_cache
from typing import Any

import aiohttp
import certifi
import orjson
from telegram.error import NetworkError, TimedOut
from telegram.request import BaseRequest, RequestData

from bot.bot_api.answer import MAX_ANSWER_BYTES, MAX_FILE_BYTES, parse_answer, read_answer
from bot.bot_api.body import Body, encode_multipart
from handlers.telegram.failures import NotDone, NotSent
from portal.connections.informational import BoundedResponse

_IDLE_SECONDS = 30
"""How long an idle connection is kept: shorter than servers keep it (nginx: 75), or requests would find it closed."""
_WHOLE_ANSWER_SECONDS = 60.0
"""The time limit of an answer's body, also while data arrives."""
_POOL_TIMED_OUT = (
    "Pool timeout: All connections in the connection pool are occupied. Request was *not* sent to Telegram. "
    "Consider adjusting the connection pool size or the pool timeout."
)
GATEWAY_ANSWERED = "A gateway answered"
"""How the message of a ``NetworkError`` begins where a proxy answered instead of the Bot API."""
_REFUSALS = {400, 401, 403, 404, 409}
"""Statuses that mean a refusal only if the body says so, too."""
_TOKEN = re.compile(r"/bot\d+:([^/]+)")


Timeout = Any
"""Seconds, None for no limit, or ``BaseRequest.DEFAULT_NONE`` for the default; PTB's own type for this is private."""


class PoolTimedOut(TimedOut, NotSent):
    """No connection became free in time."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or _POOL_TIMED_OUT)


class ConnectTimedOut(TimedOut, NotSent):
    """The connection was not established in time."""


class NotConnected(NetworkError, NotSent):
    """The connection was not established (DNS, TCP or TLS), or was closed before anything was written."""


class ServerFailed(NetworkError, NotDone):
    """Telegram itself answered 5xx, with the JSON of the Bot API."""


class AiohttpRequest(BaseRequest):
    """A PTB request class with a pool of connections. After ``shutdown``, ``initialize`` makes it usable again.

    The time-outs are defaults in seconds, which a call may override; None has no limit. Answers and files are requested
    uncompressed, because a thousandth of the limit could decompress to as many bytes.

    Args:
        connection_pool_size: Requests at once; further ones wait for ``pool_timeout``.
        read_timeout: The longest pause within an answer.
        write_timeout: The time to write one part of the body; ``media_write_timeout`` if the request has files.
        connect_timeout: The time for DNS, TCP and TLS together.
        pool_timeout: The time until a connection is free.
        max_answer_bytes: The limit of an answer; a file has ``MAX_FILE_BYTES``.
    """

    __slots__ = (
        "_connect_timeout", "_max_answer_bytes", "_media_write_timeout", "_pool_timeout", "_read_timeout", "_session",
        "_size", "_slots", "_write_timeout",
    )  # fmt: skip

    def __init__(
        self,
        connection_pool_size: int = 256,
        *,
        read_timeout: float | None = 5.0,
        write_timeout: float | None = 5.0,
        connect_timeout: float | None = 5.0,
        pool_timeout: float | None = 1.0,
        media_write_timeout: float | None = 20.0,
        max_answer_bytes: int = MAX_ANSWER_BYTES,
    ) -> None:
        self._size = connection_pool_size
        self._read_timeout = read_timeout
        self._write_timeout = write_timeout
        self._connect_timeout = connect_timeout
        self._pool_timeout = pool_timeout
        self._media_write_timeout = media_write_timeout
        self._max_answer_bytes = max_answer_bytes
        self._session: aiohttp.ClientSession | None = None
        self._slots = asyncio.Semaphore(connection_pool_size)

    @property
    def read_timeout(self) -> float | None:
        """The default read time-out in seconds."""
        return self._read_timeout

    async def initialize(self) -> None:
        """Make the connection pool, for the running event loop."""
        if self._session is not None:
            return
        # ``_slots`` limits the pool: aiohttp has one time-out for waiting for a connection and for establishing it.
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=_IDLE_SECONDS)
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            response_class=BoundedResponse,
            headers={"User-Agent": self.USER_AGENT, "Accept-Encoding": "identity"},
            auto_decompress=False,
            trust_env=False,
        )
        self._slots = asyncio.Semaphore(self._size)

    async def shutdown(self) -> None:
        """Close the connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: Timeout = BaseRequest.DEFAULT_NONE,
        write_timeout: Timeout = BaseRequest.DEFAULT_NONE,
        connect_timeout: Timeout = BaseRequest.DEFAULT_NONE,
        pool_timeout: Timeout = BaseRequest.DEFAULT_NONE,
    ) -> tuple[int, bytes]:
        """Return status and body of the answer. Raises ``NetworkError`` or one of its subclasses above."""
        session, slots = self._session, self._slots
        if session is None:
            raise RuntimeError("This AiohttpRequest is not initialized!")
        has_files = request_data is not None and request_data.contains_files
        write = _or_default(write_timeout, self._media_write_timeout if has_files else self._write_timeout)
        # PTB uses GET for files and POST for everything else.
        is_file = method == "GET"
        max_bytes = MAX_FILE_BYTES if is_file else self._max_answer_bytes
        body = None if is_file else _body(request_data, write)
        timeout = _timeout(
            _or_default(connect_timeout, self._connect_timeout), _or_default(read_timeout, self._read_timeout)
        )
        await _acquire(slots, _or_default(pool_timeout, self._pool_timeout))
        try:
            status, answer = await _send(session, method, url, body, timeout, max_bytes)
        finally:
            slots.release()
        if status >= 300:
            return status, _error_body(status, answer, url)
        return status, answer

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        """Parse an answer of the Bot API. Unlike PTB's method, this does not log an invalid answer."""
        return parse_answer(payload)


def _body(data: RequestData | None, write_timeout: float | None) -> Body:
    if data is None:
        return Body([b"{}"], "application/json", write_timeout)
    if data.contains_files:
        parts, content_type = encode_multipart(data.json_parameters, data.multipart_data)
        return Body(parts, content_type, write_timeout)
    return Body([orjson.dumps(data.parameters)], "application/json", write_timeout)


async def _acquire(slots: asyncio.Semaphore, timeout: float | None) -> None:
    try:
        async with asyncio.timeout(timeout if slots.locked() else None):
            await slots.acquire()
    except TimeoutError:
        raise PoolTimedOut from None


async def _send(
    session: aiohttp.ClientSession,
    method: str,
    url: str,
    body: Body | None,
    timeout: aiohttp.ClientTimeout,
    max_bytes: int,
) -> tuple[int, bytes]:
    """Send a request and return status and body. Retry once if the server had closed the idle connection."""
    tls = _tls_context() if url.startswith("https:") else True
    while True:
        try:
            async with session.request(
                method, url, data=body, timeout=timeout, allow_redirects=False, ssl=tls
            ) as response:
                async with asyncio.timeout(_WHOLE_ANSWER_SECONDS):
                    return response.status, await read_answer(response, max_bytes)
        except (aiohttp.ClientError, OSError) as error:
            failure = _network_error(error, is_unwritten=body is not None and not body.was_written)
            is_stale = isinstance(failure, NotSent) and not isinstance(error, _NO_CONNECTION)
        # Raised outside the except block, without a context: aiohttp's errors contain the URL.
        if body is None or not is_stale or not body.checks_connection:
            raise failure
        body.checks_connection = False


_NO_CONNECTION = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)


def _network_error(error: Exception, *, is_unwritten: bool) -> NetworkError:
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return ConnectTimedOut()
    if isinstance(error, TimeoutError):
        return TimedOut()
    # Host, port and cause only: the messages of other errors may contain the URL.
    detail = (
        f": {error.host}:{error.port}: {error.__cause__}" if isinstance(error, aiohttp.ClientConnectorError) else ""
    )
    kind = NotConnected if is_unwritten or isinstance(error, _NO_CONNECTION) else NetworkError
    return kind(f"aiohttp.{type(error).__name__}{detail}")


def _error_body(status: int, answer: bytes, url: str) -> bytes:
    """Return the body of an error, which PTB turns into an exception.

    Raises:
        ServerFailed: Telegram answered 5xx.
        NetworkError: A gateway answered. PTB would take its 404 for a revoked token, and its 403 for a blocked bot.
    """
    error = _bot_api_error(answer)
    if status >= 500 and error and error["description"] and not error.get("parameters"):
        raise ServerFailed(error["description"])
    # A gateway's page may show the URL, and PTB puts the page into the exception's message.
    token = _TOKEN.search(url)
    answer = answer.replace(token[1].encode(), b"[redacted]") if token else answer
    if status in _REFUSALS and error is None:
        raise NetworkError(f"{GATEWAY_ANSWERED} {status}: {answer[:200]!r}")
    return answer


def _bot_api_error(answer: bytes) -> dict[str, Any] | None:
    """Return an error of Telegram, with its description; None if the body is not from Telegram."""
    try:
        body = orjson.loads(answer)
    except orjson.JSONDecodeError:
        return None
    is_telegrams = isinstance(body, dict) and body.get("ok") is False and isinstance(body.get("description"), str)
    return body if is_telegrams else None


def _or_default(given: Timeout, default: float | None) -> float | None:
    return default if given is BaseRequest.DEFAULT_NONE else given


@lru_cache(maxsize=64)
def _timeout(connect: float | None, read: float | None) -> aiohttp.ClientTimeout:
    # To aiohttp, zero means no limit.
    return aiohttp.ClientTimeout(
        connect=None if connect is None else max(connect, 0.001),
        sock_read=None if read is None else max(read, 0.001),
    )


@cache
def _tls_context() -> ssl.SSLContext:
    """Return a context that trusts the certificates of this machine and of certifi."""
    context = ssl.create_default_context(cafile=certifi.where())
    context.load_default_certs()
    context.set_alpn_protocols(["http/1.1"])
    return context
