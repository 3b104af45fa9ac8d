"""A bot as Telegram knows it: who it is, its chats, its updates, its menus."""

import re
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

from sandbox.telegram.errors import SandboxMisuse, bad_request, forbidden
from sandbox.telegram.limits import SendRates
from sandbox.telegram.model import Chat, Message
from sandbox.telegram.updates import UpdateQueue
from sandbox.telegram.webhook import Webhook

if TYPE_CHECKING:
    from sandbox.telegram.persons import Person
    from sandbox.telegram.world import TelegramWorld

TOKEN = re.compile(r"\d{1,20}:[A-Za-z0-9_\-]+")


@dataclass(slots=True)
class CallbackQuery:
    """A tap that waits for answerCallbackQuery; `answered_at` is unix seconds."""

    query_id: str
    chat: Chat
    person: "Person"
    message: Message
    data: str
    created: float
    answer: dict[str, Any] | None = None


@dataclass
class Profile:
    """What the set-My methods set, by language code ('' is for all)."""

    names: dict[str, str] = field(default_factory=dict)
    descriptions: dict[str, str] = field(default_factory=dict)
    short_descriptions: dict[str, str] = field(default_factory=dict)
    commands: dict[tuple[str, str], list[dict[str, Any]]] = field(default_factory=dict)  # (scope, language)
    menu_buttons: dict[int, dict[str, Any]] = field(default_factory=dict)  # 0 is the default


class Bot:
    """One bot of the sandbox; made by TelegramWorld.create_bot."""

    def __init__(self, world: "TelegramWorld", token: str, username: str, first_name: str) -> None:
        if not TOKEN.fullmatch(token):
            raise SandboxMisuse("a bot token is digits, a colon, then letters, digits, _ or -")
        self.world = world
        self.token = token
        self.bot_id = int(token.partition(":")[0])
        self.username = username
        self.first_name = first_name
        self.reads_all_group_messages = False
        self.private: dict[int, Chat] = {}
        self.updates = UpdateQueue(world.clock, world.settings)
        self.webhook = Webhook(self)
        self.rates = SendRates(world.settings)
        self.profile = Profile()
        self.queries: dict[str, CallbackQuery] = {}
        self.numbers = count(1)  # private chats of one bot number their messages together

    def user(self) -> dict[str, Any]:
        """The bot as the sender of a message."""
        return {"id": self.bot_id, "is_bot": True, "first_name": self.first_name, "username": self.username}

    def me(self) -> dict[str, Any]:
        """What getMe answers."""
        return {
            **self.user(),
            "can_join_groups": True,
            "can_read_all_group_messages": self.reads_all_group_messages,
            "supports_inline_queries": False,
            "can_connect_to_business": False,
            "has_main_web_app": False,
        }

    def chat_with(self, person: "Person") -> Chat:
        """The private chat, opened where the person had none with this bot."""
        chat = self.private.get(person.user_id)
        if chat is None:
            chat = Chat(
                person.user_id,
                "private",
                person.names,
                lambda: next(self.numbers),
                self.world.settings.keep_messages,
                self,
            )
            self.private[person.user_id] = chat
            self.world.publish("chat", lambda: {"chat": chat.json()}, bot=self, chat=chat)
        return chat

    def find_chat(self, chat_id: int | str) -> Chat:
        """A chat the bot may look at. Raises ApiError: chat not found."""
        chat = self.private.get(chat_id) if isinstance(chat_id, int) else None
        if chat is None and isinstance(chat_id, int):
            group = self.world.groups.get(chat_id)
            chat = group.chat if group is not None and group.knows(self) else None
        if chat is None:
            raise bad_request("chat not found")
        return chat

    def chat_to_write(self, chat_id: int | str) -> Chat:
        """A chat the bot may send to. Raises ApiError with Telegram's reason where it may not."""
        person = self.world.persons.get(chat_id) if isinstance(chat_id, int) else None
        if person is not None and chat_id not in self.private:
            raise forbidden("bot can't initiate conversation with a user")
        chat = self.find_chat(chat_id)
        if person is not None:
            if person.deactivated:
                raise forbidden("user is deactivated")
            if self in person.blocked:
                raise forbidden("bot was blocked by the user")
        group = self.world.groups.get(chat.chat_id)
        if group is not None:
            group.check_writable(self)
        return chat

    def take_query(self, query_id: str) -> CallbackQuery | None:
        """The query if it can still be answered: known, not answered yet, young enough."""
        query = self.queries.get(query_id)
        if query is None or query.answer is not None:
            return None
        age = self.world.clock.now().timestamp() - query.created
        return query if age <= self.world.settings.callback_life_seconds else None

    def queue(self, kind: str, content: dict[str, Any], chat_id: int) -> None:
        """Queue an update for this bot."""
        settings = self.world.settings
        lives = settings.callback_wait_seconds if kind == "callback_query" else settings.update_wait_seconds
        line = "message" if kind.endswith("message") else kind
        self.updates.add(kind, content, (line, chat_id), lives)
