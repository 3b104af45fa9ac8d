"""Events of the feed: each is read by itself, and what cannot be read with certainty is left out."""

import datetime
import json
from typing import Any

import pytest
from hypothesis import given, strategies as st

from portal.errors import PortalBroken
from portal.events import MOST_EVENTS, EventPage
from portal.parsing import parsed

GOOD: dict[str, Any] = {
    "id": "e1",
    "type": "invoice.paid",
    "occurred_at": "2026-10-15T12:00:00Z",
    "account_id": "a-1",
    "contact_id": None,
    "number": "1",
}
NOON = datetime.datetime(2026, 10, 15, 12, tzinfo=datetime.UTC)


def page(*items: object) -> EventPage:
    return parsed(EventPage, json.dumps({"items": items, "cursor": "c"}).encode())


@pytest.mark.parametrize(
    ("field", "sent", "read"),
    [
        ("id", 17, "17"), ("account_id", 5, "5"), ("contact_id", 5, "5"), ("number", 212380, "212380"),
        ("occurred_at", "2026-10-15T12:00:00", NOON), ("occurred_at", "2026-10-15T08:00:00-04:00", NOON),
        ("occurred_at", "2026-10-15 12:00Z", NOON), ("colour", {"a": [1]}, None), ("number", None, None),
    ],
)  # fmt: skip
def test_certain_values_are_read(field: str, sent: object, read: object) -> None:
    found = page(GOOD | {field: sent})
    assert found.unreadable == ()
    assert getattr(found.items[0], field, None) == read


@pytest.mark.parametrize(
    ("field", "sent"),
    [
        ("id", None), ("id", ""), ("id", "i" * 201), ("id", "\x00"), ("id", "a\x1bb"), ("id", "\ud800"), ("id", "\x85"),
        ("id", True), ("id", 1.0), ("id", 10**40), ("id", {}), ("id", ["x"]), ("type", None), ("type", 7),
        ("type", ["invoice.paid"]), ("account_id", None), ("account_id", [[]]), ("contact_id", ""),
        ("contact_id", False), ("number", "9" * 101), ("number", ["1"]), ("number", ""), ("occurred_at", None),
        ("occurred_at", 1_760_000_000), ("occurred_at", "1760000000"), ("occurred_at", "2026-10-15"),
        ("occurred_at", "9999-12-31T23:59:59Z"), ("occurred_at", "0001-01-01T00:00:00+14:00"),
        ("occurred_at", "1969-12-31T23:59:59Z"), ("occurred_at", "2026-13-01T00:00:00Z"), ("occurred_at", "hier"),
    ],
)  # fmt: skip
def test_a_bad_field_leaves_out_its_event(field: str, sent: object) -> None:
    found = page(GOOD, GOOD | {field: sent}, GOOD)
    assert [index for index, _ in found.indexed()] == [0, 2]
    assert [(each.index, each.reason) for each in found.unreadable] == [(1, field)]
    assert found.received == 3


@pytest.mark.parametrize("item", [None, 7, "x", [], [GOOD], True])
def test_what_is_no_object_is_left_out(item: object) -> None:
    found = page(item, GOOD)
    assert [(each.index, each.reason) for each in found.unreadable] == [(0, "no object")]
    assert len(found.items) == 1


@pytest.mark.parametrize(
    "body",
    [
        {}, {"items": []}, {"cursor": "c"}, {"items": None, "cursor": "c"}, {"items": {}, "cursor": "c"},
        {"items": "x", "cursor": "c"}, {"items": [], "cursor": None}, {"items": [], "cursor": 7},
        {"items": [], "cursor": ""}, {"items": [], "cursor": "\x00"}, {"items": [], "cursor": "\ud800"},
        {"items": [GOOD] * (MOST_EVENTS + 1), "cursor": "c"}, [], None, 7,
    ],
)  # fmt: skip
def test_what_is_no_page_is_broken(body: object) -> None:
    with pytest.raises(PortalBroken):
        parsed(EventPage, json.dumps(body).encode())


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
events = st.dictionaries(st.sampled_from(list(GOOD)), values).map(lambda changed: GOOD | changed) | values


@given(st.lists(events, max_size=5))
def test_any_items_give_a_page(items: list[object]) -> None:
    found = page(*items, GOOD)
    assert found.received == len(items) + 1
    assert found.items[-1].id == "e1"
