"""The portal's API, version 1, over HTTP: JSON, a bearer token, RFC 9457 errors."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import date
from typing import TypeVar
from urllib.parse import quote

import httpx
import stamina
from pydantic import BaseModel, ValidationError

from portal.client import Reader
from portal.errors import (
    CursorTooOld,
    Forbidden,
    NotFound,
    NotReady,
    PortalBroken,
    PortalRefused,
    PortalUnavailable,
    TooLarge,
)
from portal.models import Contact, EventPage, Invoice, MenuLink, Order, Page, Pdf, Status

TOTAL_SECONDS = 10.0
"""How long a person waits for the portal at the most, retries included."""
_ATTEMPT = httpx.Timeout(8.0, connect=3.0)

ModelT = TypeVar("ModelT", bound=BaseModel)


class _Contacts(BaseModel):
    items: tuple[Contact, ...]


class _Links(BaseModel):
    items: tuple[MenuLink, ...]


def _may_pass(error: Exception) -> bool:
    """Whether the next second may mend it. A portal that says when to come back, or talks nonsense, is not pressed."""
    return type(error) is PortalUnavailable and error.retry_after is None


class HttpPortal:
    """Keeps one pool of connections. Every call here is a read, so each may be tried again."""

    def __init__(self, url: str, token: str, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._http = httpx.AsyncClient(
            base_url=url.rstrip("/"),
            headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
            timeout=_ATTEMPT,
            limits=httpx.Limits(max_connections=64, max_keepalive_connections=32, keepalive_expiry=60),
            transport=transport,
            follow_redirects=False,
            trust_env=False,
        )

    async def aclose(self) -> None:
        """Gives the connections back."""
        await self._http.aclose()

    async def find_contacts(self, email: str) -> tuple[Contact, ...]:
        """See ``Portal``. The address is in the body: URLs end up in logs."""
        body = await self._read("POST", "/v1/contacts/search", json={"email": email})
        return _parsed(_Contacts, body).items

    async def contact(self, contact_id: str) -> Contact:
        """See ``Portal``."""
        return _parsed(Contact, await self._read("GET", f"/v1/contacts/{_segment(contact_id)}"))

    async def orders(self, reader: Reader, *, page: int, page_size: int, query: str = "") -> Page[Order]:
        """See ``Portal``."""
        asked = {"query": query, "page": page, "page_size": page_size}
        return _parsed(Page[Order], await self._read("GET", _path(reader, "orders"), params=asked))

    async def order(self, reader: Reader, number: str) -> Order:
        """See ``Portal``."""
        return _parsed(Order, await self._read("GET", _path(reader, "orders", number)))

    async def invoices(
        self,
        reader: Reader,
        *,
        page: int,
        page_size: int,
        query: str = "",
        order: str | None = None,
        status: Status | None = None,
        since: date | None = None,
        until: date | None = None,
    ) -> Page[Invoice]:
        """See ``Portal``."""
        asked = {
            "query": query,
            "order": order,
            "status": status,
            "from": since,
            "to": until,
            "page": page,
            "page_size": page_size,
        }
        return _parsed(Page[Invoice], await self._read("GET", _path(reader, "invoices"), params=asked))

    async def invoice(self, reader: Reader, number: str) -> Invoice:
        """See ``Portal``."""
        return _parsed(Invoice, await self._read("GET", _path(reader, "invoices", number)))

    async def invoice_pdf(
        self, reader: Reader, number: str, *, language: str, known_etag: str | None = None, limit: int
    ) -> Pdf | None:
        """See ``Portal``."""
        path = _path(reader, "invoices", number) + "/pdf"
        headers = {"Accept": "application/pdf"} | ({"If-None-Match": known_etag} if known_etag else {})
        async with self._within_total(path), self._answer(path, {"language": language}, headers) as response:
            etag = response.headers.get("ETag")
            if response.status_code == httpx.codes.NOT_MODIFIED or (known_etag and etag == known_etag):
                return None
            content = await _at_most(limit, response)
        if not content.startswith(b"%PDF-") or b"%%EOF" not in content[-1024:]:
            raise PortalBroken("GET pdf: what came is not a whole PDF")
        return Pdf(content=content, etag=etag)

    async def links(self, language: str) -> tuple[MenuLink, ...]:
        """See ``Portal``."""
        return _parsed(_Links, await self._read("GET", "/v1/links", params={"language": language})).items

    async def events(self, after: str | None, limit: int) -> EventPage:
        """See ``Portal``."""
        asked = {"after": after or "", "limit": limit}
        return _parsed(EventPage, await self._read("GET", "/v1/events", params=asked))

    async def _read(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, object] | None = None,
        json: object = None,
    ) -> bytes:
        """One answer's body, tried up to three times within the total."""
        known = {name: str(value) for name, value in (params or {}).items() if value not in (None, "")}
        async with self._within_total(path):
            async for attempt in stamina.retry_context(
                on=_may_pass, attempts=3, timeout=TOTAL_SECONDS, wait_initial=0.1, wait_max=1.0
            ):
                with attempt:
                    return await self._attempt(method, path, known, json)
        raise PortalUnavailable(f"{_call(path)}: no attempt was made")

    async def _attempt(self, method: str, path: str, params: dict[str, str], json: object) -> bytes:
        try:
            response = await self._http.request(method, path, params=params, json=json)
        except httpx.TransportError as error:
            raise PortalUnavailable(f"{_call(path)}: {type(error).__name__}") from error
        _refuse(path, response)
        return response.content

    @asynccontextmanager
    async def _answer(
        self, path: str, params: dict[str, str], headers: dict[str, str]
    ) -> AsyncIterator[httpx.Response]:
        """An open answer to stream, not tried again: half of it may have been read."""
        try:
            async with self._http.stream("GET", path, params=params, headers=headers) as response:
                _refuse(path, response)
                yield response
        except httpx.TransportError as error:
            raise PortalUnavailable(f"{_call(path)}: {type(error).__name__}") from error

    @asynccontextmanager
    async def _within_total(self, path: str) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(TOTAL_SECONDS):
                yield
        except TimeoutError:
            raise PortalUnavailable(f"{_call(path)}: no answer within {TOTAL_SECONDS:g} s") from None


