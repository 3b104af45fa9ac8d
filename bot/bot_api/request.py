"""Requests to the Bot API over aiohttp and orjson, with the time-outs and errors of PTB's own ``HTTPXRequest``.

Every error is of the class that PTB would raise, or of a subclass that says more. Whether Telegram may have done what
it was asked is told by the class; where two fit, by the first:

- ``NotDone``: certainly not, because nothing was sent (``NotSent``) or because Telegram said so (``ServerFailed``);
- ``BadRequest``, ``RetryAfter`` and what else is no ``NetworkError``: not, Telegram refused;
- any other ``NetworkError``, so ``TimedOut`` too: nobody knows. A cut connection, silence, a gateway's page, or an
  answer that is too long, compressed although nobody asked for it, or nested too deep to be Telegram's.

A POST is written once. No error and no log line holds a URL, which is where the token is.
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

from bot.bot_api.answer import LONGEST, LONGEST_FILE, parsed, read
from bot.bot_api.body import Body, multipart
from handlers.telegram.outcome import NotDone, NotSent
from portal.informational import BoundedResponse

_IDLE_SECONDS = 30
"""How long an unused connection is kept: less than servers do (nginx: 75), or requests meet closed ones."""
_WHOLE_ANSWER_SECONDS = 60.0
"""How long a body may take, however steadily it drips."""
_POOL_TIMED_OUT = (
    "Pool timeout: All connections in the connection pool are occupied. Request was *not* sent to Telegram. "
    "Consider adjusting the connection pool size or the pool timeout."
)
_TOKEN = re.compile(r"/bot\d+:([^/]+)")


Timeout = Any
"""Seconds as a float, None, or ``BaseRequest.DEFAULT_NONE``; PTB's own name for this type is private."""


class PoolTimedOut(TimedOut, NotSent):
    """No connection came free in time."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or _POOL_TIMED_OUT)


class ConnectTimedOut(TimedOut, NotSent):
    """The connection was not made in time."""


class NotConnected(NetworkError, NotSent):
    """The connection was not made: name not found, refused, or no TLS; or it was gone before anything was written."""


class ServerFailed(NetworkError, NotDone):
    """Telegram itself answered 5xx, in the Bot API's own JSON."""


class AiohttpRequest(BaseRequest):
    """Keeps up to ``connection_pool_size`` connections; made idle by ``shutdown``, ready again by ``initialize``.

    Time-outs are in seconds, ``None`` is without end, and a call's own win: ``pool_timeout`` for a free connection,
    ``connect_timeout`` for name, TCP and TLS together, ``write_timeout`` for each part of the body
    (``media_write_timeout`` where there are files), ``read_timeout`` for each silence in the answer.

    An answer is read up to ``longest_answer`` bytes, a file up to ``LONGEST_FILE``. Both are asked for uncompressed: a
    thousandth of those bytes could unpack to as many.
    """

    __slots__ = (
        "_connect_timeout", "_longest_answer", "_media_write_timeout", "_pool_timeout", "_read_timeout", "_session",
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
        longest_answer: int = LONGEST,
    ) -> None:
        self._size = connection_pool_size
        self._read_timeout = read_timeout
        self._write_timeout = write_timeout
        self._connect_timeout = connect_timeout
        self._pool_timeout = pool_timeout
        self._media_write_timeout = media_write_timeout
        self._longest_answer = longest_answer
        self._session: aiohttp.ClientSession | None = None
        self._slots = asyncio.Semaphore(connection_pool_size)

    @property
    def read_timeout(self) -> float | None:
        """The default, in seconds."""
        return self._read_timeout

    async def initialize(self) -> None:
        """Makes the pool, for the running event loop."""
        if self._session is not None:
            return
        # The slots limit the pool: aiohttp cannot tell waiting for a connection from making one.
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
        """Closes the connections."""
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
        """Status and body of the answer. Raises ``TimedOut``, ``NetworkError``, or what of theirs stands above."""
        session, slots = self._session, self._slots
        if session is None:
            raise RuntimeError("This AiohttpRequest is not initialized!")
        has_files = request_data is not None and request_data.contains_files
        write = _chosen(write_timeout, self._media_write_timeout if has_files else self._write_timeout)
        # PTB gets files, and posts everything else.
        is_file = method == "GET"
        longest = LONGEST_FILE if is_file else self._longest_answer
        body = None if is_file else _body(request_data, write)
        timeout = _timeout(_chosen(connect_timeout, self._connect_timeout), _chosen(read_timeout, self._read_timeout))
        await _take(slots, _chosen(pool_timeout, self._pool_timeout))
        try:
            status, answer = await _exchange(session, method, url, body, timeout, longest)
        finally:
            slots.release()
        if status >= 300:
            return status, _refused(status, answer, url)
        return status, answer

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        """A Bot API answer. Unlike PTB's, this does not log what it cannot read."""
        return parsed(payload)


