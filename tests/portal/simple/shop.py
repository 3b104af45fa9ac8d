"""A small system in memory, and its adapter on the base class."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from fpdf import FPDF

from portal.adapters.adapter import Connection
from portal.breaker import PortalBreaker
from portal.client import Reader
from portal.models import Invoice, Order, Pdf
from portal.simple.feed import Change
from portal.simple.portal import SimplePortal
from portal.simple.reads import SimpleReads

NOW = datetime(2026, 10, 15, 14, 0, tzinfo=UTC)
URL = "shop+https://shop.example.com"
ANNA = Reader("c1", "a")
ZED = Reader("c2", "b")


def pdf(text: str) -> bytes:
    document = FPDF()
    document.add_page()
    document.set_font("helvetica", size=12)
    document.cell(text=text)
    document.set_title("A document of more than a thousand bytes" * 10)
    return bytes(document.output())


@dataclass
class Shop:
    """The rows of the system, by account, and how often each read was made. ``fails`` raises in a read, by its name."""

    people: list[dict[str, Any]] = field(default_factory=list)
    orders: dict[str, list[Any]] = field(default_factory=dict)
    invoices: dict[str, list[Any]] = field(default_factory=dict)
    pdfs: dict[str, bytes | Pdf] = field(default_factory=dict)
    changes: list[Any] = field(default_factory=list)
    now: datetime = NOW
    reads: list[str] = field(default_factory=list)
    fails: dict[str, list[Exception]] = field(default_factory=dict)

    def begin(self, read: str) -> None:
        """Count a read, and raise the next of its failures."""
        self.reads.append(read)
        if self.fails.get(read):
            raise self.fails[read].pop(0)

    def change(self, kind: str, number: str | None = None, *, ago: float = 0, account: str = "a") -> None:
        """Add a change that happened ``ago`` seconds before now."""
        self.changes.append(Change(self.now - timedelta(seconds=ago), kind, account, number))


class ShopReads(SimpleReads):
    """Reads the system, and gives more customers than were asked for."""

    shop: Shop

    async def read_customers(
        self, *, email: str | None = None, contact_id: str | None = None
    ) -> Iterable[Mapping[str, Any]]:
        self.shop.begin("customers")
        return self.shop.people

    async def read_orders(self, reader: Reader) -> Iterable[Mapping[str, Any] | Order]:
        self.shop.begin("orders")
        return self.shop.orders.get(reader.account_id, [])

    async def read_invoices(self, reader: Reader) -> Iterable[Mapping[str, Any] | Invoice]:
        self.shop.begin("invoices")
        return self.shop.invoices.get(reader.account_id, [])

    async def read_pdf(self, reader: Reader, row: Any, limit: int) -> bytes | Pdf:
        self.shop.begin("pdf")
        return self.shop.pdfs[row["file"]]

    async def read_changes(self, since: datetime) -> Iterable[Change | Mapping[str, Any]]:
        self.shop.begin("changes")
        return self.shop.changes


class ShopPortal(ShopReads, SimplePortal):
    """The adapter under test."""

    def __init__(self, shop: Shop, *, url: str = URL, breaker: PortalBreaker | None = None) -> None:
        super().__init__(Connection(url, breaker=breaker), clock=lambda: shop.now)
        self.shop = shop


def person(contact_id: str, email: str, *accounts: str, **fields: Any) -> dict[str, Any]:
    rows = [{"account_id": each, "name": f"Account {each}"} for each in accounts]
    return {"contact_id": contact_id, "email": email, "name": "Anna", "language": "fr", "accounts": rows} | fields


def invoice(number: str, day: str = "2026-05-01", amount: str = "10.00", **fields: Any) -> dict[str, Any]:
    row = {"number": number, "date": day, "amount": amount, "balance": "0.00", "file": number}
    return row | {"status": "paid", "kind": "invoice"} | fields


def small_shop(**fields: Any) -> Shop:
    """Return a shop with two customers of one account each, without orders and invoices."""
    return Shop(people=[person("c1", "anna@example.test", "a"), person("c2", "zed@example.test", "b")], **fields)
