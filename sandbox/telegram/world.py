"""The whole of a small Telegram: bots, persons, groups, files, faults, and everything that happened."""

from collections.abc import Callable
from itertools import count
from typing import Any

from sandbox.telegram.bots import Bot
from sandbox.telegram.clock import Clock, SandboxClock, unix
from sandbox.telegram.errors import SandboxMisuse
from sandbox.telegram.events import EventHub
from sandbox.telegram.faults import Faults
from sandbox.telegram.files import FileStore
from sandbox.telegram.groups import Group
from sandbox.telegram.model import Change, Chat, Message
from sandbox.telegram.persons import Person
from sandbox.telegram.request_log import RequestLog
from sandbox.telegram.settings import Settings
from sandbox.telegram.spec import load_spec
from sandbox.telegram.webhook import Execute

DEFAULT_TOKEN = "123456789:SANDBOX-token"


class TelegramWorld:
    """State and the persons' side; the Bot API's side is in the methods, over HTTP in `TelegramServer`."""

    def __init__(self, clock: Clock | None = None, settings: Settings | None = None) -> None:
        self.clock: Clock = clock or SandboxClock()
        self.settings = settings or Settings()
        self.spec = load_spec()
        self.bots: dict[str, Bot] = {}  # by token
        self.persons: dict[int, Person] = {}
        self.groups: dict[int, Group] = {}
        self.files = FileStore()
        self.faults = Faults()
        self.log = RequestLog(self.settings.log_requests)
        self.events = EventHub(self.clock)
        self.execute: Execute | None = None  # set by the application, which knows the methods
        self.ids = count(4_000_000_001)  # callback queries, media groups
        self._person_ids = count(50_001)
        self._group_ids = count(9_001)

    def create_bot(
        self,
        token: str = DEFAULT_TOKEN,
        username: str = "odobot",
        first_name: str = "Odobot",
    ) -> Bot:
        """A bot under a token; its id is the number before the colon."""
        bot = Bot(self, token, username, first_name)
        if token in self.bots or any(each.bot_id == bot.bot_id for each in self.bots.values()):
            raise SandboxMisuse("there is a bot with this token or id already")
        self.bots[token] = bot
        return bot

    def create_person(
        self,
        user_id: int | None = None,
        first_name: str = "Camille",
        last_name: str | None = None,
        username: str | None = None,
        language_code: str | None = "fr",
    ) -> Person:
        """A person; without `language_code` Telegram tells the bot no language."""
        if user_id is None:
            user_id = next(each for each in self._person_ids if each not in self.persons)
        if user_id in self.persons or not 0 < user_id < 1 << 52:
            raise SandboxMisuse(f"user id {user_id} is taken or not possible")
        person = Person(self, user_id, first_name, last_name, username, language_code)
        self.persons[user_id] = person
        self.publish("person", lambda: {"person": person.json()})
        return person

    def create_group(
        self, title: str, members: list[Person], bots: list[Bot] | None = None, *, supergroup: bool = False
    ) -> Group:
        """A group with these members; the bots in it are told by my_chat_member."""
        group = Group(self, title, members, supergroup=supergroup, number=next(self._group_ids))
        self.groups[group.chat.chat_id] = group
        for bot in self.bots.values() if bots is None else bots:
            group.add_bot(bot, members[0])
        return group

    def bot(self, which: "Bot | str | None" = None) -> Bot:
        """A bot by itself, its token or username; the only one where not said. Raises SandboxMisuse."""
        if isinstance(which, Bot):
            return which
        if which is None and len(self.bots) == 1:
            return next(iter(self.bots.values()))
        found = self.bots.get(which or "") or next(
            (each for each in self.bots.values() if each.username == which), None
        )
        if found is None:
            raise SandboxMisuse("say which bot: by token or username")
        return found

    def publish(
        self,
        kind: str,
        data: Callable[[], dict[str, Any]],
        *,
        bot: Bot | None = None,
        chat: Chat | None = None,
    ) -> int:
        """Number and announce something that happened; the number."""
        event = self.events.publish(
            kind, data, bot=bot.username if bot else None, chat_id=chat.chat_id if chat else None
        )
        return event.seq

    def record(self, chat: Chat, kind: str, message: Message | None = None, **data: Any) -> Change:
        """Note a change in a chat, wake who waits for one, and announce it."""
        change = Change(0, self.clock.now(), kind, message, data)
        change.seq = self.publish(kind, change.json, bot=chat.bot, chat=chat)
        chat.last_change = change.seq
        chat.changes.append(change)
        chat.changed.fire()
        return change

    def post(self, chat: Chat, sender: dict[str, Any], **content: Any) -> Message:
        """A new message in a chat, from whoever; updates are the caller's."""
        message = Message(chat, chat.number(), unix(self.clock), sender, **content)
        chat.add(message)
        self.record(chat, "message", message)
        return message

    def delete(self, message: Message) -> None:
        """Take a message away for everybody."""
        message.deleted = True
        self.record(message.chat, "delete", message)

    def close(self) -> None:
        """End everything that waits: polls, subscriptions. Webhooks are closed by the server."""
        self.faults.release()
        self.events.close()
        for bot in self.bots.values():
            bot.updates.end_poll(None)
