"""Wrong portals, made from the correct one in memory, and the promise that ``odobot portal-check`` names for each."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from portal.client import Reader
from portal.conformance.check import Run
from portal.conformance.checks import additions, contacts, documents, feed, filters, lists, ownership
from portal.errors import Forbidden, NotFound
from portal.events import EventPage
from portal.models import Account, Contact, Invoice, InvoiceSummary, Order, Page, Part, Pdf, Status
from tests.portal.conformance.memory_portal import ACCOUNTS, EVENTS, PEOPLE, Books, MemoryPortal

ASKED = ("orders", "order", "invoices", "invoice", "invoice_pdf", "invoice_summary")
"""The methods that are asked as a contact of an account."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A wrong portal.

    Attributes:
        name: What is wrong.
        portal: Makes it.
        broken: The check whose promise it breaks.
    """

    name: str
    portal: Callable[[], MemoryPortal]
    broken: Run


MUTANTS: list[Mutant] = []


def mutant(name: str, broken: Run) -> Callable[[type[MemoryPortal]], type[MemoryPortal]]:
    """Return a decorator that appends a class to ``MUTANTS``."""

    def register(portal: type[MemoryPortal]) -> type[MemoryPortal]:
        MUTANTS.append(Mutant(name, portal, broken))
        return portal

    return register


def owner_of(reader: Reader) -> Reader:
    """Return the account's first contact as its reader: what a portal answers that does not compare the contact."""
    for person in PEOPLE:
        if any(account.account_id == reader.account_id for account in person.accounts):
            return replace(reader, contact_id=person.contact_id)
    return reader


def _without_owner_check(method: str) -> type[MemoryPortal]:
    async def asked(self: MemoryPortal, reader: Reader, *args: Any, **options: Any) -> Any:
        return await getattr(MemoryPortal, method)(self, owner_of(reader), *args, **options)

    return type(f"WithoutOwnerCheckOf_{method}", (MemoryPortal,), {method: asked})


def _of_any_account(method: str) -> type[MemoryPortal]:
    async def asked(self: MemoryPortal, reader: Reader, *args: Any, **options: Any) -> Any:
        ask: Callable[..., Awaitable[Any]] = getattr(MemoryPortal, method)
        try:
            return await ask(self, reader, *args, **options)
        except NotFound:
            self.books(reader, Part.ORDERS)  # the account has to be the contact's, the paper not
        for account_id in ACCOUNTS:
            try:
                return await ask(self, owner_of(replace(reader, account_id=account_id)), *args, **options)
            except NotFound:
                continue
        raise NotFound(method)

    return type(f"OfAnyAccount_{method}", (MemoryPortal,), {method: asked})


def _ignoring(method: str, *filters_ignored: str) -> type[MemoryPortal]:
    async def asked(self: MemoryPortal, reader: Reader, **options: Any) -> Any:
        kept = {name: value for name, value in options.items() if name not in filters_ignored}
        return await getattr(MemoryPortal, method)(self, reader, **kept)

    return type(f"Ignoring_{method}_{'_'.join(filters_ignored)}", (MemoryPortal,), {method: asked})


MUTANTS += [
    Mutant(f"`{method}` takes any contact for the account's", _without_owner_check(method), ownership.foreign_accounts)
    for method in ASKED
]
MUTANTS += [
    Mutant(f"`{method}` finds any account's number", _of_any_account(method), ownership.foreign_papers)
    for method in ("order", "invoice", "invoice_pdf")
]
MUTANTS += [
    Mutant("the filter `order` is ignored", _ignoring("invoices", "order"), filters.by_unknown_order),
    Mutant("the filter `status` is ignored", _ignoring("invoices", "status"), lists.by_status),
    Mutant("the period is ignored", _ignoring("invoices", "since", "until"), filters.by_date),
    Mutant("the period's begin is ignored", _ignoring("invoices", "since"), filters.by_date),
    Mutant("the period's end is ignored", _ignoring("invoices", "until"), filters.by_date),
    Mutant("the search of orders is ignored", _ignoring("orders", "query"), filters.orders_searched),
    Mutant("the search of invoices is ignored", _ignoring("invoices", "query"), filters.invoices_searched),
]


