"""Chats, their messages and buttons, and the log of changes in a chat."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from sandbox.telegram.errors import SandboxMisuse
from sandbox.telegram.events import Signal
from sandbox.telegram.model.files import StoredFile
from sandbox.telegram.text.rendering import render_html
from sandbox.telegram.text.rich import buttons_in, text_of

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Button:
    """An inline button and its position. `callback_data`, `url` and `copied_text` are None for another action."""

    label: str
    row: int
    column: int
    callback_data: str | None
    url: str | None
    copied_text: str | None = None
    style: str | None = None


@dataclass(slots=True, eq=False)
class Message:
    """A message. When `media` has content in the Bot API's form, `text` is its caption.

    When `rich` has the blocks of a rich message, `text` is what a person reads in them.
    """

    chat: "Chat"
    message_id: int
    date: int
    sender: dict[str, Any]
    text: str = ""
    entities: list[dict[str, Any]] = field(default_factory=list)
    media: dict[str, Any] = field(default_factory=dict)
    file: StoredFile | None = None
    rich: list[dict[str, Any]] | None = None
    reply_markup: dict[str, Any] | None = None
    reply_to: "Message | None" = None
    topic: int | None = None
    """The id of the forum topic that the message is in, or None."""
    forwarded_from: str = ""
    """The name of the person who wrote what the sender forwards; empty for a message of the sender's own."""
    edit_date: int | None = None
    edits: int = 0
    deleted: bool = False
    pinned: bool = False
    reaction: str = ""
    """The bot's reaction to it, an emoji; empty for none."""

    @property
    def from_bot(self) -> bool:
        """Whether a bot sent the message."""
        return bool(self.sender["is_bot"])

    @property
    def html(self) -> str:
        """The text with its entities as HTML tags."""
        return render_html(self.text, self.entities)

    @property
    def buttons(self) -> list[list[Button]]:
        """The buttons in a rich message, each as a row, then the inline keyboard, row by row."""
        rows = [[button] for button in buttons_in(self.rich)]
        rows += self.reply_markup["inline_keyboard"] if self.reply_markup else []
        return [
            [
                Button(
                    text_of(button["text"]),
                    y,
                    x,
                    button.get("callback_data"),
                    button.get("url"),
                    button["copy_text"]["text"] if "copy_text" in button else None,
                    button.get("style"),
                )
                for x, button in enumerate(row)
            ]
            for y, row in enumerate(rows)
        ]

    @property
    def labels(self) -> list[str]:
        """The labels of the buttons in reading order."""
        return [button.label for row in self.buttons for button in row]

    def button(self, label: str) -> Button:
        """Return the button labelled `label`, else the first whose label contains it.

        Raises:
            SandboxMisuse: There is no such button.
        """
        buttons = [button for row in self.buttons for button in row]
        found = [button for button in buttons if button.label == label] or [
            button for button in buttons if label in button.label
        ]
        if not found:
            raise SandboxMisuse(f"no button says {label!r}; the buttons are {self.labels}")
        return found[0]

    def payload(self, *, with_reply: bool = True) -> dict[str, Any]:
        """Return the Bot API's Message."""
        caption = bool(self.media)
        result: dict[str, Any] = {
            "message_id": self.message_id,
            "from": self.sender,
            "chat": self.chat.json(),
            "date": self.date,
        }
        if self.edit_date is not None:
            result["edit_date"] = self.edit_date
        if self.forwarded_from:
            origin = {"type": "hidden_user", "date": self.date, "sender_user_name": self.forwarded_from}
            result["forward_origin"] = origin
        # In a forum, a message that replies to none replies to the first of its topic.
        first = self.chat.topic_names and self.topic not in (None, self.message_id) and self.chat.find(self.topic or 0)
        reply_to = self.reply_to or first or None
        if reply_to is not None and with_reply and not reply_to.deleted:
            result["reply_to_message"] = reply_to.payload(with_reply=False)
        if self.topic is not None:
            result |= {"message_thread_id": self.topic, "is_topic_message": True}
        result.update(self.media)
        if self.rich is not None:
            result["rich_message"] = {"blocks": self.rich}
        elif self.text:
            result["caption" if caption else "text"] = self.text
        if self.entities:
            result["caption_entities" if caption else "entities"] = self.entities
        if self.reply_markup:
            result["reply_markup"] = self.reply_markup
        return result

    def json(self) -> dict[str, Any]:
        """Return the message as a transcript does."""
        document = None
        if self.file is not None:
            document = {
                "kind": self.file.kind,
                "file_name": self.file.name,
                "size": self.file.size,
                "mime_type": self.file.mime_type,
                "file_id": _file_id(self.media),
                "file_unique_id": self.file.unique_id,
            }
        return {
            "message_id": self.message_id,
            "from": self.sender,
            "from_bot": self.from_bot,
            "date": self.date,
            "text": self.text,
            "html": self.html,
            "entities": self.entities,
            "rich": self.rich,
            "media": sorted(self.media),
            "document": document,
            "keyboard": [
                [
                    {
                        "label": each.label,
                        "callback_data": each.callback_data,
                        "url": each.url,
                        "copied_text": each.copied_text,
                        "style": each.style,
                    }
                    for each in row
                ]
                for row in self.buttons
            ],
            "reply_to": self.reply_to.message_id if self.reply_to else None,
            "topic": self.topic,
            "edit_date": self.edit_date,
            "edits": self.edits,
            "deleted": self.deleted,
            "pinned": self.pinned,
            "reaction": self.reaction,
        }


