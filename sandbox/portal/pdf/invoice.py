"""Prints an invoice as a US-letter PDF. The same facts give the same bytes on every machine."""

from collections import OrderedDict
from datetime import UTC, datetime, time
from threading import Lock

from fpdf import FPDF
from fpdf.enums import Align, MethodReturnValue, XPos, YPos
from fpdf.fonts import TTFFont

from sandbox.portal.data.money import money_text
from sandbox.portal.data.rows import PricedLine
from sandbox.portal.pdf.facts import InvoiceFacts
from sandbox.portal.pdf.printable import FALLBACK_FONT, MAIN_FONT, STRONG_FONT, needs_fallback, printable
from sandbox.portal.pdf.words import long_date, quantity_text, with_no_break_spaces, words_in

COMPANY_LINES = ("Odotrack inc.", "100, rue de la Fiction, bureau 200", "Rimouski (Québec)  G5L 0A0")

_MARGIN = 54.0
_WIDTH = 612.0 - 2 * _MARGIN
_RIGHT = _MARGIN + _WIDTH
_BOTTOM = 792.0 - 74
_QUANTITY_WIDTH, _AMOUNT_WIDTH, _PADDING = 62.0, 92.0, 8.0
_DESCRIPTION_WIDTH = _WIDTH - _QUANTITY_WIDTH - _AMOUNT_WIDTH
_LINE_HEIGHT = 13.0

_INK, _GREY, _TEAL = (33, 37, 41), (108, 117, 125), (0, 105, 110)
_PALE, _RULE = (238, 245, 245), (206, 212, 218)

_MAIN, _FALLBACK = "OpenSans", "DejaVu"


class InvoicePrinter:
    """Prints invoices, and caches the last few."""

    def __init__(self, keep: int = 64) -> None:
        self._keep = keep
        self._printed: OrderedDict[str, bytes] = OrderedDict()
        self._lock = Lock()

    def print(self, facts: InvoiceFacts) -> bytes:
        """Return the PDF. A new one takes tens of milliseconds of CPU. May be called from a thread."""
        etag = facts.etag
        content = self._printed.get(etag) or print_invoice(facts)
        with self._lock:
            self._printed[etag] = content
            self._printed.move_to_end(etag)
            while len(self._printed) > self._keep:
                self._printed.popitem(last=False)
        return content


def print_invoice(facts: InvoiceFacts) -> bytes:
    """Return the bytes of the PDF."""
    pdf = _drawn(facts, pages=1)
    if pdf.pages_count > 1:
        # Draw it a second time, with the number of pages.
        pdf.close_fonts()
        pdf = _drawn(facts, pdf.pages_count)
    return bytes(pdf.output())


def _drawn(facts: InvoiceFacts, pages: int) -> "_InvoicePDF":
    pdf = _InvoicePDF(facts, pages)
    pdf.add_page()
    pdf.draw_parties()
    pdf.draw_lines()
    pdf.draw_totals()
    return pdf


