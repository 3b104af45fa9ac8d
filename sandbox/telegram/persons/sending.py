"""What people send: texts, files, locations, contacts, albums. Bots get each message as an update."""

from typing import Any

from sandbox.telegram.errors import SandboxMisuse
from sandbox.telegram.model.bots import Bot
from sandbox.telegram.model.chats import Chat, Message
from sandbox.telegram.model.groups import Group
from sandbox.telegram.model.registry import Registry
from sandbox.telegram.model.users import User
from sandbox.telegram.text.auto_entities import found_entities
from sandbox.telegram.text.formatting import TEXT_LIMIT, clean
from sandbox.telegram.text.html_entities import Entity

PHOTO_SIDE = 90


class Sender(User):
    """A user who sends messages. Every `send_` method takes `bot` or `group`, and returns the message.

    `bot` is a bot, its token or its username; it may be left out when there is only one bot.
    """

    def __init__(
        self,
        world: Registry,
        user_id: int,
        first_name: str,
        last_name: str | None,
        username: str | None,
        language_code: str | None,
    ) -> None:
        super().__init__(user_id, first_name, last_name, username, language_code)
        self.world = world
        self.blocked: set[Bot] = set()
        self.shows_rich = True  # False: a client that shows a placeholder for rich messages
        self._acted: dict[Chat, int] = {}  # the newest event number when the person last acted in a chat

    def acts_in(self, chat: Chat) -> None:
        """Note that the person acts in a chat. Later waits look at the changes from here on."""
        self._acted[chat] = self.world.events.sequence

    def say(
        self,
        text: str,
        *,
        bot: Bot | str | None = None,
        group: Group | None = None,
        reply_to: Message | None = None,
        topic: int | None = None,
        forwarded_from: str = "",
    ) -> Message:
        """Send a text, or forward one; ``topic`` is a topic of the chat, see `Chat.open_topic`."""
        cleaned, entities = self.parsed(text)
        if not cleaned or len(cleaned) > TEXT_LIMIT:
            raise SandboxMisuse("a client sends 1 to 4096 characters")
        return self._send(
            bot, group, text=cleaned, entities=entities, reply_to=reply_to, topic=topic, forwarded_from=forwarded_from
        )

    def send_document(
        self,
        file_name: str = "document.pdf",
        content: bytes = b"%PDF-1.7\n",
        *,
        mime_type: str = "",
        size: int | None = None,
        caption: str = "",
        bot: Bot | str | None = None,
        group: Group | None = None,
        topic: int | None = None,
    ) -> Message:
        """Send a file. `size` claims another size than the content's."""
        return self._send_file(
            "Document", file_name, content, bot, group, caption=caption, mime_type=mime_type, size=size, topic=topic
        )

    def send_photo(
        self,
        content: bytes = b"\xff\xd8\xff\xd9",
        *,
        caption: str = "",
        bot: Bot | str | None = None,
        group: Group | None = None,
        topic: int | None = None,
    ) -> Message:
        """Send a photo."""
        return self._send_file("Photo", "photo.jpg", content, bot, group, caption=caption, topic=topic)

    def send_voice(
        self,
        content: bytes = b"OggS",
        *,
        seconds: int = 2,
        bot: Bot | str | None = None,
        group: Group | None = None,
        topic: int | None = None,
    ) -> Message:
        """Send a voice message."""
        return self._send_file("Voice", "voice.ogg", content, bot, group, shape={"duration": seconds}, topic=topic)

    def send_sticker(
        self,
        emoji: str = "👍",
        *,
        bot: Bot | str | None = None,
        group: Group | None = None,
        topic: int | None = None,
    ) -> Message:
        """Send a sticker."""
        shape = {
            "type": "regular",
            "emoji": emoji,
            "width": 512,
            "height": 512,
            "is_animated": False,
            "is_video": False,
        }
        return self._send_file("Sticker", "sticker.webp", b"RIFF", bot, group, shape=shape, topic=topic)

    def send_location(
        self,
        latitude: float = 45.5,
        longitude: float = -73.6,
        *,
        bot: Bot | str | None = None,
        group: Group | None = None,
        topic: int | None = None,
    ) -> Message:
        """Send a location."""
        return self._send(bot, group, media={"location": {"latitude": latitude, "longitude": longitude}}, topic=topic)

    def send_contact(
        self,
        phone_number: str = "+15145550100",
        *,
        first_name: str | None = None,
        user_id: int | None = None,
        bot: Bot | str | None = None,
        group: Group | None = None,
        topic: int | None = None,
    ) -> Message:
        """Send a contact card, by default the person's own."""
        contact = {"phone_number": phone_number, "first_name": first_name or self.first_name}
        if first_name is None or user_id is not None:
            contact["user_id"] = user_id or self.user_id  # type: ignore[assignment]
        return self._send(bot, group, media={"contact": contact}, topic=topic)

    def send_album(
        self,
        count: int = 3,
        *,
        caption: str = "",
        bot: Bot | str | None = None,
        group: Group | None = None,
        topic: int | None = None,
    ) -> list[Message]:
        """Send `count` photos as one album: messages with the same media_group_id."""
        if not 2 <= count <= 10:
            raise SandboxMisuse("an album has 2 to 10 photos")
        album = str(next(self.world.ids))
        return [
            self._send_file(
                "Photo",
                "photo.jpg",
                b"\xff\xd8\xff\xd9",
                bot,
                group,
                caption="" if index else caption,
                album=album,
                topic=topic,
            )
            for index in range(count)
        ]

    def send_invoice(
        self, *, bot: Bot | str | None = None, group: Group | None = None, topic: int | None = None
    ) -> Message:
        """Forward an invoice of another bot, which no bot can copy."""
        invoice = {"title": "x", "description": "y", "start_parameter": "z", "currency": "CAD", "total_amount": 100}
        return self._send(bot, group, media={"invoice": invoice}, topic=topic)

    def parsed(self, text: str) -> tuple[str, list[Entity]]:
        """Return a text as Telegram stores it, with the entities that Telegram finds."""
        cleaned, _ = clean(text, [])
        return cleaned, found_entities(cleaned)

    def announce(self, message: Message, kind: str = "message") -> None:
        """Queue a message of this person for the bots that receive it."""
        message.chat.hear(message, kind)

    def _send_file(
        self,
        kind: str,
        name: str,
        content: bytes,
        bot: Bot | str | None,
        group: Group | None,
        *,
        caption: str = "",
        mime_type: str = "",
        size: int | None = None,
        shape: dict[str, Any] | None = None,
        album: str | None = None,
        topic: int | None = None,
    ) -> Message:
        file = self.world.files.add(kind, name, content, mime_type, size)
        # In a group each bot has its own file_id. The sandbox gives all of them the first bot's.
        reader = self.world.bot(bot) if group is None else next(iter(group.status))
        basics = {**file.json(self.world.files.id_for(file, reader.bot_id)), **(shape or {})}
        value: Any = basics
        if kind == "Photo":
            value = [{**basics, "width": PHOTO_SIDE, "height": PHOTO_SIDE}]
        elif kind in ("Document", "Voice"):
            value = {**basics, "mime_type": file.mime_type}
            if kind == "Document":
                value["file_name"] = file.name
        media = {kind.lower(): value}
        if album is not None:
            media["media_group_id"] = album
        text, entities = self.parsed(caption)
        return self._send(bot, group, text=text, entities=entities, media=media, file=file, topic=topic)

    def _send(self, bot: Bot | str | None, group: Group | None, **content: Any) -> Message:
        if self.deactivated:
            raise SandboxMisuse(f"the account of {self.first_name} is deleted")
        if group is not None:
            if self not in group.members or group.migrated_to is not None:
                raise SandboxMisuse(f"{self.first_name} is not in the group, or the group has become a supergroup")
            chat = group.chat
        else:
            found = self.world.bot(bot)
            if found in self.blocked:
                raise SandboxMisuse(f"{self.first_name} has blocked {found.username}: unblock or start it first")
            chat = found.chat_with(self)
        self.acts_in(chat)
        message = self.world.post(chat, self.user(), **content)
        self.announce(message)
        return message
