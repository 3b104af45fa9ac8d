"""Groups and supergroups: who is in, what bots hear, and the move from one to the other."""

from itertools import count
from typing import TYPE_CHECKING, Any

from sandbox.telegram.clock import unix
from sandbox.telegram.errors import SandboxMisuse, bad_request, forbidden
from sandbox.telegram.model import Chat, Message
from sandbox.telegram.text import covered

if TYPE_CHECKING:
    from sandbox.telegram.bots import Bot
    from sandbox.telegram.persons import Person
    from sandbox.telegram.world import TelegramWorld


class Group:
    """A group chat; made by TelegramWorld.create_group."""

    def __init__(
        self, world: "TelegramWorld", title: str, members: "list[Person]", *, supergroup: bool, number: int
    ) -> None:
        if not members:
            raise SandboxMisuse("a group needs a person")
        self.world = world
        self.title = title
        self.members = list(members)
        self.status: dict[Bot, str] = {}  # member, left or kicked
        self.migrated_to: Group | None = None
        self._numbers = count(1)
        self.chat = Chat(
            -1_000_000_000_000 - number if supergroup else -number,
            "supergroup" if supergroup else "group",
            self._describe,
            lambda: next(self._numbers),
            world.settings.keep_messages,
        )
        self.number = number

    def _describe(self) -> dict[str, Any]:
        return {
            "title": self.title,
            **({} if self.chat.kind == "supergroup" else {"all_members_are_administrators": True}),
        }

    def knows(self, bot: "Bot") -> bool:
        """Whether the bot is or was in the group."""
        return bot in self.status

    def check_writable(self, bot: "Bot") -> None:
        """Raises ApiError where the bot may not write here."""
        if self.migrated_to is not None:
            raise bad_request(
                "group chat was upgraded to a supergroup chat",
                {"migrate_to_chat_id": self.migrated_to.chat.chat_id},
            )
        status = self.status.get(bot)
        if status == "kicked":
            raise forbidden(f"bot was kicked from the {self.chat.kind} chat")
        if status != "member":
            raise forbidden(f"bot is not a member of the {self.chat.kind} chat")

    def add_bot(self, bot: "Bot", by: "Person") -> None:
        """Somebody adds a bot."""
        self._set_status(bot, "member", by)

    def remove_bot(self, bot: "Bot", by: "Person") -> None:
        """Somebody removes a bot, which Telegram calls kicked."""
        self._set_status(bot, "kicked", by)

    def _set_status(self, bot: "Bot", status: str, by: "Person") -> None:
        old, self.status[bot] = self.status.get(bot, "left"), status
        bot.queue("my_chat_member", membership(self.chat, by.user(), bot, old, status), self.chat.chat_id)
        self.world.publish("chat", lambda: {"chat": self.chat.json(), "status": status}, bot=bot, chat=self.chat)

    def hear(self, message: Message, kind: str = "message") -> None:
        """Queue a person's message for the bots that Telegram lets hear it."""
        for bot, status in self.status.items():
            if status == "member" and self._hears(bot, message):
                bot.queue(kind, message.payload(), self.chat.chat_id)

    def _hears(self, bot: "Bot", message: Message) -> bool:
        if bot.reads_all_group_messages:
            return True
        if message.reply_to is not None and message.reply_to.sender["id"] == bot.bot_id:
            return True
        commands = [covered(message.text, each) for each in message.entities if each["type"] == "bot_command"]
        return any(addressed_to(command, bot.username) for command in commands)

    def migrate(self) -> "Group":
        """Become a supergroup: another chat id; the bots get both service messages."""
        if self.chat.kind != "group" or self.migrated_to is not None:
            raise SandboxMisuse("only a group that has not migrated can")
        new = Group(self.world, self.title, self.members, supergroup=True, number=self.number)
        new.status = dict(self.status)
        self.world.groups[new.chat.chat_id] = new
        self.migrated_to = new
        sender = self.members[0].user()
        for group, media in (
            (self, {"migrate_to_chat_id": new.chat.chat_id}),
            (new, {"migrate_from_chat_id": self.chat.chat_id}),
        ):
            message = self.world.post(group.chat, sender, media=media)
            for bot, status in group.status.items():
                if status == "member":
                    bot.queue("message", message.payload(), group.chat.chat_id)
        return new


def addressed_to(command: str, username: str) -> bool:
    """Whether a command in a group is for the bot: it names it, or names none."""
    _, at, name = command.partition("@")
    return not at or name.lower() == username.lower()


def membership(chat: Chat, by: dict[str, Any], bot: "Bot", old: str, new: str) -> dict[str, Any]:
    """The Bot API's ChatMemberUpdated about the bot itself."""

    def member(status: str) -> dict[str, Any]:
        until = {"until_date": 0} if status == "kicked" else {}
        return {"user": bot.user(), "status": status, **until}

    return {
        "chat": chat.json(),
        "from": by,
        "date": unix(bot.world.clock),
        "old_chat_member": member(old),
        "new_chat_member": member(new),
    }