def _file_id(media: dict[str, Any]) -> str | None:
    for value in media.values():
        value = value[-1] if isinstance(value, list) and value else value
        if isinstance(value, dict) and "file_id" in value:
            return str(value["file_id"])
    return None


@dataclass(slots=True)
class Change:
    """A change that a person can see in a chat. `kind` is message, edit, delete, pin, action, answer or tap."""

    seq: int
    at: datetime
    kind: str
    message: Message | None
    data: dict[str, Any]

    def json(self) -> dict[str, Any]:
        """Return the change as the control API does."""
        shown = {"message": self.message.json()} if self.message is not None else {}
        return {"seq": self.seq, "at": self.at.isoformat(), "kind": self.kind, **shown, **self.data}


@dataclass(eq=False)
class Chat:
    """A private chat of one bot and one person, a group or a supergroup."""

    chat_id: int
    kind: str  # private, group or supergroup
    describe: Callable[[], dict[str, Any]]
    number: Callable[[], int]  # the next message id
    keep: int  # how many messages the chat keeps
    hear: Callable[[Message, str], None]  # queues a person's message for the bots, as an update of the given kind
    bot: str | None = None  # the bot's username in a private chat
    messages: dict[int, Message] = field(default_factory=dict)
    changes: deque[Change] = field(default_factory=lambda: deque(maxlen=20_000))
    changed: Signal = field(default_factory=Signal)
    last_change: int = 0
    topics: dict[int, bool] = field(default_factory=dict)  # by thread id: whether the topic is open
    topic_names: dict[int, str] = field(default_factory=dict)  # of a forum, by thread id

    def open_topic(self, topic: int, *, is_open: bool = True) -> None:
        """Create, close or reopen a topic, in a group or in a private chat with topics."""
        self.topics[topic] = is_open

    def json(self) -> dict[str, Any]:
        """Return the Bot API's Chat."""
        return {"id": self.chat_id, "type": self.kind, **self.describe()}

    def add(self, message: Message) -> None:
        """Add a message, and drop the oldest when there are more than `keep`."""
        self.messages[message.message_id] = message
        if len(self.messages) > self.keep:
            del self.messages[next(iter(self.messages))]

    def find(self, message_id: int) -> Message | None:
        """Return a message that exists and is not deleted, or None."""
        message = self.messages.get(message_id)
        return None if message is None or message.deleted else message

    def since(self, seq: int) -> list[Change]:
        """Return the changes with a number above `seq`, oldest first."""
        found = []
        for change in reversed(self.changes):
            if change.seq <= seq:
                break
            found.append(change)
        return found[::-1]

    @property
    def visible(self) -> list[Message]:
        """The messages that are not deleted, oldest first."""
        return [message for message in self.messages.values() if not message.deleted]

    @property
    def last_from_bot(self) -> Message | None:
        """The newest message of a bot that is not deleted, or None."""
        return next((each for each in reversed(self.messages.values()) if each.from_bot and not each.deleted), None)

    async def wait(self, look: Callable[[Change], T | None], *, since: int, timeout: float) -> T | None:
        """Wait for a change after `since` for which `look` returns something.

        Returns:
            The result of `look`, or None after `timeout` seconds.
        """

        def over_all() -> T | None:
            for change in self.since(since):
                found = look(change)
                if found is not None:
                    return found
            return None

        return await self.changed.until(over_all, timeout)

    async def next_change(self, since: int, timeout: float = 5.0) -> list[Change]:
        """Wait for changes after `since`. Returns an empty list after `timeout` seconds."""
        return await self.changed.until(lambda: self.since(since) or None, timeout) or []

    def transcript(self, since: int = 0) -> dict[str, Any]:
        """Return the chat as a person sees it. `timeline` holds the changes after `since` in order."""
        return {
            "chat": self.json(),
            "bot": self.bot,
            "seq": self.last_change,
            "messages": [message.json() for message in self.messages.values()],
            "timeline": [change.json() for change in self.since(since)],
        }
