"""Parses Telegram's HTML mode into text and entities, with Telegram's errors and byte offsets."""

import re
from dataclasses import dataclass
from typing import Any

from sandbox.telegram.text.links import checked_link, mentioned_user_id

Entity = dict[str, Any]

ENTITY_OF_TAG = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "span": "spoiler",
    "a": "text_link",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
    "tg-emoji": "custom_emoji",
    "tg-time": "date_time",
}
# The attribute of a tag that Telegram reads, and the prefix that its value needs.
ARGUMENT = {
    ("a", "href"): "",
    ("code", "class"): "language-",
    ("span", "class"): "tg-",
    ("tg-emoji", "emoji-id"): "",
    ("tg-time", "unix"): "",
}
NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
REFERENCE = re.compile(r"&(?:#x(?P<hex>[0-9a-fA-F]*)|#(?P<dec>[0-9]*)|(?P<name>[A-Za-z]*))")
SPACE = " \t\r\n\0\v"
MARKUP = re.compile(r"[<&]")
TAG_NAME = re.compile(rf"[^{SPACE}>]*")
SPACES = re.compile(rf"[{SPACE}]*")
ATTRIBUTE_NAME = re.compile(rf"[^{SPACE}=>/\"']*")
NAME_TOKEN = re.compile(r"[A-Za-z0-9.\-]*")


class HtmlError(ValueError):
    """Why the markup cannot be parsed, in Telegram's words, without the prefix `Can't parse entities: `."""


def utf16_length(text: str) -> int:
    """Return the length in UTF-16 code units, the unit of Telegram's offsets."""
    return len(text) if text.isascii() else len(text) + sum(character > "\uffff" for character in text)


@dataclass(slots=True)
class _Open:
    tag: str
    argument: str
    offset: int  # of the entity, in UTF-16 code units
    pieces: int  # number of text pieces before it


