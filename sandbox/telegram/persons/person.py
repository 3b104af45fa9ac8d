"""People: what they do in their Telegram client, and waiting for what they see."""

from collections.abc import Callable
from typing import Any, TypeVar

from sandbox.telegram.clock import unix
from sandbox.telegram.errors import SandboxMisuse
from sandbox.telegram.model import forums
from sandbox.telegram.model.bots import Bot
from sandbox.telegram.model.chats import Change, Chat, Message
from sandbox.telegram.model.groups import Group, membership
from sandbox.telegram.persons.inline import InlineSender
from sandbox.telegram.persons.taps import Tap, tap_button

T = TypeVar("T")
DEFAULT_TIMEOUT = 20.0


class Person(InlineSender):
    """Somebody with a Telegram client. `TelegramWorld.create_person` creates one.

    Actions are synchronous and take effect at once. A wait looks at the changes since the person last acted in the
    chat, so it also finds an answer that came before the wait began. `bot` is optional when there is only one bot.
    """

    def json(self) -> dict[str, Any]:
        """Return the person as the control API does."""
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

    # Actions, besides sending (see Sender).

    def start(self, payload: str | None = None, *, bot: Bot | str | None = None) -> Message:
        """Press Start, with the `payload` of a t.me link. Unblocks the bot first, as the client does."""
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
        bot: Bot | str | None = None,
    ) -> Tap:
        """Tap a button, by its label or part of it, by its callback data, or by its position.

        The button is searched in `message`, which may be old, or in the bot's messages from the newest on.

        Raises:
            SandboxMisuse: There is no such button, or it opens a link.
        """
        chat = message.chat if message is not None else self.chat(bot)
        return tap_button(self, chat, message, label=label, data=data, row=row, column=column)

    def forge_tap(self, message: Message, data: str) -> Tap:
        """Send callback data that no button has, as a hostile client can."""
        return Tap.send(self, message, data)

    def block(self, *, bot: Bot | str | None = None) -> None:
        """Block the bot."""
        self._set_blocked(self.world.bot(bot), blocked=True)

    def unblock(self, *, bot: Bot | str | None = None) -> None:
        """Unblock the bot."""
        self._set_blocked(self.world.bot(bot), blocked=False)

    def _set_blocked(self, bot: Bot, *, blocked: bool) -> None:
        if (bot in self.blocked) == blocked:
            raise SandboxMisuse(f"{self.first_name} {'has already' if blocked else 'has not'} blocked {bot.username}")
        chat = self.chat(bot)
        self.acts_in(chat)
        (self.blocked.add if blocked else self.blocked.discard)(bot)
        old, new = ("member", "kicked") if blocked else ("kicked", "member")
        bot.queue("my_chat_member", membership(chat, self.user(), bot, old, new), chat.chat_id)
        self.world.publish("person", lambda: {"person": self.json()}, bot=bot.username, chat=chat)

    def set_language(self, language_code: str | None) -> None:
        """Change the language of the client. The next update tells the bot."""
        self.language_code = language_code
        self.world.publish("person", lambda: {"person": self.json()})

    def deactivate(self) -> None:
        """Delete the Telegram account."""
        self.deactivated = True
        self.world.publish("person", lambda: {"person": self.json()})

    def edit(self, message: Message, text: str) -> Message:
        """Edit the text or caption of a message of the person's own."""
        self._check_own(message)
        message.text, message.entities = self.parsed(text)
        message.edit_date = unix(self.world.clock)
        message.edits += 1
        self.acts_in(message.chat)
        self.world.record(message.chat, "edit", message)
        self.announce(message, "edited_message")
        return message

    def delete(self, message: Message) -> None:
        """Delete any message in a private chat, the person's own in a group. Bots get no update."""
        if message.chat.kind != "private":
            self._check_own(message)
        self.world.delete(message)

    def replace_photo(self, message: Message, content: bytes = b"\xff\xd8\xff\xe0", caption: str = "") -> Message:
        """Replace the picture of a photo of the person's own, and its caption."""
        self._check_own(message)
        file = self.world.files.add("Photo", "photo.jpg", content)
        file_id = self.world.files.id_for(file, self.world.bot().bot_id)
        message.media = message.media | {"photo": [{**file.json(file_id), "width": 90, "height": 90}]}
        message.file = file
        return self.edit(message, caption)

    def manage_topic(self, group: Group, topic: int, what: str) -> None:
        """Do what the menu of a topic has: `close`, `reopen` or `delete`. Bots hear of the first two."""
        if what == "delete":
            forums.delete_topic(self.world, group.chat, topic)
            return
        self.acts_in(group.chat)
        self.announce(forums.set_topic_open(self.world, group.chat, self.user(), topic, is_open=what == "reopen"))

    def _check_own(self, message: Message) -> None:
        if message.sender["id"] != self.user_id or message.deleted:
            raise SandboxMisuse("that is not a message of this person")

    # What the person sees.

    def chat(self, bot: Bot | str | None = None) -> Chat:
        """Return the private chat with a bot.

        Raises:
            SandboxMisuse: The person has not started the bot.
        """
        found = self.world.bot(bot).private.get(self.user_id)
        if found is None:
            raise SandboxMisuse(f"{self.first_name} has no chat with the bot yet")
        return found

    def screen(self, *, bot: Bot | str | None = None) -> Message:
        """Return the bot's newest message.

        Raises:
            SandboxMisuse: The bot has not written yet.
        """
        message = self.chat(bot).last_from_bot
        if message is None:
            raise SandboxMisuse("the bot has not written yet")
        return message

    def menu(self, *, bot: Bot | str | None = None) -> list[dict[str, Any]]:
        """Return the commands that the client offers: of the narrowest scope, then in the person's language."""
        commands = self.world.bot(bot).profile.commands
        for scope in (f"chat {self.user_id}", "all_private_chats", "default"):
            for language in (self.language_code or "", ""):
                if commands.get((scope, language[:2])):
                    return commands[scope, language[:2]]
        return []

    def _place(self, bot: Bot | str | None, group: Group | None) -> Chat:
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
        bot: Bot | str | None = None,
        group: Group | None = None,
        since: int | None = None,
        timeout: float = DEFAULT_TIMEOUT,
    ) -> Message:
        """Wait for a message that the bot sent or edited.

        Args:
            containing: Must be in the text or in the file name.
            label: Must be in the label of a button.
            new: Ignore edits.
            count: Wait for this many matching messages, and return the last of them.
            since: The change number to start after. None means the person's last action in the chat.
            timeout: In seconds.

        Raises:
            TimeoutError: No message matched. The error lists the changes in the chat.
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
        """Wait for the bot's answer to a tap.

        Returns:
            {"text": str, "show_alert": bool, "url": str}
        """

        def look(change: Change) -> dict[str, Any] | None:
            mine = change.kind == "answer" and change.data["query_id"] == tap.query_id
            return change.data["answer"] if mine else None

        return await self._wait("answer to the tap", tap.chat, look, tap.seq, timeout)

    async def wait_for_action(
        self, action: str = "", *, bot: Bot | str | None = None, timeout: float = DEFAULT_TIMEOUT
    ) -> str:
        """Wait for a chat action (typing, upload_document…) and return it."""

        def look(change: Change) -> str | None:
            return change.data["action"] if change.kind == "action" and action in change.data["action"] else None

        return await self._wait(f"action {action}", self._place(bot, None), look, None, timeout)

    async def wait_for_delete(self, message: Message, *, timeout: float = DEFAULT_TIMEOUT) -> None:
        """Wait until a message is deleted."""
        if not await message.chat.changed.until(lambda: message.deleted or None, timeout):
            raise TimeoutError(f"the message {message.text!r} was not deleted in {timeout} s")

    async def hears_nothing(self, seconds: float = 0.2, *, bot: Bot | str | None = None) -> bool:
        """Whether the chat stays unchanged for `seconds` from now."""
        return not await self._place(bot, None).next_change(self.world.events.sequence, seconds)
