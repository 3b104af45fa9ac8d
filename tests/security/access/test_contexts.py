"""Updates of business, guest and inline contexts and of other people reach no data (L6)."""

from typing import Any

import pytest
from telegram import Update

from handlers.actions import ListInvoices, SendPdf
from handlers.telegram.callback_data import encode
from sandbox.telegram.persons import Person
from tests.scene import Scene

STRANGER = 999_777


def user(user_id: int) -> dict[str, Any]:
    return {"id": user_id, "is_bot": False, "first_name": "X", "language_code": "fr"}


def chat(chat_id: int, kind: str = "private") -> dict[str, Any]:
    return {"id": chat_id, "type": kind, "first_name": "X"}


def message(chat_id: int, sender: int, text: str = "/factures", **more: Any) -> dict[str, Any]:
    entities = [{"type": "bot_command", "offset": 0, "length": len(text)}] if text.startswith("/") else []
    base = {"message_id": 5, "date": 1_790_000_000, "chat": chat(chat_id), "from": user(sender), "text": text}
    return base | {"entities": entities} | more


def foreign(victim: int) -> dict[str, dict[str, Any]]:
    """Return updates that name the victim's chat but are not from the victim."""
    pdf = encode(SendPdf(1, "212380")) or ""
    lists = encode(ListInvoices(1)) or ""
    connected = {"business_connection_id": "b1"}
    return {
        "business message": {"business_message": message(victim, victim, **connected)},
        "business text": {"business_message": message(victim, victim, "212380", **connected)},
        "edited business message": {"edited_business_message": message(victim, victim, **connected)},
        "message with a connection": {"message": message(victim, victim, **connected)},
        "message of another person": {"message": message(victim, STRANGER)},
        "text of another person": {"message": message(victim, STRANGER, "212380")},
        "message without a person": {"message": {k: v for k, v in message(victim, 1).items() if k != "from"}},
        "channel post": {"channel_post": message(victim, victim)},
        "edited channel post": {"edited_channel_post": message(victim, victim)},
        "guest message": {"guest_message": message(victim, victim)},
        "inline query": {"inline_query": {"id": "1", "from": user(victim), "query": "212380", "offset": ""}},
        "chosen inline result": {"chosen_inline_result": {"result_id": "1", "from": user(victim), "query": "212380"}},
        "tap on an inline message": {
            "callback_query": {
                "id": "1", "from": user(victim), "chat_instance": "1", "inline_message_id": "i", "data": pdf,
            }
        },
        "tap of another person": {
            "callback_query": {
                "id": "1", "from": user(STRANGER), "chat_instance": "1", "data": lists, "message": message(victim, 1),
            }
        },
        "tap in a business chat": {
            "callback_query": {
                "id": "1", "from": user(victim), "chat_instance": "1", "data": lists,
                "message": message(victim, victim, **connected),
            }
        },
    }  # fmt: skip


NAMES = list(foreign(1))


async def handled(scene: Scene, update: dict[str, Any]) -> None:
    """Handle an update as if Telegram had sent it."""
    application = scene.components.application
    parsed = Update.de_json({"update_id": 1} | update, application.bot)
    await application.process_update(parsed)
    await application.bot_data.background.drain()


def bot_texts(person: Person) -> list[str]:
    return [message.text for message in person.chat().messages.values() if message.from_bot]


@pytest.mark.parametrize("name", NAMES)
async def test_update_of_another_context_reaches_no_data(scene: Scene, name: str) -> None:
    camille = await scene.linked()
    before = bot_texts(camille)
    scene.portal.log.clear()

    await handled(scene, foreign(camille.user_id)[name])

    assert bot_texts(camille) == before
    assert scene.portal.log.total == 0
    assert "212380" in (await scene.say(camille, "/factures")).text


async def test_own_message_is_answered(scene: Scene) -> None:
    """The control of the table above: the person's own update by the same path is answered."""
    camille = await scene.linked()
    before = len(bot_texts(camille))

    await handled(scene, {"message": message(camille.user_id, camille.user_id)})

    assert len(bot_texts(camille)) == before + 1


async def test_unlink_command_of_another_person_is_ignored(scene: Scene) -> None:
    camille = await scene.linked()
    for text in ("/delier", "/oublier"):
        await handled(scene, {"message": message(camille.user_id, STRANGER, text)})

    assert "212380" in (await scene.say(camille, "/factures")).text


async def test_only_four_update_types_are_requested() -> None:
    from bot.updates.polling import allowed_updates

    usual = ["callback_query", "edited_message", "message", "my_chat_member"]
    assert sorted(allowed_updates(inline=False)) == usual
    assert sorted(allowed_updates(inline=True)) == sorted([*usual, "inline_query"])
