"""The scale of the chart of a statement: bars of billed and paid amounts by month."""

from collections.abc import Sequence
from decimal import Decimal

from services.packs.totals import Month


def top_of(months: Sequence[Month]) -> Decimal:
    """Return the amount at the top of the chart: a round one, at least the highest bar, and over 0.

    It is twice 1, 2, 2.5 or 5 times a power of ten, so that half of it is round as well.
    """
    highest = max((max(month.billed, month.paid) for month in months), default=Decimal(0))
    power = Decimal(1)
    while True:
        for step in (Decimal(2), Decimal(4), Decimal(5), Decimal(10)):
            if step * power >= highest:
                return step * power
        power *= 10


def share(amount: Decimal, top: Decimal) -> float:
    """Return the height of a bar, from 0 to 1 of the chart's height; 0 for a negative amount."""
    return float(max(Decimal(0), min(amount, top)) / top)
