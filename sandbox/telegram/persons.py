"""People who use bots: what they can do in their client, and waiting for what they see."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from sandbox.telegram.clock import unix
from sandbox.telegram.errors import SandboxMisuse
from sandbox.telegram.groups import membership
from sandbox.telegram.model import Change, Chat, Message
from sandbox.telegram.sending import Sender
from sandbox.telegram.taps import Tap, tap_button

if TYPE_CHECKING:
    from sandbox.telegram.bots import Bot
    from sandbox.telegram.groups import Group
    from sandbox.telegram.world import TelegramWorld

T = TypeVar("T")
DEFAULT_TIMEOUT = 5.0


class Person(Sender):
    """Somebody with a Telegram client; made by TelegramWorld.create_person.

    Everything a person does is sync and takes effect at once. The waiting methods look at what changed since the
    person last did something in that chat, so an answer that came before the wait began is found too.
    `bot` may be left out where there is only one.
    """

    def __init__(
        self,
        world: "TelegramWorld",
        user_id: int,
        first_name: str,
        last_name: str | None,
        username: str | None,
        language_code: str | None,
    ) -> None:
        self.world = world
        self.user_id = user_id
        self.first_name = first_name
        self.last_name = last_name
        self.username = username
        self.language_code = language_code
        self.blocked: set[Bot] = set()
        self.deactivated = False
        self._acted: dict[Chat, int] = {}

    def names(self) -> dict[str, Any]:
        """The name fields that a Chat and a User share."""
        names = {"first_name": self.first_name, "last_name": self.last_name, "username": self.username}
        return {key: value for key, value in names.items() if value}

    def user(self) -> dict[str, Any]:
        """The Bot API's User."""
        language = {"language_code": self.language_code} if self.language_code else {}
        return {"id": self.user_id, "is_bot": False, **self.names(), **language}

    def json(self) -> dict[str, Any]:
        """The person as the control API gives it."""
        return {
            "user_id": self.user_id,
            "first_name": self.first_name,
            "last_name": self.last_name,
            "username": self.username,
            "language_code": self.language_code,
            "deactivated": self.deactivated,
            "blocked": sorted(bot.username for bot in self.blocked),
            "chats": sorted(bot.username for bot in self.world.bots.values() if self.user_id in bot.private),
        }

    # What a person does, besides sending (see Sender).

    def start(self, payload: str | None = None, *, bot: "Bot | str | None" = None) -> Message:
        """Press Start, as a t.me link with `payload` leads to; unblocks first, as the client does."""
        found = self.world.bot(bot)
        if found in self.blocked:
            self.unblock(bot=found)
        return self.say(f"/start {payload}" if payload else "/start", bot=found)

    def tap(
        self,
        label: str | None = None,
        *,
        message: Message | None = None,
        data: str | None = None,
        row: int | None = None,
        column: int = 0,
        bot: "Bot | str | None" = None,
    ) -> Tap:
        """Tap a button by its label (or a part of it), its callback data, or where it stands.

        On the newest message of the bot that has such a button, or on `message`, old ones too. Raises SandboxMisuse
        where there is none, and for a button that opens a link.
        """
        chat = message.chat if message is not None else self.chat(bot)
        return tap_button(self, chat, message, label=label, data=data, row=row, column=column)

    def forge_tap(self, message: Message, data: str) -> Tap:
        """Send callback data that no button carries, as a hostile client can."""
        return Tap.send(self, message, data)

    def block(self, *, bot: "Bot | str | None" = None) -> None:
        """Stop the bot."""
        self._set_blocked(self.world.bot(bot), blocked=True)

    def unblock(self, *, bot: "Bot | str | None" = None) -> None:
        """Let the bot write again."""
        self._set_blocked(self.world.bot(bot), blocked=False)

    def _set_blocked(self, bot: "Bot", *, blocked: bool) -> None:
        if (bot in self.blocked) == blocked:
            raise SandboxMisuse(f"{self.first_name} {'has already' if blocked else 'has not'} blocked {bot.username}")
        chat = self.chat(bot)
        self.acts_in(chat)
        (self.blocked.add if blocked else self.blocked.discard)(bot)
        old, new = ("member", "kicked") if blocked else ("kicked", "member")
        bot.queue("my_chat_member", membership(chat, self.user(), bot, old, new), chat.chat_id)
        self.world.publish("person", lambda: {"person": self.json()}, bot=bot, chat=chat)

    def set_language(self, language_code: str | None) -> None:
        """Change the language of the client; the bot reads it in the next update."""
        self.language_code = language_code
        self.world.publish("person", lambda: {"person": self.json()})

    def deactivate(self) -> None:
        """Delete the Telegram account."""
        self.deactivated = True
        self.world.publish("person", lambda: {"person": self.json()})

    def edit(self, message: Message, text: str) -> Message:
        """Change the text or caption of an own message."""
        self._check_own(message)
        message.text, message.entities = self.typed(text)
        message.edit_date = unix(self.world.clock)
        message.edits += 1
        self.acts_in(message.chat)
        self.world.record(message.chat, "edit", message)
        self.announce(message, "edited_message")
        return message

    def delete(self, message: Message) -> None:
        """Delete any message of the private chat, or an own one in a group; bots are not told."""
        if message.chat.kind != "private":
            self._check_own(message)
        self.world.delete(message)

    def _check_own(self, message: Message) -> None:
        if message.sender["id"] != self.user_id or message.deleted:
            raise SandboxMisuse("that is not a message of this person")

    # What a person sees.

    def chat(self, bot: "Bot | str | None" = None) -> Chat:
        """The private chat with a bot. Raises SandboxMisuse where there is none yet."""
        found = self.world.bot(bot).private.get(self.user_id)
        if found is None:
            raise SandboxMisuse(f"{self.first_name} has no chat with the bot yet")
        return found

    def screen(self, *, bot: "Bot | str | None" = None) -> Message:
        """The newest message from the bot. Raises SandboxMisuse where there is none."""
        message = self.chat(bot).last_from_bot
        if message is None:
            raise SandboxMisuse("the bot has not written yet")
        return message

    def menu(self, *, bot: "Bot | str | None" = None) -> list[dict[str, Any]]:
        """The commands the client offers: the narrowest scope that has some, in the person's language before all."""
        commands = self.world.bot(bot).profile.commands
        for scope in (f"chat {self.user_id}", "all_private_chats", "default"):
            for language in (self.language_code or "", ""):
                if commands.get((scope, language[:2])):
                    return commands[scope, language[:2]]
        return []

    def acts_in(self, chat: Chat) -> None:
        """Later waits look at changes from here on."""
        self._acted[chat] = self.world.events.sequence

    def _place(self, bot: "Bot | str | None", group: "Group | None") -> Chat:
        return group.chat if group is not None else self.chat(bot)

    def _missed(self, what: str, chat: Chat, since: int, timeout: float) -> TimeoutError:
        seen = [(each.kind, each.message.text if each.message else each.data) for each in chat.since(since)]
        refused = [f"{each.method}: {each.description}" for each in self.world.log.find() if each.error_code][-3:]
        return TimeoutError(f"{self.first_name} saw no {what} in {timeout} s, but {seen}; refused calls: {refused}")

    async def _wait(
        self, what: str, chat: Chat, look: Callable[[Change], T | None], since: int | None, timeout: float
    ) -> T:
        since = self._acted.get(chat, 0) if since is None else since
        found = await chat.wait(look, since=since, timeout=timeout)
        if found is None:
            raise self._missed(what, chat, since, timeout)
        return found

    async def wait_for_message(
        self,
        containing: str = "",
        *,
        label: str = "",
        new: bool = False,
        count: int = 1,
        bot: "Bot | str | None" = None,
        group: "Group | None" = None,
        since: int | None = None,
        timeout: float = DEFAULT_TIMEOUT,
    ) -> Message:
        """The first message the bot sent or edited (`new`: only sent) whose text, buttons and file name fit.

        `containing` is looked for in the text and the file name, `label` in the buttons; `count` waits for that
        many. Raises TimeoutError that says what was seen instead.
        """
        chat = self._place(bot, group)
        since = self._acted.get(chat, 0) if since is None else since
        kinds = ("message",) if new else ("message", "edit")

        def fits(change: Change) -> bool:
            message = change.message
            if message is None or change.kind not in kinds or not message.from_bot:
                return False
            name = message.file.name if message.file else ""
            return containing in f"{message.text}\n{name}" and (
                not label or any(label in each for each in message.labels)
            )

        def look() -> Message | None:
            found = [change.message for change in chat.since(since) if fits(change)]
            return found[count - 1] if len(found) >= count else None

        found = await chat.changed.until(look, timeout)
        if found is None:
            raise self._missed(f"message with {containing!r} {label!r}", chat, since, timeout)
        return found

    async def wait_for_answer(self, tap: Tap, *, timeout: float = DEFAULT_TIMEOUT) -> dict[str, Any]:
        """The bot's answer to a tap: {"text": str, "show_alert": bool, "url": str}, empty where it has none."""

        def look(change: Change) -> dict[str, Any] | None:
            mine = change.kind == "answer" and change.data["query_id"] == tap.query_id
            return change.data["answer"] if mine else None

        return await self._wait("answer to the tap", tap.chat, look, tap.seq, timeout)

    async def wait_for_action(
        self, action: str = "", *, bot: "Bot | str | None" = None, timeout: float = DEFAULT_TIMEOUT
    ) -> str:
        """The chat action (typing, upload_document…) the bot showed."""

        def look(change: Change) -> str | None:
            return change.data["action"] if change.kind == "action" and action in change.data["action"] else None

        return await self._wait(f"action {action}", self._place(bot, None), look, None, timeout)

    async def wait_for_delete(self, message: Message, *, timeout: float = DEFAULT_TIMEOUT) -> None:
        """Until a message is gone."""
        if not await message.chat.changed.until(lambda: message.deleted or None, timeout):
            raise TimeoutError(f"the message {message.text!r} was not deleted in {timeout} s")

    async def hears_nothing(self, seconds: float = 0.2, *, bot: "Bot | str | None" = None) -> bool:
        """Whether nothing changes in the chat for that long, from now."""
        return not await self._place(bot, None).next_change(self.world.events.sequence, seconds)
