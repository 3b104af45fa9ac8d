"""A correct portal in memory, with customers who share an account and numbers: wrong ones are made from it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import NoReturn, TypeVar

from fpdf import FPDF

from portal.client import Reader
from portal.errors import CursorTooOld, Forbidden, NotFound, TooLarge
from portal.events import Event, EventPage
from portal.models import (
    Account,
    Contact,
    Invoice,
    InvoiceKind,
    InvoiceStatus,
    InvoiceSummary,
    MenuLink,
    Order,
    OrderLine,
    Page,
    Part,
    Pdf,
    Status,
)

ANNA, ZED, IVO = "anna@example.test", "zed@example.test", "ivo@example.test"
PaperT = TypeVar("PaperT", Order, Invoice)
_DAY = date(2026, 9, 1)
_NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Books:
    """What an account holds, newest first."""

    name: str
    orders: tuple[Order, ...]
    invoices: tuple[Invoice, ...]


def books(name: str, orders: Sequence[str], invoices: Sequence[str], cents: int) -> Books:
    """Make an account whose third invoice is partly paid, whose fourth is cancelled, and whose fifth is a credit."""
    count = -(-len(invoices) // len(orders))
    made = []
    for place, number in enumerate(invoices):
        amount = Decimal(cents * (place + 1)) / 100
        balance = {0: amount, 2: amount / 2}.get(place, Decimal(0))
        status = InvoiceStatus.OPEN if balance else InvoiceStatus.PAID
        made.append(
            Invoice(
                number=number,
                date=_DAY - timedelta(days=9 * place),
                due_date=_DAY + timedelta(days=30 - 9 * place),
                amount=-amount if place == 4 else amount,
                balance=balance,
                paid_on=None if balance or place in (3, 4) else _DAY,
                order_number=orders[place // count],
                status=InvoiceStatus.CANCELLED if place == 3 else status,
                kind=InvoiceKind.CREDIT_NOTE if place == 4 else InvoiceKind.INVOICE,
                url=f"https://portal.example.test/{number}",
            )
        )
    lines = (OrderLine(quantity=Decimal(2), description=f"Plan of {name}"),)
    ordered = [
        Order(
            number=number,
            start_date=_DAY - timedelta(days=30 * place),
            end_date=_DAY + timedelta(days=700),
            progress=50,
            lines=lines,
            invoice_count=sum(invoice.order_number == number for invoice in made),
        )
        for place, number in enumerate(orders)
    ]
    return Books(name, tuple(ordered), tuple(made))


ACCOUNTS = {
    "a-1": books(
        "Anna's works", ("77", "3104", "3103", "3102"), [*map(str, range(4120, 4109, -1)), "INV-9", "500"], 1210
    ),
    "b-1": books("Zed's garage", ("77", "5104", "5103"), [*map(str, range(6220, 6211, -1)), "SER-4", "500"], 1770),
    "c-1": books("Both of them", ("9001",), ("9101", "9102"), 990),
}
PEOPLE = (
    Contact(
        contact_id="p-anna",
        email=ANNA,
        name="Anna",
        accounts=tuple(Account(account_id=each, name=ACCOUNTS[each].name) for each in ("a-1", "c-1")),
    ),
    Contact(
        contact_id="p-zed",
        email=ZED,
        name="Zed",
        accounts=tuple(Account(account_id=each, name=ACCOUNTS[each].name) for each in ("b-1", "c-1")),
    ),
    Contact(
        contact_id="p-ivo",
        email=IVO,
        name="Ivo",
        accounts=(Account.model_validate({"account_id": "a-1", "name": "Anna's works", "access": ["orders"]}),),
    ),
)
EVENTS = tuple(
    Event(
        id=f"event-{place}",
        type=type_,
        occurred_at=_NOW - timedelta(days=9 - place),
        account_id=account,
        number=number,
    )
    for place, (type_, account, number) in enumerate(
        (
            ("invoice.issued", "a-1", "4118"),
            ("order.created", "a-1", "3104"),
            ("invoice.issued", "b-1", "6220"),
            ("invoice.paid", "a-1", "4119"),
            ("order.ending", "b-1", "5104"),
            ("menu.changed", "a-1", None),
            ("invoice.issued", "a-1", "4120"),
        )
    )
)
OLD_CURSOR = "at 0"


class MemoryPortal:
    """See ``Portal``. What a wrong portal does otherwise is in a method of its own."""

    async def aclose(self) -> None:
        """Do nothing."""

    async def find_contacts(self, email: str) -> tuple[Contact, ...]:
        """See ``Portal``."""
        return tuple(person for person in PEOPLE if self.has_address(person, email.lower()))

    async def contact(self, contact_id: str) -> Contact:
        """See ``Portal``."""
        return next((person for person in PEOPLE if person.contact_id == contact_id), None) or _none("contact")

    async def orders(self, reader: Reader, *, page: int, page_size: int, query: str = "") -> Page[Order]:
        """See ``Portal``."""
        found = [order for order in self.books(reader, Part.ORDERS).orders if self.matches(order, query)]
        return self.page(self.sorted_orders(found), page, page_size)

    async def order(self, reader: Reader, number: str) -> Order:
        """See ``Portal``."""
        return self.numbered(self.books(reader, Part.ORDERS).orders, number)

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
        found = [
            invoice
            for invoice in self.books(reader, Part.INVOICES).invoices
            if self.matches(invoice, query)
            and (order is None or invoice.order_number == order)
            and (status is None or self.has_status(invoice, status))
            and (since or date.min) <= invoice.date <= (until or date.max)
        ]
        return self.page(self.sorted_invoices(found), page, page_size)

    async def invoice(self, reader: Reader, number: str) -> Invoice:
        """See ``Portal``."""
        return self.numbered(self.books(reader, Part.INVOICES).invoices, number)

    async def invoice_summary(self, reader: Reader) -> tuple[InvoiceSummary, ...] | None:
        """See ``Portal``."""
        unpaid = [invoice for invoice in self.books(reader, Part.INVOICES).invoices if invoice.is_unpaid]
        balance = sum((invoice.balance for invoice in unpaid), Decimal(0))
        one = InvoiceSummary(
            currency="CAD", open_balance=balance, open_count=len(unpaid), overdue_balance=Decimal(0), overdue_count=0
        )
        return (one,)

    async def invoice_pdf(
        self, reader: Reader, number: str, *, language: str, known_etag: str | None = None, limit: int
    ) -> Pdf | None:
        """See ``Portal``."""
        found = await self.invoice(reader, number)
        content = self.printed(reader, found)
        if self.is_known(etag := self.etag(content), known_etag):
            return None
        if len(content) > limit:
            raise TooLarge("pdf")
        return Pdf(content=content, etag=etag)

    async def links(self, language: str) -> tuple[MenuLink, ...]:
        """See ``Portal``."""
        return (MenuLink(key="login", title="Log in", url="https://portal.example.test"),)

    async def events(self, after: str | None, limit: int) -> EventPage:
        """See ``Portal``."""
        if not after:
            return EventPage(items=(), cursor=f"at {len(EVENTS)}")
        if not after.startswith("at "):
            raise CursorTooOld("events")
        start = int(after.removeprefix("at "))
        items = EVENTS[start : start + limit]
        return EventPage(items=items, cursor=f"at {start + len(items)}")

    def has_address(self, person: Contact, email: str) -> bool:
        """Whether a person has exactly this address, in small letters."""
        return person.email == email

    def books(self, reader: Reader, part: Part) -> Books:
        """Return the books of the reader's account; raise ``NotFound`` or ``Forbidden`` where it is not theirs."""
        for person in PEOPLE:
            for account in person.accounts if person.contact_id == reader.contact_id else ():
                if account.account_id == reader.account_id and part not in account.access:
                    raise Forbidden("account")
                if account.account_id == reader.account_id:
                    return ACCOUNTS[account.account_id]
        return _none("account")

    def numbered(self, papers: Sequence[PaperT], number: str) -> PaperT:
        """Return the paper with exactly this number."""
        return next((paper for paper in papers if paper.number == number), None) or _none("number")

    def matches(self, paper: Order | Invoice, query: str) -> bool:
        """Whether each word of a search is in the paper's number, date or amount."""
        texts = [paper.number, "$"]
        if isinstance(paper, Invoice):
            amount = f"{paper.amount:.2f}"
            texts += [paper.date.isoformat(), amount, amount.replace(".", ",")]
        return all(any(word in text.lower() for text in texts) for word in query.lower().split())

    def has_status(self, invoice: Invoice, status: Status) -> bool:
        """Whether an invoice is paid, or unpaid; one that is cancelled is neither."""
        return not invoice.is_cancelled and invoice.is_unpaid == (status is Status.UNPAID)

    def sorted_orders(self, orders: list[Order]) -> list[Order]:
        """Return the orders, newest first."""
        return sorted(orders, key=lambda order: order.start_date or date.min, reverse=True)

    def sorted_invoices(self, invoices: list[Invoice]) -> list[Invoice]:
        """Return the invoices, newest first."""
        return sorted(invoices, key=lambda invoice: invoice.date, reverse=True)

    def page(self, items: list[PaperT], page: int, size: int) -> Page[PaperT]:
        """Return a page of a list."""
        first = (page - 1) * size
        return Page(items=tuple(items[first : first + size]), page=page, page_size=size, total=len(items))

    def printed(self, reader: Reader, invoice: Invoice) -> bytes:
        """Return an invoice's PDF."""
        return printed(reader.account_id, invoice.number)

    def etag(self, content: bytes) -> str:
        """Return the ETag of a PDF."""
        return hashlib.sha256(content).hexdigest()

    def is_known(self, etag: str, known: str | None) -> bool:
        """Whether a PDF is the one that the bot has."""
        return etag == known


@lru_cache
def printed(account_id: str, number: str) -> bytes:
    """Print a PDF with the account's name and the invoice's number."""
    document = FPDF()
    document.add_page()
    document.set_font("helvetica")
    document.cell(text=f"{ACCOUNTS[account_id].name}: invoice {number}")
    return bytes(document.output())


def _none(what: str) -> NoReturn:
    raise NotFound(what)
