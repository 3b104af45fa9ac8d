"""The portal's API, version 1, over HTTP: JSON, a bearer token, RFC 9457 errors."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import date
from urllib.parse import quote

import httpx
from pydantic import BaseModel

from portal.calling import HttpClient, at_most, connected, parsed, persistently, retry_after, whole_pdf, within_total
from portal.client import Reader
from portal.errors import CursorTooOld, Forbidden, NotFound, NotReady, PortalBroken, PortalRefused, PortalUnavailable
from portal.models import Contact, EventPage, Invoice, MenuLink, Order, Page, Pdf, Status


class _Contacts(BaseModel):
    items: tuple[Contact, ...]


class _Links(BaseModel):
    items: tuple[MenuLink, ...]


class HttpPortal:
    """Keeps one pool of connections. Every call here is a read, so each may be tried again."""

    def __init__(self, url: str, token: str, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        self._http = HttpClient(url, headers, transport)

    async def aclose(self) -> None:
        """Gives the connections back."""
        await self._http.aclose()

    async def find_contacts(self, email: str) -> tuple[Contact, ...]:
        """See ``Portal``. The address is in the body: URLs end up in logs."""
        asked = json.dumps({"email": email}).encode()
        body = await self._read("POST", "/v1/contacts/search", content=asked)
        return parsed(_Contacts, body).items

    async def contact(self, contact_id: str) -> Contact:
        """See ``Portal``."""
        return parsed(Contact, await self._read("GET", f"/v1/contacts/{_segment(contact_id)}"))

    async def orders(self, reader: Reader, *, page: int, page_size: int, query: str = "") -> Page[Order]:
        """See ``Portal``."""
        asked = {"query": query, "page": page, "page_size": page_size}
        return parsed(Page[Order], await self._read("GET", _path(reader, "orders"), params=asked))

    async def order(self, reader: Reader, number: str) -> Order:
        """See ``Portal``."""
        return parsed(Order, await self._read("GET", _path(reader, "orders", number)))

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
        return parsed(Page[Invoice], await self._read("GET", _path(reader, "invoices"), params=asked))

    async def invoice(self, reader: Reader, number: str) -> Invoice:
        """See ``Portal``."""
        return parsed(Invoice, await self._read("GET", _path(reader, "invoices", number)))

    async def invoice_pdf(
        self, reader: Reader, number: str, *, language: str, known_etag: str | None = None, limit: int
    ) -> Pdf | None:
        """See ``Portal``."""
        path = _path(reader, "invoices", number) + "/pdf"
        headers = {"Accept": "application/pdf"} | ({"If-None-Match": known_etag} if known_etag else {})
        async with within_total(_call(path)), self._answer(path, {"language": language}, headers) as response:
            etag = response.headers.get("ETag")
            if response.status_code == httpx.codes.NOT_MODIFIED and known_etag is None:
                raise PortalBroken(f"{_call(path)}: HTTP 304 to a question without an ETag")
            if response.status_code == httpx.codes.NOT_MODIFIED or (known_etag and etag == known_etag):
                return None
            content = await at_most(limit, response)
        return Pdf(content=whole_pdf("GET pdf", content), etag=etag)

    async def links(self, language: str) -> tuple[MenuLink, ...]:
        """See ``Portal``."""
        return parsed(_Links, await self._read("GET", "/v1/links", params={"language": language})).items

    async def events(self, after: str | None, limit: int) -> EventPage:
        """See ``Portal``."""
        asked = {"after": after or "", "limit": limit}
        return parsed(EventPage, await self._read("GET", "/v1/events", params=asked))

    async def _read(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, object] | None = None,
        content: bytes | None = None,
    ) -> bytes:
        """One answer's body, tried up to three times within the total."""
        known = {name: str(value) for name, value in (params or {}).items() if value not in (None, "")}
        return await persistently(_call(path), lambda: self._attempt(method, path, known, content))

    async def _attempt(self, method: str, path: str, params: dict[str, str], content: bytes | None) -> bytes:
        async with connected(_call(path)):
            response = await self._http.request(method, path, params=params, content=content)
        _refuse(path, response)
        return response.content

    @asynccontextmanager
    async def _answer(
        self, path: str, params: dict[str, str], headers: dict[str, str]
    ) -> AsyncIterator[httpx.Response]:
        """An open answer to stream, not tried again: half of it may have been read."""
        async with (
            connected(_call(path)),
            self._http.stream("GET", path, params=params, headers=headers) as response,
        ):
            _refuse(path, response)
            yield response


def _segment(text: str) -> str:
    """One path segment; httpx would fold ``..`` away, so dots are written out too where they stand alone."""
    if any("\ud800" <= c <= "\udfff" for c in text):
        raise NotFound("half a character names nothing")
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
            raise NotReady(what, retry_after=retry_after(response))
        case 410:
            raise CursorTooOld(what)
        case 429:
            raise PortalUnavailable(what, retry_after=retry_after(response))
        case _ if status >= 500:
            raise PortalUnavailable(what, retry_after=retry_after(response))
        case _ if status >= 400:
            raise PortalRefused(what)
    raise PortalBroken(what)
