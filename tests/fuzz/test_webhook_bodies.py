"""Bytes and JSON at the public endpoints: a refusal or an answer, never 5xx, and an answer to each person who wrote."""

import itertools
import json
from collections.abc import AsyncIterator
from functools import cache
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import assume, example, given, strategies as st
from telegram import Bot, Update

from bot.updates.parsing import parse_update, read_json
from tests.bot.http.test_endpoints import signed
from tests.bot.http.test_webhook import SECRET, served, update
from tests.fuzz.conftest import People, assert_nothing_failed
from tests.fuzz.values import JSON, changed, in_scene
from tests.scene import TOKEN, Scene

NUMBERS = itertools.count(1)
BYTES = st.binary(max_size=300) | JSON.map(lambda value: json.dumps(value).encode())
SENDER = {"id": 4242, "first_name": "Camille", "is_bot": False, "language_code": "fr"}
CHAT = {"id": 4242, "first_name": "Camille", "type": "private"}
MESSAGE = {
    "message_id": 5,
    "date": 1_790_000_000,
    "chat": CHAT,
    "from": SENDER,
    "text": "/aide et 212380",
    "entities": [{"type": "bot_command", "offset": 0, "length": 5}],
    "reply_to_message": {"message_id": 4, "date": 1_790_000_000, "chat": CHAT, "text": "…"},
}
PHOTO = [{"file_id": "f", "file_unique_id": "u", "width": 90, "height": 90}]
DOCUMENT = {"file_id": "f", "file_unique_id": "u", "file_name": "facture.pdf"}
UPDATES: list[dict[str, Any]] = [
    {"update_id": 7, "message": MESSAGE},
    {"update_id": 7, "edited_message": MESSAGE | {"edit_date": 1_790_000_001}},
    {"update_id": 7, "message": {**MESSAGE, "text": None, "photo": PHOTO, "caption": "212380"}},
    {"update_id": 7, "message": {**MESSAGE, "text": None, "document": DOCUMENT}},
    {
        "update_id": 7,
        "callback_query": {
            "id": "9", "from": SENDER, "chat_instance": "1", "data": "1i1|",
            "message": {"message_id": 3, "date": 1_790_000_000, "chat": CHAT, "text": "…"},
        },
    },
    {
        "update_id": 7,
        "my_chat_member": {
            "chat": CHAT, "from": SENDER, "date": 1_790_000_000,
            "old_chat_member": {"user": SENDER, "status": "member"},
            "new_chat_member": {"user": SENDER, "status": "kicked", "until_date": 0},
        },
    },
]  # fmt: skip
ANY_UPDATE = st.sampled_from(UPDATES).flatmap(changed)
PATHS = ("/portal/events", "/portal/links", "/unsubscribe/token", "/calendar/token", "/telegram", "/")


@cache
def a_bot() -> Bot:
    """Make one bot for all examples: each loads the certificates anew."""
    return Bot(TOKEN)


@pytest.fixture
async def scene(database_url: str) -> AsyncIterator[Scene]:
    """A scene in which Telegram posts updates to the bot."""
    async with served(database_url) as scene:
        yield scene
        await assert_nothing_failed(scene)


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
        yield client


async def posted(scene: Scene, client: httpx.AsyncClient, body: bytes) -> int:
    headers = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
    return (await client.post(f"{scene.public_url}/telegram", content=body, headers=headers)).status_code


@in_scene(60)
@given(body=BYTES)
@example(b"\xff\xfe{}")
@example(b'{"update_id": 1e400}')
@example(b'{"update_id": 1, "update_id": -1}')
async def test_any_bytes_are_taken_or_refused(scene: Scene, client: httpx.AsyncClient, body: bytes) -> None:
    assert await posted(scene, client, body) in (200, 400)


