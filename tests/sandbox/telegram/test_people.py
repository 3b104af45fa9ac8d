# ruff: noqa: F401, F811  # fixtures are imported and asked for by name
"""What people do and see: texts, taps, files, groups, blocking, waiting."""

import asyncio
from typing import Any

import pytest

from sandbox.telegram import Bot, Person, SandboxMisuse, TelegramServer
from tests.sandbox.telegram.fixtures import Api, api, bot, camille, clock, telegram

BUTTONS = {
    "inline_keyboard": [
        [{"text": "Factures", "callback_data": "i:1"}, {"text": "Portail", "url": "https://portail.ca"}],
        [{"text": "Retour ⬅", "callback_data": "back"}],
    ]
}


async def last(api: Api) -> dict[str, Any]:
    update: dict[str, Any] = (await api.ok("getUpdates", offset=-1))[0]
    return update


async def test_texts_of_a_person(api: Api, camille: Person) -> None:
    said = camille.say("  /aide@odobot oui /non\n")
    message = (await last(api))["message"]
    assert message["text"] == said.text == "/aide@odobot oui /non"
    assert message["entities"] == [
        {"type": "bot_command", "offset": 0, "length": 12},
        {"type": "bot_command", "offset": 17, "length": 4},
    ]
    assert message["from"] == {
        "id": 50_001,
        "is_bot": False,
        "first_name": "Camille",
        "username": "camille",
        "language_code": "fr",
    }
    assert message["chat"] == {"id": 50_001, "type": "private", "first_name": "Camille", "username": "camille"}
    camille.edit(said, "non")
    edited = (await last(api))["edited_message"]
    assert (edited["text"], edited["message_id"], "edit_date" in edited) == ("non", said.message_id, True)
    for text in ("", " \n", "x" * 4097):
        with pytest.raises(SandboxMisuse):
            camille.say(text)


async def test_a_language_may_be_missing(telegram: TelegramServer, api: Api) -> None:
    telegram.world.create_person(language_code=None, last_name="Roy").start("abc-1")
    message = (await last(api))["message"]
    assert message["text"] == "/start abc-1"
    assert message["from"] == {"id": 50_001, "is_bot": False, "first_name": "Camille", "last_name": "Roy"}


async def test_taps(api: Api, camille: Person) -> None:
    await api.ok("sendMessage", chat_id=50_001, text="écran", reply_markup=BUTTONS)
    screen = await camille.wait_for_message("écran")
    assert screen.labels == ["Factures", "Portail", "Retour ⬅"]
    for which in ({"label": "Fact"}, {"row": 0}, {"data": "i:1"}, {"label": "Factures", "message": screen}):
        tap = camille.tap(**which)
        query = (await last(api))["callback_query"]
        assert (query["id"], query["data"], query["message"]["message_id"]) == (tap.query_id, "i:1", screen.message_id)
        assert query["from"]["id"] == 50_001
        assert query["chat_instance"]
    await api.ok("sendMessage", chat_id=50_001, text="plus récent")
    assert camille.tap("Retour").data == "back"
    assert camille.forge_tap(screen, "x:hostile").data == "x:hostile"
    assert (await last(api))["callback_query"]["data"] == "x:hostile"
    with pytest.raises(SandboxMisuse, match="it can't be tapped"):
        camille.tap("Portail")
    with pytest.raises(SandboxMisuse, match="the newest keyboard says"):
        camille.tap("Commandes")
    await api.ok("deleteMessage", chat_id=50_001, message_id=screen.message_id)
    with pytest.raises(SandboxMisuse, match="deleted"):
        camille.tap("Retour", message=screen)
    camille.forge_tap(screen, "back")
    assert (await last(api))["callback_query"]["message"]["date"] == 0