def _body(data: RequestData | None, write_timeout: float | None) -> Body:
    if data is None:
        return Body([b"{}"], "application/json", write_timeout)
    if data.contains_files:
        parts, content_type = multipart(data.json_parameters, data.multipart_data)
        return Body(parts, content_type, write_timeout)
    return Body([orjson.dumps(data.parameters)], "application/json", write_timeout)


async def _take(slots: asyncio.Semaphore, timeout: float | None) -> None:
    try:
        async with asyncio.timeout(timeout if slots.locked() else None):
            await slots.acquire()
    except TimeoutError:
        raise PoolTimedOut from None


async def _exchange(
    session: aiohttp.ClientSession,
    method: str,
    url: str,
    body: Body | None,
    timeout: aiohttp.ClientTimeout,
    longest: int,
) -> tuple[int, bytes]:
    """One request and its answer; on another connection where the first was found closed before it was written to."""
    trust = _trusted() if url.startswith("https:") else True
    while True:
        try:
            async with session.request(
                method, url, data=body, timeout=timeout, allow_redirects=False, ssl=trust
            ) as response:
                async with asyncio.timeout(_WHOLE_ANSWER_SECONDS):
                    return response.status, await read(response, longest)
        except (aiohttp.ClientError, OSError) as error:
            failure = _failure(error, is_unwritten=body is not None and not body.was_written)
            is_stale = isinstance(failure, NotSent) and not isinstance(error, _NO_CONNECTION)
        # Raised out here, and from nothing: aiohttp's errors hold the URL.
        if body is None or not is_stale or not body.may_find_stale:
            raise failure
        body.may_find_stale = False


_NO_CONNECTION = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)


def _failure(error: Exception, *, is_unwritten: bool) -> NetworkError:
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return ConnectTimedOut()
    if isinstance(error, TimeoutError):
        return TimedOut()
    # Host, port and cause; what other errors say may be the URL.
    words = f": {error.host}:{error.port}: {error.__cause__}" if isinstance(error, aiohttp.ClientConnectorError) else ""
    kind = NotConnected if is_unwritten or isinstance(error, _NO_CONNECTION) else NetworkError
    return kind(f"aiohttp.{type(error).__name__}{words}")


def _refused(status: int, answer: bytes, url: str) -> bytes:
    """The body of a refusal, for PTB to raise from. Raises ``ServerFailed`` where PTB has no class for it."""
    if status >= 500 and (description := _description(answer)):
        raise ServerFailed(description)
    # A gateway's page may show the address it was asked for, and PTB puts the page into its message.
    token = _TOKEN.search(url)
    return answer.replace(token[1].encode(), b"[redacted]") if token else answer


def _description(answer: bytes) -> str | None:
    """What Telegram says of an error that carries no parameters; ``None`` where this is not Telegram speaking."""
    try:
        body = orjson.loads(answer)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(body, dict) or body.get("ok") is not False or body.get("parameters"):
        return None
    description = body.get("description")
    return description if isinstance(description, str) else None


def _chosen(given: Timeout, default: float | None) -> float | None:
    return default if given is BaseRequest.DEFAULT_NONE else given


@lru_cache(maxsize=64)
def _timeout(connect: float | None, read: float | None) -> aiohttp.ClientTimeout:
    # To aiohttp, zero is without end.
    return aiohttp.ClientTimeout(
        connect=None if connect is None else max(connect, 0.001),
        sock_read=None if read is None else max(read, 0.001),
    )


@cache
def _trusted() -> ssl.SSLContext:
    """What this machine trusts, and what certifi does where the machine has no certificates of its own."""
    context = ssl.create_default_context(cafile=certifi.where())
    context.load_default_certs()
    context.set_alpn_protocols(["http/1.1"])
    return context
