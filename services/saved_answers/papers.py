"""Two readers of orders and invoices: one asks the portal and saves the answers, one has only saved answers."""

import datetime
from collections.abc import Awaitable, Mapping, Sequence
from datetime import date
from typing import TypeVar

from portal.client import Papers, Reader
from portal.errors import Forbidden, NotFound, PortalError
from portal.models import Invoice, InvoiceSummary, Order, Page, Part, Pdf, PortalModel, Status
from portal.numbers import is_same
from services.saved_answers.store import SavedAnswers, key_of
from storage.chats import LinkState

CALLS = {Part.ORDERS: ("orders", "order"), Part.INVOICES: ("invoices", "invoice", "invoice_summary")}
"""The calls about each part of an account."""

AnswerT = TypeVar("AnswerT", bound=PortalModel)
PaperT = TypeVar("PaperT", Order, Invoice)


class _Summary(PortalModel):
    items: tuple[InvoiceSummary, ...]


def _links_by_reader(links: Sequence[LinkState]) -> dict[tuple[str, str], LinkState]:
    return {(link.contact_id, link.account_id): link for link in links}


class SavingPapers:
    """Asks the portal as the contacts of a chat's links, and saves the answers. Searches are not saved.

    Args:
        links: The chat's links.
    """

    def __init__(self, portal: Papers, saved: SavedAnswers, links: Sequence[LinkState]) -> None:
        self._portal = portal
        self._saved = saved
        self._links = _links_by_reader(links) if saved.is_on else {}

    async def orders(self, reader: Reader, *, page: int, page_size: int, query: str = "") -> Page[Order]:
        """See ``Papers``."""
        asked = self._portal.orders(reader, page=page, page_size=page_size, query=query)
        return await (asked if query else self._saving(asked, Part.ORDERS, reader, "orders", page, page_size))

    async def order(self, reader: Reader, number: str) -> Order:
        """See ``Papers``."""
        return await self._saving(self._portal.order(reader, number), Part.ORDERS, reader, "order", number)

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
        """See ``Papers``."""
        asked = self._portal.invoices(
            reader, page=page, page_size=page_size, query=query, order=order, status=status, since=since, until=until
        )
        if query:
            return await asked
        arguments = (page, page_size, order, status, since, until)
        return await self._saving(asked, Part.INVOICES, reader, "invoices", *arguments)

    async def invoice(self, reader: Reader, number: str) -> Invoice:
        """See ``Papers``."""
        return await self._saving(self._portal.invoice(reader, number), Part.INVOICES, reader, "invoice", number)

    async def invoice_summary(self, reader: Reader) -> tuple[InvoiceSummary, ...] | None:
        """See ``Papers``."""
        summary = await self._portal.invoice_summary(reader)
        link = self._links.get((reader.contact_id, reader.account_id))
        if link is not None and summary is not None:
            key = key_of(reader, "invoice_summary")
            self._saved.save(link.link_id, "invoice_summary", key, _Summary(items=summary))
        return summary

    async def invoice_pdf(
        self, reader: Reader, number: str, *, language: str, known_etag: str | None = None, limit: int
    ) -> Pdf | None:
        """See ``Papers``. PDFs are not saved: Telegram has them."""
        return await self._portal.invoice_pdf(reader, number, language=language, known_etag=known_etag, limit=limit)

    async def _saving(
        self, asked: Awaitable[AnswerT], part: Part, reader: Reader, call: str, *arguments: object
    ) -> AnswerT:
        link = self._links.get((reader.contact_id, reader.account_id))
        if link is None:
            return await asked
        key = key_of(reader, call, *arguments)
        try:
            answer = await asked
        except Forbidden:
            if part in link.access:
                self._saved.erase_calls(link.link_id, *CALLS[part])
            raise
        except NotFound:
            if call in ("orders", "invoices"):  # the account
                self._saved.erase_calls(link.link_id, *CALLS[Part.ORDERS], *CALLS[Part.INVOICES])
            else:
                self._saved.erase(link.link_id, call, key)
            raise
        self._saved.save(link.link_id, call, key, answer)
        return answer


