"""The base class of an adapter for a small system: a subclass reads five things, the base makes a portal of them."""

import datetime
import hashlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, TypeVar

from portal.adapters.adapter import Connection
from portal.client import Reader
from portal.errors import Forbidden, NotFound, PortalBroken, TooLarge
from portal.events import EventPage
from portal.http_client import document_call, whole_pdf, with_retries
from portal.models import Account, Contact, Invoice, InvoiceStatus, MenuLink, Order, Page, Part, Pdf, Status
from portal.numbers import checked, folded, is_same
from portal.simple.addresses import found_by
from portal.simple.cache import ListCache
from portal.simple.failures import adapter_errors
from portal.simple.feed import MOST_CHANGES, read_feed
from portal.simple.json_api import JsonApi
from portal.simple.reads import MOST_CUSTOMERS, MOST_PAPERS, SimpleReads
from portal.simple.rows import PaperList, PaperT, Read, Row, listed, read_each, read_papers
from portal.simple.search import matcher

AnswerT = TypeVar("AnswerT")
_REPLACEABLE = {"cache_seconds", "overlap", "aclose", "links", "invoice_summary", "findings", "left_out"}
"""What a subclass may replace beside the reads and what Python itself has a name for."""


class SimplePortal(SimpleReads):
    """A whole ``Portal``. A subclass has the reads of ``SimpleReads``, and may be the ``open`` of its ``Adapter``.

    Small means that all orders, and all invoices, of one account can be read at once: up to ``MOST_PAPERS``.

    Args:
        connection: What ``Adapter.open`` is given.
        clock: Returns the present, in UTC.
    """

    cache_seconds: ClassVar[float] = 5.0
    """How long a list of orders or invoices serves the next page. The access is checked each time, and a single order
    or invoice is always read anew."""
    overlap: ClassVar[datetime.timedelta] = datetime.timedelta(minutes=5)
    """How long a change may take until ``read_changes`` returns it."""

    def __init_subclass__(cls, **options: Any) -> None:
        """Refuse a subclass whose method has the name of one of the base class: the owner check could be among them.

        Raises:
            TypeError: it has; the message names the method.
        """
        super().__init_subclass__(**options)
        own = [name for name in cls.__dict__ if not name.startswith("__") and name not in _REPLACEABLE]
        taken = [name for name in own if name in SimplePortal.__dict__]
        if taken:
            raise TypeError(f"{cls.__name__}.{taken[0]} replaces what SimplePortal needs: give it another name")

    def __init__(
        self,
        connection: Connection,
        *,
        clock: Callable[[], datetime.datetime] = lambda: datetime.datetime.now(datetime.UTC),
    ) -> None:
        self.connection = connection
        self._clock = clock
        self._cache = ListCache(self.cache_seconds)
        self._apis: list[JsonApi] = []
        self._foreign: Counter[str] = Counter()

    async def find_contacts(self, email: str) -> tuple[Contact, ...]:
        """See ``Portal``."""

        async def attempt() -> tuple[Contact, ...]:
            good, _ = await self._customers(email=email)
            found = (_with_address(row.model, email) for row in good)
            return tuple({contact.contact_id: contact for contact in found if contact is not None}.values())

        return await self._call("customers", attempt) if email.strip() else ()

    async def contact(self, contact_id: str) -> Contact:
        """See ``Portal``."""
        return await self._call("customers", lambda: self._contact(contact_id))

    async def orders(self, reader: Reader, *, page: int, page_size: int, query: str = "") -> Page[Order]:
        """See ``Portal``."""

        async def attempt() -> Page[Order]:
            account = await self._opened(reader, Part.ORDERS)
            orders = await self._orders(reader, account)
            found = orders.page(page, page_size, matcher(query), counts_unread=not query)
            return found.model_copy(update={"items": await self._counted(reader, account, found.items)})

        return await self._call("orders", attempt)

    async def order(self, reader: Reader, number: str) -> Order:
        """See ``Portal``."""

        async def attempt() -> Order:
            account = await self._opened(reader, Part.ORDERS)
            found = (await self._orders(reader, account, is_new=True)).named(checked(number))
            if found is None:
                raise NotFound("order: none of this account has the number")
            return (await self._counted(reader, account, [found.model]))[0]

        return await self._call("orders", attempt)

    async def invoices(
        self,
        reader: Reader,
        *,
        page: int,
        page_size: int,
        query: str = "",
        order: str | None = None,
        status: Status | None = None,
        since: datetime.date | None = None,
        until: datetime.date | None = None,
    ) -> Page[Invoice]:
        """See ``Portal``."""
        matches = matcher(query)

        def keep(invoice: Invoice) -> bool:
            return (
                (since or datetime.date.min) <= invoice.date <= (until or datetime.date.max)
                and (status is None or _has_status(invoice, status))
                and (order is None or is_same(invoice.order_number or "", order))
                and matches(invoice)
            )

        async def attempt() -> Page[Invoice]:
            account = await self._opened(reader, Part.INVOICES)
            invoices = await self._invoices(reader, account)
            return invoices.page(page, page_size, keep, counts_unread=not query)

        return await self._call("invoices", attempt)

    async def invoice(self, reader: Reader, number: str) -> Invoice:
        """See ``Portal``."""
        invoice, _ = await self._call("invoices", lambda: self._invoice(reader, number))
        return invoice

    async def invoice_summary(self, reader: Reader) -> None:
        """See ``Portal``. None: the bot makes one of the open invoices."""

    async def invoice_pdf(
        self, reader: Reader, number: str, *, language: str, known_etag: str | None = None, limit: int
    ) -> Pdf | None:
        """See ``Portal``."""
        reader = replace(reader, language=language)
        _, row = await self._call("invoices", lambda: self._invoice(reader, number))
        async with document_call("pdf", self.connection.breaker):
            with adapter_errors("pdf"):
                found = await self.read_pdf(reader, row, limit)
        pdf = found if isinstance(found, Pdf) else Pdf(content=found)
        if len(pdf.content) > limit:
            raise TooLarge(f"a document of {len(pdf.content)} bytes")
        content = whole_pdf("pdf", pdf.content)
        etag = pdf.etag or f'"{hashlib.sha256(content).hexdigest()[:32]}"'
        return None if etag == known_etag else Pdf(content=content, etag=etag)

    async def links(self, language: str) -> tuple[MenuLink, ...]:  # noqa: ARG002
        """See ``Portal``. The links of the setting ``ODOBOT_PORTAL_LINKS``, whatever the language."""
        return self.connection.links

    async def events(self, after: str | None, limit: int) -> EventPage:
        """See ``Portal``. A cursor belongs to the adapter and the URL: after a move, the feed starts at now."""

        async def changes(since: datetime.datetime) -> Iterable[object]:
            with adapter_errors("changes"):
                return listed("changes", await self.read_changes(since), MOST_CHANGES)

        of = hashlib.sha256(f"{type(self).__qualname__} {self.connection.url}".encode()).hexdigest()[:16]
        now = self._clock()
        return await self._call(
            "changes", lambda: read_feed(changes, after, limit, of=of, now=now, overlap=self.overlap)
        )

    async def aclose(self) -> None:
        """Close the connections of ``json_api``."""
        for api in self._apis:
            await api.aclose()

    async def findings(self) -> list[str]:
        """See ``portal.conformance.report.HasFindings``: whether the reads returned rows that named another account."""
        return [
            f"rows of {call} named another account and were left out: ask the system for one account's only"
            for call, rows in self._foreign.items()
            if rows
        ]

    async def left_out(self) -> list[str]:
        """See ``HasFindings``. The checks themselves find what the rows lack."""
        return []

    def json_api(self, base_url: str, headers: Mapping[str, str] | None = None, **options: Any) -> JsonApi:
        """Make a client of a JSON API, which ``aclose`` closes; ``options`` are those of ``JsonApi``."""
        api = JsonApi(base_url, headers, **options)
        self._apis.append(api)
        return api

    async def _call(self, name: str, attempt: Callable[[], Awaitable[AnswerT]]) -> AnswerT:
        return await with_retries(name, attempt, self.connection.breaker)

    async def _customers(
        self, *, email: str | None = None, contact_id: str | None = None
    ) -> tuple[list[Read[Contact]], list[str]]:
        with adapter_errors("customers"):
            read = await self.read_customers(email=email, contact_id=contact_id)
            rows = listed("customers", read, MOST_CUSTOMERS)
        return await read_each("customers", Contact, rows, "contact_id")

    async def _contact(self, contact_id: str) -> Contact:
        good, unread = await self._customers(contact_id=contact_id)
        for row in good:
            if row.model.contact_id == contact_id and (found := _with_address(row.model)):
                return found
        if not {contact_id, ""}.isdisjoint(unread):  # "not found" would unlink the contact
            raise PortalBroken("customers: the row of this contact cannot be read")
        raise NotFound("contact: there is none with this id and an address")

    async def _opened(self, reader: Reader, part: Part) -> Account:
        """Return the account of a reader who may see the part. Raises ``NotFound`` or ``Forbidden`` for another."""
        contact = await self._contact(reader.contact_id)
        for account in contact.accounts:
            if account.account_id == reader.account_id:
                if part not in account.access:
                    raise Forbidden(f"{part}: not for this contact")
                return account
        if contact.unread_accounts:
            raise PortalBroken("customers: an account of this contact cannot be read")
        raise NotFound("account: not of this contact")

    async def _orders(self, reader: Reader, account: Account, *, is_new: bool = False) -> PaperList[Order]:
        return await self._papers("orders", Order, self.read_orders, reader, account, is_new=is_new)

    async def _invoices(self, reader: Reader, account: Account, *, is_new: bool = False) -> PaperList[Invoice]:
        return await self._papers("invoices", Invoice, self.read_invoices, reader, account, is_new=is_new)

    async def _papers(
        self,
        call: str,
        model: type[PaperT],
        read: Callable[[Reader], Awaitable[Iterable[Row]]],
        reader: Reader,
        account: Account,
        *,
        is_new: bool,
    ) -> PaperList[PaperT]:
        """Read a list, or return it from the cache, which has it for the same reader with the same access only."""
        key = (call, reader, account)
        found: PaperList[PaperT] | None = None if is_new else self._cache.get(key)
        if found is None:
            with adapter_errors(call):
                rows = listed(call, await read(reader), MOST_PAPERS)
            found = await read_papers(call, model, rows, reader)
            self._foreign[call] += found.foreign
            self._cache.put(key, found)
        return found

    async def _invoice(self, reader: Reader, number: str) -> tuple[Invoice, Any]:
        account = await self._opened(reader, Part.INVOICES)
        found = (await self._invoices(reader, account, is_new=True)).named(checked(number))
        if found is None:
            raise NotFound("invoice: none of this account has the number")
        return found.model, found.row

    async def _counted(self, reader: Reader, account: Account, orders: Sequence[Order]) -> tuple[Order, ...]:
        """Return the orders with the counts of their invoices, for a contact who may see invoices."""
        if Part.INVOICES not in account.access:
            return tuple(order.model_copy(update={"invoice_count": None}) for order in orders)
        if all(order.invoice_count is not None for order in orders):
            return tuple(orders)
        invoices = await self._invoices(reader, account)
        counts = Counter(folded(row.model.order_number or "") for row in invoices.rows)
        return tuple(
            order.model_copy(update={"invoice_count": counts[folded(order.number)]})
            if order.invoice_count is None
            else order
            for order in orders
        )


def _with_address(contact: Contact, email: str | None = None) -> Contact | None:
    """Return the contact with the address that it was found by; None where it does not have it."""
    found = found_by((contact.email, *contact.aliases), email)
    return contact.model_copy(update={"email": found[0], "aliases": found[1]}) if found else None


def _has_status(invoice: Invoice, status: Status) -> bool:
    """Return whether it is paid, or is to be paid; what is cancelled or credited is neither."""
    return invoice.is_unpaid if status is Status.UNPAID else invoice.state is InvoiceStatus.PAID
