"""What every client over HTTP does alike: how long it waits, what it tries again, how much it reads."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import quote, urlencode

import httpx

from portal.bodies import JSON_LIMIT, read_body, skip_body
from portal.errors import PortalBroken, PortalUnavailable, TooLarge
from portal.transport import AiohttpTransport

TOTAL_SECONDS = 10.0
"""How long a person waits for the portal at the most, retries included."""
_TIMEOUTS = httpx.Timeout(8.0, connect=3.0).as_dict()
_ATTEMPTS = 3
_FIRST_WAIT = 0.1
_LONGEST_RETRY_AFTER = 600.0
"""Seconds. A portal that names a day would silence the bot for it."""
_PROBLEM = "application/problem+json"

Params = Mapping[str, str] | Sequence[tuple[str, str]]

AnswerT = TypeVar("AnswerT")


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. ``content`` is decompressed, and empty unless the status is 200: a refusal's body is not used."""

    status_code: int
    headers: httpx.Headers
    content: bytes


class HttpClient:
    """One pool of connections to one portal: httpx's requests and answers, without its own client.

    What that merges, keeps and follows (cookies, auth flows, redirects) is wanted by no portal, and cost as much as
    the call itself. A redirect would carry the token elsewhere: none is followed.
    """

    def __init__(
        self, base_url: str, headers: Mapping[str, str], transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._headers = {"Accept-Encoding": "gzip, deflate", "User-Agent": "odobot", **headers}
        self._transport = transport or AiohttpTransport(connections=64, idle_seconds=60)

    async def aclose(self) -> None:
        """Gives the connections back."""
        await self._transport.aclose()

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Params = (),
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """A whole answer, whatever its status; ``content`` is JSON.

        Raises ``httpx.TransportError``, and ``httpx.DecodingError`` for a body that cannot be decompressed or is larger
        than 2 MiB.
        """
        async with self.stream(method, path, params=params, content=content, headers=headers) as response:
            if response.status_code != httpx.codes.OK:
                await skip_body(response)
                return Answer(response.status_code, response.headers, b"")
            try:
                body = await read_body(response, JSON_LIMIT)
            except TooLarge:
                raise httpx.DecodingError("more than 2 MiB") from None
        return Answer(response.status_code, response.headers, body)

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        path: str,
        *,
        params: Params = (),
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> AsyncIterator[httpx.Response]:
        """An answer whose body is still to be read; raises as ``request``."""
        query = urlencode(params, quote_via=quote, errors="replace")
        kind = {"Content-Type": "application/json"} if content is not None else {}
        request = httpx.Request(
            method,
            f"{self._base_url}{path}?{query}" if query else f"{self._base_url}{path}",
            headers={**self._headers, **kind, **(headers or {})},
            content=content,
            extensions={"timeout": _TIMEOUTS},
        )
        response = await self._transport.handle_async_request(request)
        response.request = request
        try:
            yield response
        finally:
            await response.aclose()


async def persistently(call: str, attempt: Callable[[], Awaitable[AnswerT]]) -> AnswerT:
    """A read's answer, tried up to three times within the total; ``call`` names it for a log."""
    async with within_total(call):
        try:
            return await attempt()  # almost always the only one, and what counts further ones costs a fifth of a read
        except PortalUnavailable as error:
            if not _may_pass(error):
                raise
        import stamina  # only now: hardly any read comes here, and its import is felt at each start

        await asyncio.sleep(_FIRST_WAIT)
        async for each in stamina.retry_context(
            on=_may_pass, attempts=_ATTEMPTS - 1, timeout=TOTAL_SECONDS, wait_initial=2 * _FIRST_WAIT, wait_max=1.0
        ):
            with each:
                return await attempt()
    raise PortalUnavailable(f"{call}: no attempt was made")


def _may_pass(error: Exception) -> bool:
    """Whether the next second may mend it. A portal that says when to come back, or talks nonsense, is not pressed."""
    return type(error) is PortalUnavailable and error.retry_after is None


@asynccontextmanager
async def within_total(call: str) -> AsyncIterator[None]:
    """Ends whatever takes longer than the total with ``PortalUnavailable``."""
    try:
        async with asyncio.timeout(TOTAL_SECONDS):
            yield
    except TimeoutError:
        raise PortalUnavailable(f"{call}: no answer within {TOTAL_SECONDS:g} s") from None


@asynccontextmanager
async def connected(call: str) -> AsyncIterator[None]:
    """Turns a failure on the wire into ``PortalUnavailable``, and what cannot be decoded into ``PortalBroken``."""
    try:
        yield
    except httpx.DecodingError as error:
        raise PortalBroken(f"{call}: what came cannot be decoded: {error}") from None
    except httpx.TransportError as error:
        raise PortalUnavailable(f"{call}: {type(error).__name__}") from error


def retry_after(response: httpx.Response | Answer) -> float | None:
    """Seconds until the portal wants to be asked again, 10 minutes at the most; None where it does not say."""
    seconds = response.headers.get("Retry-After", "")
    return min(float(seconds), _LONGEST_RETRY_AFTER) if seconds.isascii() and seconds.isdigit() else None


def is_problem(response: httpx.Response | Answer) -> bool:
    """Whether a refusal is the portal's own (RFC 9457). A proxy's 403 or 404 is a page in HTML, or says nothing."""
    return media_type(response) == _PROBLEM


def media_type(response: httpx.Response | Answer) -> str:
    """The answer's media type in lower case, without parameters."""
    return str(response.headers.get("Content-Type", "")).partition(";")[0].strip().lower()


async def at_most(limit: int, response: httpx.Response) -> bytes:
    """The body of an open answer; raises ``TooLarge`` before reading more than ``limit`` bytes."""
    declared = response.headers.get("Content-Length", "")
    is_known = declared.isascii() and declared.isdigit() and "Content-Encoding" not in response.headers
    if is_known and (len(declared) > 15 or int(declared) > limit):
        raise TooLarge(f"a document of {declared[:15]} bytes")
    return await read_body(response, limit)


def whole_pdf(call: str, content: bytes) -> bytes:
    """The same bytes; raises ``PortalBroken`` where they are not a PDF from its first line to its last."""
    if not content.startswith(b"%PDF-") or b"%%EOF" not in content[-1024:]:
        raise PortalBroken(f"{call}: what came is not a whole PDF")
    return content
