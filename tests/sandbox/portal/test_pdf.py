"""The invoice PDFs, parsed: their text, their sums, and when their bytes change."""

import io
import re
from collections.abc import AsyncIterator
from datetime import date

import httpx
import pytest
from pypdf import PdfReader

from sandbox.portal import DraftLine
from sandbox.portal.data.money import split_total
from sandbox.portal.data.rows import PricedLine
from sandbox.portal.pdf.facts import InvoiceFacts
from sandbox.portal.pdf.invoice import print_invoice, printable
from sandbox.portal.pdf.words import long_date
from tests.sandbox.portal.test_server import BOREAL, CLIENT, CLIENT_2016, NORTH_SHORE, Visit, visiting

SPACE = "\u00a0"


@pytest.fixture
async def visit() -> AsyncIterator[Visit]:
    async with visiting() as visit:
        yield visit


def read(content: bytes) -> tuple[PdfReader, str]:
    reader = PdfReader(io.BytesIO(content), strict=True)
    return reader, "\n".join(page.extract_text() for page in reader.pages)


async def fetched(visit: Visit, path: str, language: str = "") -> tuple[PdfReader, str]:
    response = await visit.http.get(f"{path}/pdf", params={"language": language})
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/pdf"
    return read(response.content)


def cents(text: str) -> list[int]:
    """Return all amounts in a text, in either language's format."""
    french = re.findall(rf"-?\d[\d{SPACE}]*,\d\d{SPACE}\$", text)
    english = re.findall(r"-?\$[\d,]+\.\d\d", text)
    return [int(re.sub(r"[^\d-]", "", amount)) for amount in french + english]


async def test_the_known_invoice_in_french(visit: Visit) -> None:
    reader, text = await fetched(visit, f"{CLIENT}/invoices/212380", "fr")
    assert len(reader.pages) == 1
    assert [float(side) for side in reader.pages[0].mediabox] == [0, 0, 612, 792]
    assert reader.root_object["/Lang"] == "fr-CA"
    assert reader.metadata is not None
    assert reader.metadata.title == "Facture 212380"
    for said in (
        "Facturé à",
        "Client Odotrack",
        "28 septembre 2020",
        "26387",
        "Plan Pro - 3 ans",
        "Escompte cable OBD2 à 3 broches",
        f"TPS (5{SPACE}%)",
        f"TVQ (9,975{SPACE}%)",
        f"293,08{SPACE}$",
        "Solde à payer",
        "Payée le 28 septembre 2020",
        "Page 1 de 1",
    ):
        assert said in text
    *lines, subtotal, gst, qst, total, paid, balance = cents(text)
    assert len(lines) == 7
    assert sum(lines) == subtotal == 25490
    assert subtotal + gst + qst == total == 29308
    assert (gst, qst, paid, balance) == (1275, 2543, -29308, 0)


async def test_the_same_invoice_in_english(visit: Visit) -> None:
    reader, text = await fetched(visit, f"{CLIENT}/invoices/212380", "en")
    assert reader.root_object["/Lang"] == "en-CA"
    for said in (
        "Billed to",
        "September 28, 2020",
        "GST (5%)",
        "QST (9.975%)",
        "$293.08",
        "Balance due",
        "Page 1 of 1",
    ):
        assert said in text
    assert "Facture" not in text
    assert SPACE + "$" not in text


async def test_every_invoice_adds_up_in_both_languages(visit: Visit) -> None:
    asked = {CLIENT_2016: "30677", BOREAL: "240129", NORTH_SHORE: "250131"}
    for account, number in asked.items():
        invoice = await visit.get(f"{account}/invoices/{number}")
        for language in ("fr", "en"):
            _, text = await fetched(visit, f"{account}/invoices/{number}", language)
            *amounts, balance = cents(text)
            total = round(float(invoice["amount"]) * 100)
            place = amounts.index(total, 3)
            assert sum(amounts[place - 3 : place]) == total
            assert sum(amounts[: place - 3]) == amounts[place - 3]
            assert balance == round(float(invoice["balance"]) * 100) == sum(amounts[place:])


async def test_credit_notes_and_partial_payments(visit: Visit) -> None:
    _, credit = await fetched(visit, f"{BOREAL}/invoices/240204")
    assert "Note de crédit" in credit
    assert f"-401,26{SPACE}$" in credit
    _, partial = await fetched(visit, f"{BOREAL}/invoices/240129")
    assert f"793,08{SPACE}$" in partial
    assert f"-500,00{SPACE}$" in partial
    assert f"1{SPACE}293,08{SPACE}$" in partial
    assert "Échéance" in partial
    assert "Payée le" not in partial


