"""The features that a company may switch off (``ODOBOT_FEATURES``). Invoices, their PDFs and notices always stay.

Inline mode, tables, saved answers and the staff's forum have settings of their own.
"""

from collections.abc import Collection
from enum import StrEnum


class Feature(StrEnum):
    """A feature. A message of the catalogues has variants without it: ``home.what.without_orders``."""

    ORDERS = "orders"
    BALANCE = "balance"
    STATEMENT = "statement"
    SEARCH = "search"
    QUESTIONS = "questions"
    REMINDERS = "reminders"
    COPIES = "copies"
    CALENDAR = "calendar"
    NEWS = "news"


ALL_FEATURES = frozenset(Feature)


def parse_features(text: str) -> frozenset[Feature]:
    """Read the setting: ``orders,search`` are the only features, ``-copies,-search`` are switched off; empty is all.

    Raises:
        ValueError: A name is unknown, or both forms are mixed.
    """
    names = [name.strip().lower() for name in text.split(",") if name.strip()]
    are_off = [name.startswith("-") for name in names]
    if any(are_off) and not all(are_off):
        raise ValueError("expected names of features, either all of them with a minus or none")
    known = {feature.value: feature for feature in Feature}
    plain = [name.removeprefix("-").strip() for name in names]
    if unknown := [name for name in plain if name not in known]:
        raise ValueError(
            f"expected names of {', '.join(known)}, separated by commas, and not {', '.join(map(repr, unknown))}"
        )
    chosen = frozenset(known[name] for name in plain)
    return ALL_FEATURES - chosen if not chosen or any(are_off) else chosen


def switched_off(features: Collection[Feature]) -> tuple[Feature, ...]:
    """Return the features that are off, in their order."""
    return tuple(feature for feature in Feature if feature not in features)