def _segment(text: str) -> str:
    """One path segment; httpx would fold ``..`` away, so dots are written out too where they stand alone."""
    return quote(text, safe="") if text.strip(".") else text.replace(".", "%2E")


def _path(reader: Reader, part: str, number: str | None = None) -> str:
    path = f"/v1/contacts/{_segment(reader.contact_id)}/accounts/{_segment(reader.account_id)}/{part}"
    return path if number is None else f"{path}/{_segment(number)}"


def _call(path: str) -> str:
    """The call's name for a log: the path without whom it is about."""
    return "/".join(part for part in path.split("/") if part in _NAMES)


_NAMES = {"v1", "contacts", "search", "accounts", "orders", "invoices", "pdf", "links", "events"}


def _refuse(path: str, response: httpx.Response) -> None:
    status = response.status_code
    if status in (httpx.codes.OK, httpx.codes.NOT_MODIFIED):
        return
    what = f"{_call(path)}: HTTP {status}"
    match status:
        case 403:
            raise Forbidden(what)
        case 404:
            raise NotFound(what)
        case 409:
            raise NotReady(what, retry_after=_retry_after(response))
        case 410:
            raise CursorTooOld(what)
        case 429:
            raise PortalUnavailable(what, retry_after=_retry_after(response))
        case _ if status >= 500:
            raise PortalUnavailable(what)
        case _ if status >= 400:
            raise PortalRefused(what)
    raise PortalBroken(what)


def _retry_after(response: httpx.Response) -> float | None:
    seconds = response.headers.get("Retry-After", "")
    return float(seconds) if seconds.isdigit() else None


async def _at_most(limit: int, response: httpx.Response) -> bytes:
    declared = response.headers.get("Content-Length", "")
    if declared.isdigit() and int(declared) > limit:
        raise TooLarge(f"a document of {declared} bytes")
    content = bytearray()
    async for piece in response.aiter_bytes():
        content += piece
        if len(content) > limit:
            raise TooLarge(f"a document over {limit} bytes")
    return bytes(content)


def _parsed(model: type[ModelT], body: bytes) -> ModelT:
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        fields = sorted({".".join(map(str, e["loc"])) for e in error.errors(include_input=False)})
        raise PortalBroken(f"{model.__name__}: not what the contract says at {', '.join(fields)[:200]}") from None
