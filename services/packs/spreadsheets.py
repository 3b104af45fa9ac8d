"""Spreadsheets of invoices: XLSX with dates, numbers and totals by formula, and CSV for other programs."""

import csv
import datetime
import io
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, BinaryIO

from portal.models import Invoice, InvoiceStatus
from services.account.paper_filters import is_overdue
from services.packs.totals import Amounts, Totals, amounts_of, totals_of
from texts.catalogue import Texts
from texts.escaping import FORMULA_SIGNS, strip_controls

if TYPE_CHECKING:
    from xlsxwriter import Workbook

_WIDTHS = (12, 16, 17, 12, 14, 13, 13, 13, 9, 13, 12)
_AMOUNT_COLUMNS = {"amount": 5, "paid": 6, "to_pay": 7}
_CURRENCY_COLUMN = 8


def headings(t: Texts) -> list[str]:
    """Return the headings of the columns."""
    return [
        t("sheet.date"),
        t("sheet.number"),
        t("sheet.kind"),
        t("sheet.due"),
        t("sheet.order"),
        t("sheet.amount"),
        t("sheet.paid"),
        t("sheet.to_pay"),
        t("sheet.currency"),
        t("sheet.state"),
        t("sheet.paid_on"),
    ]


Cell = str | Decimal | datetime.date | None


def row_of(t: Texts, invoice: Invoice, today: datetime.date) -> list[Cell]:
    """Return the cells of an invoice. The amount of a cancelled invoice is 0: it does not count."""
    amounts = amounts_of(invoice)
    return [
        invoice.date,
        strip_controls(invoice.number),
        t("sheet.credit_note") if invoice.is_credit_note else t("sheet.invoice"),
        invoice.due_date,
        strip_controls(invoice.order_number or ""),
        amounts.amount,
        amounts.paid,
        amounts.to_pay,
        invoice.currency,
        state_of(t, invoice, amounts, today),
        invoice.paid_on,
    ]


def state_of(t: Texts, invoice: Invoice, amounts: Amounts, today: datetime.date) -> str:
    """Return the state of an invoice in a word."""
    if invoice.is_cancelled:
        return t("state.cancelled")
    if invoice.is_credit_note:
        return t("state.credit")
    if invoice.state is InvoiceStatus.CREDITED:
        return t("state.credited")
    if is_overdue(invoice, today):
        return t("sheet.overdue")
    return t("state.unpaid") if amounts.to_pay else t("state.paid")


def write_csv(file: BinaryIO, t: Texts, invoices: Sequence[Invoice], today: datetime.date) -> None:
    """Write CSV in UTF-8 with a byte order mark, by which Excel knows the encoding.

    Excel in French expects semicolons and decimal commas, Excel in English commas and decimal points. A text that a
    spreadsheet would take for a formula gets an apostrophe before it.
    """
    has_comma = t.formats.has_decimal_comma
    text = io.TextIOWrapper(file, "utf-8-sig", newline="", write_through=True)
    rows = csv.writer(text, delimiter=";" if has_comma else ",", lineterminator="\r\n")
    rows.writerow(headings(t))
    for invoice in invoices:
        rows.writerow([_csv_cell(cell, has_comma=has_comma) for cell in row_of(t, invoice, today)])
    text.detach()


def _csv_cell(cell: Cell, *, has_comma: bool) -> str:
    match cell:
        case Decimal():
            written = f"{cell:f}"
            return written.replace(".", ",") if has_comma else written
        case datetime.date():
            return cell.isoformat()
        case None:
            return ""
    return f"'{cell}" if cell.startswith(FORMULA_SIGNS) else cell


def write_xlsx(file: BinaryIO, t: Texts, account: str, invoices: Sequence[Invoice], today: datetime.date) -> None:
    """Write a workbook with one sheet: a table of the invoices, and below it the totals by currency as formulas.

    The formulas have their values beside them, for programs that calculate nothing. All is made in memory, about 2 KB
    an invoice: xlsxwriter's ``constant_memory`` writes files with names, which ``kill -9`` would leave.
    """
    import xlsxwriter

    book = xlsxwriter.Workbook(
        file, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    )
    book.set_properties({"title": t("sheet.title", account=account)})
    _write_sheet(book, t, invoices, today)
    book.close()


def _write_sheet(book: "Workbook", t: Texts, invoices: Sequence[Invoice], today: datetime.date) -> None:
    sheet = book.add_worksheet(t("sheet.name"))
    head = book.add_format({"bold": True, "font_color": "#FFFFFF", "bg_color": "#00696E", "text_wrap": True})
    day = book.add_format({"num_format": "yyyy-mm-dd", "align": "left"})
    money = book.add_format({"num_format": "#,##0.00"})
    strong = book.add_format({"bold": True, "top": 1})
    strong_money = book.add_format({"bold": True, "top": 1, "num_format": "#,##0.00"})
    for column, width in enumerate(_WIDTHS):
        sheet.set_column(column, column, width)
    sheet.write_row(0, 0, headings(t), head)
    for row, invoice in enumerate(invoices, start=1):
        for column, cell in enumerate(row_of(t, invoice, today)):
            match cell:
                case Decimal():
                    sheet.write_number(row, column, float(cell), money)
                case datetime.date():
                    sheet.write_datetime(row, column, datetime.datetime.combine(cell, datetime.time()), day)
                case str():
                    sheet.write_string(row, column, cell)
    last = len(invoices)
    sheet.freeze_panes(1, 0)
    if last:
        sheet.autofilter(0, 0, last, len(_WIDTHS) - 1)
    for below, totals in enumerate(totals_of(invoices, today), start=1):
        row = last + below
        sheet.write_row(row, 0, [""] * len(_WIDTHS), strong)
        sheet.write_string(row, 0, t("sheet.total"), strong)
        sheet.write_string(row, _CURRENCY_COLUMN, totals.currency, strong)
        for name, column in _AMOUNT_COLUMNS.items():
            sheet.write_formula(row, column, total_formula(column, last, totals), strong_money, _value(totals, name))
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)


def total_formula(column: int, last: int, totals: Totals) -> str:
    """Return the formula that adds up a column where the row has the currency; ``last`` counts the invoices."""
    letter, currency = chr(ord("A") + column), chr(ord("A") + _CURRENCY_COLUMN)
    return f'=ROUND(SUMIF(${currency}$2:${currency}${last + 1},"{totals.currency}",{letter}$2:{letter}${last + 1}),2)'


def _value(totals: Totals, name: str) -> float:
    return float(getattr(totals, name))
