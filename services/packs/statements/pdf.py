"""Prints a statement as a US-letter PDF, with the fonts in it: figures, a chart, and every invoice of the period."""

import datetime
from typing import BinaryIO, cast

from fpdf import FPDF
from fpdf.enums import Align, XPos, YPos

from portal.models import Invoice
from services.account.paper_filters import is_overdue
from services.packs.spreadsheets import state_of
from services.packs.statements.chart import share, top_of
from services.packs.statements.facts import Statement
from services.packs.statements.printable import FALLBACK_FONT, MAIN_FONT, STRONG_FONT, needs_fallback, printable
from services.packs.totals import Totals, amounts_of, shows_year
from texts.catalogue import Texts

_MARGIN = 50.0
_WIDTH = 612.0 - 2 * _MARGIN
_RIGHT = _MARGIN + _WIDTH
_BOTTOM = 792.0 - 66
_ROW = 17.0
_CHART = 96.0
_COLUMNS = (64.0, 92.0, 70.0, 76.0, 76.0, 76.0)
"""Date, number, due date, amount, paid, to pay; the state takes the rest."""

Colour = tuple[int, int, int]
_INK: Colour = (24, 32, 36)
_GREY: Colour = (88, 99, 107)
_TEAL: Colour = (0, 105, 110)
_PALE: Colour = (240, 246, 246)
_BILLED: Colour = (172, 205, 207)
_RULE: Colour = (208, 216, 220)
_RED: Colour = (176, 42, 26)
_WHITE: Colour = (255, 255, 255)
_MAIN, _FALLBACK = "OpenSans", "DejaVu"


def write_statement(file: BinaryIO, t: Texts, statement: Statement, made_at: datetime.datetime) -> None:
    """Write the PDF. A hundred invoices take some 0.2 s of CPU: call it in a thread."""
    pdf = _StatementPdf(t, statement, made_at)
    pdf.add_page()
    pdf.draw_figures()
    pdf.draw_chart()
    pdf.draw_invoices()
    pdf.output(cast("str", file))  # fpdf2 takes a file, too


