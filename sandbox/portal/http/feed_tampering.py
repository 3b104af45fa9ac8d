"""Pages of the event feed from a hostile or broken portal: malformed events, and cursors that do not move."""

import copy
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.portal.faults import FaultKind

CURSOR_MARK = "~"
"""What follows this mark in a cursor is ignored, so that a reader can go on once a fault is cleared."""

Page = dict[str, Any]
CursorEdit = Callable[[Page, str, int], None]
"""Changes a page in place: page, the cursor that was asked for, how many pages were changed so far."""

_BAD_FIELDS: tuple[tuple[str, Any], ...] = (
    ("id", None),
    ("id", ""),
    ("id", "i" * 5000),
    ("id", "i\x00d"),
    ("id", {"value": ["i"]}),
    ("id", True),
    ("id", 1.5),
    ("type", None),
    ("type", ["invoice.issued"]),
    ("occurred_at", None),
    ("occurred_at", "9999-12-31T23:59:59.999999Z"),
    ("occurred_at", "0001-01-01T00:00:00+14:00"),
    ("occurred_at", "2026-13-45T99:00:00Z"),
    ("occurred_at", 1_700_000_000),
    ("account_id", None),
    ("account_id", "a\x1b"),
    ("account_id", "\ud800"),
    ("contact_id", ""),
    ("contact_id", ["c-1001"]),
    ("number", None),
    ("number", "9" * 101),
    ("number", "\x00"),
)
_NO_OBJECTS: tuple[Any, ...] = (None, 7, "an event", [], [[[]]])
BAD_EVENTS = len(_BAD_FIELDS) + len(_NO_OBJECTS)
"""How many malformed events ``bad_events`` puts before each right one."""


def bad_events(page: Page) -> None:
    """Put malformed events before each right one."""
    page["items"] = [item for event in page["items"] for item in (*_malformed(event), event)]


def numeric_events(page: Page) -> None:
    """Give the events numbers instead of texts: the counting part of the id, and numbers of digits."""
    for event in page["items"]:
        event["id"] = int(event["id"].rpartition("-")[2])
        if event["number"] and event["number"].isdigit():
            event["number"] = int(event["number"])


def empty_page(page: Page, after: str, met: int) -> None:
    """Leave the events out, and move only the cursor."""
    page |= {"items": [], "cursor": f"{_real(after)}{CURSOR_MARK}{met}"}


def same_cursor(page: Page, after: str, _met: int) -> None:
    """Do not move the cursor."""
    page["cursor"] = after


def cursor_cycle(page: Page, after: str, met: int) -> None:
    """Move the cursor to and fro between two."""
    page["cursor"] = f"{_real(after)}{CURSOR_MARK}{'ab'[met % 2]}"


def events_twice(page: Page) -> None:
    """Repeat each event under another id."""
    page["items"] = [each for event in page["items"] for each in (event, event | {"id": f"{event['id']}-again"})]


def huge_page(page: Page) -> None:
    """Repeat the events until the page has more than any reader takes."""
    page["items"] = (page["items"] or [{"id": "huge"}]) * 2000


def events_reversed(page: Page) -> None:
    """List the newest event first."""
    page["items"].reverse()


CURSOR_EDITS: Mapping[FaultKind, CursorEdit] = {
    FaultKind.EMPTY_PAGES: empty_page,
    FaultKind.SAME_CURSOR: same_cursor,
    FaultKind.CURSOR_CYCLE: cursor_cycle,
}


def _malformed(event: dict[str, Any]) -> list[Any]:
    changed = [
        copy.deepcopy(event) | {"id": f"bad-{place}"} | {name: value} for place, (name, value) in enumerate(_BAD_FIELDS)
    ]
    return [*changed, *_NO_OBJECTS]


def _real(cursor: str) -> str:
    return cursor.partition(CURSOR_MARK)[0]
