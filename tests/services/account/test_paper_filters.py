"""Lists that no portal filters: bounded pages, and what each filter selects."""

import datetime
from typing import Any

import pytest

from portal.models import Order, Page
from services.account.paper_filters import (
    MOST_PAGES,
    OrderFilter,
    Period,
    Rows,
    page_of,
    read_pages,
    select_orders,
)

TODAY = datetime.date(2026, 10, 15)


def order(number: str, **facts: Any) -> Order:
    return Order.model_validate({"number": number} | facts)


ORDERS = Rows(
    (
        order("later", start_date="2026-01-01", end_date="2028-01-01"),
        order("soon", start_date="2025-01-01", end_date="2026-12-01"),
        order("today", end_date="2026-10-15"),
        order("over", start_date="2020-01-01", end_date="2026-10-14"),
        order("open", start_date="2024-05-01"),
        order("said over", end_date="2028-01-01", status="ended"),
        order("gone", end_date="2026-12-01", status="cancelled"),
    )
)
ALWAYS = Period()
SELECTED = [
    (OrderFilter.ENDING, ALWAYS, ["today", "soon"]),
    (OrderFilter.ENDING, Period(datetime.date(2027, 1, 1), datetime.date(2028, 12, 31)), ["later"]),
    (OrderFilter.ACTIVE, ALWAYS, ["later", "soon", "today", "open"]),
    (OrderFilter.ENDED, ALWAYS, ["over", "said over"]),
    (OrderFilter.ENDED, Period(until=datetime.date(2026, 12, 31)), ["over"]),
    (OrderFilter.CANCELLED, ALWAYS, ["gone"]),
    (None, Period(datetime.date(2024, 1, 1), datetime.date(2025, 12, 31)), ["soon", "open"]),
]


@pytest.mark.parametrize(("only", "period", "numbers"), SELECTED)
def test_filter_of_orders(only: OrderFilter | None, period: Period, numbers: list[str]) -> None:
    assert [each.number for each in select_orders(ORDERS, only, period, TODAY).items] == numbers


@pytest.mark.parametrize(
    ("total", "pages", "is_complete"), [(0, 1, True), (200, 2, True), (1000, 10, True), (5000, 10, False)]
)
async def test_pages_are_bounded(total: int, pages: int, is_complete: bool) -> None:
    read: list[int] = []

    async def a_page(number: int) -> Page[Order]:
        read.append(number)
        items = [order(str(n)) for n in range((number - 1) * 100, min(total, number * 100))]
        return Page[Order](items=tuple(items), page=number, page_size=100, total=total)

    rows = await read_pages(a_page)
    assert sorted(read) == list(range(1, pages + 1))
    assert rows.is_complete is is_complete
    assert len(rows.items) == min(total, MOST_PAGES * 100)


@pytest.mark.parametrize(("page", "shown"), [(1, ["0", "1"]), (2, ["2"]), (9, ["2"]), (-1, ["0", "1"])])
def test_page_of_rows(page: int, shown: list[str]) -> None:
    rows = Rows(tuple(order(str(n)) for n in range(3)))
    assert [each.number for each in page_of(rows, page, 2).items] == shown
    assert page_of(rows, page, 2).last == 2
