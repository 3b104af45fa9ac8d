"""The client of the portal's HTTP API, version 1: JSON, a bearer token, RFC 9457 errors."""

import json
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import date
from typing import Annotated, TypeVar

import httpx
from pydantic import BaseModel, FailFast, Field

from portal import numbers
from portal.breaker import PortalBreaker
from portal.client import Reader
from portal.errors import (
    CONTRACT_STATUSES,
    NotFound,
    PortalBroken,
    portal_errors,
    status_error,
)
from portal.events import EventPage
from portal.fields import MOST_ROWS, each
from portal.http_client import (
    PDF_TIMEOUT,
    Answer,
    document_call,
    fetch,
    http_client,
    read_document,
    whole_pdf,
    with_query,
    with_retries,
)
from portal.models import Contact, Invoice, InvoiceSummary, MenuLink, Order, Page, Pdf, Status
from portal.parsing import parsed

PaperT = TypeVar("PaperT", Order, Invoice)
_LONGEST_CURSOR = 4000
"""A longer one would not fit into a URL of 8 KiB."""


class _Contacts(BaseModel):
    items: Annotated[tuple[Contact, ...], each(Contact, MOST_ROWS)]


class _Links(BaseModel):
    items: Annotated[tuple[MenuLink, ...], FailFast(), Field(max_length=MOST_ROWS)]


class _Summaries(BaseModel):
    items: Annotated[tuple[InvoiceSummary, ...], each(InvoiceSummary, MOST_ROWS)]


