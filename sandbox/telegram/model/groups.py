"""Groups, supergroups and forums: members, administrators, the messages that bots receive, and the upgrade."""

from collections.abc import Sequence
from itertools import count
from typing import Any

from sandbox.telegram.clock import unix
from sandbox.telegram.errors import SandboxMisuse, bad_request, forbidden
from sandbox.telegram.model.bots import Bot
from sandbox.telegram.model.chats import Chat, Message
from sandbox.telegram.model.state import TelegramState
from sandbox.telegram.model.users import User
from sandbox.telegram.text.formatting import entity_text

INSIDE = ("member", "administrator")
_RIGHTS = (
    "can_be_edited", "is_anonymous", "can_manage_chat", "can_delete_messages", "can_manage_video_chats",
    "can_restrict_members", "can_promote_members", "can_change_info", "can_invite_users", "can_post_stories",
    "can_edit_stories", "can_delete_stories", "can_pin_messages",
)  # fmt: skip
"""The rights of a ChatMemberAdministrator beside ``can_manage_topics``."""


class Group:
    """A group chat. `Registry.create_group` creates it."""

    def __init__(
        self,
        state: TelegramState,
        groups: "dict[int, Group]",
        title: str,
        members: Sequence[User],
        *,
        supergroup: bool,
        number: int,
        forum: bool = False,
    ) -> None:
        """Create a group and add it to `groups`, the dictionary of all groups by chat id."""
        if not members:
            raise SandboxMisuse("a group needs a person")
        self.state = state
        self._groups = groups
        self.title = title
        self.members = list(members)
        self.status: dict[Bot, str] = {}  # member, administrator, left or kicked
        self.manages_topics: set[Bot] = set()
        self.is_forum = forum
        self.username = ""  # of a public group
        self.migrated_to: Group | None = None
        self._numbers = count(1)
        self.chat = Chat(
            -1_000_000_000_000 - number if supergroup else -number,
            "supergroup" if supergroup else "group",
            self._describe,
            lambda: next(self._numbers),
            state.settings.keep_messages,
            self.hear,
        )
        self.number = number
        groups[self.chat.chat_id] = self

    def _describe(self) -> dict[str, Any]:
        return {
            "title": self.title,
            **({"is_forum": True} if self.is_forum else {}),
            **({"username": self.username} if self.username else {}),
            **({} if self.chat.kind == "supergroup" else {"all_members_are_administrators": True}),
        }

    def knows(self, bot: Bot) -> bool:
        """Whether the bot is or was a member."""
        return bot in self.status

    def check_writable(self, bot: Bot) -> None:
        """Check that the bot may write here.

        Raises:
            ApiError: The bot is not a member (403), or the group was upgraded (400).
        """
        if self.migrated_to is not None:
            raise bad_request(
                "group chat was upgraded to a supergroup chat",
                {"migrate_to_chat_id": self.migrated_to.chat.chat_id},
            )
        status = self.status.get(bot)
        if status == "kicked":
            raise forbidden(f"bot was kicked from the {self.chat.kind} chat")
        if status not in INSIDE:
            raise forbidden(f"bot is not a member of the {self.chat.kind} chat")

    def add_bot(self, bot: Bot, by: User) -> None:
        """Add a bot."""
        self._set_status(bot, "member", by)

    def remove_bot(self, bot: Bot, by: User) -> None:
        """Remove a bot. Its status becomes kicked."""
        self._set_status(bot, "kicked", by)

    def promote(self, bot: Bot, by: User, *, manages_topics: bool = True) -> None:
        """Make a bot an administrator. Telegram lets it read every message then."""
        (self.manages_topics.add if manages_topics else self.manages_topics.discard)(bot)
        self._set_status(bot, "administrator", by)

    def demote(self, bot: Bot, by: User) -> None:
        """Make a bot a plain member."""
        self.manages_topics.discard(bot)
        self._set_status(bot, "member", by)

    def member(self, bot: Bot) -> dict[str, Any]:
        """Return the Bot API's ChatMember of a bot."""
        return described(bot, self.status[bot], manages_topics=bot in self.manages_topics)

    def _set_status(self, bot: Bot, status: str, by: User) -> None:
        old, self.status[bot] = self.status.get(bot, "left"), status
        bot.queue("my_chat_member", membership(self.chat, by.user(), bot, old, status), self.chat.chat_id)
        self.state.publish(
            "chat", lambda: {"chat": self.chat.json(), "status": status}, bot=bot.username, chat=self.chat
        )

    def hear(self, message: Message, kind: str = "message") -> None:
        """Queue a person's message for the bots that may read it (privacy mode)."""
        for bot, status in self.status.items():
            if status in INSIDE and self._hears(bot, message):
                bot.queue(kind, message.payload(), self.chat.chat_id)

    def _hears(self, bot: Bot, message: Message) -> bool:
        is_own_result = message.media.get("via_bot", {}).get("id") == bot.bot_id
        if bot.reads_all_group_messages or self.status[bot] == "administrator" or is_own_result:
            return True
        if message.reply_to is not None and message.reply_to.sender["id"] == bot.bot_id:
            return True
        commands = [entity_text(message.text, each) for each in message.entities if each["type"] == "bot_command"]
        return any(addressed_to(command, bot.username) for command in commands)

    def migrate(self) -> "Group":
        """Upgrade to a supergroup, which has another chat id. The bots get both service messages."""
        if self.chat.kind != "group" or self.migrated_to is not None:
            raise SandboxMisuse("only a group that has not migrated can")
        new = Group(self.state, self._groups, self.title, self.members, supergroup=True, number=self.number)
        new.status = dict(self.status)
        self.migrated_to = new
        sender = self.members[0].user()
        for group, media in (
            (self, {"migrate_to_chat_id": new.chat.chat_id}),
            (new, {"migrate_from_chat_id": self.chat.chat_id}),
        ):
            message = self.state.post(group.chat, sender, media=media)
            for bot, status in group.status.items():
                if status in INSIDE:
                    bot.queue("message", message.payload(), group.chat.chat_id)
        return new


def addressed_to(command: str, username: str) -> bool:
    """Whether a command in a group names the bot, or names none."""
    _, at, name = command.partition("@")
    return not at or name.lower() == username.lower()


def membership(chat: Chat, by: dict[str, Any], bot: Bot, old: str, new: str) -> dict[str, Any]:
    """Return the Bot API's ChatMemberUpdated about the bot itself."""

    return {
        "chat": chat.json(),
        "from": by,
        "date": unix(bot.state.clock),
        "old_chat_member": described(bot, old),
        "new_chat_member": described(bot, new),
    }


def described(bot: Bot, status: str, *, manages_topics: bool = True) -> dict[str, Any]:
    """Return the Bot API's ChatMember of a bot with a status."""
    more: dict[str, Any] = {"until_date": 0} if status == "kicked" else {}
    if status == "administrator":
        more = dict.fromkeys(_RIGHTS, False) | {"can_manage_topics": manages_topics}
    return {"user": bot.user(), "status": status, **more}
