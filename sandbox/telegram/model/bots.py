"""A bot as Telegram stores it: identity, private chats, updates, profile and callback queries."""

import asyncio
import re
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from sandbox.telegram.errors import SandboxMisuse
from sandbox.telegram.model.chats import Chat, Message
from sandbox.telegram.model.rates import SendRates
from sandbox.telegram.model.state import TelegramState
from sandbox.telegram.model.updates import UpdateQueue
from sandbox.telegram.model.users import User
from sandbox.telegram.model.webhook import Webhook

TOKEN = re.compile(r"\d{1,20}:[A-Za-z0-9_\-]+")


@dataclass(slots=True)
class CallbackQuery:
    """A tap on an inline button. `created` is in unix seconds; `answer` is None until answerCallbackQuery."""

    query_id: str
    chat: Chat
    message: Message
    data: str
    created: float
    answer: dict[str, Any] | None = None


@dataclass(slots=True)
class InlineQuery:
    """What a person typed behind the bot's name. `created` is in unix seconds; `answered` is set with `answer`."""

    query_id: str
    person: User
    text: str
    created: float
    answer: dict[str, Any] | None = None
    answered: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass
class Profile:
    """What setMyCommands, setMyName and the like set, by language code; '' applies to all languages."""

    names: dict[str, str] = field(default_factory=dict)
    descriptions: dict[str, str] = field(default_factory=dict)
    short_descriptions: dict[str, str] = field(default_factory=dict)
    commands: dict[tuple[str, str], list[dict[str, Any]]] = field(default_factory=dict)  # (scope, language)
    menu_buttons: dict[int, dict[str, Any]] = field(default_factory=dict)  # by chat id; 0 is the default


class Bot:
    """One bot. `Registry.create_bot` creates it."""

    def __init__(self, state: TelegramState, token: str, username: str, first_name: str) -> None:
        if not TOKEN.fullmatch(token):
            raise SandboxMisuse("a bot token is digits, a colon, then letters, digits, _ or -")
        self.state = state
        self.token = token
        self.bot_id = int(token.partition(":")[0])
        self.username = username
        self.first_name = first_name
        self.reads_all_group_messages = False
        self.inline = False  # BotFather's /setinline
        self.private: dict[int, Chat] = {}
        self.updates = UpdateQueue(state.clock, state.settings)
        self.webhook = Webhook(token, state, self.updates)
        self.rates = SendRates(state.settings)
        self.profile = Profile()
        self.queries: dict[str, CallbackQuery] = {}
        self.inline_queries: dict[str, InlineQuery] = {}
        self.numbers = count(1)  # message ids: the private chats of a bot share one sequence

    def user(self) -> dict[str, Any]:
        """The bot as the sender of a message."""
        return {"id": self.bot_id, "is_bot": True, "first_name": self.first_name, "username": self.username}

    def me(self) -> dict[str, Any]:
        """What getMe answers."""
        return {
            **self.user(),
            "can_join_groups": True,
            "can_read_all_group_messages": self.reads_all_group_messages,
            "supports_inline_queries": self.inline,
            "can_connect_to_business": False,
            "has_main_web_app": False,
        }

    def chat_with(self, user: User) -> Chat:
        """Return the private chat with a user. Open it when there is none."""
        chat = self.private.get(user.user_id)
        if chat is None:
            chat = Chat(
                user.user_id,
                "private",
                user.names,
                lambda: next(self.numbers),
                self.state.settings.keep_messages,
                lambda message, kind: self.queue(kind, message.payload(), user.user_id),
                self.username,
            )
            self.private[user.user_id] = chat
            self.state.publish("chat", lambda: {"chat": chat.json()}, bot=self.username, chat=chat)
        return chat

    def take_query(self, query_id: str) -> CallbackQuery | None:
        """Return the query when it can be answered, None when it is unknown, answered or too old."""
        query = self.queries.get(query_id)
        if query is None or query.answer is not None:
            return None
        age = self.state.clock.now().timestamp() - query.created
        return query if age <= self.state.settings.callback_life_seconds else None

    def queue(self, kind: str, content: dict[str, Any], chat_id: int) -> None:
        """Queue an update for this bot. `kind` is its field in the Bot API's Update."""
        settings = self.state.settings
        lives = (
            settings.callback_wait_seconds
            if kind in ("callback_query", "inline_query")
            else settings.update_wait_seconds
        )
        line = "message" if kind.endswith("message") else kind
        self.updates.add(kind, content, (line, chat_id), lives)
