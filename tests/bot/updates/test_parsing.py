"""The JSON of one update, from the webhook or the inbox."""

from typing import Any

import pytest
from telegram import Bot, Update

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


BUTTONS = {
    "inline_keyboard": [
        [{"text": "Factures", "callback_data": "1i1|"}, {"text": "Portail", "url": "https://a.example"}]
    ]
}
TEXT: dict[str, Any] = {
    "message_id": 5,
    "from": SENDER | {"language_code": "fr", "last_name": "Roy", "username": "camille", "is_premium": True},
    "chat": {"id": 1, "type": "private", "first_name": "Camille", "last_name": "Roy"},
    "date": 1_700_000_000,
    "text": "/factures impayées",
    "entities": [{"type": "bot_command", "offset": 0, "length": 9}],
}
TAP: dict[str, Any] = {"id": "7", "from": SENDER, "chat_instance": "1", "data": "1i1|"}
UPDATES: list[dict[str, Any]] = [
    {"message": TEXT},
    {"message": TEXT | {"message_thread_id": 9, "is_topic_message": True}},
    {"edited_message": TEXT | {"edit_date": 1_700_000_060}},
    {"message": TEXT | {"reply_to_message": TEXT | {"message_id": 4}}},
    {"message": TEXT | {"a_field_of_next_year": {"a": 1}}},
    {"callback_query": TAP},
    {"callback_query": TAP | {"message": TEXT | {"reply_markup": BUTTONS}}},
    {"callback_query": TAP | {"message": {"message_id": 5, "date": 0, "chat": TEXT["chat"]}}},
    {"callback_query": TAP | {"a_field_of_next_year": 1}},
    {"message": TEXT, "a_field_of_next_year": 1},
    {"message": COMPLETE["message"]},
]


@pytest.mark.parametrize("raw", UPDATES)
def test_update_is_as_ptb_parses_it(raw: dict[str, Any]) -> None:
    bot = Bot("1:a")
    found, expected = parse_update({"update_id": 1} | raw, bot), Update.de_json({"update_id": 1} | raw, bot)
    assert found is not None
    assert found.to_dict() == expected.to_dict()
    message, other = found.effective_message, expected.effective_message
    assert message == other
    assert message is None or message.get_bot() is bot
    assert found.get_bot() is bot


@pytest.mark.parametrize("kind", ["message", "edited_message"])
@pytest.mark.parametrize(
    "changed", [{"date": "today"}, {"date": 10**20}, {"text": ["a"]}, {"entities": 7}, {"from": {}}]
)
def test_message_with_nonsense_is_no_update(kind: str, changed: dict[str, Any]) -> None:
    assert parse_update({"update_id": 1, kind: TEXT | changed}, Bot("1:a")) is None