async def test_waits_start_at_the_last_action(api: Api, camille: Person) -> None:
    sent = await api.ok("sendMessage", chat_id=50_001, text="un", reply_markup=BUTTONS)
    assert (await camille.wait_for_message()).text == "un"
    tap = camille.tap("Factures")
    with pytest.raises(TimeoutError, match="Camille saw no message"):
        await camille.wait_for_message(timeout=0.01)
    waiting = asyncio.create_task(camille.wait_for_message(label="Suite"))
    await api.ok("answerCallbackQuery", callback_query_id=tap.query_id, text="fait", show_alert=True)
    more = {"inline_keyboard": [[{"text": "Suite", "callback_data": "n"}]]}
    await api.ok("editMessageText", chat_id=50_001, message_id=sent["message_id"], text="deux", reply_markup=more)
    assert (await waiting).text == "deux"
    assert await camille.wait_for_answer(tap) == {"text": "fait", "show_alert": True, "url": ""}
    await api.ok("sendChatAction", chat_id=50_001, action="typing")
    assert await camille.wait_for_action("typ") == "typing"
    assert await camille.hears_nothing(0.02)
    await api.ok("deleteMessage", chat_id=50_001, message_id=sent["message_id"])
    await camille.wait_for_delete(camille.chat().messages[sent["message_id"]])
    kinds = [change.kind for change in camille.chat().changes]
    assert kinds == ["message", "message", "tap", "answer", "edit", "action", "delete"]


async def test_blocking(api: Api, camille: Person) -> None:
    await api.ok("getUpdates", allowed_updates=[])
    camille.block()
    member = (await api.ok("getUpdates"))[-1]["my_chat_member"]
    assert (member["old_chat_member"]["status"], member["new_chat_member"]["status"]) == ("member", "kicked")
    with pytest.raises(SandboxMisuse, match="has blocked"):
        camille.say("allô?")
    camille.start()
    kinds = [[*update][1] for update in await api.ok("getUpdates")]
    assert kinds == ["message", "my_chat_member", "my_chat_member", "message"]


async def test_each_bot_has_its_own_chats(telegram: TelegramServer, api: Api, camille: Person) -> None:
    telegram.world.create_bot("42:other", "autrebot")
    with pytest.raises(SandboxMisuse, match="which bot"):
        camille.say("à qui?")
    camille.start(bot="autrebot")
    assert len(camille.chat("odobot").messages) == len(camille.chat("autrebot").messages) == 1
    with pytest.raises(SandboxMisuse):
        telegram.world.create_bot("42:again", "encore")


async def test_groups_pass_commands_to_the_bot(telegram: TelegramServer, bot: Bot, api: Api, camille: Person) -> None:
    """In a group, the bot receives the commands that are addressed to it."""
    group = telegram.world.create_group("Équipe", [camille])
    chat_id = group.chat.chat_id
    assert (await last(api))["my_chat_member"]["chat"]["title"] == "Équipe"
    for text in ("bonjour", "/aide@autrebot", "@odobot allô"):
        camille.say(text, group=group)
    assert "my_chat_member" in await last(api)
    camille.say("/aide", group=group)
    camille.say("/aide@OdoBot", group=group)
    assert (await last(api))["message"]["text"] == "/aide@OdoBot"
    sent = await api.ok("sendMessage", chat_id=chat_id, text="en privé", reply_parameters={"message_id": 4})
    assert sent["reply_to_message"]["text"] == "/aide"
    camille.say("merci", group=group, reply_to=group.chat.messages[sent["message_id"]])
    assert (await last(api))["message"]["text"] == "merci"
    assert (await camille.wait_for_message("privé", group=group, since=0)).from_bot
    assert await api.refused("deleteMessage", chat_id=chat_id, message_id=4) == "Bad Request: message can't be deleted"
    group.remove_bot(bot, camille)
    assert (
        await api.refused("sendMessage", chat_id=chat_id, text="x") == "Forbidden: bot was kicked from the group chat"
    )


async def test_migrated_groups_name_the_new_chat(telegram: TelegramServer, api: Api, camille: Person) -> None:
    group = telegram.world.create_group("Équipe", [camille])
    new = group.migrate()
    updates = await api.ok("getUpdates", offset=-2)
    assert updates[0]["message"]["migrate_to_chat_id"] == updates[1]["message"]["chat"]["id"] == new.chat.chat_id
    refused = await api("sendMessage", chat_id=group.chat.chat_id, text="x")
    assert refused.json() == {
        "ok": False,
        "error_code": 400,
        "description": "Bad Request: group chat was upgraded to a supergroup chat",
        "parameters": {"migrate_to_chat_id": new.chat.chat_id},
    }
    await api.ok("sendMessage", chat_id=new.chat.chat_id, text="x")