class _Parser:
    def __init__(self, html: str) -> None:
        self.html = html
        self.at = 0
        self.pieces: list[str] = []
        self.offset = 0
        self.open: list[_Open] = []
        self.entities: list[Entity] = []

    def parse(self) -> tuple[str, list[Entity]]:
        html = self.html
        while (found := MARKUP.search(html, self.at)) is not None:
            self._emit(html[self.at : found.start()])
            self.at = found.start()
            if found.group() == "&":
                self._reference()
            elif html.startswith("</", self.at):
                self._end_tag()
            else:
                self._start_tag()
        self._emit(html[self.at :])
        if self.open:
            raise HtmlError(f'Can\'t find end tag corresponding to start tag "{self.open[-1].tag}"')
        text = "".join(self.pieces)
        if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
            raise HtmlError(
                "Text contains invalid Unicode characters after decoding HTML entities, check for unmatched "
                "surrogate code units"
            )
        return text, self.entities

    def _emit(self, text: str) -> None:
        if text:
            self.pieces.append(text)
            self.offset += utf16_length(text)

    def _byte_offset(self, position: int) -> int:
        return len(self.html[:position].encode("utf-8", "surrogatepass"))

    def _reference(self) -> None:
        character, end = decode_reference(self.html, self.at)
        self._emit(character or "&")
        self.at = end if character else self.at + 1

    def _match(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.html, self.at)
        assert found is not None  # all of these patterns match the empty string
        self.at = found.end()
        return found.group()

    def _peek(self) -> str:
        """Return the next character; NUL at the end, as in the C string that Telegram reads."""
        return self.html[self.at] if self.at < len(self.html) else "\0"

    def _start_tag(self) -> None:
        begin = self._byte_offset(self.at)
        self.at += 1
        tag = self._match(TAG_NAME).lower()
        if self.at >= len(self.html):
            raise HtmlError(f"Unclosed start tag at byte offset {begin}")
        if tag not in ENTITY_OF_TAG:
            raise HtmlError(f'Unsupported start tag "{tag}" at byte offset {begin}')
        argument = ""
        while self._peek() != ">":
            self._match(SPACES)
            if self._peek() == ">":
                break
            argument = self._attribute(tag, begin) or argument
        self.at += 1
        if tag == "span" and argument != "spoiler":
            raise HtmlError(f'Tag "span" must have class "tg-spoiler" at byte offset {begin}')
        self.open.append(_Open(tag, argument, self.offset, len(self.pieces)))

    def _attribute(self, tag: str, begin: int) -> str:
        """Read one attribute. Returns its value if the tag uses it, else an empty string."""
        name = self._match(ATTRIBUTE_NAME)
        if not name:
            raise HtmlError(f'Empty attribute name in the tag "{tag}" at byte offset {begin}')
        self._match(SPACES)
        if self._peek() != "=":
            if self.at >= len(self.html):
                raise HtmlError(f'Unclosed start tag "{tag}" at byte offset {begin}')
            return "1" if (tag, name) == ("blockquote", "expandable") else ""
        self.at += 1
        self._match(SPACES)
        if self.at >= len(self.html):
            raise HtmlError(f'Unclosed start tag "{tag}" at byte offset {begin}')
        value = self._attribute_value()
        if self.at >= len(self.html):
            raise HtmlError(f"Unclosed start tag at byte offset {begin}")
        if (tag, name) == ("blockquote", "expandable"):
            return "1"
        prefix = ARGUMENT.get((tag, name))
        return value[len(prefix) :] if prefix is not None and value.startswith(prefix) else ""

    def _attribute_value(self) -> str:
        quote = self._peek()
        if quote not in "'\"":
            start = self._byte_offset(self.at)
            value = self._match(NAME_TOKEN).lower()
            if self._peek() not in SPACE + ">":
                raise HtmlError(f"Unexpected end of name token at byte offset {start}")
            return value
        self.at += 1
        end = self.html.find(quote, self.at)
        raw = self.html[self.at : end if end >= 0 else len(self.html)]
        self.at = end + 1 if end >= 0 else len(self.html)
        return decode_references(raw)

    def _end_tag(self) -> None:
        begin = self._byte_offset(self.at)
        if not self.open:
            raise HtmlError(f"Unexpected end tag at byte offset {begin}")
        self.at += 2
        tag = self._match(TAG_NAME).lower()
        self._match(SPACES)
        if self._peek() != ">":
            raise HtmlError(f"Unclosed end tag at byte offset {begin}")
        opened = self.open[-1]
        if tag and tag != opened.tag:
            raise HtmlError(f'Unmatched end tag at byte offset {begin}, expected "</{opened.tag}>", found "</{tag}>"')
        self.at += 1
        self.open.pop()
        if self.offset > opened.offset:
            self._close(opened)

    def _close(self, opened: _Open) -> None:
        entity: Entity = {
            "type": ENTITY_OF_TAG[opened.tag],
            "offset": opened.offset,
            "length": self.offset - opened.offset,
        }
        if opened.tag == "a":
            target = opened.argument or "".join(self.pieces[opened.pieces :])
            if not _link(entity, target):
                return
        elif opened.tag == "tg-emoji":
            if not re.fullmatch(r"-?\d{1,19}", opened.argument) or int(opened.argument) == 0:
                raise HtmlError("Invalid custom emoji identifier specified")
            entity["custom_emoji_id"] = opened.argument
        elif opened.tag == "blockquote" and opened.argument:
            entity["type"] = "expandable_blockquote"
        elif opened.tag == "tg-time":
            if not opened.argument.isdigit():
                return
            entity["unix_time"] = int(opened.argument)
        elif opened.tag in ("pre", "code") and self._joined_code(entity, opened):
            return
        elif opened.tag == "code" and opened.argument:
            entity["language"] = opened.argument  # used only when a pre contains it; see finish
        self.entities.append(entity)

    def _joined_code(self, entity: Entity, opened: _Open) -> bool:
        """Merge `<pre><code class="language-x">`, in either order, into one entity with a language."""
        last = self.entities[-1] if self.entities else None
        if last is None or (last["offset"], last["length"]) != (entity["offset"], entity["length"]):
            return False
        if opened.tag == "pre" and last["type"] == "code" and last.get("language"):
            last["type"] = "pre"
            return True
        if opened.tag == "code" and last["type"] == "pre" and opened.argument:
            last["language"] = opened.argument
            return True
        return False


def _link(entity: Entity, target: str) -> bool:
    """Complete a link entity. Returns False for an invalid address: Telegram keeps the bare text."""
    user_id = mentioned_user_id(target)
    if user_id is not None:
        entity["type"] = "text_mention"
        entity["user"] = {"id": user_id}
        return True
    url = checked_link(target)
    if url is not None:
        entity["url"] = url
    return url is not None


def decode_reference(text: str, at: int) -> tuple[str, int]:
    """Decode the character reference at `at`. Returns the character and the end; an empty character when invalid."""
    found = REFERENCE.match(text, at)
    if found is None:
        return "", at
    end = found.end()
    if found["name"] is not None:
        character = NAMED.get(found["name"], "")
    else:
        digits, base = (found["hex"], 16) if found["hex"] is not None else (found["dec"], 10)
        code = int(digits, base) if digits else 0
        character = chr(code) if 0 < code < 0x10FFFF and end - at < 10 else ""
    return character, end + 1 if character and text.startswith(";", end) else end


def decode_references(text: str) -> str:
    """Decode all character references in an attribute's value."""
    pieces, at = [], 0
    while (found := text.find("&", at)) >= 0:
        character, end = decode_reference(text, found)
        pieces += [text[at:found], character or "&"]
        at = end if character else found + 1
    return "".join([*pieces, text[at:]])


def parse_html(html: str) -> tuple[str, list[Entity]]:
    """Parse markup into text and entities (offsets in UTF-16 code units), neither cleaned nor sorted.

    Raises:
        HtmlError: Telegram would refuse the markup.
    """
    text, entities = _Parser(html).parse()
    for entity in entities:
        if entity["type"] == "code":
            entity.pop("language", None)
    return text, entities
