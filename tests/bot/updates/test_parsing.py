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


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"[" * 100_000])
def test_what_is_no_object_is_none(body: bytes) -> None:
    assert read_json(body) is None
