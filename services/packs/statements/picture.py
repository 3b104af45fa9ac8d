"""Draws a statement as a picture: 1080 pixels wide, so that its smallest text has 12 pixels on a telephone of 390.

A picture has no theme of its own in Telegram: the light one has a light ground, the dark one a dark ground, and both
have enough contrast (WCAG 2.2, 1.4.3: 4.5 to 1) in either theme of the application.
"""

from functools import cache
from io import BytesIO

from msgspec import Struct
from PIL import Image, ImageDraw, ImageFont

from portal.models import Invoice
from services.account.paper_filters import is_overdue
from services.packs.statements.chart import share, top_of
from services.packs.statements.facts import Statement
from services.packs.statements.printable import FALLBACK_FONT, MAIN_FONT, STRONG_FONT, runs_of
from services.packs.totals import Month, Totals, shows_year
from texts.catalogue import Texts

Colour = tuple[int, int, int]

WIDTH = 1080
_EDGE = 64
_INNER = WIDTH - 2 * _EDGE
_CHART_HEIGHT = 330
_MOST_HEIGHT = 3000
_MOST_LISTED = 4
_SMALLEST = 33


class Theme(Struct, frozen=True):
    """The colours of a picture."""

    ground: Colour
    card: Colour
    ink: Colour
    faint: Colour
    rule: Colour
    billed: Colour
    paid: Colour
    alert: Colour


LIGHT = Theme(
    (255, 255, 255), (240, 246, 246), (24, 32, 36), (88, 99, 107), (218, 225, 228), (172, 205, 207), (0, 112, 118),
    (176, 42, 26),
)  # fmt: skip
DARK = Theme(
    (20, 27, 31), (31, 41, 46), (236, 241, 243), (160, 173, 181), (54, 66, 72), (84, 128, 132), (88, 200, 202),
    (255, 145, 125),
)  # fmt: skip


def draw_picture(t: Texts, statement: Statement, theme: Theme = LIGHT) -> bytes:
    """Return the picture as PNG. It takes 0.2 s of CPU: call it in a thread."""
    canvas = _Canvas(theme)
    y = canvas.head(t, statement)
    for position, totals in enumerate(statement.totals or (None,)):
        y = canvas.figures(t, totals, statement, y, is_first=not position)
    y = canvas.chart(t, statement, y)
    y = canvas.unpaid(t, statement, y)
    y = canvas.foot(t, statement, y)
    file = BytesIO()
    shown = canvas.image.crop((0, 0, WIDTH, min(int(y), _MOST_HEIGHT)))
    shown.quantize(128, dither=Image.Dither.NONE).save(file, "PNG")
    return file.getvalue()


