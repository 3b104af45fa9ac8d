"""Finds the bots, people, chats and messages that a request to the control API names."""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request

from sandbox.telegram.model.chats import Chat, Message
from sandbox.telegram.persons.person import Person
from sandbox.telegram.world import TelegramWorld

Body = dict[str, Any]
Handler = Callable[[TelegramWorld, Request, Body], Awaitable[object]]
MOST_WAIT = 60.0


class NotFound(Exception):
    """No such person, chat, message, group, file or action exists. The control API answers 404."""


def seconds(request: Request, name: str = "wait") -> float:
    """Return a waiting time from the query, at most 60 s; 0 when it is missing."""
    return min(MOST_WAIT, float(request.query_params.get(name, 0)))


def person_of(world: TelegramWorld, request: Request) -> Person:
    """Return the person in the path.

    Raises:
        NotFound: No person has this id.
    """
    person = world.persons.get(int(request.path_params["person"]))
    if person is None:
        raise NotFound(f"person {request.path_params['person']}")
    return person


def chat_of(world: TelegramWorld, chat_id: int, bot: str | None) -> Chat:
    """Return a group, or a person's private chat with a bot.

    Raises:
        NotFound: No chat has this id.
    """
    group = world.groups.get(chat_id)
    chat = group.chat if group is not None else world.bot(bot).private.get(chat_id)
    if chat is None:
        raise NotFound(f"chat {chat_id}")
    return chat


def message_of(chat: Chat, message_id: object) -> Message:
    """Return a message of a chat. Deleted messages count.

    Raises:
        NotFound: No message has this id.
    """
    message = chat.messages.get(int(str(message_id)))
    if message is None:
        raise NotFound(f"message {message_id}")
    return message
