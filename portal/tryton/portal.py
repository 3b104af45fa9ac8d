"""The client of a Tryton 8 server: a sale is an order, a party is an account and its contact.

The API user may read every customer's records, so each search has the party in its domain, and a document is requested
only after its invoice was found within the party.
"""

from collections.abc import Sequence
from datetime import date

import httpx

from portal.breaker import PortalBreaker
from portal.client import Reader
from portal.errors import NotFound, PortalBroken, media_type
from portal.events import EventPage
from portal.http_client import read_document, whole_pdf
from portal.models import Contact, Invoice, MenuLink, Order, Page, Pdf, Status
from portal.numbers import checked, is_same
from portal.tryton.address import parse_address
from portal.tryton.feed import TrytonFeed
from portal.tryton.papers import (
    NEWEST_INVOICE,
    NEWEST_SALE,
    contact,
    etag,
    invoice,
    invoices_of,
    order,
    readable_contacts,
    sales_of,
    with_email,
    with_status,
    with_words,
)
from portal.tryton.rows import (
    INVOICE_FIELDS,
    PARTY_FIELDS,
    SALE_FIELDS,
    InvoiceRow,
    PartyRow,
    SaleRow,
    read,
    read_owned,
)
from portal.tryton.wire import Domain, Row, TrytonWire

_PARTY, _SALE, _INVOICE = "party.party", "sale.sale", "account.invoice"
_MOST_CONTACTS = 100


