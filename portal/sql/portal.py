"""The portal of a database: each call is a few queries, which only read."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from pydantic import ValidationError
from sqlalchemy import distinct, func, select

from portal.breaker import PortalBreaker
from portal.client import Reader
from portal.events import EventPage
from portal.models import Contact, Invoice, InvoiceSummary, MenuLink, Order, Page, Pdf, Status
from portal.parsing import ModelT, broken, fields_of
from portal.sql import papers
from portal.sql.access import contact_by_id, contacts_with
from portal.sql.database.address import SqlAddress
from portal.sql.database.pool import Reading, SqlDatabase
from portal.sql.events.feed import SqlFeed
from portal.sql.inspection import View, missing, problems
from portal.sql.papers import InvoiceFilter
from portal.sql.pdf import PdfSource
from portal.sql.times import now, read_moment
from portal.sql.views import INVOICES, ORDERS

_SAMPLE = 200
"""How many rows of a view ``findings`` reads."""


class SqlPortal:
    """See ``Portal``.

    Args:
        address: The database.
        pdfs: Where the PDFs are.
        links: The menu, since a database has no pages for customers.
        breaker: Refuses calls while the database does not answer; None lets every call through.
    """

    def __init__(
        self,
        address: SqlAddress,
        pdfs: PdfSource,
        *,
        links: Sequence[MenuLink] = (),
        breaker: PortalBreaker | None = None,
    ) -> None:
        self._database = SqlDatabase(address, breaker)
        self._pdfs = pdfs
        self._links = tuple(links)
        self._feed = SqlFeed(self._database)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._database.aclose()
        await self._pdfs.aclose()

    async def find_contacts(self, email: str) -> tuple[Contact, ...]:
        """See ``Portal``."""
        return await self._database.read("contacts", lambda reading: contacts_with(reading, email))

    async def contact(self, contact_id: str) -> Contact:
        """See ``Portal``."""
        return await self._database.read("contact", lambda reading: contact_by_id(reading, contact_id))

    async def orders(self, reader: Reader, *, page: int, page_size: int, query: str = "") -> Page[Order]:
        """See ``Portal``."""
        rows = await self._database.read(
            "orders", lambda reading: papers.page_of_orders(reading, reader, page, page_size, query)
        )
        return _read(Page[Order], rows)

    async def order(self, reader: Reader, number: str) -> Order:
        """See ``Portal``."""
        return _read(Order, await self._database.read("order", lambda reading: papers.order(reading, reader, number)))

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
        asked = InvoiceFilter(query, order, status, since, until)
        rows = await self._database.read(
            "invoices", lambda reading: papers.page_of_invoices(reading, reader, page, page_size, asked)
        )
        return _read(Page[Invoice], rows)

    async def invoice(self, reader: Reader, number: str) -> Invoice:
        """See ``Portal``."""
        return _read(Invoice, await self._invoice(reader, number))

    async def invoice_summary(self, reader: Reader) -> tuple[InvoiceSummary, ...] | None:
        """See ``Portal``."""
        return await self._database.read("summary", lambda reading: papers.summary(reading, reader))

    async def invoice_pdf(
        self, reader: Reader, number: str, *, language: str, known_etag: str | None = None, limit: int
    ) -> Pdf | None:
        """See ``Portal``. The place of the document is made of the invoice's row, not of what was asked for."""
        return await self._pdfs.read(await self._invoice(reader, number), language, known_etag, limit)

    async def links(self, language: str) -> tuple[MenuLink, ...]:  # noqa: ARG002
        """See ``Portal``. Returns the links of the setting, whatever the language."""
        return self._links

    async def events(self, after: str | None, limit: int) -> EventPage:
        """See ``Portal``."""
        return await self._feed.read(after, limit)

    async def findings(self) -> list[str]:
        """Return what is wrong with the views, one line each, for ``odobot portal-check``; no line has a value.

        First what keeps them from being read; else rows that cannot be read, by the names of their columns.
        """
        views = await self._database.inspected()
        wrong = problems(views)
        if not wrong:
            for name, model in ((INVOICES, Invoice), (ORDERS, Order)):
                wrong += await self._unreadable(views[name], model)
                wrong += await self._in_the_future(views[name])
            wrong += await self._places_of_pdfs(views[INVOICES])
        return wrong

    async def left_out(self) -> list[str]:
        """Return the optional columns that the views lack, one line each with what that means for the chat."""
        return missing(await self._database.inspected())

    async def _invoice(self, reader: Reader, number: str) -> dict[str, Any]:
        return await self._database.read("invoice", lambda reading: papers.invoice(reading, reader, number))

    async def _unreadable(self, view: View, model: type[Invoice] | type[Order]) -> list[str]:
        rows = await self._database.read(view.name, lambda reading: reading.rows(view, view.select(), _SAMPLE))
        unread: dict[str, int] = {}
        for row in rows:
            try:
                model.model_validate(papers.as_invoice(row) if model is Invoice else row)
            except ValidationError as error:
                for name in fields_of(error).split(", "):
                    unread[name] = unread.get(name, 0) + 1
        return [f"{view.name}.{name}: {count} of {len(rows)} rows cannot be read" for name, count in unread.items()]

    async def _places_of_pdfs(self, view: View) -> list[str]:
        """Return what a template of PDFs asks for in vain, and whether it is one place for several invoices."""
        fields = self._pdfs.fields
        if "pdf" in fields:
            return [] if view.has("pdf") else [f"{view.name}.pdf: is missing, and ODOBOT_PORTAL_PDF has {{pdf}}"]
        if not fields or "account_id" in fields:
            return []
        shared = func.count(distinct(view["account_id"])) > 1
        statement = view.select("number").where(view["number"].is_not(None)).group_by(view["number"]).having(shared)
        found = await self._database.read(view.name, lambda reading: reading.rows(view, statement, 1))
        return ["ODOBOT_PORTAL_PDF: expected {account_id}, since several customers have one number"] if found else []

    async def _in_the_future(self, view: View) -> list[str]:
        if not view.has("updated_at"):
            return []

        async def work(reading: Reading) -> list[str]:
            newest = read_moment(await reading.value(view, select(func.max(view["updated_at"]))))
            present = read_moment(await reading.value(view, select(now(view.dialect))))
            is_ahead = newest is not None and present is not None and newest > present
            return (
                [f"{view.name}.updated_at: is in the future; times without a zone have to be UTC"] if is_ahead else []
            )

        return await self._database.read(view.name, work)


def _read(model: type[ModelT], row: dict[str, Any]) -> ModelT:
    try:
        return model.model_validate(row)
    except ValidationError as error:
        raise broken(model, error) from None
