"""The JSON of one update, from the webhook or the inbox."""

import pytest

from bot.updates.parsing import read_json


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (b"\\ud83d", "\ufffd"),
        (b"\xff", "\ufffd"),
        (b"\\ude00Zo\\ud800", "\ufffdZo\ufffd"),
        (b"\\ud83d\\ude00 \\ud800", "\U0001f600 \ufffd"),
    ],
)
def test_what_is_no_text_is_replaced(text: bytes, read: str) -> None:
    assert read_json(b'{"text": ["' + text + b'"]}') == {"text": [read]}


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"[" * 100_000])
def test_what_is_no_object_is_none(body: bytes) -> None:
    assert read_json(body) is None