@mutant("an account of another contact is accepted", ownership.foreign_accounts)
class AnyAccount(MemoryPortal):
    def books(self, reader: Reader, part: Part) -> Books:
        return super().books(owner_of(reader), part)


@mutant("a contact of another account is accepted", ownership.unknown_accounts)
class AnyContact(MemoryPortal):
    def books(self, reader: Reader, part: Part) -> Books:
        return ACCOUNTS.get(reader.account_id) or super().books(reader, part)


@mutant("everybody's papers are in each list", ownership.lists_are_disjoint)
class Everybodys(MemoryPortal):
    def books(self, reader: Reader, part: Part) -> Books:
        own = super().books(reader, part)
        orders = tuple(order for each in ACCOUNTS.values() for order in each.orders)
        return Books(own.name, orders, tuple(invoice for each in ACCOUNTS.values() for invoice in each.invoices))


@mutant("one paper of another is in a list", ownership.lists_are_disjoint)
class OneOfAnother(MemoryPortal):
    def books(self, reader: Reader, part: Part) -> Books:
        own = super().books(reader, part)
        return Books(own.name, own.orders, (*own.invoices, ACCOUNTS["b-1"].invoices[3]))


@mutant("a search looks in every account", ownership.filters_keep_to_the_account)
class SearchEverywhere(MemoryPortal):
    async def invoices(self, reader: Reader, *, page: int, page_size: int, query: str = "", **options: Any) -> Any:
        if not query:
            return await super().invoices(reader, page=page, page_size=page_size, **options)
        self.books(reader, Part.INVOICES)
        every = [invoice for each in ACCOUNTS.values() for invoice in each.invoices if self.matches(invoice, query)]
        return self.page(self.sorted_invoices(every), page, page_size)


@mutant("the invoices of an order of another account are listed", ownership.filters_keep_to_the_account)
class AnyOrder(MemoryPortal):
    async def invoices(self, reader: Reader, *, order: str | None = None, **options: Any) -> Any:
        if order is None:
            return await super().invoices(reader, **options)
        books = self.books(reader, Part.INVOICES)
        every = [each for books in (books, *ACCOUNTS.values()) for each in books.invoices if each.order_number == order]
        return self.page(self.sorted_invoices(list(dict.fromkeys(every))), options["page"], options["page_size"])


@mutant("an equal number gives the other customer's invoice", ownership.equal_numbers)
class NumberOfTheOther(MemoryPortal):
    async def invoice(self, reader: Reader, number: str) -> Invoice:
        found = await super().invoice(reader, number)
        return next((each for books in ACCOUNTS.values() for each in books.invoices if each.number == number), found)


@mutant("PDFs are stored by number alone", ownership.equal_numbers)
class PdfByNumber(MemoryPortal):
    def printed(self, reader: Reader, invoice: Invoice) -> bytes:
        [first, *_] = (id_ for id_, books in ACCOUNTS.items() if invoice.number in [i.number for i in books.invoices])
        return super().printed(replace(reader, account_id=first), invoice)


def _exists(number: str) -> bool:
    return any(number == paper.number for each in ACCOUNTS.values() for paper in (*each.orders, *each.invoices))


@mutant("403 where a number exists, 404 where it does not", ownership.foreign_papers)
class ForbiddenIfItExists(MemoryPortal):
    def numbered(self, papers: Any, number: str) -> Any:
        try:
            return super().numbered(papers, number)
        except NotFound:
            raise Forbidden("not yours") if _exists(number) else NotFound("number") from None


@mutant("403 for an account that exists, 404 for one that does not", ownership.foreign_accounts)
class ForbiddenAccount(MemoryPortal):
    def books(self, reader: Reader, part: Part) -> Books:
        try:
            return super().books(reader, part)
        except NotFound:
            raise Forbidden("not yours") if reader.account_id in ACCOUNTS else NotFound("account") from None