async def test_menus(api: Api, camille: Person) -> None:
    def commands(name: str) -> list[dict[str, str]]:
        return [{"command": name, "description": "d"}]

    assert camille.menu() == []
    await api.ok("setMyCommands", commands=commands("tous"))
    await api.ok("setMyCommands", commands=commands("fr"), language_code="fr")
    assert camille.menu() == await api.ok("getMyCommands", language_code="fr") == commands("fr")
    assert await api.ok("getMyCommands", language_code="en") == []
    chat = {"type": "chat", "chat_id": 50_001}
    await api.ok("setMyCommands", commands=commands("chat"), scope=chat)
    assert camille.menu() == commands("chat")
    await api.ok("deleteMyCommands", scope=chat)
    await api.ok("deleteMyCommands", language_code="fr")
    assert camille.menu() == commands("tous")


async def test_bot_profile(api: Api, camille: Person) -> None:
    await api.ok("setMyDescription", description="tous")
    await api.ok("setMyDescription", description="fr", language_code="fr")
    assert await api.ok("getMyDescription", language_code="fr") == {"description": "fr"}
    assert await api.ok("getMyDescription", language_code="en") == {"description": "tous"}
    await api.ok("setMyDescription")
    assert await api.ok("getMyDescription") == {"description": ""}
    await api.ok("setMyShortDescription", short_description="court")
    assert await api.ok("getMyShortDescription") == {"short_description": "court"}
    await api.ok("setMyName", name="Odo")
    assert (await api.ok("getMyName"), (await api.ok("getMe"))["first_name"]) == ({"name": "Odo"}, "Odo")
    assert await api.ok("getChatMenuButton") == {"type": "default"}
    await api.ok("setChatMenuButton", chat_id=50_001, menu_button={"type": "commands"})
    assert await api.ok("getChatMenuButton", chat_id=50_001) == {"type": "commands"}


async def test_pins_copies_and_chats(api: Api, camille: Person) -> None:
    said = camille.say("à copier")
    copy = await api.ok("copyMessage", chat_id=50_001, from_chat_id=50_001, message_id=said.message_id)
    assert camille.screen().text == "à copier"
    await api.ok("pinChatMessage", chat_id=50_001, message_id=copy["message_id"])
    assert (await api.ok("getChat", chat_id=50_001))["pinned_message"]["text"] == "à copier"
    await api.ok("unpinChatMessage", chat_id=50_001)
    assert "pinned_message" not in await api.ok("getChat", chat_id=50_001)
    assert (await api.ok("getChatMember", chat_id=50_001, user_id=50_001))["status"] == "member"


async def test_replies(api: Api, camille: Person) -> None:
    said = camille.say("question")
    sent = await api.ok("sendMessage", chat_id=50_001, text="r", reply_parameters={"message_id": said.message_id})
    assert sent["reply_to_message"]["text"] == "question"
    lax = {"message_id": 999, "allow_sending_without_reply": True}
    assert "reply_to_message" not in await api.ok("sendMessage", chat_id=50_001, text="r", reply_parameters=lax)


async def test_lint_notes_what_telegram_ignores(telegram: TelegramServer, api: Api, camille: Person) -> None:
    markup = {"inline_keyboard": [[{"text": "x", "callback_data": "y", "colour": "red"}]]}
    await api.ok("sendMessage", chat_id=50_001, text="x", reply_markup=markup, disable_notifications=True)
    assert telegram.world.log.lint == [
        "sendMessage: inline_keyboard.colour: unknown field of InlineKeyboardButton",
        "sendMessage: disable_notifications: unknown parameter",
    ]


async def test_reading_opens_no_chat(telegram: TelegramServer, bot: Bot, api: Api) -> None:
    person = telegram.world.create_person()
    with pytest.raises(SandboxMisuse, match="no chat with the bot yet"):
        await person.wait_for_message()
    refused = await api.refused("sendMessage", chat_id=person.user_id, text="x")
    assert refused == "Forbidden: bot can't initiate conversation with a user"