async def test_many_lines_continue_on_more_pages(visit: Visit) -> None:
    reader, text = await fetched(visit, f"{BOREAL}/invoices/240203")
    assert len(reader.pages) == 3
    for place, page in enumerate(reader.pages, start=1):
        page_text = page.extract_text()
        assert f"Page {place} de 3" in page_text
        assert "odotrack" in page_text
        assert "Description" in page_text, "each page repeats the table's head"
    assert [f"Unité {unit:02d}" in text for unit in range(1, 61)] == [True] * 60


async def test_default_language_is_the_contacts(visit: Visit) -> None:
    assert (await fetched(visit, f"{NORTH_SHORE}/invoices/250118"))[0].root_object["/Lang"] == "en-CA"
    assert (await fetched(visit, f"{BOREAL}/invoices/240130"))[0].root_object["/Lang"] == "fr-CA"


async def test_etag(visit: Visit) -> None:
    number = visit.portal.issue_invoice("a-2001", "55.00", lines=[DraftLine(1, "Sonde")], order_number="26387")
    path = f"{CLIENT}/invoices/{number}/pdf"

    async def ask(tag: str | None = None, language: str = "fr") -> httpx.Response:
        headers = {"If-None-Match": tag} if tag else {}
        return await visit.http.get(path, params={"language": language}, headers=headers)

    first = await ask()
    etag = first.headers["etag"]
    assert re.fullmatch(r'"[0-9a-f]{32}"', etag)
    again = await ask()
    assert (again.headers["etag"], again.content) == (etag, first.content)
    for tag in (etag, f'"other", W/{etag}', "*"):
        unchanged = await ask(tag)
        assert (unchanged.status_code, unchanged.content, unchanged.headers["etag"]) == (304, b"", etag)
    assert (await ask('"other"')).status_code == 200
    assert (await ask(etag, "en")).status_code == 200
    visit.portal.mark_paid("a-2001", number, amount="5.00")
    changed = await ask(etag)
    assert (changed.status_code, changed.headers["etag"] != etag) == (200, True)


async def test_same_facts_give_the_same_bytes(visit: Visit) -> None:
    """The same facts give the same bytes in another portal."""
    first = await visit.http.get(f"{BOREAL}/invoices/240203/pdf")
    async with visiting() as other:
        second = await other.http.get(f"{BOREAL}/invoices/240203/pdf")
    assert first.content == second.content
    assert first.headers["etag"] == second.headers["etag"]


def facts(customer: str, description: str = "Plan Pro", number: str = "1", lines: int = 1) -> InvoiceFacts:
    share = split_total(11498 * lines).subtotal // lines
    rest = split_total(11498 * lines).subtotal - share * (lines - 1)
    return InvoiceFacts(
        language="fr",
        customer=customer,
        address="1, rue Neuve\nMatane",
        number=number,
        day=date(2026, 10, 1),
        due=None,
        order_number=None,
        lines=tuple(PricedLine(1, description, share if n else rest) for n in range(lines)),
        total=11498 * lines,
        balance=0,
        paid_on=None,
    )


@pytest.mark.parametrize(
    ("name", "printed"),
    [
        ('<b>Tom & "Jerry"</b> \u202eevil', '<b>Tom & "Jerry"</b> evil'),
        ("Ærø Œuvres — Łódź & Ñandú", "Ærø Œuvres — Łódź & Ñandú"),
        ("Транспорт Ελλάς", "Транспорт Ελλάς"),
        ("שלום", "שלום"),
        ("東京 Cie 🚚", "?? Cie ?"),
        ("e\u0301te\u0301\x00\u200b\nsuite", "été suite"),
        ("{nb} ~~x~~ **y**", "{nb} ~~x~~ **y**"),
    ],
)
def test_any_customer_name_is_printed(name: str, printed: str) -> None:
    assert printable(name) == printed
    _, text = read(print_invoice(facts(name)))
    if printed.isascii() or printed[0] not in "ש":  # pypdf reverses right-to-left text
        assert printed in text


def test_long_texts_are_wrapped_within_the_page() -> None:
    words = "capteur de température et identification du conducteur " * 12
    reader, text = read(print_invoice(facts("Très longue raison sociale " * 6, words + "x" * 300)))
    assert len(reader.pages) == 1
    assert "".join(words.split()) in "".join(text.split())
    assert "x" * 300 in "".join(text.split())


@pytest.mark.parametrize("lines", [18, 19, 20, 21, 22, 44, 45, 46])
def test_totals_stay_on_one_page(lines: int) -> None:
    reader, _ = read(print_invoice(facts("Client", lines=lines)))
    last = reader.pages[-1].extract_text()
    assert "Sous-total" in last
    assert "Solde à payer" in last


def test_dates() -> None:
    assert long_date(date(2026, 10, 1), "fr") == "1er octobre 2026"
    assert long_date(date(2026, 10, 1), "en") == "October 1, 2026"
