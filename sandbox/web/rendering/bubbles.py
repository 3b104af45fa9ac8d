"""Messages as a client shows them: entities as safe HTML, keyboards, dates."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

from markupsafe import Markup, escape

from sandbox.telegram.model.chats import Chat, Message
from sandbox.web.rendering.rich import rich_as_html
from sandbox.web.rendering.views import moment

SHOWN = 100

_TAGS = {
    "bold": ("<b>", "</b>"),
    "italic": ("<i>", "</i>"),
    "underline": ("<u>", "</u>"),
    "strikethrough": ("<s>", "</s>"),
    "code": ("<code>", "</code>"),
    "pre": ('<code class="block">', "</code>"),
    "blockquote": ('<q class="quote">', "</q>"),
    "expandable_blockquote": ('<q class="quote">', "</q>"),
    "spoiler": ('<span class="spoiler" role="button" tabindex="0" aria-expanded="false">', "</span>"),
    "bot_command": ('<button type="button" class="command">', "</button>"),
    "hashtag": ('<span class="tag">', "</span>"),
    "mention": ('<span class="tag">', "</span>"),
    "text_mention": ('<span class="tag">', "</span>"),
}


@dataclass(frozen=True, slots=True)
class Key:
    """One inline button. `act` is tap, link, copy, or none when the page cannot do the action; `style` may be empty."""

    label: str
    act: str
    row: int
    column: int
    value: str
    style: str = ""


@dataclass(frozen=True, slots=True)
class Bubble:
    """A message for its template. `day` is set on the first message of a day."""

    message: Message
    html: Markup
    rich: Markup
    keyboard: list[list[Key]]
    day: date | None

    @property
    def name(self) -> str:
        """The message's id in the page."""
        return _name(self.message)

    @property
    def is_ours(self) -> bool:
        """Whether the person sent it, not the bot."""
        return not self.message.from_bot

    @property
    def kind(self) -> str:
        """text, document, photo, sticker, voice, location, contact, or other."""
        for kind in ("document", "photo", "sticker", "voice", "location", "contact"):
            if kind in self.message.media:
                return kind
        return "other" if self.message.media else "text"


def bubbles(chat: Chat, before: int | None = None, most: int = SHOWN) -> tuple[list[Bubble], int]:
    """Return the last messages (before a message id, if given), oldest first, and the number of older ones."""
    visible = [each for each in chat.visible if before is None or each.message_id < before]
    first = max(0, len(visible) - most)
    earlier = [None, *visible][first : first + 1]
    return list(_following(earlier[0], visible[first:])), first


def changed_bubbles(chat: Chat, messages: Iterable[Message]) -> list[Bubble]:
    """Return the given messages of a chat, in order."""
    wanted = {message.message_id for message in messages}
    visible: list[Message | None] = [None, *chat.visible]
    return [
        _bubble(before, each) for before, each in pairwise(visible) if each is not None and each.message_id in wanted
    ]


def _following(before: Message | None, messages: list[Message]) -> Iterable[Bubble]:
    for message in messages:
        yield _bubble(before, message)
        before = message


def _bubble(before: Message | None, message: Message) -> Bubble:
    day = moment(message.date).date()
    begins = before is None or moment(before.date).date() != day
    html, rich = entities_as_html(message.text, message.entities), rich_as_html(message, _name(message))
    return Bubble(message, html, rich, _keyboard(message), day if begins else None)


def _name(message: Message) -> str:
    return f"m-{message.chat.chat_id}-{message.message_id}"


def entities_as_html(text: str, entities: list[dict[str, Any]]) -> Markup:
    """Return the text with its entities (offsets in UTF-16 units, nested) as HTML. The rest is escaped."""
    opening: dict[int, list[str]] = {}
    closing: dict[int, list[str]] = {}
    units = text.encode("utf-16-le", "surrogatepass")
    for entity in entities:
        start, length = entity["offset"], entity["length"]
        content = units[2 * start : 2 * (start + length)].decode("utf-16-le", "replace")
        before, after = _tags(entity, content)
        opening.setdefault(start, []).append(before)
        closing.setdefault(start + length, []).insert(0, after)
    pieces: list[str] = []
    offset = 0
    for character in text:
        pieces += closing.pop(offset, ())
        pieces += opening.pop(offset, ())
        pieces.append(str(escape(character)))
        offset += 2 if character > "\uffff" else 1
    return Markup("".join([*pieces, *closing.get(offset, ())]))  # noqa: S704 (escaped above)


def _tags(entity: dict[str, Any], content: str) -> tuple[str, str]:
    kind = entity["type"]
    if kind == "text_link":
        return _link(entity["url"])
    if kind == "url":
        return _link(content if "://" in content else f"https://{content}")
    if kind == "email":
        return '<span class="tag">', "</span>"
    return _TAGS.get(kind, ("", ""))


def _link(url: str) -> tuple[str, str]:
    if urlsplit(url).scheme not in ("http", "https"):
        return '<span class="tag">', "</span>"
    return f'<a href="{escape(url)}" target="_blank" rel="noopener noreferrer">', "</a>"


def _keyboard(message: Message) -> list[list[Key]]:
    rows = message.reply_markup["inline_keyboard"] if message.reply_markup else []
    first = len(message.buttons) - len(rows)  # the buttons in a rich message are rows before it
    return [[_key(button, y, x) for x, button in enumerate(row)] for y, row in enumerate(rows, first)]


def _key(button: dict[str, Any], row: int, column: int) -> Key:
    act, value = "none", ""
    if "callback_data" in button:
        act = "tap"
    elif "copy_text" in button:
        act, value = "copy", button["copy_text"]["text"]
    elif urlsplit(button.get("url", "")).scheme in ("http", "https"):
        act, value = "link", button["url"]
    return Key(button["text"], act, row, column, value, button.get("style", ""))
