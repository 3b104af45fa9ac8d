"""Tryton 8 keeps the contract through its adapter: the suite of every portal, against a real server."""

from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal

import pytest

from portal.adapters.links import parse_links
from portal.models import Invoice, InvoiceKind, InvoiceStatus, OrderLine
from portal.tryton.portal import TrytonPortal
from tests.portal.conformance.facts import Facts, UnderTest
from tests.portal.conformance.suite import *  # noqa: F403
from tests.tryton.books import Books
from tests.tryton.server import Tryton

FACTS = Facts(
    email="client@example.test",
    account="Transport Tremblay inc.",
    language="fr",
    orders=("31800", "31650", "31600", "31544", "31543", "31542", "31541", "26387"),
    order="26387",
    lines=(
        OrderLine(quantity=Decimal(1), description="Plan Pro"),
        OrderLine(quantity=Decimal(1), description="Appareil ODO50"),
        OrderLine(quantity=Decimal(34), description="Plan Pro - 3 ans"),
        OrderLine(quantity=Decimal(1), description="Frais d'activation"),
        OrderLine(quantity=Decimal(1), description="Cable OBD2 à 3 broches"),
        OrderLine(quantity=Decimal(1), description="Escompte 100 %"),
        OrderLine(quantity=Decimal(1), description="FedEx"),
    ),
    order_invoices=("212380",),
    searches={
        "APPAREIL": ("31600", "26387", "240200", "212380"),
        "240311": ("240311",),
        "cable escompte": ("26387", "212380"),
        "293,08 $": ("212380",),
        "2020-09-28": ("26387", "212380"),
        "%": ("26387", "212380"),
        "_": (),
    },
    newest_invoices=("240311", "240310", "240200", "240117"),
    invoice_count=8,
    unpaid=("240310", "240200", "240117", "240116", "240115", "240114"),
    exact=(
        Invoice(
            number="212380",
            date=date(2020, 9, 28),
            due_date=date(2020, 10, 28),
            amount=Decimal("293.08"),
            balance=Decimal(0),
            paid_on=date(2020, 9, 28),
            order_number="26387",
            status=InvoiceStatus.PAID,
            kind=InvoiceKind.INVOICE,
        ),
        Invoice(
            number="240200",
            date=date(2024, 1, 20),
            due_date=date(2024, 2, 19),
            amount=Decimal("131.26"),
            balance=Decimal("81.26"),
            order_number="31600",
            status=InvoiceStatus.OPEN,
            kind=InvoiceKind.INVOICE,
        ),
        Invoice(
            number="240311",
            date=date(2025, 7, 15),
            amount=Decimal("-45.09"),
            balance=Decimal(0),
            status=InvoiceStatus.PAID,
            kind=InvoiceKind.CREDIT_NOTE,
        ),
    ),
    hidden=("212400", "240300", "27001", "31700", "2403__", "%"),
    other_email="zed@example.test",
    shared_email="partage@example.test",
    nobody=(
        "x@example.test",
        "fermee@example.test",
        "cl_ent@example.test",
        "%",
        "client@example.tes\\_",
        "personne@example.test",
        "compta@example.test, client@example.test",
        "\u212aompta@example.test",
    ),
    missing_facts=frozenset({"period", "progress", "pages_on_the_portal", "summary"}),
)


@pytest.fixture
async def under_test(tryton: Tryton, books: Books) -> AsyncIterator[UnderTest]:
    portal = TrytonPortal(tryton.url, tryton.key, links=parse_links("login=https://odotrack.test/in"))
    yield UnderTest(portal, FACTS, books.issue, books.pay)
    await portal.aclose()
