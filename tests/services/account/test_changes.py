"""What changed since a visit: each change once, and nothing that was there."""

import datetime
from typing import Any

from hypothesis import given, strategies as st

from portal.models import Invoice, Order, Page
from services.account.changes import Changes, KnownPapers, changes_since, known_papers
from services.account.paper_filters import Rows
from storage.tables import Kind

TODAY = datetime.date(2026, 10, 15)
STATES = ("open", "paid", "cancelled", "credited")


def bill(number: str, status: str = "open", date: str = "2026-10-01", **facts: Any) -> Invoice:
    balance = "10.00" if status == "open" else "0.00"
    values = {"number": number, "date": date, "amount": "10.00", "balance": balance, "status": status} | facts
    return Invoice.model_validate(values)


def listed(*invoices: Invoice, total: int | None = None) -> Page[Invoice]:
    return Page[Invoice](items=invoices, page=1, page_size=100, total=len(invoices) if total is None else total)


def orders(*ends: str) -> Rows[Order]:
    return Rows(tuple(Order.model_validate({"number": str(n), "end_date": end}) for n, end in enumerate(ends)))


def numbers(changes: Changes) -> tuple[list[str], ...]:
    kinds = (changes.new, changes.paid, changes.cancelled, changes.ending)
    return tuple([each.number for each in kind] for kind in kinds)  # type: ignore[attr-defined]


def test_first_visit_has_no_new_invoice() -> None:
    changes = changes_since(None, listed(bill("1"), bill("2", "paid")), orders("2026-11-01", "2027-11-01"), TODAY)
    assert numbers(changes) == ([], [], [], ["0"])


def test_each_kind_of_change() -> None:
    before = known_papers(listed(bill("1"), bill("2"), bill("3"), bill("4", "paid")), orders("2026-11-01"), TODAY)
    now = listed(bill("6", "cancelled"), bill("5"), bill("1", "paid"), bill("2", "cancelled"), bill("3", "credited"),
                 bill("4", "paid"))  # fmt: skip
    assert numbers(changes_since(before, now, orders("2026-11-01", "2026-12-01"), TODAY)) == (
        ["5"],
        ["1"],
        ["2", "3"],
        ["1"],
    )


def test_older_row_that_moved_up_is_not_new() -> None:
    """An account has more invoices than are read: one of them left, so that an older one is in the answer."""
    before = known_papers(listed(bill("2"), bill("1", date="2026-09-01"), total=3), None, TODAY)
    now = listed(bill("2"), bill("0", date="2026-08-01"), total=2)
    assert numbers(changes_since(before, now, None, TODAY))[0] == []


def test_part_that_was_not_visible_has_no_changes() -> None:
    before = known_papers(None, None, TODAY)
    assert not changes_since(before, listed(bill("1")), orders("2026-11-01"), TODAY)


def test_told_changes_are_left_out() -> None:
    changes = Changes((bill("1"), bill("2")), (bill("3"),), (bill("4"),), orders("2026-11-01").items)
    told = {(Kind.INVOICE_ISSUED, "1"), (Kind.INVOICE_PAID, "2"), (Kind.INVOICE_PAID, "3"), (Kind.ORDER_ENDING, "0")}
    assert numbers(changes.without(told)) == (["2"], [], ["4"], [])


@given(
    st.dictionaries(st.text("0123456789AB-", min_size=1, max_size=5), st.sampled_from(STATES), max_size=8),
    st.dictionaries(st.text("0123456789AB-", min_size=1, max_size=5), st.sampled_from(STATES), max_size=8),
)
def test_nothing_is_told_twice(first: dict[str, str], second: dict[str, str]) -> None:
    """A second visit with the same rows has no change; each change is told as one kind; storage changes nothing."""
    earlier, later = (listed(*(bill(*each) for each in rows.items())) for rows in (first, second))
    before = known_papers(earlier, orders(), TODAY)
    assert KnownPapers.from_text(before.as_text()) == before
    assert not changes_since(before, earlier, orders(), TODAY)
    told = [number for kind in numbers(changes_since(before, later, orders(), TODAY)) for number in kind]
    assert len(told) == len(set(told))
    assert not changes_since(known_papers(later, orders(), TODAY), later, orders(), TODAY)
