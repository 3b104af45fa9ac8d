"""A portal of SQL views keeps the contract: the suite of every portal, on a real database."""

import datetime
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from portal.models import Invoice, OrderLine
from tests.portal.conformance.facts import Facts, UnderTest
from tests.portal.conformance.suite import *  # noqa: F403
from tests.portal.sql.company import TREMBLAY, TREMBLAYS, Company, invoice, pdf_folder

FACTS = Facts(
    email="client@example.test",
    account="Transport Tremblay inc.",
    language="fr",
    orders=("31450", "31200", "C-7/a"),
    order="31450",
    lines=(
        OrderLine(quantity=Decimal(34), description="Installation, cable OBD2 100 %"),
        OrderLine(quantity=None, description="Déplacement, Saguenay – Chibougamau"),
    ),
    order_invoices=("240130", "240204"),
    searches={
        "CHIBOUGAMAU": ("31450",),
        "deplacement INSTALLATION": ("31450",),
        "240204": ("240204",),
        "%": ("31450",),
        "_": ("F-abc_1",),
        "2026-08-31": ("240204",),
        "293,08 $": ("240130",),
    },
    newest_invoices=("240130", "2026/001", "240129", "240204"),
    invoice_count=6,
    unpaid=("240130", "240129", "F-abc_1"),
    exact=(
        Invoice(
            number="240127",
            date=date(2026, 7, 1),
            due_date=date(2026, 7, 31),
            amount=Decimal("1293.08"),
            balance=Decimal(0),
            paid_on=date(2026, 7, 22),
            account_id=str(TREMBLAY),
            order_number="31200",
        ),
        Invoice(
            number="240129",
            date=date(2026, 9, 1),
            due_date=date(2026, 10, 1),
            amount=Decimal("1293.08"),
            balance=Decimal("793.08"),
            account_id=str(TREMBLAY),
            order_number="31200",
        ),
        Invoice(
            number="240204",
            date=date(2026, 8, 31),
            amount=Decimal("-401.26"),
            balance=Decimal(0),
            account_id=str(TREMBLAY),
            order_number="31450",
        ),
    ),
    hidden=("240999", "40001", "%", "_", "../240130", "240130 ", "' OR 1=1 --"),
    other_email="zed@example.test",
    shared_email="partage@example.test",
    nobody=(
        "%",
        "client@example.tes_",
        "clien_@example.test",
        "personne@example.test",
        "\u212a@example.test",
        "x\0@y.z",
    ),
    missing_facts=frozenset({"menu"}),
)


@pytest.fixture
async def under_test(company: Company, tmp_path: Path) -> UnderTest:
    portal = company.portal(ODOBOT_PORTAL_PDF=pdf_folder(tmp_path / "pdfs", *TREMBLAYS))

    async def issue() -> tuple[str, str]:
        now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
        row = invoice(
            99, TREMBLAY, "250001", f"{now:%Y-%m-%d}", "100.00", issued_at=now, created_at=now, updated_at=now
        )
        await company.add("invoices", row)
        return str(TREMBLAY), "250001"

    async def pay(account_id: str, number: str) -> None:
        now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
        at = now.isoformat(" ") if company.dialect == "sqlite" else now
        day = now.date().isoformat() if company.dialect == "sqlite" else now.date()
        await company.run(
            "UPDATE invoices SET paid = total, paid_on = :day, updated_at = :at WHERE number = :number", day=day, at=at,
            number=number,
        )  # fmt: skip

    return UnderTest(portal, FACTS, issue, pay)
