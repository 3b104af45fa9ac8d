"""Search by number, word, date and amount, in the forms that people type."""

import datetime
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from tests.portal.simple.shop import ANNA, ShopPortal, invoice, small_shop

ROWS = [
    invoice(
        "INV-2026/7", "2026-10-15", "1293.08", due_date="2026-11-14", order_number="O-31", payment_reference="RF18"
    ),
    invoice("240934", "2026-09-05", "40.19", paid_on="2026-10-11"),
    invoice("Été-3", "2025-08-01", "-2293.08"),
    invoice("8", "2025-12-31", "12.345", currency="EUR"),
]
ORDERS = [{"number": "O-31", "title": "Caméras", "start_date": "2026-03-02", "amount": "500.00", "currency": "CAD",
           "lines": [{"quantity": 1, "description": "Œillet, l’été"}]}]  # fmt: skip


async def found(query: str) -> set[str]:
    portal = ShopPortal(small_shop(invoices={"a": ROWS}, orders={"a": ORDERS}))
    page = await portal.invoices(ANNA, page=1, page_size=100, query=query)
    assert page.total == len(page.items)
    orders = await portal.orders(ANNA, page=1, page_size=100, query=query)
    return {each.number for each in (*page.items, *orders.items)}


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("240934", {"240934"}),
        ("inv-2026/7", {"INV-2026/7"}),
        ("INV‑2026/7.", {"INV-2026/7"}),
        ("ete", {"Été-3", "O-31"}),
        ("oeillet", {"O-31"}),
        ("cameras", {"O-31"}),
        ("o-31", {"INV-2026/7", "O-31"}),
        ("rf18", {"INV-2026/7"}),
        ("40,19", {"240934"}),
        ("40.19", {"240934"}),
        ("$40.19", {"240934"}),
        ("40,19$", {"240934"}),
        ("40,19 $", {"240934"}),
        ("40.19 CAD", {"240934"}),
        ("1 293,08 $", {"INV-2026/7"}),
        ("1\u202f293,08\u00a0$", {"INV-2026/7"}),
        ("1293.08", {"INV-2026/7"}),
        ("$1,293.08", {"INV-2026/7"}),
        ("1293,08", {"INV-2026/7"}),
        ("-$2,293.08", {"Été-3"}),
        ("\u22122 293,08 $", {"Été-3"}),
        ("12,345 €", {"8"}),
        ("2026-10-15", {"INV-2026/7"}),
        ("2026/10/15", {"INV-2026/7"}),
        ("15/10/2026", {"INV-2026/7"}),
        ("10/15/2026", {"INV-2026/7"}),
        ("15.10.2026", {"INV-2026/7"}),
        ("2026-10", {"INV-2026/7", "240934"}),
        ("10/2026", {"INV-2026/7", "240934"}),
        ("2026/10", {"INV-2026/7", "240934"}),
        ("oct 2026", {"INV-2026/7", "240934"}),
        ("Oct. 2026", {"INV-2026/7", "240934"}),
        ("15 octobre 2026", {"INV-2026/7"}),
        ("AOÛT 2025", {"Été-3"}),
        ("déc. 2025", {"8"}),
        ("march", {"O-31"}),
        ("2026-11-14", {"INV-2026/7"}),
        # Two meanings: no date. The 5th of September is there.
        ("05/09/2026", set()),
        ("09/09/2026", set()),
        ("31/02/2026", set()),
        ("13/2026", set()),
        ("240934 40,19", {"240934"}),
        ("240934 40,18", set()),
        ("240934 oct", {"240934"}),
        ("%", set()),
        ("_", set()),
        (".*", set()),
        ("\ud800", set()),
        ("\x00", set()),
        ("", {"INV-2026/7", "240934", "Été-3", "8", "O-31"}),
        (" $ ", {"INV-2026/7", "240934", "Été-3", "8", "O-31"}),
    ],
)
async def test_search(query: str, numbers: set[str]) -> None:
    """Every word must match."""
    assert await found(query) == numbers


AMOUNTS = st.decimals(-99999, 99999, places=2).map(lambda amount: amount + 0)  # no -0.00


def typed(amount: Decimal) -> list[str]:
    """Return the forms in which people write an amount."""
    english = f"{amount:,.2f}"
    french = english.replace(",", " ").replace(".", ",")
    sign, digits = ("-", english[1:]) if english.startswith("-") else ("", english)
    plain = f"{amount:.2f}"
    return [
        english,
        f"{sign}${digits}",
        french,
        f"{french} $",
        f"{french}$",
        plain,
        plain.replace(".", ","),
        f"{plain} $",
    ]


@given(amount=AMOUNTS, other=AMOUNTS)
async def test_amount_is_found_in_each_form(amount: Decimal, other: Decimal) -> None:
    """And no other is, unless its digits contain it."""
    portal = ShopPortal(small_shop(invoices={"a": [invoice("x", amount=str(amount)), invoice("y", amount=str(other))]}))
    for query in typed(amount):
        page = await portal.invoices(ANNA, page=1, page_size=5, query=query)
        numbers = {each.number for each in page.items}
        assert "x" in numbers, query
        assert "y" not in numbers or f"{amount:.2f}" in f"{other:.2f}", query


@given(day=st.dates(datetime.date(1990, 1, 1), datetime.date(2080, 12, 31)), other=st.dates(datetime.date(1990, 1, 1)))
async def test_day_with_one_meaning_is_found(day: datetime.date, other: datetime.date) -> None:
    rows = [invoice("x", day.isoformat()), invoice("y", other.isoformat())]
    portal = ShopPortal(small_shop(invoices={"a": rows}))
    forms = [f"{day:%Y-%m-%d}", f"{day:%Y/%m/%d}"]
    if day.day > 12 or day.day == day.month:
        forms += [f"{day:%d/%m/%Y}", f"{day:%m.%d.%Y}", f"{day.day}-{day.month}-{day.year}"]
    for query in forms:
        page = await portal.invoices(ANNA, page=1, page_size=5, query=query)
        assert {each.number for each in page.items} == ({"x", "y"} if day == other else {"x"}), query


@given(query=st.text(max_size=40))
async def test_any_text_is_a_query(query: str) -> None:
    """It fails never, and each word of a result's number narrows the search."""
    portal = ShopPortal(small_shop(invoices={"a": ROWS}))
    page = await portal.invoices(ANNA, page=1, page_size=5, query=query)
    narrowed = await portal.invoices(ANNA, page=1, page_size=5, query=f"{query} 240934")
    assert {each.number for each in narrowed.items} <= {each.number for each in page.items} & {"240934"}
