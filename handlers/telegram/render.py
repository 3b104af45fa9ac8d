"""Render screens as Telegram's HTML and keyboards. Every text is escaped; only this module makes mark-up."""

import itertools
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from handlers.screens.screen import Button, Keyboard, Screen, Table, clip
from handlers.telegram.callback_data import encode
from texts.escaping import escape_html, safe_text

TEXT_LIMIT = 4096
"""Characters of a message after its entities are parsed (Bot API, sendMessage)."""
_LABEL_LIMIT = 60
_EMPTY_LABEL = "…"
_BUTTON_LIMIT = 100
_COPIED_LIMIT = 256
"""Characters of a button's text to copy (Bot API, CopyTextButton)."""
_CUT = "\n…"
_HOST = re.compile(r"[\w-]+(?:\.[\w-]+)+\.?")

Block = list[tuple[str, Callable[[str], str]]]
"""Lines without an empty line between them, each with the function that makes its HTML."""

Buttons = list[list[dict[str, Any]]]
"""Rows of ``InlineKeyboardButton`` objects of the Bot API."""


class Message(Struct, frozen=True):
    """A rendered message: HTML, and rows of buttons; no rows mean no keyboard."""

    html: str
    buttons: Buttons

    @property
    def reply_markup(self) -> dict[str, Any]:
        """The keyboard, for ``api_kwargs`` of PTB's methods; empty if there are no buttons.

        PTB's ``InlineKeyboardMarkup`` takes 0.2 ms for twelve buttons, this takes 0.003 ms.
        """
        return {"reply_markup": {"inline_keyboard": self.buttons}} if self.buttons else {}


def render(screen: Screen, *, is_notice: bool = False) -> Message:
    """Return the screen as one message; a text over ``TEXT_LIMIT`` is cut at the end of a line.

    Args:
        is_notice: the message was not requested, so the answers to its buttons must not replace it.
    """
    blocks: list[Block] = [[(screen.lead, escape_html)]] if screen.lead else []
    head: Block = [(screen.title, _bold)] if screen.title else []
    if screen.position:
        head.append((screen.position, escape_html))
    blocks.append(head)
    blocks.append([(fact, escape_html) for fact in screen.facts])
    if screen.section:
        blocks.append([(line, escape_html) for line in (screen.section.heading, *screen.section.lines)])
    if screen.table:
        blocks.append([(line, escape_html) for line in _lines(screen.table)])
    if screen.note:
        blocks.append([(screen.note, escape_html)])
    return Message(_join([block for block in blocks if block]), buttons_of(screen.keyboard, is_notice=is_notice))


def _bold(text: str) -> str:
    return f"<b>{escape_html(text)}</b>"


def _lines(table: Table) -> list[str]:
    rows = [" · ".join(cell for cell in row if cell) for row in table.rows]
    if not table.details:
        return rows
    # An empty line separates rows that have two lines.
    pairs = [f"{row}\n{detail}" if detail else row for row, detail in zip(rows, table.details, strict=True)]
    return "\n\n".join(pairs).split("\n")


def _join(blocks: list[Block]) -> str:
    html = ""
    left = TEXT_LIMIT - len(_CUT)
    for number, block in enumerate(blocks):
        for position, (text, to_html) in enumerate(block):
            between = "" if not html else "\n" if position else "\n\n"
            left -= _length(between + text)
            if left < 0:
                return html + _CUT if number or position else to_html(clip(text, TEXT_LIMIT // 2))
            html += between + to_html(text)
    return html


def _length(text: str) -> int:
    """Return the UTF-16 units of a text: never less than the code points that Telegram counts."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def buttons_of(keyboard: Keyboard, *, is_notice: bool) -> Buttons:
    """Return the buttons that Telegram accepts, in rows, up to its limit; ``is_notice`` as for ``render``."""
    rows = [[rendered for button in row if (rendered := _button(button, is_notice))] for row in keyboard]
    # A number without a button can be typed.
    counted = itertools.accumulate(len(row) for row in rows)
    return [row for row, total in zip(rows, counted, strict=True) if row and total <= _BUTTON_LIMIT]


def _button(button: Button, is_notice: bool) -> dict[str, Any] | None:
    """Return the button as an object of the Bot API; None for one that Telegram would refuse."""
    shown: dict[str, Any] = {"text": clip(safe_text(button.label), _LABEL_LIMIT) or _EMPTY_LABEL}
    if button.is_primary:
        shown["style"] = "primary"
    if button.action is not None:
        data = encode(button.action, of_notice=is_notice)
        return {**shown, "callback_data": data} if data else None
    if button.copied_text:
        text = button.copied_text.strip()
        return {**shown, "copy_text": {"text": text}} if 0 < len(text) <= _COPIED_LIMIT else None
    return {**shown, "url": button.url} if _is_public(button.url) else None


def _is_public(url: str) -> bool:
    """Return whether Telegram accepts a URL for a button; it refuses a message with a bad one."""
    if not url.isprintable() or set(url) & set(' "<>\\\u00a0'):
        return False
    try:
        parts = urlsplit(url)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        return False
    is_whole = parts.scheme in ("http", "https") and not parts.netloc.endswith(":")
    return is_whole and port_is_fine and _HOST.fullmatch(parts.hostname or "") is not None
