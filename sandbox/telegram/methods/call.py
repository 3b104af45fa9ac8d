"""A checked call of a Bot API method, and the table of implemented methods."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.telegram.errors import bad_request, forbidden
from sandbox.telegram.model.bots import Bot
from sandbox.telegram.model.chats import Chat
from sandbox.telegram.model.groups import Group
from sandbox.telegram.spec.methods import UploadedFile
from sandbox.telegram.world import TelegramWorld


@dataclass(slots=True)
class Call:
    """A call whose parameters have their documented types. The method checks everything beyond types."""

    world: TelegramWorld
    bot: Bot
    values: dict[str, Any]
    files: Mapping[str, UploadedFile]

    def get(self, name: str, default: Any = None) -> Any:
        """Return a parameter, or `default` when it is missing."""
        return self.values.get(name, default)

    def find_chat(self, chat_id: int | str) -> Chat:
        """Return a chat that the bot may read.

        Raises:
            ApiError: The bot knows no such chat.
        """
        chat = self.bot.private.get(chat_id) if isinstance(chat_id, int) else None
        if chat is None and isinstance(chat_id, int):
            group = self.world.groups.get(chat_id)
            chat = group.chat if group is not None and group.knows(self.bot) else None
        if chat is None:
            raise bad_request("chat not found")
        return chat

    def forum(self) -> Group:
        """Return the forum of `chat_id`, whose topics the bot may manage.

        Raises:
            ApiError: The bot may not write there, it is no forum, or the bot has no such right.
        """
        chat = self.chat_to_write(self.values["chat_id"])
        group = self.world.groups.get(chat.chat_id)
        if group is None or not group.is_forum:
            raise bad_request("the chat is not a forum")
        if self.bot not in group.manages_topics:
            raise bad_request("not enough rights to manage topics in the chat")
        return group

    def chat_to_write(self, chat_id: int | str) -> Chat:
        """Return a chat that the bot may send to.

        Raises:
            ApiError: The bot may not send there; the description is Telegram's reason.
        """
        person = self.world.persons.get(chat_id) if isinstance(chat_id, int) else None
        if person is not None and chat_id not in self.bot.private:
            raise forbidden("bot can't initiate conversation with a user")
        chat = self.find_chat(chat_id)
        if person is not None:
            if person.deactivated:
                raise forbidden("user is deactivated")
            if self.bot in person.blocked:
                raise forbidden("bot was blocked by the user")
        group = self.world.groups.get(chat.chat_id)
        if group is not None:
            group.check_writable(self.bot)
        return chat


@dataclass(frozen=True, slots=True)
class Described:
    """A result with a description next to it, as in the answer of setWebhook."""

    result: object
    description: str


Method = Callable[[Call], Awaitable[object]]
METHODS: dict[str, Method] = {}


def method(name: str) -> Callable[[Method], Method]:
    """Register the implementation of a method under its documented name."""

    def register(implementation: Method) -> Method:
        METHODS[name.lower()] = implementation
        return implementation

    return register
