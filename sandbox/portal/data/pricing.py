"""Prices the lines of a new invoice so that they add up to its price before taxes."""

from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.portal.data.money import parse_cents, split_evenly, split_total
from sandbox.portal.data.rows import PricedLine, Quantity

DEFAULT_DESCRIPTION = "Services de télématique"


@dataclass(frozen=True)
class DraftLine:
    """An unpriced line. `amount` is a decimal before taxes; None means an even share of the total."""

    quantity: Quantity
    description: str
    amount: str | None = None


def priced_lines(drafts: Sequence[DraftLine], total_cents: int | None) -> list[PricedLine]:
    """Return the lines with cents before taxes.

    Args:
        total_cents: With taxes. None takes the lines' amounts.

    Raises:
        ValueError: The lines do not add up to the total, or have no amounts.
    """
    if total_cents is None:
        if not drafts:
            raise ValueError("an invoice needs an amount, or lines with amounts")
        return [_priced(draft) for draft in drafts]
    subtotal = split_total(total_cents).subtotal
    if not drafts:
        return [PricedLine(1, DEFAULT_DESCRIPTION, subtotal)]
    if all(draft.amount is None for draft in drafts):
        shares = split_evenly(subtotal, len(drafts))
        return [PricedLine(d.quantity, d.description, cents) for d, cents in zip(drafts, shares, strict=True)]
    priced = [_priced(draft) for draft in drafts]
    if sum(line.cents for line in priced) != subtotal:
        raise ValueError("the lines do not sum to the amount before taxes")
    return priced


def _priced(draft: DraftLine) -> PricedLine:
    if draft.amount is None:
        raise ValueError("either every line has an amount or none has")
    return PricedLine(draft.quantity, draft.description, parse_cents(draft.amount))
