"""The base class keeps the contract: the suite of every portal, and the checks of ``odobot portal-check``."""

import inspect
from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal

import pytest

from portal.client import Portal, Reader
from portal.conformance.check import Outcome, Subject, run_checks
from portal.conformance.report import CHECKS
from portal.errors import NotFound
from portal.models import Invoice, InvoiceKind, InvoiceStatus, MenuLink, OrderLine
from portal.simple.portal import SimplePortal
from tests.portal.conformance.facts import Facts, UnderTest
from tests.portal.conformance.suite import *  # noqa: F403
from tests.portal.simple.shop import ANNA, Shop, ShopPortal, invoice, pdf, person, small_shop

ORDERS = [
    {"number": "O-9", "start_date": "2025-01-01", "end_date": "2027-12-31", "progress": "40 %",
     "url": "https://s.test/o9",
     "lines": [{"quantity": 8, "description": "Caméra de bord"}, {"quantity": None, "description": "Déplacement"}]},
    {"number": "O-100", "start_date": "2026-02-01", "account_id": "a", "title": "Caméras", "amount": "1,000.00",
     "currency": "CAD"},
    {"number": "O-8", "start_date": "2025-01-01", "end_date": None},
    {"number": "O-7"},
]  # fmt: skip
INVOICES = [
    invoice("F-1", "2026-05-01", "1293.08", order_number="O-9", paid_on="2026-05-20"),
    invoice("F-3", "2026-07-01", "1,293.08", balance="793.08", due_date="2026-08-01", order_number="O-9",
            status="open"),
    invoice("F-2", "2026-07-01", -40.19, kind="credit note", account_id="a", contact_id="c1"),
    invoice("F-10", "2026-07-01", "5.00", balance="5.00", status="open"),
]  # fmt: skip
FACTS = Facts(
    email="anna@example.test",
    account="Account a",
    language="fr",
    orders=("O-100", "O-9", "O-8", "O-7"),
    order="O-9",
    lines=(
        OrderLine(quantity=Decimal(8), description="Caméra de bord"),
        OrderLine(quantity=None, description="Déplacement"),
    ),
    order_invoices=("F-3", "F-1"),
    searches={
        "CAMERA bord": ("O-9",),
        "o-9": ("O-9", "F-3", "F-1"),
        "1 293,08 $": ("F-3", "F-1"),
        "$40.19": ("F-2",),
        "mai 2026": ("F-1",),
        "%": (),
        "_": (),
    },
    newest_invoices=("F-10", "F-3", "F-2"),
    invoice_count=4,
    unpaid=("F-10", "F-3"),
    exact=(
        Invoice(
            number="F-1", date=date(2026, 5, 1), amount=Decimal("1293.08"), balance=Decimal("0.00"),
            paid_on=date(2026, 5, 20), order_number="O-9", status=InvoiceStatus.PAID, kind=InvoiceKind.INVOICE,
        ),
        Invoice(
            number="F-3", date=date(2026, 7, 1), due_date=date(2026, 8, 1), amount=Decimal("1293.08"),
            balance=Decimal("793.08"), order_number="O-9", status=InvoiceStatus.OPEN, kind=InvoiceKind.INVOICE,
        ),
        Invoice(
            number="F-2", date=date(2026, 7, 1), amount=Decimal("-40.19"), balance=Decimal("0.00"),
            status=InvoiceStatus.PAID, kind=InvoiceKind.CREDIT_NOTE, account_id="a", contact_id="c1",
        ),
    ),
    hidden=("Z-1", "P-1", "../invoices", "%", "F-1 ", "", "\x00"),
    other_email="zed@example.test",
    shared_email="shared@example.test",
    nobody=("%", "anna@example.tes_", "", " ", "\u212aarl@example.test", "anna@example.test, zed@example.test"),
    missing_facts=frozenset({"summary"}),
)  # fmt: skip


def shop() -> Shop:
    invoices = {"a": INVOICES, "b": [invoice("Z-1"), invoice("Z-2")]}
    return Shop(
        people=[
            person("c1", "anna@example.test", "a"),
            person("c2", "zed@example.test", "b", language="en"),
            person("c3", "karl@example.test", "b", aliases=["shared@example.test"]),
            person("c4", "shared@example.test", "b"),
        ],
        orders={"a": ORDERS, "b": [{"number": "P-1"}]},
        invoices=invoices,
        pdfs={row["file"]: pdf(row["number"]) for rows in invoices.values() for row in rows},
    )