class _StatementPdf(FPDF):
    """Draws the parts of the statement. Coordinates are in points from the top left."""

    def __init__(self, t: Texts, statement: Statement, made_at: datetime.datetime) -> None:
        super().__init__(unit="pt", format="letter")
        self._t = t
        self._statement = statement
        self._in_table = False
        self.set_margin(_MARGIN)
        self.set_auto_page_break(False)
        self.alias_nb_pages("{total-pages}")
        self.add_font(_MAIN, "", MAIN_FONT)
        self.add_font(_MAIN, "B", STRONG_FONT)
        numbers = "".join(invoice.number for invoice in statement.invoices)
        if needs_fallback(f"{statement.account}{statement.company}{statement.period}{numbers}"):
            self.add_font(_FALLBACK, "", FALLBACK_FONT)
            self.set_fallback_fonts([_FALLBACK], exact_match=False)
        self.set_lang(f"{t.language}-CA")
        self.set_title(printable(f"{t('statement.title')} · {statement.account}"))
        self.set_author(printable(statement.company))
        self.set_creation_date(made_at)

    def header(self) -> None:
        """Draw the top of every page; on the first one with the account."""
        statement, t = self._statement, self._t
        self.set_fill_color(*_TEAL)
        self.rect(0, 0, 612, 7, style="F")
        self._text(_MARGIN, 34, 300, statement.company, 12, _TEAL, bold=True)
        words = t("statement.as_of", day=t.formats.long_date(statement.today))
        self._text(_RIGHT - 240, 36, 240, words, 9, _GREY, align=Align.R)
        if self.page_no() > 1:
            self._text(_MARGIN, 54, _WIDTH, f"{statement.account} · {statement.period}", 9, _GREY)
            self.set_y(80)
        else:
            self._text(_MARGIN, 56, _WIDTH, t("statement.title"), 24, _INK, bold=True)
            self._text(_MARGIN, 92, _WIDTH, statement.account, 13, _INK)
            self._text(_MARGIN, 112, _WIDTH, statement.period, 10.5, _GREY)
            self.set_y(142)
        if self._in_table:
            self._table_head()

    def footer(self) -> None:
        """Draw the page's number."""
        t = self._t
        words = t("statement.page", page=str(self.page_no()), pages="{total-pages}")
        self._text(_MARGIN, 750, _WIDTH, words, 8.5, _GREY)

    def draw_figures(self) -> None:
        """Draw the totals, a band for each currency."""
        t = self._t
        if not self._statement.totals:
            self._text(_MARGIN, self.get_y(), _WIDTH, t("statement.no_invoices"), 11, _INK)
            self.set_y(self.get_y() + 30)
        for totals in self._statement.totals:
            self._band(totals)

    def _band(self, totals: Totals) -> None:
        t, y = self._t, self.get_y()
        money, third = t.formats.money, _WIDTH / 3
        notes = [t("statement.overdue", amount=money(totals.overdue, totals.currency))] if totals.overdue_count else []
        if totals.credits:
            notes.insert(0, t("statement.credits", amount=money(totals.credits, totals.currency)))
        if totals.next_due:
            notes.append(t("statement.next_due", day=t.formats.day(totals.next_due, self._statement.today)))
        height = 62.0 + (16 if notes else 0)
        self.set_fill_color(*_PALE)
        self.rect(_MARGIN, y, _WIDTH, height, style="F", round_corners=True, corner_radius=8)
        figures = (
            (t("statement.label_billed"), totals.billed, _INK),
            (t("statement.label_paid"), totals.paid, _TEAL),
            (t("statement.label_to_pay"), totals.to_pay, _RED if totals.overdue_count else _INK),
        )
        for position, (label, amount, colour) in enumerate(figures):
            left = _MARGIN + 14 + third * position
            self._text(left, y + 11, third - 20, label, 9.5, _GREY)
            self._text(left, y + 25, third - 20, money(amount, totals.currency), 18, colour, bold=True)
        if notes:
            self._text(_MARGIN + 14, y + 53, _WIDTH - 28, "  ·  ".join(notes), 9.5, _INK)
        self.set_y(y + height + 14)

    def draw_chart(self) -> None:
        """Draw the months as bars: what was billed, and in front of it what is paid of it."""
        t, months = self._t, self._statement.months
        if not any(month.billed > 0 or month.paid > 0 for month in months):
            return
        y, top = self.get_y() + 6, top_of(months)
        self._text(_MARGIN, y, _WIDTH, t("statement.chart"), 9.5, _GREY)
        y += 22
        base, step = y + _CHART, (_WIDTH - 60) / max(len(months), 6)
        self.set_line_width(0.6)
        self.set_draw_color(*_RULE)
        for part in (1, 2):
            line = base - _CHART * part / 2
            self.line(_MARGIN, line, _RIGHT, line)
            words = t.formats.whole_money(top * part / 2, self._statement.currency)
            self._text(_RIGHT - 80, line + 1, 80, words, 8, _GREY, align=Align.R)
        for position, month in enumerate(months):
            middle = _MARGIN + step * (position + 0.5)
            for amount, colour in ((month.billed, _BILLED), (month.paid, _TEAL)):
                height = _CHART * share(amount, top)
                if height:
                    self.set_fill_color(*colour)
                    self.rect(middle - 9, base - max(1.5, height), 18, max(1.5, height), style="F")
            self._text(middle - 20, base + 3, 40, t.formats.month_initial(month.first), 8.5, _GREY, align=Align.C)
            if shows_year(months, position):
                self._text(middle - 20, base + 14, 40, str(month.first.year), 8, _GREY, align=Align.C)
        self.set_draw_color(*_GREY)
        self.line(_MARGIN, base, _RIGHT, base)
        self._legend(base + 17)
        self.set_y(base + 40)

    def _legend(self, y: float) -> None:
        left = _RIGHT - 130
        t = self._t
        for label, colour in ((t("statement.label_billed"), _BILLED), (t("statement.label_paid"), _TEAL)):
            self.set_fill_color(*colour)
            self.rect(left, y + 2, 8, 8, style="F")
            self._text(left + 12, y, 60, label, 8.5, _GREY)
            left += 74

    def draw_invoices(self) -> None:
        """Draw the table of the invoices, and below it the totals."""
        if not self._statement.invoices:
            return
        self._in_table = True
        self._table_head()
        for invoice in self._statement.invoices:
            if self.get_y() + _ROW > _BOTTOM:
                self.add_page()
            self._invoice_row(invoice)
        if self.get_y() + (_ROW + 4) * len(self._statement.totals) > _BOTTOM:
            self.add_page()
        self._in_table = False
        for totals in self._statement.totals:
            self.set_draw_color(*_INK)
            self.set_line_width(0.8)
            self.line(_MARGIN, self.get_y() + 1, _RIGHT, self.get_y() + 1)
            self.set_y(self.get_y() + 4)
            money = self._t.formats.money
            amounts = [money(each, totals.currency) for each in (totals.amount, totals.paid, totals.to_pay)]
            self._row([self._t("sheet.total"), "", "", *amounts, totals.currency], _INK, bold=True)

    def _table_head(self) -> None:
        t, y = self._t, self.get_y()
        self.set_fill_color(*_TEAL)
        self.rect(_MARGIN, y, _WIDTH, 20, style="F")
        self.set_y(y + 1)
        headings = [
            t("sheet.date"),
            t("sheet.number"),
            t("sheet.due"),
            t("sheet.amount"),
            t("sheet.paid"),
            t("sheet.to_pay"),
            t("sheet.state"),
        ]
        self._row(headings, _WHITE, bold=True)
        self.set_y(y + 23)

    def _invoice_row(self, invoice: Invoice) -> None:
        t, amounts = self._t, amounts_of(invoice)
        late = is_overdue(invoice, self._statement.today)
        found = (amounts.amount, amounts.paid, amounts.to_pay)
        money = [t.formats.money(each, invoice.currency) if each else "–" for each in found]
        due = invoice.due_date.isoformat() if invoice.due_date else ""
        state = state_of(t, invoice, amounts, self._statement.today)
        self._row([invoice.date.isoformat(), invoice.number, due, *money, state], _RED if late else _INK)
        self.set_draw_color(*_RULE)
        self.set_line_width(0.4)
        self.line(_MARGIN, self.get_y() - 1, _RIGHT, self.get_y() - 1)

    def _row(self, cells: list[str], colour: Colour, *, bold: bool = False) -> None:
        left, y = _MARGIN + 6, self.get_y()
        widths = (*_COLUMNS, _WIDTH - sum(_COLUMNS) - 12)
        for position, (cell, width) in enumerate(zip(cells, widths, strict=True)):
            is_amount = 3 <= position <= 5
            left += 6 if position == 6 else 0
            self._text(left, y + 2.5, width - 6, cell, 8.5, colour, bold=bold, align=Align.R if is_amount else Align.L)
            left += width
        self.set_y(y + _ROW)

    def _text(
        self, left: float, top: float, width: float, text: str, size: float, colour: Colour, *, bold: bool = False,
        align: Align = Align.L,
    ) -> None:  # fmt: skip
        """Draw one line without moving the position; a text that is too wide is set smaller, then cut."""
        y, text = self.get_y(), printable(text)
        self.set_text_color(*colour)
        self.set_font(_MAIN, "B" if bold else "", size)
        while size > 6 and self.get_string_width(text) > width:
            size -= 0.5
            self.set_font(_MAIN, "B" if bold else "", size)
        while len(text) > 1 and self.get_string_width(text) > width:
            text = text[:-2].rstrip() + "…"
        self.c_margin = 0
        self.set_xy(left, top)
        self.cell(width, size * 1.35, text, align=align, new_x=XPos.LEFT, new_y=YPos.TOP)
        self.set_y(y)
