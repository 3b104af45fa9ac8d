# ruff: noqa: F401, F811, E501  # fixtures are imported and asked for by name; a table reads by its rows
"""The Bot API's error answers, word for word."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from sandbox.telegram import Bot, Person, SandboxClock, TelegramServer
from sandbox.telegram.errors import NOT_MODIFIED, QUERY_TOO_OLD
from tests.sandbox.telegram.fixtures import Api, api, bot, camille, clock, telegram

CAMILLE = 50_001
STRANGER = 60_000


def keyboard(*buttons: dict[str, Any]) -> dict[str, Any]:
    return {"inline_keyboard": [list(buttons)]}


def text(**more: Any) -> dict[str, Any]:
    return {"chat_id": CAMILLE, "text": "bonjour", **more}


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    # what is missing
    ("sendMessage", {"text": "x"}, "Bad Request: chat_id is empty"),
    ("sendMessage", {"chat_id": CAMILLE}, "Bad Request: message text is empty"),
    ("sendMessage", text(text=""), "Bad Request: message text is empty"),
    ("sendMessage", text(text=" \n "), "Bad Request: message text is empty"),
    ("sendMessage", text(text="<b></b>", parse_mode="HTML"), "Bad Request: message text is empty"),
    ("sendDocument", {"chat_id": CAMILLE}, "Bad Request: there is no document in the request"),
    ("sendDocument", {"chat_id": CAMILLE, "document": "attach://x"}, "Bad Request: there is no document in the request"),
    ("sendChatAction", {"chat_id": CAMILLE}, "Bad Request: wrong parameter action in request"),
    ("deleteMessage", {"message_id": 1}, "Bad Request: chat identifier is not specified"),
    ("deleteMessage", {"chat_id": CAMILLE}, "Bad Request: message identifier is not specified"),
    ("editMessageText", {"text": "x"}, "Bad Request: message identifier is not specified"),
    ("getFile", {}, "Bad Request: file_id not specified"),
    ("setMyCommands", {}, 'Bad Request: parameter "commands" is required'),
    # lengths
    ("sendMessage", text(text="é" * 4097), "Bad Request: message is too long"),
    ("sendMessage", text(text="é" * 17_000), "Bad Request: text is too long"),
    ("sendMessage", text(text=f"<b>{'x' * 4097}</b>", parse_mode="HTML"), "Bad Request: message is too long"),
    ("answerCallbackQuery", {"callback_query_id": "1", "text": "x" * 201}, "Bad Request: MESSAGE_TOO_LONG"),
    # markup
    ("sendMessage", text(parse_mode="HTML", text="é<x>"), 'Bad Request: can\'t parse entities: Unsupported start tag "x" at byte offset 2'),
    ("sendMessage", text(parse_mode="html", text="<b>x"), 'Bad Request: can\'t parse entities: Can\'t find end tag corresponding to start tag "b"'),
    ("sendMessage", text(parse_mode="BBCode"), "Bad Request: unsupported parse_mode"),
    ("sendMessage", text(parse_mode="MarkdownV2"), "Bad Request: the sandbox does not parse parse_mode MarkdownV2; use HTML"),
    ("sendMessage", text(entities=[{"type": "bald", "offset": 0, "length": 1}]), "Bad Request: can't parse MessageEntity: Unsupported type specified"),
    ("sendMessage", text(entities=[{"type": "text_link", "offset": 0, "length": 1}]), 'Bad Request: can\'t parse MessageEntity: Can\'t find field "url"'),
    ("sendMessage", text(entities=[{"type": "bold", "offset": 9, "length": 1}]), "Bad Request: entity begins after the end of the text at UTF-16 offset 9"),
    ("sendMessage", text(entities=[{"type": "bold", "offset": 0, "length": 8}]), "Bad Request: entity beginning at UTF-16 offset 0 ends after the end of the text at UTF-16 offset 8"),
    # keyboards
    ("sendMessage", text(reply_markup=keyboard({"text": "x", "callback_data": "é" * 33})), "Bad Request: BUTTON_DATA_INVALID"),
    ("sendMessage", text(reply_markup=keyboard({"text": "x"})), "Bad Request: can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard"),
    ("sendMessage", text(reply_markup=keyboard({"text": "x", "callback_data": ""})), "Bad Request: can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard"),
    ("sendMessage", text(reply_markup=keyboard({"text": "x", "callback_data": "y", "url": "https://x.ca"})), "Bad Request: can't parse inline keyboard button: exactly one action is allowed, found callback_data, url"),
    ("sendMessage", text(reply_markup=keyboard({"text": " ", "callback_data": "y"})), "Bad Request: inline keyboard button text must be non-empty"),
    ("sendMessage", text(reply_markup=keyboard({"callback_data": "y"})), 'Bad Request: can\'t parse inline keyboard button: Can\'t find field "text"'),
    ("sendMessage", text(reply_markup=keyboard({"text": [1], "callback_data": "y"})), 'Bad Request: can\'t parse inline keyboard button: Field "text" must be of type String'),
    ("sendMessage", text(reply_markup=keyboard({"text": "x", "url": "http://localhost:8000/"})), "Bad Request: inline keyboard button URL 'http://localhost:8000/' is invalid: Wrong HTTP URL"),
    ("sendMessage", text(reply_markup=keyboard({"text": "x", "url": "ftp://x.ca/"})), "Bad Request: inline keyboard button URL 'ftp://x.ca/' is invalid: Unsupported URL protocol"),
    ("sendMessage", text(reply_markup=keyboard({"text": "x", "callback_data": "y", "style": "loud"})), "Bad Request: can't parse inline keyboard button: style must be one of danger, primary, success"),
    ("sendMessage", text(reply_markup=keyboard({"text": "x", "copy_text": {"text": " "}})), "Bad Request: BUTTON_COPY_TEXT_INVALID"),
    ("sendMessage", text(reply_markup=keyboard({"text": "x", "copy_text": {"text": "y" * 257}})), "Bad Request: can't parse CopyTextButton: Field \"text\" is too long"),
    ("sendMessage", text(reply_markup={"inline_keyboard": [[{"text": "x", "callback_data": "y"}] * 5] * 21}), "Bad Request: reply markup is too long"),
    ("sendMessage", text(reply_markup={"inline_keyboard": [{"text": "x"}]}), 'Bad Request: field "inline_keyboard" of the InlineKeyboardMarkup must be an Array of Arrays'),
    ("sendMessage", text(reply_markup="{"), "Bad Request: can't parse reply keyboard markup JSON object"),
    ("sendMessage", text(reply_markup="5"), "Bad Request: object expected as reply markup"),
    # types
    ("sendMessage", text(disable_notification="maybe"), 'Bad Request: parameter "disable_notification" must be a Boolean'),
    ("getUpdates", {"limit": "ten"}, 'Bad Request: parameter "limit" must be an Integer'),
    ("setMessageReaction", {"chat_id": CAMILLE, "message_id": 99, "reaction": []}, "Bad Request: message to react not found"),
    ("deleteMessages", {"chat_id": CAMILLE, "message_ids": 5}, "Bad Request: expected an Array of message identifiers"),
    ("deleteMessages", {"chat_id": CAMILLE, "message_ids": []}, "Bad Request: message identifiers are not specified"),
    ("deleteMessages", {"chat_id": CAMILLE, "message_ids": list(range(1, 102))}, "Bad Request: too many message identifiers specified"),
    # where to
    ("sendMessage", text(chat_id=99), "Bad Request: chat not found"),
    ("sendMessage", text(chat_id="@nobody"), "Bad Request: chat not found"),
    ("sendMessage", text(chat_id=STRANGER), "Forbidden: bot can't initiate conversation with a user"),
    ("getChat", {"chat_id": STRANGER}, "Bad Request: chat not found"),
    ("sendMessage", text(reply_parameters={"message_id": 999}), "Bad Request: message to be replied not found"),
    ("editMessageText", text(message_id=999), "Bad Request: message to edit not found"),
    ("editMessageText", text(message_id=1), "Bad Request: message can't be edited"),
    ("deleteMessage", {"chat_id": CAMILLE, "message_id": 999}, "Bad Request: message to delete not found"),
    # files
    ("sendDocument", {"chat_id": CAMILLE, "document": "BQAC*"}, "Bad Request: wrong remote file identifier specified: Wrong character in the string"),
    ("sendDocument", {"chat_id": CAMILLE, "document": "BQACAgEAAxkB"}, "Bad Request: wrong remote file identifier specified: can't unserialize it. Wrong last symbol"),
    ("sendDocument", {"chat_id": CAMILLE, "document": "https://x.ca/a.pdf"}, "Bad Request: failed to get HTTP URL content"),
    ("getFile", {"file_id": "12345"}, "Bad Request: wrong remote file identifier specified: Wrong string length"),
    # actions, queries, webhooks
    ("sendChatAction", {"chat_id": CAMILLE, "action": "dancing"}, "Bad Request: wrong parameter action in request"),
    ("answerCallbackQuery", {"callback_query_id": "12"}, f"Bad Request: {QUERY_TOO_OLD}"),
    ("setWebhook", {"url": "http://127.0.0.1:1/", "secret_token": "é"}, "Bad Request: secret token contains unallowed characters"),
    ("setWebhook", {"url": "http://127.0.0.1:1/", "secret_token": "x" * 257}, "Bad Request: secret token is too long"),
    ("setWebhook", {"url": "http://odotrack.ca/"}, "Bad Request: bad webhook: An HTTPS URL must be provided for webhook"),
    ("setWebhook", {"url": "https://odotrack.ca:5000/"}, "Bad Request: bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443"),
    ("setWebhook", {"url": "ftp://odotrack.ca"}, "Bad Request: invalid webhook URL specified"),
    # menus
    ("setMyCommands", {"commands": [{"command": "a", "description": "b"}] * 101}, "Bad Request: BOT_COMMANDS_TOO_MUCH"),
    ("setMyCommands", {"commands": [{"command": "Été", "description": "b"}]}, "Bad Request: BOT_COMMAND_INVALID"),
    ("setMyCommands", {"commands": [{"command": "a" * 33, "description": "b"}]}, "Bad Request: command length must not exceed 32"),
    ("setMyCommands", {"commands": [{"command": "a", "description": "b" * 257}]}, "Bad Request: command description length must not exceed 256"),
    ("setMyCommands", {"commands": [{"command": "a", "description": " "}]}, "Bad Request: command description must be non-empty"),
    ("setMyCommands", {"commands": [{"command": "a"}]}, 'Bad Request: can\'t parse BotCommand: Can\'t find field "description"'),
    ("setMyCommands", {"commands": [], "scope": {"type": "moon"}}, "Bad Request: can't parse BotCommandScope: Unsupported type specified"),
    ("setMyCommands", {"commands": [], "scope": {"type": "chat", "chat_id": 7}}, "Bad Request: chat not found"),
    ("setMyCommands", {"commands": [], "language_code": "fra"}, "Bad Request: invalid language code specified"),
    ("setMyDescription", {"description": "x" * 513}, "Bad Request: description is too long: at most 512 characters"),
    ("setMyShortDescription", {"short_description": "x" * 121}, "Bad Request: short_description is too long: at most 120 characters"),
    ("setChatMenuButton", {"menu_button": {"type": "x"}}, "Bad Request: can't parse menu button: MenuButton has unsupported type"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "parameters", "description"), REFUSED)
async def test_refusals(
    telegram: TelegramServer, api: Api, camille: Person, method: str, parameters: dict[str, Any], description: str
) -> None:
    telegram.world.create_person(STRANGER)
    assert await api.refused(method, **parameters) == description
    assert telegram.world.log.entries[-1].description == description


async def test_not_modified_compares_all_content(api: Api, camille: Person) -> None:
    """An edit is "not modified" when text, entities and keyboard are the same."""
    sent = await api.ok(
        "sendMessage",
        **text(text="<b>a</b>", parse_mode="HTML", reply_markup=keyboard({"text": "x", "callback_data": "y"})),
    )
    where = {"chat_id": CAMILLE, "message_id": sent["message_id"]}
    same = {"text": "a", "entities": [{"type": "bold", "offset": 0, "length": 1}], "reply_markup": sent["reply_markup"]}
    assert await api.refused("editMessageText", **where, **same) == f"Bad Request: {NOT_MODIFIED}"
    await api.ok("editMessageText", **where, **same | {"entities": []})
    gone = await api.ok("editMessageText", **where, text="a")
    assert "reply_markup" not in gone
    assert await api.refused("editMessageReplyMarkup", **where) == f"Bad Request: {NOT_MODIFIED}"


async def test_queries_are_answered_once_and_in_time(api: Api, camille: Person, clock: SandboxClock) -> None:
    await api.ok("sendMessage", **text(reply_markup=keyboard({"text": "x", "callback_data": "y"})))
    tap, late = camille.tap("x"), camille.tap("x")
    assert tap.query_id != late.query_id
    assert await api.ok("answerCallbackQuery", callback_query_id=tap.query_id)
    assert await api.refused("answerCallbackQuery", callback_query_id=tap.query_id) == f"Bad Request: {QUERY_TOO_OLD}"
    clock.advance(timedelta(seconds=16))
    assert await api.refused("answerCallbackQuery", callback_query_id=late.query_id) == f"Bad Request: {QUERY_TOO_OLD}"


async def test_chats_that_refuse_messages(api: Api, camille: Person) -> None:
    camille.block()
    assert await api.refused("sendMessage", **text()) == "Forbidden: bot was blocked by the user"
    camille.unblock()
    await api.ok("sendMessage", **text())
    camille.deactivate()
    assert await api.refused("sendChatAction", chat_id=CAMILLE, action="typing") == "Forbidden: user is deactivated"


async def test_deleting_ends_after_48_hours(api: Api, camille: Person, clock: SandboxClock) -> None:
    mine, hers = await api.ok("sendMessage", **text()), camille.say("à moi")
    old = await api.ok("sendMessage", **text())
    await api.ok("deleteMessage", chat_id=CAMILLE, message_id=mine["message_id"])
    await api.ok("deleteMessages", chat_id=CAMILLE, message_ids=[hers.message_id, mine["message_id"], 4242])
    assert hers.deleted
    assert (
        await api.refused("deleteMessage", chat_id=CAMILLE, message_id=hers.message_id)
        == "Bad Request: message to delete not found"
    )
    clock.advance(timedelta(hours=48, seconds=1))
    refused = await api.refused("deleteMessage", chat_id=CAMILLE, message_id=old["message_id"])
    assert refused.startswith("Bad Request: message can't be deleted")


@pytest.mark.parametrize(
    ("path", "status", "description"),
    [
        ("/bot1:unknown/getMe", 401, "Unauthorized"),
        ("/botnonsense/getMe", 404, "Not Found"),
        ("/bot/getMe", 404, "Not Found"),
        ("/", 404, "Not Found"),
        ("/file/bot1:unknown/documents/x", 401, "Unauthorized"),
    ],
)
async def test_paths(telegram: TelegramServer, bot: Bot, path: str, status: int, description: str) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        response = await client.get(telegram.url + path)
    assert response.status_code == status
    assert response.json() == {"ok": False, "error_code": status, "description": description}


async def test_unknown_methods(api: Api) -> None:
    assert await api.refused("sendMoney") == "Not Found: method not found"
    assert await api.refused("sendDice", chat_id=1) == "Not Implemented: the sandbox does not implement sendDice"


async def test_every_parameter_encoding(telegram: TelegramServer, api: Api, camille: Person) -> None:
    url, data = f"{api.base}/SENDmessage", {"chat_id": str(CAMILLE), "text": "é"}
    for response in (
        await api.client.get(url, params=data),
        await api.client.post(url, data=data),
        await api.client.post(url, json={"chat_id": CAMILLE, "text": "é"}),
        await api.client.post(url, data=data, files={"unused": b"x"}),
        await api.client.post(url, params=data),
    ):
        assert response.json()["result"]["text"] == "é"
    lints = [entry.lint for entry in telegram.world.log.find(method="sendmessage")]
    assert lints == [(), (), (), ("unused: unknown file",), ()]


@pytest.mark.parametrize(
    ("content_type", "body"),
    [("application/json", b"["), ("application/json", b"[]"), ("multipart/form-data", b"x"), ("multipart/form-data; boundary=b", b"--b\r\nx")],
)  # fmt: skip
async def test_unparsable_bodies(api: Api, content_type: str, body: bytes) -> None:
    response = await api.client.post(f"{api.base}/getMe", content=body, headers={"Content-Type": content_type})
    assert response.status_code in (200, 400)
    if response.status_code == 400:
        assert response.json()["description"].startswith("Bad Request: can't parse request: ")


async def test_rate_limits(telegram: TelegramServer, api: Api, camille: Person, clock: SandboxClock) -> None:
    telegram.world.settings.per_chat_per_second = 1
    await api.ok("sendMessage", **text())
    refused = await api("sendMessage", **text())
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
    assert refused.json() == {
        "ok": False,
        "error_code": 429,
        "description": "Too Many Requests: retry after 1",
        "parameters": {"retry_after": 1},
    }
    clock.advance(timedelta(seconds=1))
    await api.ok("sendMessage", **text())
    telegram.world.settings.overall_per_second = 0.1
    await api.ok("sendMessage", **text(chat_id=telegram.world.create_person().start().chat.chat_id))
    clock.advance(timedelta(seconds=2))
    assert (await api("sendMessage", **text())).json()["parameters"] == {"retry_after": 8}
