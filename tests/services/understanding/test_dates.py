"""Typed dates, as the portal's search finds them."""

import datetime

import pytest

from services.understanding.dates import searched_date

TODAY = datetime.date(2026, 10, 15)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 octobre", "2026-10-01"),
        ("1er octobre", "2026-10-01"),
        ("le 16 octobre", "2025-10-16"),
        ("facture d'octobre", "2026-10"),
        ("octobre 2026", "2026-10"),
        ("Décembre", "2025-12"),
        ("15 août 2024.", "2024-08-15"),
        ("October 1", "2026-10-01"),
        ("Oct. 2026", "2026-10"),
        ("October 1st, 2025", "2025-10-01"),
        ("15.10.2026", "2026-10-15"),
        ("15/10/2026", "2026-10-15"),
        ("2026-10-1", "2026-10-01"),
        ("31 février", None),
        ("octobre novembre", None),
        ("149,95", None),
        ("240934", None),
        ("2026", None),
        ("mars ACC-12", None),
        ("", None),
    ],
)
def test_dates(text: str, expected: str | None) -> None:
    assert searched_date(text, TODAY, month_first=False) == expected


@pytest.mark.parametrize(("month_first", "expected"), [(True, "2026-10-11"), (False, "2026-11-10")])
def test_ambiguous_dates_follow_the_language(month_first: bool, expected: str) -> None:
    assert searched_date("10/11/2026", TODAY, month_first=month_first) == expected
    assert searched_date("10/15/2026", TODAY, month_first=False) == "2026-10-15"
