"""The JSON of one update, from the webhook or the inbox."""

from typing import Any

import pytest
from telegram import Bot

from bot.updates.parsing import parse_update, read_json


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (b"\\ud83d", "\ufffd"),
        (b"\xff", "\ufffd"),
        (b"\\ude00Zo\\ud800", "\ufffdZo\ufffd"),
        (b"a\\u0000b", "a\ufffdb"),
        (b"\\ud83d\\ude00 \\ud800", "\U0001f600 \ufffd"),
    ],
)
def test_what_is_no_text_is_replaced(text: bytes, read: str) -> None:
    assert read_json(b'{"text": ["' + text + b'"]}') == {"text": [read]}


TEXTS_OF_A_TAP = [{"data": [None]}, {"id": 7}, {"from": {"id": 1, "is_bot": False, "first_name": {}}}]


@pytest.mark.parametrize("changed", [{}, *TEXTS_OF_A_TAP])
def test_text_of_another_type_is_no_update(changed: dict[str, Any]) -> None:
    sender = {"id": 1, "is_bot": False, "first_name": "Camille"}
    tap: dict[str, Any] = {"id": "7", "from": sender, "chat_instance": "1", "data": "1i1|"} | changed
    found = parse_update({"update_id": 1, "callback_query": tap}, Bot("1:a"))
    assert (found is None) == bool(changed)


SENDER = {"id": 1, "is_bot": False, "first_name": "Camille"}
MEMBER = {"status": "member", "user": SENDER}
COMPLETE: dict[str, dict[str, Any]] = {
    "message": {"message_id": 1, "date": 1, "chat": {"id": 1, "type": "private"}},
    "callback_query": {"id": "7", "from": SENDER, "chat_instance": "1"},
    "inline_query": {"id": "7", "from": SENDER, "query": "", "offset": ""},
    "my_chat_member": {
        "chat": {"id": 1, "type": "private"},
        "from": SENDER,
        "date": 1,
        "old_chat_member": MEMBER,
        "new_chat_member": MEMBER,
    },
}
PARTS = [
    (kind, part) for kind, whole in COMPLETE.items() for part in whole if part in {"chat", "from", "new_chat_member"}
]


@pytest.mark.parametrize(("kind", "part"), PARTS)
def test_update_without_a_part_is_no_update(kind: str, part: str) -> None:
    assert parse_update({"update_id": 1, kind: COMPLETE[kind]}, Bot("1:a")) is not None
    assert parse_update({"update_id": 1, kind: COMPLETE[kind] | {part: {}}}, Bot("1:a")) is None


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"[" * 100_000])
def test_what_is_no_object_is_none(body: bytes) -> None:
    assert read_json(body) is None
