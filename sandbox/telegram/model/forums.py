"""The topics of a forum: created, renamed, closed, reopened and deleted, by a bot or by a person."""

from typing import Any

from sandbox.telegram.clock import unix
from sandbox.telegram.errors import bad_request
from sandbox.telegram.model.chats import Chat, Message
from sandbox.telegram.model.state import TelegramState

ICON_COLOR = 0x6FB9F0
"""The color of a topic whose creator chose none."""


def create_topic(state: TelegramState, chat: Chat, sender: dict[str, Any], name: str) -> Message:
    """Create a topic. Returns: its first message, whose id is the id of the topic."""
    created = Message(chat, chat.number(), unix(state.clock), sender)
    created.topic = created.message_id
    created.media = {"forum_topic_created": {"name": name, "icon_color": ICON_COLOR}}
    chat.open_topic(created.message_id)
    chat.topic_names[created.message_id] = name
    chat.add(created)
    state.record(chat, "message", created)
    return created


def rename_topic(state: TelegramState, chat: Chat, sender: dict[str, Any], topic: int, name: str) -> Message:
    """Rename a topic. Returns: the service message.

    Raises:
        ApiError: 400, there is no such topic, or it has this name.
    """
    _check_known(chat, topic)
    if chat.topic_names.get(topic) == name:
        raise bad_request("TOPIC_NOT_MODIFIED")
    chat.topic_names[topic] = name
    return state.post(chat, sender, media={"forum_topic_edited": {"name": name}}, topic=topic)


def set_topic_open(state: TelegramState, chat: Chat, sender: dict[str, Any], topic: int, *, is_open: bool) -> Message:
    """Close or reopen a topic. Returns: the service message.

    Raises:
        ApiError: 400, there is no such topic, or nothing would change.
    """
    _check_known(chat, topic)
    if chat.topics[topic] is is_open:
        raise bad_request("TOPIC_NOT_MODIFIED")
    chat.open_topic(topic, is_open=is_open)
    return state.post(
        chat, sender, media={"forum_topic_reopened" if is_open else "forum_topic_closed": {}}, topic=topic
    )


def delete_topic(state: TelegramState, chat: Chat, topic: int) -> None:
    """Delete a topic and its messages. Bots get no update.

    Raises:
        ApiError: 400, there is no such topic.
    """
    _check_known(chat, topic)
    del chat.topics[topic]
    chat.topic_names.pop(topic, None)
    for message in [each for each in chat.visible if each.topic == topic]:
        state.delete(message)


def _check_known(chat: Chat, topic: int) -> None:
    if topic not in chat.topics:
        raise bad_request("TOPIC_ID_INVALID")
