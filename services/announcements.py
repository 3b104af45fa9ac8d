"""Announcements of the company: one Markdown file with a part for each language becomes a text for each chat.

    # fr: Fermé le 24 juin

    Nos bureaux sont fermés pour la Fête nationale.

    - Urgences : 418 555-0100

    [Nos heures](https://portail.exemple.ca/heures)

    # en: Closed on June 24

    …

A paragraph that is only a link becomes a button. Other mark-up is not shown in the chat, so it is refused.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from msgspec import Struct

if TYPE_CHECKING:
    from markdown_it.token import Token

MOST_CHARACTERS = 3000
"""Of the title and the paragraphs in one language: with them a message stays under Telegram's 4096."""
_MOST_TITLE = 200
_MOST_LABEL = 60
_MOST_BUTTONS = 5
_HEADING = re.compile(r"([a-z]{2,3})\s*:\s*(\S.*)", re.DOTALL)


class AnnouncementError(Exception):
    """The file cannot be sent as it is; the message names the line and what is wrong, in one line."""


class AnnouncementText(Struct, frozen=True):
    """An announcement in one language.

    Attributes:
        paragraphs: Each without line breaks but those of a list, whose items begin with a bullet.
        buttons: The label and the HTTPS address of each.
    """

    title: str
    paragraphs: tuple[str, ...]
    buttons: tuple[tuple[str, str], ...] = ()


def read_announcement(source: str, languages: Collection[str]) -> dict[str, AnnouncementText]:
    """Read a file's text.

    Args:
        languages: The languages of the bot: each needs its part, and there is no other.

    Returns:
        The text of each language.

    Raises:
        AnnouncementError: Something in the file cannot be sent.
    """
    from markdown_it import MarkdownIt  # the bot itself reads no file, and starts faster without it

    parts: dict[str, tuple[str, list[Token]]] = {}
    current: list[Token] | None = None
    tokens = MarkdownIt("commonmark").parse(source)
    for index, token in enumerate(tokens):
        if token.type == "heading_open":
            language, title = _heading(token, tokens[index + 1])
            if language in parts:
                raise _error(token, f"there are two parts for {language}")
            if language not in languages:
                raise _error(token, f"the bot has no language {language}; it has {', '.join(sorted(languages))}")
            parts[language] = title, (current := [])
        elif token.type == "heading_close" or (index and tokens[index - 1].type == "heading_open"):
            continue
        elif current is None:
            raise _error(token, "a part begins with a heading such as '# fr: Titre'")
        else:
            current.append(token)
    if missing := sorted(set(languages) - set(parts)):
        raise AnnouncementError(f"there is no part for {', '.join(missing)}: each language has a heading '# fr: Titre'")
    return {language: _text(title, body) for language, (title, body) in parts.items()}


def _heading(token: "Token", inline: "Token") -> tuple[str, str]:
    found = _HEADING.fullmatch(inline.content)
    if token.tag != "h1" or found is None:
        raise _error(token, "a heading has one # and names its language: '# fr: Titre'")
    return found[1], _plain(inline)


def _text(title: str, body: "list[Token]") -> AnnouncementText:
    paragraphs: list[str] = []
    buttons: list[tuple[str, str]] = []
    for kind, inlines in _blocks(body):
        if kind == "list":
            paragraphs.append("\n".join(f"• {_plain(each)}" for each in inlines))
        elif (button := _button(inlines[0])) is not None:
            buttons.append(button)
        else:
            paragraphs.append(_plain(inlines[0]))
    title = _HEADING.sub(r"\2", title)
    _check_lengths(title, paragraphs, buttons)
    return AnnouncementText(title, tuple(paragraphs), tuple(buttons))


def _check_lengths(title: str, paragraphs: list[str], buttons: list[tuple[str, str]]) -> None:
    length = len(title) + sum(map(len, paragraphs))
    if length > MOST_CHARACTERS:
        raise AnnouncementError(f"'{title[:40]}' has {length} characters, at most {MOST_CHARACTERS}")
    if len(title) > _MOST_TITLE:
        raise AnnouncementError(f"the title '{title[:40]}…' has {len(title)} characters, at most {_MOST_TITLE}")
    if not paragraphs:
        raise AnnouncementError(f"'{title[:40]}' has no text below its title")
    if len(buttons) > _MOST_BUTTONS:
        raise AnnouncementError(f"'{title[:40]}' has {len(buttons)} links as buttons, at most {_MOST_BUTTONS}")


def _blocks(body: "list[Token]") -> "Iterator[tuple[str, list[Token]]]":
    """Yield each paragraph and list with its inline tokens."""
    items: list[Token] = []
    depth = 0
    for token in body:
        match token.type:
            case "bullet_list_open" if depth == 0:
                depth, items = 1, []
            case "bullet_list_close":
                depth = 0
                yield "list", items
            case "list_item_open" | "list_item_close" | "paragraph_open" | "paragraph_close":
                pass
            case "inline" if depth:
                items.append(token)
            case "inline":
                yield "paragraph", [token]
            case _:
                raise _error(token, "only paragraphs, lists with '-' and links can be sent")


def _button(inline: "Token") -> tuple[str, str] | None:
    """Return the label and address of a paragraph that is only a link; None for another one."""
    children = [each for each in inline.children or [] if each.type != "text" or each.content.strip()]
    if len(children) < 3 or children[0].type != "link_open" or children[-1].type != "link_close":
        return None
    if any(each.type == "link_close" for each in children[:-1]):
        return None
    label = "".join(each.content for each in children[1:-1])
    address = str(children[0].attrs.get("href", ""))
    parts = urlsplit(address)
    if parts.scheme != "https" or not parts.hostname:
        raise _error(inline, f"the link '{label}' needs an address that begins with https://")
    if not 0 < len(label) <= _MOST_LABEL:
        raise _error(inline, f"the label of a button has 1 to {_MOST_LABEL} characters")
    return label, address


def _plain(inline: "Token") -> str:
    """Return an inline token's text on one line."""
    text = ""
    for each in inline.children or []:
        if each.type == "text":
            text += each.content
        elif each.type in ("softbreak", "hardbreak"):
            text += " "
        else:
            raise _error(inline, "bold, code, images and links inside of a sentence cannot be sent")
    if "](" in text:
        raise _error(inline, "a link needs an address that begins with https://")
    return text.strip()


def _error(token: "Token", message: str) -> AnnouncementError:
    line = token.map[0] + 1 if token.map else 1
    return AnnouncementError(f"line {line}: {message}")


def as_json(texts: Mapping[str, AnnouncementText]) -> dict[str, dict[str, Any]]:
    """Return the texts as they are stored."""
    return {
        language: {"title": text.title, "paragraphs": list(text.paragraphs), "buttons": list(map(list, text.buttons))}
        for language, text in texts.items()
    }


def from_json(stored: Mapping[str, Mapping[str, Any]]) -> dict[str, AnnouncementText]:
    """Return the texts that ``as_json`` made."""
    return {
        language: AnnouncementText(
            text["title"], tuple(text["paragraphs"]), tuple((label, address) for label, address in text["buttons"])
        )
        for language, text in stored.items()
    }