@in_scene(60)
@given(raw=ANY_UPDATE)
@example({"update_id": 7, "callback_query": {**UPDATES[4]["callback_query"], "data": [None]}})
@example({"update_id": 7, "message": MESSAGE | {"text": 7}})
@example({"update_id": 7, "message": MESSAGE | {"from": SENDER | {"first_name": {}, "language_code": 1}}})
async def test_changed_update_is_taken_or_refused(scene: Scene, client: httpx.AsyncClient, raw: Any) -> None:
    if isinstance(raw, dict) and raw.get("update_id") == 7:
        raw["update_id"] = next(NUMBERS)
    assert await posted(scene, client, json.dumps(raw).encode()) in (200, 400)


@pytest.mark.parametrize("place", ["text", "first_name", "language_code", "media_group_id", "data", "file_name"])
async def test_nul_in_an_update_is_taken(scene: Scene, client: httpx.AsyncClient, place: str) -> None:
    """PostgreSQL stores no NUL in a text, and Telegram repeats what is not taken."""
    for raw in json.loads(json.dumps(UPDATES)):
        raw["update_id"] = next(NUMBERS)
        _put_nul(raw, place)
        assert await posted(scene, client, json.dumps(raw).encode()) in (200, 400)


def _put_nul(value: Any, place: str) -> None:
    """Put NUL into each field of this name, and into each message that has none of it."""
    if isinstance(value, list):
        for each in value:
            _put_nul(each, place)
    if isinstance(value, dict):
        if place in value or "chat" in value:
            value[place] = "2123\x0080"
        for each in value.values():
            _put_nul(each, place)


@in_scene(30)
@given(data=st.data())
async def test_changed_message_is_answered(
    scene: Scene, client: httpx.AsyncClient, people: People, data: st.DataObject
) -> None:
    """Where chat, sender and text are those of a person, the person gets an answer whatever stands beside them."""
    person = await people.started()
    raw = update(person, data.draw(st.sampled_from(["/aide", "212380", "bonjour", "client@example.test"])))
    message = raw["message"]
    beside = data.draw(changed({"entities": MESSAGE["entities"], "reply_to_message": MESSAGE["reply_to_message"]}))
    assume(isinstance(beside, dict))
    raw["message"] = {**beside, **{name: message[name] for name in ("date", "text", "chat", "from")}}
    raw["message"]["message_id"] = next(NUMBERS) + 100_000
    if parse_update(read_json(json.dumps(raw).encode()), a_bot()) is None:
        return
    before = len([each for each in person.chat().visible if each.from_bot])
    assert await posted(scene, client, json.dumps(raw).encode()) == 200
    assert len([each for each in person.chat().visible if each.from_bot]) > before


@in_scene(60)
@given(
    path=st.sampled_from(PATHS), body=BYTES, is_signed=st.booleans(), method=st.sampled_from(["GET", "POST", "HEAD"])
)
async def test_public_endpoints_never_fail(
    scene: Scene, client: httpx.AsyncClient, path: str, body: bytes, is_signed: bool, method: str
) -> None:
    """``webhook-id`` is new each time, so that no request counts as a repetition."""
    text = body.decode("utf-8", "replace")
    headers = signed(text, f"msg-{next(NUMBERS)}") if is_signed else {}
    answer = await client.request(method, f"{scene.public_url}{path}", content=text.encode(), headers=headers)
    assert answer.status_code < 500


@in_scene(40)
@given(
    name=st.text(st.characters(exclude_categories=("Cs",)), max_size=60),
    kind=st.sampled_from(["unsubscribe", "calendar"]),
)
async def test_any_token_in_a_path_is_answered(scene: Scene, client: httpx.AsyncClient, name: str, kind: str) -> None:
    url = f"{scene.public_url}/{kind}/{quote(name, safe='')}"
    for method in ("GET", "POST"):
        assert (await client.request(method, url)).status_code < 500


@in_scene(200)
@given(raw=ANY_UPDATE | JSON)
@example({"update_id": 1, "message": {"chat": {"id": 2**63}}})
def test_any_update_is_parsed_or_refused(raw: Any) -> None:
    content = json.dumps(raw).encode()
    found = parse_update(read_json(content), a_bot())
    assert found is None or isinstance(found, Update)
