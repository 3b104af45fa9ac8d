"""Whole conversations on a company's own database: lists, details, PDFs, search, and a notice from a changed row."""

import datetime
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from portal.sql.adapter import PDF
from tests.portal.sql.company import TREMBLAY, Company, invoice, pdf_folder
from tests.portal.sql.conftest import company, empty_company, mariadb, new_address  # noqa: F401 - fixtures
from tests.scene import Scene

CLIENT = "client@example.test"
PATIENCE = 30.0


@pytest.fixture
async def sql_scene(database_url: str, company: Company, tmp_path: Path) -> AsyncIterator[Scene]:  # noqa: F811
    settings = {PDF: pdf_folder(tmp_path / "pdf", "240130", "240500")}
    async with Scene(
        database_url, portal_settings=settings, portal_url=company.url, portal_token="", portal_poll_seconds=0.3
    ) as scene:
        yield scene


@pytest.mark.parametrize(
    ("language", "invoices", "orders", "question", "owed"),
    [
        ("fr", "/factures", "/commandes", "la facture de 293,08 $", "combien je dois?"),
        ("en", "/invoices", "/orders", "the invoice of $293.08", "how much do I owe?"),
    ],
)
async def test_conversation(
    sql_scene: Scene, language: str, invoices: str, orders: str, question: str, owed: str
) -> None:
    person = await sql_scene.linked(language, CLIENT)
    listed = await sql_scene.say(person, invoices)
    assert "Transport Tremblay" in listed.text
    assert [number for number in ("240130", "2026/001", "240129", "240999") if number in listed.text] == [
        "240130", "2026/001", "240129",
    ]  # fmt: skip
    order = await sql_scene.say(person, "31450")
    assert "Installation, cable OBD2 100 %" in order.text
    assert "31200" in (await sql_scene.say(person, orders)).text
    assert "240130" in (await sql_scene.say(person, question)).text
    balance = (await sql_scene.say(person, owed)).text
    assert "1\u00a0086,36" in balance or "1,086.36" in balance
    await sql_scene.say(person, "240130")
    sent = await sql_scene.tap(person, "PDF")
    assert sent.file
    assert sent.file.name.endswith("240130.pdf")


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_notice_of_a_changed_row(sql_scene: Scene, company: Company, language: str) -> None:  # noqa: F811
    person = await sql_scene.linked(language, CLIENT, notices=True)
    other = await sql_scene.linked("en", "zed@example.test", notices=True)
    now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    times = {"issued_at": now, "created_at": now, "updated_at": now}
    await company.add("invoices", invoice(50, TREMBLAY, "240500", f"{now:%Y-%m-%d}", "57.49", **times))
    notice = await person.wait_for_message("240500", timeout=PATIENCE)
    assert "57,49" in notice.text or "57.49" in notice.text
    assert not any("240500" in message.text for message in other.chat().visible)


async def test_another_customers_number_is_unknown(sql_scene: Scene) -> None:
    person = await sql_scene.linked("fr", CLIENT)
    assert "777" not in (await sql_scene.say(person, "240999")).text