class SavedPapers:
    """Answers as the portal last did. What was not saved raises the portal's present failure.

    Args:
        links: The chat's links whose answers may be shown, by contact and account.
        failure: Why the portal does not answer.
    """

    def __init__(self, saved: SavedAnswers, links: Sequence[LinkState], failure: PortalError) -> None:
        self._saved = saved
        self._links: Mapping[tuple[str, str], LinkState] = _links_by_reader(links)
        self._failure = failure
        self.read_at: datetime.datetime | None = None
        """When the oldest of the answers given so far was read."""

    async def orders(self, reader: Reader, *, page: int, page_size: int, query: str = "") -> Page[Order]:
        """See ``Papers``."""
        return await self._saved_answer(Page[Order], reader, query, "orders", page, page_size)

    async def order(self, reader: Reader, number: str) -> Order:
        """See ``Papers``."""
        return await self._paper(Order, Page[Order], reader, "orders", "order", number)

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
        """See ``Papers``."""
        arguments = (page, page_size, order, status, since, until)
        return await self._saved_answer(Page[Invoice], reader, query, "invoices", *arguments)

    async def invoice(self, reader: Reader, number: str) -> Invoice:
        """See ``Papers``."""
        return await self._paper(Invoice, Page[Invoice], reader, "invoices", "invoice", number)

    async def invoice_summary(self, reader: Reader) -> tuple[InvoiceSummary, ...] | None:
        """See ``Papers``. None where none was saved: the caller then makes one of the open invoices, if it can."""
        link = self._link(reader, "invoice_summary")
        found = await self._saved.find(_Summary, link.link_id, key_of(reader, "invoice_summary"))
        return self._given(*found).items if found is not None else None

    async def invoice_pdf(
        self,
        reader: Reader,
        number: str,
        *,
        language: str,  # noqa: ARG002
        known_etag: str | None = None,
        limit: int,  # noqa: ARG002
    ) -> Pdf | None:
        """Return None, for "unchanged", if Telegram has the PDF and this link was shown the invoice.

        Other chats of the account may have uploaded it: who was shown the invoice may see it.
        """
        await self.invoice(reader, number)
        if known_etag is None:
            raise self._failure
        return None

    def _link(self, reader: Reader, call: str) -> LinkState:
        """Return the link of a reader; raise the failure if it has none, or may not see that part of the account."""
        link = self._links.get((reader.contact_id, reader.account_id))
        if link is None or not any(part in link.access and call in calls for part, calls in CALLS.items()):
            raise self._failure
        return link

    async def _saved_answer(
        self, model: type[AnswerT], reader: Reader, query: str, call: str, *arguments: object
    ) -> AnswerT:
        link = self._link(reader, call)
        found = None if query else await self._saved.find(model, link.link_id, key_of(reader, call, *arguments))
        if found is None:
            raise self._failure
        return self._given(*found)

    async def _paper(
        self, model: type[PaperT], page: type[Page[PaperT]], reader: Reader, pages: str, call: str, number: str
    ) -> PaperT:
        """Return an order or invoice that was opened, or that was a row of a list, whichever is newer."""
        link = self._link(reader, call)
        found = [await self._saved.find(model, link.link_id, key_of(reader, call, number))]
        found += [
            (item, read_at)
            for listed, read_at in await self._saved.pages(page, reader, link.link_id, pages)
            for item in listed.items
            if is_same(item.number, number)
        ]
        known = [each for each in found if each is not None]
        if not known:
            raise self._failure
        return self._given(*max(known, key=lambda each: each[1]))

    def _given(self, answer: AnswerT, read_at: datetime.datetime) -> AnswerT:
        self.read_at = min(self.read_at, read_at) if self.read_at else read_at
        return answer
