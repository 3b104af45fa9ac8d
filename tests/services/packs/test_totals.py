"""The totals of packs equal those of the invoices, to the cent."""

import csv
import datetime
import io
import re
import zipfile
from decimal import Decimal
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings, strategies as st

from portal.models import Invoice
from services.packs.selection import Selection, oldest_first
from services.packs.spreadsheets import write_csv, write_xlsx
from services.packs.statements.chart import share, top_of
from services.packs.statements.facts import facts_of, statement_of
from services.packs.totals import amounts_of, months_of, totals_of
from texts.catalogue import texts_in
from texts.language import Language

TODAY = datetime.date(2026, 10, 15)
CENTS = st.integers(-99_999_999, 999_999_999).map(lambda cents: Decimal(cents) / 100)
SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


@st.composite
def an_invoice(draw: st.DrawFn) -> Invoice:
    amount = draw(CENTS)
    paid_part = draw(st.integers(0, 100))
    balance = (amount * paid_part / 100).quantize(Decimal("0.01"))
    day = datetime.date(2024, 1, 1) + datetime.timedelta(days=draw(st.integers(0, 1000)))
    due = draw(st.none() | st.integers(0, 90).map(lambda days: day + datetime.timedelta(days=days)))
    return Invoice.model_validate(
        {
            "number": str(draw(st.integers(1, 10**9))),
            "date": day.isoformat(),
            "due_date": due.isoformat() if due else None,
            "amount": str(amount),
            "balance": str(balance),
            "currency": draw(st.sampled_from(["CAD", "USD"])),
            "status": draw(st.sampled_from([None, "open", "paid", "cancelled", "credited"])),
        }
    )


INVOICES = st.lists(an_invoice(), max_size=25, unique_by=lambda invoice: invoice.number)


@given(INVOICES)
def test_totals_equal_the_invoices(invoices: list[Invoice]) -> None:
    """What counts is what is not cancelled; what is to pay are the balances of what is unpaid."""
    totals = {each.currency: each for each in totals_of(invoices, TODAY)}
    for currency in {invoice.currency for invoice in invoices}:
        of_it = [each for each in invoices if each.currency == currency]
        counted = [each for each in of_it if not each.is_cancelled]
        assert totals[currency].amount == sum(each.amount for each in counted)
        assert totals[currency].to_pay == sum(each.balance for each in of_it if each.is_unpaid)
        assert totals[currency].overdue <= totals[currency].to_pay
        assert totals[currency].count == len(of_it)
        charged = [each for each in counted if not each.is_credit_note and each.state != "credited"]
        assert totals[currency].paid + totals[currency].to_pay == sum(each.amount for each in charged)


@given(INVOICES)
@settings(max_examples=30)
def test_months_add_up_to_the_total(invoices: list[Invoice]) -> None:
    months = months_of(invoices, "CAD", datetime.date(2026, 12, 1), 36)
    of_it = [amounts_of(each) for each in invoices if each.currency == "CAD"]
    assert sum(month.billed for month in months) == sum(each.billed for each in of_it)
    assert sum(month.paid for month in months) == sum(each.paid for each in of_it)
    top = top_of(months)
    assert all(0 <= share(month.billed, top) <= 1 and month.billed <= top for month in months)


@given(INVOICES)
@settings(max_examples=30, deadline=None)
def test_workbook_adds_up(invoices: list[Invoice]) -> None:
    """Dates and amounts are numbers, and each total is a formula whose value is the total."""
    file = io.BytesIO()
    write_xlsx(file, texts_in(Language.FR), "Boréal", invoices, TODAY)
    with zipfile.ZipFile(file) as book:
        sheet = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml"))
    cells = {cell.get("r"): cell for cell in sheet.iter(f"{SHEET}c")}
    totals = totals_of(invoices, TODAY)
    for row, invoice in enumerate(invoices, start=2):
        amount, day = cells[f"F{row}"], cells[f"A{row}"]
        assert amount.get("t") is None, "a number"
        assert Decimal(str(round(float(amount.findtext(f"{SHEET}v") or 0), 2))) == amounts_of(invoice).amount
        epoch = datetime.date(1899, 12, 30)
        assert epoch + datetime.timedelta(days=float(day.findtext(f"{SHEET}v") or 0)) == invoice.date
    for below, each in enumerate(totals, start=len(invoices) + 2):
        for column, value in (("F", each.amount), ("G", each.paid), ("H", each.to_pay)):
            cell = cells[f"{column}{below}"]
            assert re.fullmatch(r"ROUND\(SUMIF\(.*\),2\)", cell.findtext(f"{SHEET}f") or "")
            assert Decimal(str(round(float(cell.findtext(f"{SHEET}v") or 0), 2))) == value


@pytest.mark.parametrize(("language", "delimiter", "comma"), [(Language.FR, ";", ","), (Language.EN, ",", ".")])
def test_csv_opens_in_the_excel_of_its_language(language: Language, delimiter: str, comma: str) -> None:
    facts = {"number": "=1+1", "date": "2026-03-01", "amount": "1293.08", "balance": "0.00"}
    file = io.BytesIO()
    write_csv(file, texts_in(language), [Invoice.model_validate(facts)], TODAY)
    written = file.getvalue()
    assert written.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(written.decode("utf-8-sig")), delimiter=delimiter))
    assert rows[1][0] == "2026-03-01"
    assert rows[1][1] == "'=1+1", "no formula"
    assert rows[1][5] == f"1293{comma}08"


@pytest.mark.parametrize("language", Language)
def test_statement_facts_are_complete(language: Language) -> None:
    facts = {"date": "2026-03-01", "amount": "100.00", "due_date": "2026-03-31"}
    invoices = [
        Invoice.model_validate(facts | {"number": "1", "balance": "40.00"}),
        Invoice.model_validate(facts | {"number": "2", "balance": "0.00", "amount": "-10.00"}),
    ]
    t = texts_in(language)
    selection = Selection(datetime.date(2026, 1, 1), datetime.date(2026, 12, 31))
    text = "\n".join(facts_of(t, statement_of(t, "Boréal", "Odotrack", selection, invoices, TODAY)))
    for amount in ("100.00", "-10.00", "60.00", "40.00"):
        assert t.formats.money(Decimal(amount), "CAD") in text


@given(INVOICES)
@settings(max_examples=20)
def test_order_of_invoices_is_stable(invoices: list[Invoice]) -> None:
    assert oldest_first(reversed(invoices)) == oldest_first(invoices)
