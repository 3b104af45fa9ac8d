"""What portal clients share: one HTTP client, the time limit of a call, retries, and limits of a body.

Public, for every adapter. ``portal.simple.json_api`` puts it together for a JSON API:

- ``with_retries(call, attempt, breaker)`` makes a read within 10 s, in up to three attempts;
- an attempt awaits ``fetch(client, …)`` inside ``errors.portal_errors(call)``, and raises ``errors.status_error(…)``
  for a status that it does not expect;
- a document is read inside ``document_call(call, breaker)``, by ``read_document``, and checked by ``whole_pdf``.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import quote, urlencode

import httpx
import stamina

from portal.bodies import JSON_LIMIT, read_body, skip_body
from portal.breaker import PortalBreaker, guarded
from portal.connections.client import HttpClient
from portal.connections.transport import AiohttpTransport
from portal.errors import PortalBroken, PortalUnavailable, TooLarge, is_temporary, portal_errors

TOTAL_SECONDS = 10.0
"""The longest that a person waits for the portal, retries included."""
PDF_SECONDS = 60.0
"""The longest that a person waits for a PDF, which many portals print when it is asked for."""
PDF_TIMEOUT = httpx.Timeout(PDF_SECONDS, connect=3.0)
"""For the request of a document; other requests have the client's, 8 s."""
_RETRY_SECONDS = 0.25
"""The pause after a first failure."""
_RETRYING = stamina.AsyncRetryingCaller(attempts=2, timeout=None, wait_initial=0.1, wait_jitter=0.3, wait_max=1.0).on(
    is_temporary
)

_MOST_AROUND = 8 * 1024
"""The most bytes before ``%PDF`` and after ``%%EOF`` that are taken for a warning around a PDF. Half of a PDF for the
web has an ``%%EOF`` too, near its begin."""

Params = Mapping[str, str] | Sequence[tuple[str, str]]
"""A query, not quoted yet. Servers log it, so nothing personal belongs there."""

AnswerT = TypeVar("AnswerT")


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. ``content`` is decompressed; it is empty unless the status is 200."""

    status_code: int
    headers: httpx.Headers
    content: bytes


def http_client(
    base_url: str, headers: Mapping[str, str], transport: httpx.AsyncBaseTransport | None = None
) -> HttpClient:
    """Make a client with its own connection pool.

    Args:
        base_url: The portal's address; paths are appended to it.
        headers: Sent with each request, the authorization among them.
        transport: Replaces the aiohttp connections, in tests and benches.
    """
    # Only content codings that ``read_body`` limits are asked for.
    own = {"Accept-Encoding": "gzip, deflate", "User-Agent": "odobot"}
    return HttpClient(base_url, own | dict(headers), transport or AiohttpTransport(connections=64, idle_seconds=60))


async def fetch(
    client: HttpClient,
    method: str,
    path: str,
    *,
    params: Params = (),
    headers: Mapping[str, str] | None = None,
    content: bytes | None = None,
) -> Answer:
    """Send one request and read the answer, whatever its status.

    Args:
        client: From ``http_client``.
        method: ``GET`` or ``POST``.
        path: Appended to the base URL as it is: quoted already.
        params: The query, not quoted yet.
        headers: Sent beside the client's own.
        content: A JSON body.

    Raises:
        httpx.TransportError: the connection failed.
        httpx.DecodingError: the body cannot be decompressed, or is larger than 2 MiB.
    """
    json_type = {"Content-Type": "application/json"} if content is not None else {}
    url = with_query(path, params)
    async with client.stream(method, url, headers={**json_type, **(headers or {})}, content=content) as response:
        if response.status_code != httpx.codes.OK:
            await skip_body(response)
            return Answer(response.status_code, response.headers, b"")
        try:
            body = await read_body(response, JSON_LIMIT)
        except TooLarge:
            raise httpx.DecodingError("more than 2 MiB") from None
    return Answer(response.status_code, response.headers, body)


def with_query(path: str, params: Params) -> str:
    """A path with its query. httpx would raise ``UnicodeEncodeError`` for half of a surrogate pair."""
    query = urlencode(params, quote_via=quote, errors="replace")
    return f"{path}?{query}" if query else path


async def with_retries(
    call: str, attempt: Callable[[], Awaitable[AnswerT]], breaker: PortalBreaker | None = None
) -> AnswerT:
    """Await a read, in up to three attempts within ``TOTAL_SECONDS``; in one while the breaker is open.

    Args:
        call: The call's name in the message.
        attempt: Starts one attempt. It is started again where ``errors.is_temporary`` says so.
        breaker: Refuses calls while the portal does not answer; None lets every call through.

    Raises:
        PortalError: the last attempt's.
        PortalUnavailable: the time is over.
        PortalAway: the breaker is open.
    """
    with guarded(breaker, call) as limit:
        async with within_total(call, limit):
            try:
                return await attempt()
            except Exception as error:  # stamina costs 8 % of an update, so it only sees failures
                if not is_temporary(error) or (breaker and breaker.is_open):
                    raise
            await asyncio.sleep(_RETRY_SECONDS)
            return await _RETRYING(attempt)


@asynccontextmanager
async def within_total(call: str, limit: float | None = None) -> AsyncIterator[None]:
    """Raise ``PortalUnavailable`` after ``limit`` seconds, by default ``TOTAL_SECONDS``."""
    seconds = TOTAL_SECONDS if limit is None else limit
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise PortalUnavailable(f"{call}: no answer within {seconds:g} s", is_outage=True) from None


async def read_document(response: httpx.Response, limit: int) -> bytes:
    """Read an open answer's body, decompressed.

    Raises:
        TooLarge: the body is longer than ``limit`` bytes; it is not read further, or not at all.
        httpx.DecodingError, httpx.TransportError: see ``read_body``.
    """
    declared = response.headers.get("Content-Length", "")
    is_known = declared.isascii() and declared.isdigit() and "Content-Encoding" not in response.headers
    if is_known and (len(declared) > 15 or int(declared) > limit):
        raise TooLarge(f"a document of {declared[:15]} bytes")
    return await read_body(response, limit)


@asynccontextmanager
async def document_call(call: str, breaker: PortalBreaker | None) -> AsyncIterator[None]:
    """Guard the request of a document, in one attempt: the caller may have read half of it.

    Raises:
        PortalUnavailable: no document within ``PDF_SECONDS``, or the connection failed.
        PortalAway: the breaker is open.
    """
    with guarded(breaker, call, is_document=True) as limit:
        async with within_total(call, limit or PDF_SECONDS):
            with portal_errors(call):
                yield


def whole_pdf(call: str, content: bytes) -> bytes:
    """Return the PDF without what a server wrote around it: a line break, a byte order mark, a warning.

    Raises:
        PortalBroken: ``content`` has no whole PDF.
    """
    start = content.find(b"%PDF-", 0, _MOST_AROUND)
    end = content.rfind(b"%%EOF")
    if start < 0 or end < start or len(content) - end > _MOST_AROUND:
        raise PortalBroken(f"{call}: the body is not a whole PDF")
    end += len(b"%%EOF")
    return content[start:end] + b"\n" if start or content[end:].strip() else content
