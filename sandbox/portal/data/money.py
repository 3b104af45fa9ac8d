"""Money in whole cents: Québec's two sales taxes, and amounts in each language."""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Literal

Language = Literal["fr", "en"]

NO_BREAK_SPACE = "\u00a0"

# Rates since 2013: both taxes apply to the price before taxes (Revenu Québec).
GST_PER_100_000 = 5_000
QST_PER_100_000 = 9_975
LARGEST_CENTS = 10**12


@dataclass(frozen=True)
class TaxedAmount:
    """An amount in cents: `subtotal + gst + qst == total`."""

    subtotal: int
    gst: int
    qst: int

    @property
    def total(self) -> int:
        return self.subtotal + self.gst + self.qst


def add_taxes(subtotal: int) -> TaxedAmount:
    """Add taxes to a price in cents (negative for a credit). Each tax is rounded on its own."""
    return TaxedAmount(subtotal, _tax(subtotal, GST_PER_100_000), _tax(subtotal, QST_PER_100_000))


def split_total(total: int) -> TaxedAmount:
    """Split a total in cents into price and taxes.

    About one total in eight is not the sum of any price and its rounded taxes. The QST then differs by one cent.
    """
    nearest = _divide(total * 100_000, 100_000 + GST_PER_100_000 + QST_PER_100_000)
    for subtotal in (nearest, nearest - 1, nearest + 1):
        if (exact := add_taxes(subtotal)).total == total:
            return exact
    gst = _tax(nearest, GST_PER_100_000)
    return TaxedAmount(nearest, gst, total - nearest - gst)


def split_evenly(cents: int, parts: int) -> list[int]:
    """Split `cents` into `parts` amounts that differ by at most one cent. Raises ValueError below one part."""
    if parts < 1:
        raise ValueError("there must be at least one part")
    smaller, left_over = divmod(cents, parts)
    return [smaller + 1] * left_over + [smaller] * (parts - left_over)


def parse_cents(text: str) -> int:
    """Parse `"293.08"` into 29308. Raises ValueError unless it is a decimal with at most two places."""
    try:
        cents = Decimal(text) * 100
    except InvalidOperation as error:
        raise ValueError("an amount is written like 293.08") from error
    if not cents.is_finite() or cents != cents.to_integral_value() or abs(cents) > LARGEST_CENTS:
        raise ValueError("an amount is written like 293.08")
    return int(cents)


def decimal_text(cents: int) -> str:
    """Format 29308 as `"293.08"`, the API's form."""
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100}.{abs(cents) % 100:02d}"


def money_text(cents: int, language: Language) -> str:
    """Format 129308 as `1 293,08 $` (with no-break spaces) or `$1,293.08`. A minus sign comes first."""
    sign = "-" if cents < 0 else ""
    dollars, rest = divmod(abs(cents), 100)
    if language == "fr":
        grouped = f"{dollars:,}".replace(",", NO_BREAK_SPACE)
        return f"{sign}{grouped},{rest:02d}{NO_BREAK_SPACE}$"
    return f"{sign}${dollars:,}.{rest:02d}"


def _tax(cents: int, per_100_000: int) -> int:
    return _divide(cents * per_100_000, 100_000)


def _divide(numerator: int, denominator: int) -> int:
    """Divide and round halves away from zero, so that a credit note mirrors its invoice."""
    half_up = (2 * abs(numerator) + denominator) // (2 * denominator)
    return half_up if numerator >= 0 else -half_up