@mutant("a known ETag is unchanged before the owner is compared", ownership.foreign_papers)
class UnchangedForAnybody(MemoryPortal):
    async def invoice_pdf(self, reader: Reader, number: str, *, known_etag: str | None = None, **options: Any) -> Any:
        every = [(account, each.number) for account, books in ACCOUNTS.items() for each in books.invoices]
        for account_id, of_number in every if known_etag else ():
            found = MemoryPortal.printed(
                self, replace(reader, account_id=account_id), Invoice.model_construct(number=of_number)
            )
            if of_number == number and self.etag(found) == known_etag:
                return None
        return await super().invoice_pdf(reader, number, known_etag=known_etag, **options)


@mutant("a refusal takes longer where the number exists", ownership.equal_time)
class SlowRefusal(MemoryPortal):
    async def invoice(self, reader: Reader, number: str) -> Invoice:
        try:
            return await super().invoice(reader, number)
        except NotFound:
            await asyncio.sleep(0.08 if _exists(number) else 0)
            raise


@mutant("`access` is not kept: invoices are listed for who may see orders only", contacts.access)
class AccessIgnored(MemoryPortal):
    def books(self, reader: Reader, part: Part) -> Books:
        try:
            return super().books(reader, part)
        except Forbidden:
            return ACCOUNTS[reader.account_id]


@mutant("an email is compared by its begin", contacts.email_with_wildcards)
class EmailByBegin(MemoryPortal):
    def has_address(self, person: Contact, email: str) -> bool:
        return person.email.startswith(email)


@mutant("an email may have more behind it", contacts.email_with_wildcards)
class EmailWithEnd(MemoryPortal):
    def has_address(self, person: Contact, email: str) -> bool:
        return email.startswith(person.email)


@mutant("% in an email stands for anything", contacts.email_with_wildcards)
class EmailPattern(MemoryPortal):
    def has_address(self, person: Contact, email: str) -> bool:
        begin, found, end = email.partition("%")
        return (person.email.startswith(begin) and person.email.endswith(end)) if found else person.email == email


@mutant("an email is compared with its case", contacts.email_in_capitals)
class EmailWithCase(MemoryPortal):
    async def find_contacts(self, email: str) -> tuple[Contact, ...]:
        return tuple(person for person in PEOPLE if person.email == email)


@mutant("an unknown email is an error", contacts.unknown_email)
class UnknownEmailIsError(MemoryPortal):
    async def find_contacts(self, email: str) -> tuple[Contact, ...]:
        if found := await super().find_contacts(email):
            return found
        raise NotFound("contacts")


@mutant("a contact read by id has other accounts", contacts.contact_by_id)
class OtherAccounts(MemoryPortal):
    async def contact(self, contact_id: str) -> Contact:
        found = await super().contact(contact_id)
        every = tuple(Account(account_id=id_, name=each.name) for id_, each in ACCOUNTS.items())
        return found.model_copy(update={"accounts": every})


@mutant("orders come oldest first", lists.newest_order_first)
class OldestOrderFirst(MemoryPortal):
    def sorted_orders(self, orders: list[Order]) -> list[Order]:
        return super().sorted_orders(orders)[::-1]


@mutant("invoices come oldest first", lists.newest_invoice_first)
class OldestInvoiceFirst(MemoryPortal):
    def sorted_invoices(self, invoices: list[Invoice]) -> list[Invoice]:
        return super().sorted_invoices(invoices)[::-1]


@mutant("`page_size` is ignored", lists.invoice_pages)
class WholeListAsPage(MemoryPortal):
    def page(self, items: list[Any], page: int, size: int) -> Page[Any]:
        return super().page(items, page, size).model_copy(update={"items": tuple(items) if page == 1 else ()})


