"""The portal's API, version 1, over HTTP: JSON, a bearer token, RFC 9457 errors."""

import json
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import date
from typing import Annotated, TypeVar

import httpx
from pydantic import BaseModel, FailFast, Field

from portal import numbers
from portal.calling import (
    Answer,
    HttpClient,
    at_most,
    connected,
    is_problem,
    persistently,
    retry_after,
    whole_pdf,
    within_total,
)
from portal.client import Reader
from portal.errors import CursorTooOld, Forbidden, NotFound, NotReady, PortalBroken, PortalRefused, PortalUnavailable
from portal.models import MOST_ROWS, Contact, EventPage, Invoice, MenuLink, Order, Page, Pdf, Status, each
from portal.parsing import parsed

PaperT = TypeVar("PaperT", Order, Invoice)


class _Contacts(BaseModel):
    items: Annotated[tuple[Contact, ...], each(Contact, MOST_ROWS)]


class _Links(BaseModel):
    items: Annotated[tuple[MenuLink, ...], FailFast(), Field(max_length=MOST_ROWS)]


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
        return tuple(contact.without_aliases() for contact in parsed(_Contacts, body).items)

    async def contact(self, contact_id: str) -> Contact:
        """See ``Portal``."""
        body = await self._read("GET", f"/v1/contacts/{numbers.id_segment(contact_id)}")
        found = parsed(Contact, body)
        if found.contact_id != contact_id:
            raise PortalBroken("contact: another one than was asked for")
        return found.without_aliases()

    async def orders(self, reader: Reader, *, page: int, page_size: int, query: str = "") -> Page[Order]:
        """See ``Portal``."""
        asked = {"query": query, "page": page, "page_size": page_size}
        found = parsed(Page[Order], await self._read("GET", _path(reader, "orders"), params=asked))
        _check_owner(reader, found.items)
        return found

    async def order(self, reader: Reader, number: str) -> Order:
        """See ``Portal``."""
        return await self._paper(reader, "orders", Order, Page[Order], number)

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
        found = parsed(Page[Invoice], await self._read("GET", _path(reader, "invoices"), params=asked))
        _check_owner(reader, found.items)
        if order and any(not numbers.is_same(each.order_number or order, order) for each in found.items):
            raise PortalBroken("invoices: one of another order than was asked for")
        return found

    async def invoice(self, reader: Reader, number: str) -> Invoice:
        """See ``Portal``."""
        return await self._paper(reader, "invoices", Invoice, Page[Invoice], number)

    async def invoice_pdf(
        self, reader: Reader, number: str, *, language: str, known_etag: str | None = None, limit: int
    ) -> Pdf | None:
        """See ``Portal``. A number that is not plain is looked up in the account first."""
        headers = {"Accept": "application/pdf"} | ({"If-None-Match": known_etag} if known_etag else {})
        async with within_total("invoice pdf"):
            is_plain = numbers.is_plain(number)
            segment = number if is_plain else numbers.pdf_segment((await self.invoice(reader, number)).number)
            path = f"{_path(reader, 'invoices')}/{segment}/pdf"
            async with self._answer(path, {"language": language}, headers) as response:
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

    async def _paper(
        self, reader: Reader, part: str, model: type[PaperT], page: type[Page[PaperT]], number: str
    ) -> PaperT:
        """The order or invoice with this number: asked for by path where the number is plain, else by query."""
        if numbers.is_plain(number):
            found = parsed(model, await self._read("GET", f"{_path(reader, part)}/{number}"))
            _check_owner(reader, [found])
            if not numbers.is_same(found.number, number):
                raise PortalBroken(f"{part}: another number than was asked for")
            return found
        # A portal that does not know the parameter `number` searches at least.
        asked = {"number": numbers.checked(number), "query": number, "page": 1, "page_size": MOST_ROWS}
        items = parsed(page, await self._read("GET", _path(reader, part), params=asked)).items
        _check_owner(reader, items)
        same = [item for item in items if numbers.is_same(item.number, number)]
        if not same:
            raise NotFound(f"{part}: none has exactly this number")
        return next((item for item in same if item.number == number), same[0])

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
            answer = await self._http.request(method, path, params=params, content=content)
        _refuse(path, answer)
        return answer.content

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


def _path(reader: Reader, part: str) -> str:
    contact, account = numbers.id_segment(reader.contact_id), numbers.id_segment(reader.account_id)
    return f"/v1/contacts/{contact}/accounts/{account}/{part}"


def _check_owner(reader: Reader, papers: Iterable[Order | Invoice]) -> None:
    """Raises ``PortalBroken`` where an answer says that it is about somebody else than was asked about."""
    for paper in papers:
        if paper.account_id not in (None, reader.account_id) or paper.contact_id not in (None, reader.contact_id):
            raise PortalBroken("a paper of another account or contact than was asked about")


def _call(path: str) -> str:
    """The call's name for a log: the path without whom it is about."""
    return "/".join(part for part in path.split("/") if part in _NAMES)


_NAMES = {"v1", "contacts", "search", "accounts", "orders", "invoices", "pdf", "links", "events"}


def _refuse(path: str, response: httpx.Response | Answer) -> None:
    status = response.status_code
    if status in (httpx.codes.OK, httpx.codes.NOT_MODIFIED):
        return
    what = f"{_call(path)}: HTTP {status}"
    match status:
        case 403 | 404 if not is_problem(response):
            raise PortalUnavailable(f"{what}, and not the portal's: its type is not application/problem+json")
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
