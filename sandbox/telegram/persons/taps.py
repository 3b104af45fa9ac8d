"""Taps on inline buttons: the search for the button, and the bot's callback query."""

from dataclasses import dataclass
from typing import Any

from sandbox.telegram.errors import SandboxMisuse
from sandbox.telegram.model.bots import CallbackQuery
from sandbox.telegram.model.chats import Button, Chat, Message
from sandbox.telegram.persons.sending import Sender


@dataclass(frozen=True, slots=True)
class Tap:
    """A tap. `seq` is the number of its change in the chat."""

    query_id: str
    chat: Chat
    message: Message
    data: str
    seq: int

    @classmethod
    def send(cls, person: Sender, message: Message, data: str) -> "Tap":
        """Queue the callback query of a tap, with any data. A deleted message becomes an InaccessibleMessage."""
        world = person.world
        bot = next((each for each in world.bots.values() if each.bot_id == message.sender["id"]), None)
        if bot is None:
            raise SandboxMisuse("only messages of a bot have buttons")
        query = CallbackQuery(str(next(world.ids)), message.chat, message, data, world.clock.now().timestamp())
        _forget_old(bot.queries)
        bot.queries[query.query_id] = query
        person.acts_in(message.chat)
        seq = world.record(message.chat, "tap", message, query_id=query.query_id, callback_data=data).seq
        content = {
            "id": query.query_id,
            "from": person.user(),
            "message": _shown(message),
            "chat_instance": str(abs(hash((bot.bot_id, message.chat.chat_id))) or 1),
            "data": data,
        }
        bot.queue("callback_query", content, message.chat.chat_id)
        return cls(query.query_id, message.chat, message, data, seq)


def _shown(message: Message) -> dict[str, Any]:
    if message.deleted:
        return {"chat": message.chat.json(), "message_id": message.message_id, "date": 0}
    return message.payload()


def _forget_old(queries: dict[str, CallbackQuery], keep: int = 5_000) -> None:
    while len(queries) > keep:
        del queries[next(iter(queries))]


def tap_button(
    person: Sender,
    chat: Chat,
    message: Message | None,
    *,
    label: str | None,
    data: str | None,
    row: int | None,
    column: int,
) -> Tap:
    """Tap the button that the arguments describe. See Person.tap."""
    candidates = [message] if message is not None else [each for each in reversed(chat.visible) if each.from_bot]
    for each in candidates:
        if each.deleted:
            raise SandboxMisuse("that message is deleted")
        button = _find(each, label, data, row, column)
        if button is None:
            continue
        if button.callback_data is None:
            raise SandboxMisuse(
                f"{button.label!r} opens or copies {button.url or button.copied_text or 'something else'}; "
                "it can't be tapped for the bot"
            )
        return Tap.send(person, each, button.callback_data)
    seen = next((each.labels for each in candidates if each.labels), [])
    raise SandboxMisuse(f"no button with label {label!r}, data {data!r}, row {row}; the newest keyboard says {seen}")


def _find(message: Message, label: str | None, data: str | None, row: int | None, column: int) -> Button | None:
    rows = message.buttons
    if row is not None:
        return rows[row][column] if row < len(rows) and column < len(rows[row]) else None
    buttons = [button for each in rows for button in each]
    if data is not None:
        return next((button for button in buttons if button.callback_data == data), None)
    if label is None:
        raise SandboxMisuse("say which button: label, data, or row and column")
    exact = next((button for button in buttons if button.label == label), None)
    return exact or next((button for button in buttons if label in button.label), None)