@mutant("a page past the end is the last one again", lists.invoice_pages)
class LastPageAgain(MemoryPortal):
    def page(self, items: list[Any], page: int, size: int) -> Page[Any]:
        last = max(1, -(-len(items) // size))
        return super().page(items, min(page, last), size).model_copy(update={"page": page})


@mutant("a page past the end is an error", lists.order_pages)
class NoPagePastTheEnd(MemoryPortal):
    def page(self, items: list[Any], page: int, size: int) -> Page[Any]:
        if page > max(1, -(-len(items) // size)):
            raise NotFound("page")
        return super().page(items, page, size)


@mutant("the total is that of the page", lists.invoice_pages)
class TotalOfPage(MemoryPortal):
    def page(self, items: list[Any], page: int, size: int) -> Page[Any]:
        made = super().page(items, page, size)
        return made.model_copy(update={"total": len(made.items)})


@mutant("pages overlap by one", lists.invoice_pages)
class OverlappingPages(MemoryPortal):
    def page(self, items: list[Any], page: int, size: int) -> Page[Any]:
        first = max(0, (page - 1) * size - (page > 1))
        made = super().page(items, page, size)
        return made.model_copy(update={"items": tuple(items[first : first + size])}) if made.items else made


@mutant("rows change their places between pages", lists.invoice_pages)
class UnstableOrder(MemoryPortal):
    def page(self, items: list[Any], page: int, size: int) -> Page[Any]:
        moved = page % 2 if size < 100 else 0
        return super().page(items[moved:] + items[:moved], page, size)


@mutant("a cancelled invoice is among the paid", lists.by_status)
class CancelledIsPaid(MemoryPortal):
    def has_status(self, invoice: Invoice, status: Status) -> bool:
        return invoice.is_unpaid == (status is Status.UNPAID)


@mutant("an invoice that is partly paid is among the paid", lists.by_status)
class PartlyPaidIsPaid(MemoryPortal):
    def has_status(self, invoice: Invoice, status: Status) -> bool:
        is_unpaid = invoice.is_unpaid and not invoice.is_partly_paid
        return not invoice.is_cancelled and is_unpaid == (status is Status.UNPAID)


@mutant("a paid invoice keeps its balance", lists.balances)
class PaidWithBalance(MemoryPortal):
    def books(self, reader: Reader, part: Part) -> Books:
        own = super().books(reader, part)
        paid = [each.paid_on is not None and each.amount > 0 for each in own.invoices]
        changed = (
            each.model_copy(update={"balance": each.amount if is_paid else each.balance, "status": None})
            for each, is_paid in zip(own.invoices, paid, strict=True)
        )
        return Books(own.name, own.orders, tuple(changed))


@mutant("a balance is above the amount", lists.balances)
class BalanceAboveAmount(MemoryPortal):
    def books(self, reader: Reader, part: Part) -> Books:
        own = super().books(reader, part)
        above = [each.model_copy(update={"balance": each.balance * 2}) for each in own.invoices]
        return Books(own.name, own.orders, tuple(above))


@mutant("a number of its own shape is not looked up: the newest comes", lists.unknown_invoice)
class NumberIgnored(MemoryPortal):
    def numbered(self, papers: Any, number: str) -> Any:
        return papers[0] if papers else super().numbered(papers, number)


@mutant("numbers are compared without leading zeros", filters.odd_invoice_numbers)
class LeadingZerosDropped(MemoryPortal):
    def numbered(self, papers: Any, number: str) -> Any:
        return super().numbered(papers, number.lstrip("0") or number)


@mutant("a number is compared by its begin", filters.odd_order_numbers)
class NumberByBegin(MemoryPortal):
    def numbered(self, papers: Any, number: str) -> Any:
        same = [paper for paper in papers if paper.number == number]
        begins = [paper for paper in papers if paper.number.startswith(number)]
        return super().numbered(papers, [*same, *begins][0].number if begins else number)


@mutant("% and _ in a number stand for anything", filters.odd_invoice_numbers)
class NumberPattern(MemoryPortal):
    def numbered(self, papers: Any, number: str) -> Any:
        begin = number.rstrip("%_")
        found = [paper for paper in papers if begin != number and paper.number.startswith(begin)]
        return found[0] if found else super().numbered(papers, number)


@mutant("a filter replaces the others", filters.filters_together)
class OnlyOneFilter(MemoryPortal):
    async def invoices(self, reader: Reader, *, query: str = "", **options: Any) -> Any:
        if not query:
            return await super().invoices(reader, **options)
        paging = {name: options[name] for name in ("page", "page_size")}
        return await super().invoices(reader, query=query, **paging)


@mutant("a period leaves its last day out", filters.by_date)
class LastDayLeftOut(MemoryPortal):
    async def invoices(self, reader: Reader, *, until: date | None = None, **options: Any) -> Any:
        before = until and date.fromordinal(until.toordinal() - 1)
        return await super().invoices(reader, until=before, **options)


@mutant("a PDF is another invoice's", documents.pdf_of_the_invoice)
class PdfOfAnother(MemoryPortal):
    def printed(self, reader: Reader, invoice: Invoice) -> bytes:
        own = ACCOUNTS[reader.account_id].invoices
        place = [each.number for each in own].index(invoice.number)
        return super().printed(reader, own[place - 1])


@mutant("each PDF is the same", documents.pdf_of_the_invoice)
class SamePdf(MemoryPortal):
    def printed(self, reader: Reader, invoice: Invoice) -> bytes:
        return super().printed(reader, ACCOUNTS[reader.account_id].invoices[0])


@mutant("no ETag is known", documents.pdf)
class NeverUnchanged(MemoryPortal):
    def is_known(self, etag: str, known: str | None) -> bool:
        return False


@mutant("each ETag is known", documents.other_etags)
class AlwaysUnchanged(MemoryPortal):
    def is_known(self, etag: str, known: str | None) -> bool:
        return known is not None


@mutant("a PDF has no ETag", documents.pdf)
class NoEtag(MemoryPortal):
    async def invoice_pdf(self, reader: Reader, number: str, **options: Any) -> Pdf | None:
        found = await super().invoice_pdf(reader, number, **options)
        return found and Pdf(content=found.content)


@mutant("the feed's cursor stands still", feed.feed_moves)
class CursorStandsStill(MemoryPortal):
    async def events(self, after: str | None, limit: int) -> EventPage:
        page = await super().events(after, limit)
        return page.model_copy(update={"cursor": after or page.cursor})


@mutant("events are repeated under new cursors", feed.feed_moves)
class EventsRepeated(MemoryPortal):
    async def events(self, after: str | None, limit: int) -> EventPage:
        page = await super().events(after, limit)
        return page.model_copy(update={"items": EVENTS[:limit] if after and after.startswith("at ") else ()})


@mutant("the feed's `limit` is ignored", feed.feed_moves)
class LimitIgnored(MemoryPortal):
    async def events(self, after: str | None, limit: int) -> EventPage:
        return await super().events(after, 1000)


@mutant("the feed starts at its begin", feed.feed_from_now)
class FeedFromBegin(MemoryPortal):
    async def events(self, after: str | None, limit: int) -> EventPage:
        return await super().events(after or "at 0", limit)


@mutant("any text is a cursor", feed.feed_from_nowhere)
class AnyCursor(MemoryPortal):
    async def events(self, after: str | None, limit: int) -> EventPage:
        return await super().events(after if after is None or after.startswith("at ") else "at 0", limit)


@mutant("an event's invoice cannot be read", feed.events_have_papers)
class EventsOfNothing(MemoryPortal):
    async def events(self, after: str | None, limit: int) -> EventPage:
        page = await super().events(after, limit)
        renamed = (event.model_copy(update={"number": event.number and f"{event.number}9"}) for event in page.items)
        return page.model_copy(update={"items": tuple(renamed)})


@mutant("an exception is no PortalError", contacts.unknown_contact)
class OwnException(MemoryPortal):
    async def contact(self, contact_id: str) -> Contact:
        return {person.contact_id: person for person in PEOPLE}[contact_id]


@mutant("the summary counts what is paid", additions.summary)
class SummaryOfAll(MemoryPortal):
    async def invoice_summary(self, reader: Reader) -> tuple[InvoiceSummary, ...] | None:
        [one] = await super().invoice_summary(reader) or ()
        count = len(self.books(reader, Part.INVOICES).invoices)
        return (one.model_copy(update={"open_count": count}),)