class HttpPortal:
    """See ``Portal``. Every call reads, so it may be retried.

    Args:
        url: The portal's base URL.
        token: The bearer token.
        transport: Replaces the aiohttp connections, in tests and benches.
        breaker: Refuses calls while the portal does not answer; None lets every call through.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        breaker: PortalBreaker | None = None,
    ) -> None:
        self._breaker = breaker
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        self._client = http_client(url, headers, transport)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def find_contacts(self, email: str) -> tuple[Contact, ...]:
        """See ``Portal``. The address is sent in the body, since servers log URLs."""
        asked = json.dumps({"email": email}).encode()
        body = await self._read("POST", "/v1/contacts/search", content=asked)
        return tuple(contact.without_aliases() for contact in parsed(_Contacts, body).items)

    async def contact(self, contact_id: str) -> Contact:
        """See ``Portal``."""
        body = await self._read("GET", f"/v1/contacts/{numbers.id_segment(contact_id)}")
        found = parsed(Contact, body)
        if found.contact_id != contact_id:
            raise PortalBroken("contact: the answer is about another contact")
        return found.without_aliases()

    async def orders(self, reader: Reader, *, page: int, page_size: int, query: str = "") -> Page[Order]:
        """See ``Portal``."""
        asked = {"query": query, "page": page, "page_size": page_size, "language": reader.language}
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
            "language": reader.language,
        }
        found = parsed(Page[Invoice], await self._read("GET", _path(reader, "invoices"), params=asked))
        _check_owner(reader, found.items)
        if order and any(not numbers.is_same(each.order_number or order, order) for each in found.items):
            raise PortalBroken("invoices: one is of another order")
        return found

    async def invoice(self, reader: Reader, number: str) -> Invoice:
        """See ``Portal``."""
        return await self._paper(reader, "invoices", Invoice, Page[Invoice], number)

    async def invoice_summary(self, reader: Reader) -> tuple[InvoiceSummary, ...] | None:
        """See ``Portal``. A portal without it answers 404, as for an invoice with the number ``summary``."""
        asked = {"language": reader.language}
        try:
            body = await self._read("GET", f"{_path(reader, 'invoices')}/summary", params=asked)
        except NotFound:
            return None
        return parsed(_Summaries, body).items

    async def invoice_pdf(
        self, reader: Reader, number: str, *, language: str, known_etag: str | None = None, limit: int
    ) -> Pdf | None:
        """See ``Portal``. A number that is not plain is first looked up in the account."""
        headers = {"Accept": "application/pdf"} | ({"If-None-Match": known_etag} if known_etag else {})
        is_plain = numbers.is_plain(number)
        segment = number if is_plain else numbers.pdf_segment((await self.invoice(reader, number)).number)
        path = f"{_path(reader, 'invoices')}/{segment}/pdf"
        async with self._answer(path, {"language": language}, headers) as response:
            etag = response.headers.get("ETag")
            if response.status_code == httpx.codes.NOT_MODIFIED and known_etag is None:
                raise PortalBroken(f"{_call(path)}: HTTP 304 to a request without an ETag")
            if response.status_code == httpx.codes.NOT_MODIFIED or (known_etag and etag == known_etag):
                return None
            content = await read_document(response, limit)
        return Pdf(content=whole_pdf("GET pdf", content), etag=etag)

    async def links(self, language: str) -> tuple[MenuLink, ...]:
        """See ``Portal``."""
        return parsed(_Links, await self._read("GET", "/v1/links", params={"language": language})).items

    async def events(self, after: str | None, limit: int) -> EventPage:
        """See ``Portal``."""
        asked = {"after": after or "", "limit": limit}
        page = parsed(EventPage, await self._read("GET", "/v1/events", params=asked))
        if len(page.cursor) > _LONGEST_CURSOR:
            raise PortalBroken(f"events: the cursor has more than {_LONGEST_CURSOR} characters")
        return page

    async def _paper(
        self, reader: Reader, part: str, model: type[PaperT], page: type[Page[PaperT]], number: str
    ) -> PaperT:
        """Read an order or invoice by its path where the number is plain, else from a list filtered by the number."""
        if numbers.is_plain(number):
            asked_in: dict[str, object] = {"language": reader.language}
            found = parsed(model, await self._read("GET", f"{_path(reader, part)}/{number}", params=asked_in))
            _check_owner(reader, [found])
            if not numbers.is_same(found.number, number):
                raise PortalBroken(f"{part}: the answer has another number")
            return found
        # A portal without the parameter `number` searches with `query`.
        asked = {
            "number": numbers.checked(number),
            "query": number,
            "page": 1,
            "page_size": MOST_ROWS,
            "language": reader.language,
        }
        items = parsed(page, await self._read("GET", _path(reader, part), params=asked)).items
        _check_owner(reader, items)
        same = [item for item in items if numbers.is_same(item.number, number)]
        exact = [item for item in same if item.number == number]
        if not exact and len(same) != 1:
            raise NotFound(f"{part}: none has exactly this number, or several have it in another case")
        return (exact or same)[0]

    async def _read(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, object] | None = None,
        content: bytes | None = None,
    ) -> bytes:
        """Read one answer's body, with retries. Parameters that are None or empty are not sent."""
        known = {name: str(value) for name, value in (params or {}).items() if value not in (None, "")}
        call = _call(path)

        async def attempt() -> bytes:
            with portal_errors(call):
                answer = await fetch(self._client, method, path, params=known, content=content)
            _check_status(call, answer)
            return answer.content

        return await with_retries(call, attempt, self._breaker)

    @asynccontextmanager
    async def _answer(
        self, path: str, params: dict[str, str], headers: dict[str, str]
    ) -> AsyncIterator[httpx.Response]:
        """Open an answer to stream, without retries, since the caller may have read half of it."""
        call, url = _call(path), with_query(path, params)
        async with (
            document_call(call, self._breaker),
            self._client.stream("GET", url, headers=headers, timeout=PDF_TIMEOUT) as response,
        ):
            _check_status(call, response)
            yield response


def _path(reader: Reader, part: str) -> str:
    contact, account = numbers.id_segment(reader.contact_id), numbers.id_segment(reader.account_id)
    return f"/v1/contacts/{contact}/accounts/{account}/{part}"


def _check_owner(reader: Reader, papers: Iterable[Order | Invoice]) -> None:
    """Raise ``PortalBroken`` where an order or invoice names another account or contact as its owner."""
    for paper in papers:
        if paper.account_id not in (None, reader.account_id) or paper.contact_id not in (None, reader.contact_id):
            raise PortalBroken("an order or invoice is another account's or contact's")


def _call(path: str) -> str:
    """Return the call's name for messages: its path without ids and numbers."""
    return "/".join(part for part in path.split("/") if part in _NAMES)


_NAMES = {"v1", "contacts", "search", "accounts", "orders", "invoices", "pdf", "links", "events", "summary"}


def _check_status(call: str, answer: httpx.Response | Answer) -> None:
    if answer.status_code not in (httpx.codes.OK, httpx.codes.NOT_MODIFIED):
        raise status_error(call, answer, CONTRACT_STATUSES)