class _Canvas:
    """A picture under work. The methods draw a part at ``y``, and return where the next part begins."""

    def __init__(self, theme: Theme) -> None:
        self.image = Image.new("RGB", (WIDTH, _MOST_HEIGHT), theme.ground)
        self._draw = ImageDraw.Draw(self.image)
        self._theme = theme

    def head(self, t: Texts, statement: Statement) -> float:
        """Draw whose statement it is, and of which period."""
        theme = self._theme
        self._draw.rectangle((0, 0, WIDTH, 14), theme.paid)
        self._text(_EDGE, 58, statement.company, 34, theme.paid, strong=True)
        self._text(_EDGE, 106, t("statement.title"), 62, theme.ink, strong=True)
        self._text(_EDGE, 192, statement.account, 38, theme.ink)
        self._text(_EDGE, 244, statement.period, 34, theme.faint)
        return 316

    def figures(self, t: Texts, totals: Totals | None, statement: Statement, y: float, *, is_first: bool) -> float:
        """Draw what was billed and paid, and below it, large, what is left to pay; None for no invoice."""
        theme = self._theme
        if totals is None:
            self._text(_EDGE, y, t("pack.nothing"), 38, theme.ink)
            return y + 90
        money, currency = t.formats.money, totals.currency
        late = totals.overdue_count > 0
        lines = [t("statement.overdue", amount=money(totals.overdue, currency))] if late else []
        if totals.next_due:
            lines.append(t("statement.next_due", day=t.formats.day(totals.next_due, statement.today)))
        if totals.credits:
            lines.append(t("statement.credits", amount=money(totals.credits, currency)))
        height = 236 + 52 * len(lines) + (0 if lines else 22)
        self._draw.rounded_rectangle((_EDGE, y, WIDTH - _EDGE, y + height), 28, theme.card)
        half = _INNER / 2
        left, right = _EDGE + 40, _EDGE + half + 20
        self._text(left, y + 26, t("statement.label_to_pay"), 34, theme.faint)
        colour = theme.alert if late else theme.ink
        self._text(left, y + 66, money(totals.to_pay, currency), 76, colour, strong=True, width=_INNER - 80)
        for position, line in enumerate(lines):
            self._text(left, y + 166 + 52 * position, line, 34, theme.alert if late and not position else theme.ink)
        base = y + height - 64
        self._legend(left, base, theme.billed, t("statement.label_billed"), money(totals.billed, currency), half - 60)
        self._legend(right, base, theme.paid, t("statement.label_paid"), money(totals.paid, currency), half - 60)
        return y + height + (40 if is_first else 32)

    def chart(self, t: Texts, statement: Statement, y: float) -> float:
        """Draw the 12 months as bars: what was billed, and in front of it what is paid of it."""
        theme, months = self._theme, statement.months
        if not any(month.billed > 0 or month.paid > 0 for month in months):
            return y
        top = top_of(months)
        self._text(_EDGE, y, t("statement.chart"), 34, theme.faint)
        y += 66
        for part in (1, 2):
            line = y + _CHART_HEIGHT * (1 - part / 2)
            self._draw.line((_EDGE, line, WIDTH - _EDGE, line), theme.rule, 2)
            self._text(WIDTH - _EDGE, line + 4, t.formats.whole_money(top * part / 2, statement.currency), _SMALLEST,
                       theme.faint, anchor="ra")  # fmt: skip
        base = y + _CHART_HEIGHT
        step = (_INNER - 130) / max(len(months), 6)
        for position, month in enumerate(months):
            left, middle = _EDGE + step * position, _EDGE + step * (position + 0.5)
            self._bar(t, month, left, base, step, share(month.billed, top), share(month.paid, top))
            if shows_year(months, position):
                self._text(middle, base + 58, str(month.first.year), _SMALLEST, theme.faint, anchor="ma")
        self._draw.line((_EDGE, base, WIDTH - _EDGE, base), theme.faint, 3)
        return base + 128

    def unpaid(self, t: Texts, statement: Statement, y: float) -> float:
        """Draw the invoices that are to be paid, those that are due first."""
        theme, day = self._theme, statement.today
        found = sorted((each for each in statement.invoices if each.is_unpaid), key=lambda each: _due_key(each))
        if not found:
            return y
        self._text(_EDGE, y, t("statement.to_pay_list"), 34, theme.faint)
        y += 60
        for invoice in found[:_MOST_LISTED]:
            late = is_overdue(invoice, day)
            self._draw.line((_EDGE, y, WIDTH - _EDGE, y), theme.rule, 2)
            amount = t.formats.money(invoice.balance, invoice.currency)
            self._text(WIDTH - _EDGE, y + 20, amount, 38, theme.alert if late else theme.ink, strong=True, anchor="ra")
            self._text(_EDGE, y + 22, t("cell.number", number=invoice.number), 36, theme.ink, width=380)
            if invoice.due_date:
                due = t.formats.day(invoice.due_date, day)
                words = t("state.overdue", day=due) if late else t("statement.due", day=due)
                self._text(_EDGE, y + 70, words, 32, theme.alert if late else theme.faint)
            y += 130
        if len(found) > _MOST_LISTED:
            more = t.plural("statement.more", len(found) - _MOST_LISTED)
            self._draw.line((_EDGE, y, WIDTH - _EDGE, y), theme.rule, 2)
            self._text(_EDGE, y + 20, more, 34, theme.faint)
            y += 80
        return y + 10

    def foot(self, t: Texts, statement: Statement, y: float) -> float:
        """Draw the date of the statement."""
        words = t("statement.as_of", day=t.formats.long_date(statement.today))
        self._text(_EDGE, y + 24, words, _SMALLEST, self._theme.faint)
        return y + 100

    def _bar(self, t: Texts, month: Month, left: float, base: float, step: float, billed: float, paid: float) -> None:
        theme, middle = self._theme, left + step / 2
        for height, colour in ((billed, theme.billed), (paid, theme.paid)):
            if height:
                y = base - max(6.0, _CHART_HEIGHT * height)
                self._draw.rounded_rectangle((middle - 24, y, middle + 24, base + 10), 10, colour)
                self._draw.rectangle((left, base, left + step, base + 12), theme.ground)
        self._text(middle, base + 14, t.formats.month_initial(month.first), 34, theme.faint, anchor="ma")

    def _legend(self, left: float, y: float, colour: Colour, label: str, amount: str, width: float) -> None:
        self._draw.rounded_rectangle((left, y + 8, left + 26, y + 34), 6, colour)
        self._text(left + 40, y, f"{label} {amount}", 32, self._theme.ink, width=width - 40)

    def _text(
        self, x: float, y: float, text: str, size: int, colour: Colour, *, strong: bool = False, anchor: str = "la",
        width: float = _INNER,
    ) -> None:  # fmt: skip
        """Draw one line; a text wider than ``width`` is set smaller, down to ``_SMALLEST``, and then cut."""
        while size > _SMALLEST and _width(text, size, strong) > width:
            size -= 2
        while len(text) > 1 and _width(text, size, strong) > width:
            text = text[:-2].rstrip() + "…"
        if anchor == "ra":
            x -= _width(text, size, strong)
        elif anchor == "ma":
            x -= _width(text, size, strong) / 2
        ascent, _ = _font(size, strong=strong).getmetrics()
        for piece, in_main in runs_of(text):
            font = _font(size, strong=strong) if in_main else _font(size, fallback=True)
            self._draw.text((x, y + ascent), piece, colour, font, anchor="ls")
            x += font.getlength(piece)


def _due_key(invoice: Invoice) -> tuple[bool, object, str]:
    return (invoice.due_date is None, invoice.due_date or invoice.date, invoice.number)


def _width(text: str, size: int, strong: bool) -> float:
    fonts = ((piece, _font(size, strong=strong) if in_main else _font(size, fallback=True))
             for piece, in_main in runs_of(text))  # fmt: skip
    return sum(font.getlength(piece) for piece, font in fonts)


@cache
def _font(size: int, *, strong: bool = False, fallback: bool = False) -> ImageFont.FreeTypeFont:
    file = FALLBACK_FONT if fallback else STRONG_FONT if strong else MAIN_FONT
    return ImageFont.truetype(str(file), size)
