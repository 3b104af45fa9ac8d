"""The sandbox portal keeps the contract, over HTTP."""

from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal

import pytest

from portal.http import HttpPortal
from portal.models import Invoice, OrderLine
from sandbox.portal.clock import MovableClock
from sandbox.portal.server import PortalServer
from tests.portal.conformance.facts import Facts, UnderTest
from tests.portal.conformance.suite import *  # noqa: F403
from tests.scene import START

ACCOUNT = "a-2003"
FACTS = Facts(
    email="flotte@example.test",
    account="Transport Boréal inc.",
    language="fr",
    orders=("32010", "31450", "30900", "31200", "29870", "32555"),
    order="31450",
    lines=(
        OrderLine(quantity=Decimal(8), description="Installation sur place"),
        OrderLine(quantity=Decimal(8), description="Caméra de bord AI-12"),
        OrderLine(quantity=Decimal(1), description="Déplacement, Saguenay – Chibougamau"),
    ),
    order_invoices=("240204", "240203", "240202", "240201"),
    searches={
        "CHIBOUGAMAU": ("31450", "240202"),
        "240204": ("240204",),
        "installation déplacement": ("31450", "240202"),
        "%": ("240201",),
        "_": (),
    },
    newest_invoices=("240130", "240129", "240204"),
    invoice_count=34,
    unpaid=("240130", "240129", "240202", "240128"),
    exact=(
        Invoice(
            number="240127",
            date=date(2026, 7, 1),
            due_date=date(2026, 7, 31),
            amount=Decimal("1293.08"),
            balance=Decimal(0),
            paid_on=date(2026, 7, 22),
            order_number="31200",
        ),
        Invoice(
            number="240129",
            date=date(2026, 9, 1),
            due_date=date(2026, 10, 1),
            amount=Decimal("1293.08"),
            balance=Decimal("793.08"),
            order_number="31200",
        ),
        Invoice(
            number="240204",
            date=date(2026, 8, 31),
            amount=Decimal("-401.26"),
            balance=Decimal(0),
            order_number="31450",
        ),
    ),
    hidden=("212380", "250118", "26387", "F/1&2 <3>", "../invoices", "%", "240130 "),
    other_email="anna@example.test",
    shared_email="partage@example.test",
    nobody=("%", "flotte@example.tes_", "flott_@example.test", "personne@example.test", "\u212a@example.test"),
)


@pytest.fixture
async def under_test() -> AsyncIterator[UnderTest]:
    clock = MovableClock(START)
    async with PortalServer("secret", clock=clock) as server:
        portal = HttpPortal(server.url, "secret")

        async def issue() -> tuple[str, str]:
            return ACCOUNT, server.portal.issue_invoice(ACCOUNT, "100.00")

        async def pay(account_id: str, number: str) -> None:
            server.portal.mark_paid(account_id, number)

        yield UnderTest(portal, FACTS, issue, pay)
        await portal.aclose()