@pytest.fixture
async def under_test() -> AsyncIterator[UnderTest]:
    system = shop()
    portal = ShopPortal(system)
    portal.connection = type(portal.connection)(
        portal.connection.url, links=(MenuLink(key="login", title="login", url="https://s.test/"),)
    )

    async def issue() -> tuple[str, str]:
        system.change("invoice.issued", "F-10")
        return "a", "F-10"

    async def pay(account_id: str, number: str) -> None:
        system.change("invoice.paid", number, account=account_id)

    yield UnderTest(portal, FACTS, issue, pay)
    await portal.aclose()


async def test_checks_find_nothing_broken() -> None:
    for email, other in (("anna@example.test", "zed@example.test"), ("zed@example.test", "anna@example.test")):
        results = await run_checks(Subject(ShopPortal(shop()), email, other), CHECKS)
        assert [result for result in results if result.outcome is Outcome.BROKEN] == []


def test_base_has_the_whole_protocol() -> None:
    """Each method of ``Portal`` is there, with its parameters."""
    for name, declared in inspect.getmembers(Portal, inspect.isfunction):
        if not name.startswith("_"):
            own, expected = inspect.signature(getattr(SimplePortal, name)), inspect.signature(declared)
            assert list(own.parameters.values()) == [
                parameter.replace(annotation=own.parameters[parameter.name].annotation)
                for parameter in expected.parameters.values()
            ], name


async def test_contact_is_found_by_an_alias() -> None:
    """The address is the one that was looked for, as the system writes it; the others are aliases."""
    system = small_shop()
    system.people = [person("c1", " Anna@Example.test ", "a", aliases=["B@b.test", "b@B.test", "c@b.test", "C@b.test"])]
    portal = ShopPortal(system)
    [found] = await portal.find_contacts(" b@b.TEST")
    assert (found.email, found.aliases) == ("B@b.test", ("Anna@Example.test", "c@b.test", "C@b.test"))
    by_id = await portal.contact("c1")
    assert (by_id.email, by_id.aliases) == ("Anna@Example.test", ("B@b.test", "b@B.test", "c@b.test", "C@b.test"))


@pytest.mark.parametrize("address", ["KARL@EXAMPLE.TEST", "karl@example.test ", "Karl@example.test"])
async def test_address_ignores_case_of_ascii_letters(address: str) -> None:
    assert [contact.contact_id for contact in await ShopPortal(shop()).find_contacts(address)] == ["c3"]


async def test_contact_without_an_address_is_not_found() -> None:
    system = small_shop()
    system.people[0]["email"] = " "
    portal = ShopPortal(system)
    assert await portal.find_contacts(" ") == ()
    with pytest.raises(NotFound):
        await portal.contact("c1")


async def test_reader_of_a_removed_contact_is_refused() -> None:
    """At once, also where the list was read a moment ago."""
    system = small_shop(invoices={"a": [invoice("F-1")]})
    portal = ShopPortal(system)
    assert (await portal.invoices(ANNA, page=1, page_size=5)).total == 1
    system.people = system.people[1:]
    for asked in (portal.invoices(ANNA, page=1, page_size=5), portal.orders(ANNA, page=1, page_size=5)):
        with pytest.raises(NotFound):
            await asked
    with pytest.raises(NotFound):
        await portal.invoices(Reader("c2", "a"), page=1, page_size=5)


def test_method_of_the_base_is_not_replaced_by_accident() -> None:
    with pytest.raises(TypeError, match=r"Careless\._opened replaces what SimplePortal needs"):

        class Careless(ShopPortal):
            async def _opened(self, *_: object) -> None:
                """Would turn the owner check off."""


async def test_rows_of_another_account_are_a_finding() -> None:
    shop = small_shop(invoices={"a": [invoice("F-1", account_id="a")]})
    portal = ShopPortal(shop)
    await portal.invoices(ANNA, page=1, page_size=10)
    assert await portal.findings() == []
    shop.invoices["a"].append(invoice("F-2", account_id="b"))
    assert (await ShopPortal(shop).invoices(ANNA, page=1, page_size=10)).total == 1
    portal = ShopPortal(shop)
    await portal.invoices(ANNA, page=1, page_size=10)
    [finding] = await portal.findings()
    assert finding.startswith("rows of invoices named another account")
    assert "F-2" not in finding