class _InvoicePDF(FPDF):
    """Draws the parts of the page. Coordinates are in points from the top left."""

    def __init__(self, facts: InvoiceFacts, pages: int) -> None:
        super().__init__(unit="pt", format="letter")
        self._facts = facts
        self._pages = pages
        self._words = words_in(facts.language)
        self._title = self._words.credit_note if facts.is_credit else self._words.invoice
        self._in_table = False
        self.set_margin(_MARGIN)
        self.set_auto_page_break(False)
        self.alias_nb_pages("")  # a customer's name may contain fpdf2's placeholder `{nb}`
        self._load_fonts()
        self._describe()

    def _load_fonts(self) -> None:
        self.add_font(_MAIN, "", MAIN_FONT)
        self.add_font(_MAIN, "B", STRONG_FONT)
        facts = self._facts
        texts = [facts.customer, facts.address, facts.number, facts.order_number or ""]
        if needs_fallback("".join([*texts, *(line.description for line in facts.lines)])):
            self.add_font(_FALLBACK, "", FALLBACK_FONT)
            self.set_fallback_fonts([_FALLBACK], exact_match=False)

    def _describe(self) -> None:
        self.set_lang(f"{self._facts.language}-CA")
        self.set_title(f"{self._title} {printable(self._facts.number)}")
        self.set_author("Odotrack")
        self.set_producer("Odotrack")
        # Not the time of printing, on which the bytes must not depend.
        self.set_creation_date(datetime.combine(self._facts.day, time(12), UTC))

    def close_fonts(self) -> None:
        """Close the fonts of a document that is not output."""
        for font in self.fonts.values():
            if isinstance(font, TTFFont):
                font.close()

    def header(self) -> None:
        """Draw the top of every page: the company at the left, the document's title at the right."""
        self._mark()
        self._text(_MARGIN + 38, 44, 200, "odotrack", size=19, bold=True, colour=_TEAL)
        for row, line in enumerate(COMPANY_LINES):
            self._text(_MARGIN, 76 + 12 * row, 260, line, size=8.5, colour=_GREY)
        self._text(_RIGHT - 260, 42, 260, self._title, size=22, bold=True, align=Align.R)
        self._text(_RIGHT - 300, 74, 300, printable(self._facts.number), size=11, colour=_GREY, align=Align.R)
        self.set_draw_color(*_TEAL)
        self.set_line_width(1.2)
        self.line(_MARGIN, 122, _RIGHT, 122)
        self.set_y(138)
        if self._in_table:
            self._table_head()

    def footer(self) -> None:
        self.set_draw_color(*_RULE)
        self.set_line_width(0.5)
        self.line(_MARGIN, 738, _RIGHT, 738)
        words = self._words
        self._text(_MARGIN, 744, 400, words.thanks, size=8, colour=_GREY)
        self._text(_MARGIN, 756, 400, words.registrations, size=8, colour=_GREY)
        page = words.page.format(page=self.page_no(), pages=self._pages)
        self._text(_RIGHT - 120, 756, 120, page, size=8, colour=_GREY, align=Align.R)

    def draw_parties(self) -> None:
        """Draw the customer at the left, the invoice's dates at the right."""
        top, words, facts = self.get_y(), self._words, self._facts
        self._text(_MARGIN, top, 250, words.billed_to, size=8.5, colour=_GREY)
        left = self._paragraph(_MARGIN, top + 14, 270, printable(facts.customer), size=11, bold=True)
        for line in facts.address.splitlines():
            left = self._paragraph(_MARGIN, left, 270, printable(line), size=9.5)
        entries = [(words.number, printable(facts.number)), (words.day, long_date(facts.day, facts.language))]
        if facts.due:
            entries.append((words.due, long_date(facts.due, facts.language)))
        if facts.order_number:
            entries.append((words.order, printable(facts.order_number)))
        right = top
        for label, value in entries:
            self._text(_RIGHT - 220, right, 80, label, size=9.5, colour=_GREY)
            right = self._paragraph(_RIGHT - 140, right, 140, value, size=9.5, align=Align.R) + 3
        self.set_y(max(left, right) + 20)

    def draw_lines(self) -> None:
        self._in_table = True
        self._table_head()
        for line in self._facts.lines:
            self._table_row(line)
        self._in_table = False

    def draw_totals(self) -> None:
        """Draw the totals down to the balance, together on one page."""
        words, facts, taxed = self._words, self._facts, self._facts.taxed
        rows = [
            (words.subtotal, taxed.subtotal, False),
            (words.gst, taxed.gst, False),
            (words.qst, taxed.qst, False),
            (words.total, facts.total, True),
        ]
        if facts.paid:
            rows.append((words.credited if facts.is_credit else words.paid, -facts.paid, False))
        height = 10 + 18 * len(rows) + 4 + 36 + (22 if facts.paid_on else 0)
        if self.get_y() + height > _BOTTOM:
            self.add_page()
        top, left = self.get_y() + 10, _RIGHT - 230
        for label, cents, strong in rows:
            if strong:
                self.set_draw_color(*_RULE)
                self.line(left, top + 1, _RIGHT, top + 1)
                top += 4
            self._amount(left, top, label, cents, bold=strong)
            top += 18
        self.set_fill_color(*_PALE)
        self.rect(left, top + 4, 230, 28, style="F")
        self._amount(left, top + 11, words.balance, facts.balance, bold=True, colour=_TEAL, size=11)
        if facts.paid_on:
            paid_on = words.paid_on.format(day=long_date(facts.paid_on, facts.language))
            self._text(left, top + 40, 230 - _PADDING, paid_on, size=9.5, bold=True, colour=_TEAL, align=Align.R)
        self.set_y(top + 60)

    def _table_head(self) -> None:
        top = self.get_y()
        self.set_fill_color(*_TEAL)
        self.rect(_MARGIN, top, _WIDTH, 22, style="F")
        white = (255, 255, 255)
        words = self._words
        quantity_left = _MARGIN + _DESCRIPTION_WIDTH
        self._text(_MARGIN + _PADDING, top + 5, 200, words.description, size=9, bold=True, colour=white)
        self._text(quantity_left, top + 5, _QUANTITY_WIDTH, words.quantity, 9, True, white, Align.R)
        amount_left = quantity_left + _QUANTITY_WIDTH
        self._text(amount_left, top + 5, _AMOUNT_WIDTH - _PADDING, words.amount, 9, True, white, Align.R)
        self.set_y(top + 22)

    def _table_row(self, line: PricedLine) -> None:
        self._style(9.5, False, _INK)
        description = printable(with_no_break_spaces(line.description))
        width = _DESCRIPTION_WIDTH - 2 * _PADDING
        wrapped = self.multi_cell(width, _LINE_HEIGHT, description, dry_run=True, output=MethodReturnValue.LINES)
        assert isinstance(wrapped, list)
        height = max(1, len(wrapped)) * _LINE_HEIGHT + 9
        if self.get_y() + height > _BOTTOM:
            self.add_page()
        top = self.get_y()
        language = self._facts.language
        self._paragraph(_MARGIN + _PADDING, top + 4.5, width, description, size=9.5)
        left = _MARGIN + _DESCRIPTION_WIDTH
        quantity = quantity_text(line.quantity, language)
        self._text(left, top + 4.5, _QUANTITY_WIDTH, quantity, size=9.5, align=Align.R)
        amount = money_text(line.cents, language)
        left += _QUANTITY_WIDTH
        self._text(left, top + 4.5, _AMOUNT_WIDTH - _PADDING, amount, size=9.5, align=Align.R)
        self.set_draw_color(*_RULE)
        self.set_line_width(0.5)
        self.line(_MARGIN, top + height, _RIGHT, top + height)
        self.set_y(top + height)

    def _amount(
        self,
        left: float,
        top: float,
        label: str,
        cents: int,
        bold: bool = False,
        colour: tuple[int, int, int] = _INK,
        size: float = 9.5,
    ) -> None:
        self._text(left + _PADDING, top, 120, with_no_break_spaces(label), size, bold, colour)
        amount = money_text(cents, self._facts.language)
        self._text(_RIGHT - 120, top, 120 - _PADDING, amount, size, bold, colour, Align.R)

    def _mark(self) -> None:
        """Draw the company's logo: a winding road."""
        self.set_fill_color(*_TEAL)
        self.rect(_MARGIN, 42, 28, 28, style="F", round_corners=True, corner_radius=7)
        self.set_draw_color(255, 255, 255)
        self.set_line_width(2.4)
        self.bezier([(_MARGIN + 8, 64), (_MARGIN + 8, 52), (_MARGIN + 20, 60), (_MARGIN + 20, 49)], style="D")

    def _style(self, size: float, bold: bool, colour: tuple[int, int, int]) -> None:
        self.set_font(_MAIN, "B" if bold else "", size)
        self.set_text_color(*colour)

    def _text(
        self,
        left: float,
        top: float,
        width: float,
        text: str,
        size: float,
        bold: bool = False,
        colour: tuple[int, int, int] = _INK,
        align: Align = Align.L,
    ) -> None:
        """Draw one line without moving the position. Cell margins are off, so that edges align."""
        self._style(size, bold, colour)
        self.c_margin = 0
        self.set_xy(left, top)
        self.cell(width, size * 1.35, text, align=align, new_x=XPos.LEFT, new_y=YPos.TOP)

    def _paragraph(
        self,
        left: float,
        top: float,
        width: float,
        text: str,
        size: float,
        bold: bool = False,
        align: Align = Align.L,
    ) -> float:
        """Draw text wrapped to a width. Returns the y coordinate below it."""
        self._style(size, bold, _INK)
        self.c_margin = 0
        self.set_xy(left, top)
        self.multi_cell(width, size * 1.37, text, align=align, new_x=XPos.LEFT, new_y=YPos.NEXT)
        return self.get_y()