class TrytonPortal:
    """See ``Portal``.

    Args:
        url: ``tryton+https://host/database``.
        key: The key of the user application.
        links: The menu, since Tryton has no pages for customers.
        transport: Replaces the aiohttp connections, in tests.
        breaker: Refuses calls while the portal does not answer; None lets every call through.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        links: Sequence[MenuLink] = (),
        transport: httpx.AsyncBaseTransport | None = None,
        breaker: PortalBreaker | None = None,
    ) -> None:
        address = parse_address(url)
        self._company = address.company
        self._links = tuple(links)
        self._wire = TrytonWire(address, key, transport, breaker)
        self._feed = TrytonFeed(self._wire, address.company, f"{address.database}#{address.company}")

    async def aclose(self) -> None:
        """Close the connections."""
        await self._wire.aclose()

    async def find_contacts(self, email: str) -> tuple[Contact, ...]:
        """See ``Portal``."""
        rows = await self._wire.search(
            _PARTY, with_email(email), PARTY_FIELDS, order=(("id", "ASC"),), size=_MOST_CONTACTS
        )
        return tuple(readable_contacts(rows, email))

    async def contact(self, contact_id: str) -> Contact:
        """See ``Portal``."""
        party = _record(contact_id)
        rows = await self._wire.search(_PARTY, [["id", "=", party]], PARTY_FIELDS, size=1)
        found = contact(read(PartyRow, rows[0])) if rows else None
        if found is None:
            raise NotFound("contact: no such party, or none that has an address")
        if found.contact_id != contact_id:
            raise PortalBroken("contact: the answer is about another party")
        return found

    async def orders(self, reader: Reader, *, page: int, page_size: int, query: str = "") -> Page[Order]:
        """See ``Portal``."""
        party = _party(reader)
        domain = [*sales_of(party, self._company), *with_words(query, of_invoices=False)]
        rows, total = await self._page(reader, _SALE, domain, SALE_FIELDS, NEWEST_SALE, page, page_size)
        items = tuple(order(read_owned(SaleRow, row, party, self._company)) for row in rows)
        return Page(items=items, page=page, page_size=page_size, total=total)

    async def order(self, reader: Reader, number: str) -> Order:
        """See ``Portal``."""
        party = _party(reader)
        domain = [*sales_of(party, self._company), ["number", "=", checked(number)]]
        rows = await self._wire.search(_SALE, domain, SALE_FIELDS, order=NEWEST_SALE, size=1)
        if not rows:
            raise NotFound("order: not of this party")
        row = read_owned(SaleRow, rows[0], party, self._company)
        if not is_same(row.number, number):
            raise PortalBroken("order: the answer has another number")
        return order(row)

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
        party = _party(reader)
        domain = [*invoices_of(party, self._company), *with_words(query, of_invoices=True)]
        if order is not None:
            domain.append(["sales.number", "=", order])
        if status is not None:
            domain += with_status(status)
        if since is not None:
            domain.append(["invoice_date", ">=", since])
        if until is not None:
            domain.append(["invoice_date", "<=", until])
        rows, total = await self._page(reader, _INVOICE, domain, INVOICE_FIELDS, NEWEST_INVOICE, page, page_size)
        items = tuple(invoice(read_owned(InvoiceRow, row, party, self._company), order) for row in rows)
        return Page(items=items, page=page, page_size=page_size, total=total)

    async def invoice(self, reader: Reader, number: str) -> Invoice:
        """See ``Portal``. Where each year has its own sequence, the newest invoice with the number."""
        return invoice(await self._invoice(reader, number))

    async def invoice_summary(self, reader: Reader) -> None:
        """See ``Portal``. Tryton has none."""

    async def invoice_pdf(
        self,
        reader: Reader,
        number: str,
        *,
        language: str,  # noqa: ARG002
        known_etag: str | None = None,
        limit: int,
    ) -> Pdf | None:
        """See ``Portal``. ``language`` has no effect: Tryton prints an invoice once, in the customer's language."""
        row = await self._invoice(reader, number)
        tag = etag(row)
        if known_etag == tag:
            return None
        async with self._wire.report(_INVOICE, row.id) as response:
            if media_type(response) != "application/pdf":
                raise PortalBroken("report: not a PDF; its extension was not pdf when the invoice was posted")
            content = await read_document(response, limit)
        return Pdf(content=whole_pdf("report", content), etag=tag)

    async def links(self, language: str) -> tuple[MenuLink, ...]:  # noqa: ARG002
        """See ``Portal``. Returns the links of the setting, whatever the language."""
        return self._links

    async def events(self, after: str | None, limit: int) -> EventPage:
        """See ``Portal``. Only issued and paid invoices: Tryton records no other event."""
        return await self._feed.read(after, limit)

    async def _page(
        self,
        reader: Reader,
        model: str,
        domain: Domain,
        fields: Sequence[str],
        newest_first: Sequence[Sequence[str]],
        page: int,
        page_size: int,
    ) -> tuple[list[Row], int]:
        rows, total = await self._wire.page(
            model, domain, fields, order=newest_first, first=(page - 1) * page_size, size=page_size
        )
        if not total:  # raises NotFound where the party does not exist
            await self.contact(reader.contact_id)
        return rows, total

    async def _invoice(self, reader: Reader, number: str) -> InvoiceRow:
        party = _party(reader)
        domain = [*invoices_of(party, self._company), ["number", "=", checked(number)]]
        rows = await self._wire.search(_INVOICE, domain, INVOICE_FIELDS, order=NEWEST_INVOICE, size=1)
        if not rows:
            raise NotFound("invoice: not of this party")
        row = read_owned(InvoiceRow, rows[0], party, self._company)
        if not is_same(row.number, number):
            raise PortalBroken("invoice: the answer has another number")
        return row


def _party(reader: Reader) -> int:
    """Return the reader's party; raise ``NotFound`` where the contact and the account are not the same party."""
    if reader.contact_id != reader.account_id:
        raise NotFound("account: not this contact's")
    return _record(reader.contact_id)


def _record(text: str) -> int:
    """Parse a record's id; raise ``NotFound`` for any other text."""
    if not text.isascii() or not text.isdecimal() or len(text) > 10 or str(int(text)) != text or int(text) >= 2**31:
        raise NotFound("contact: no such party")
    return int(text)
