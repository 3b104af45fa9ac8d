"""A screen as Telegram's HTML and keyboard. Arguments are escaped, and nothing else makes mark-up."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from handlers.buttons import encode
from handlers.screens.screen import Button, Screen, Table, clip
from texts.escaping import markup, plain

TEXT_LIMIT = 4096
"""Characters of a message after its entities are parsed (Bot API, sendMessage)."""
_LABEL_LIMIT = 60
_TOO_LONG = "\n…"


Block = list[tuple[str, Callable[[str], str]]]
"""Lines that stand together, each with what makes HTML of it."""


@dataclass(frozen=True, slots=True)
class Message:
    """What Telegram is sent: HTML, and buttons or none."""

    html: str
    keyboard: InlineKeyboardMarkup | None


def render(screen: Screen) -> Message:
    """The screen as one message; what does not fit into one is cut at the end of a line."""
    blocks: list[Block] = []
    head: Block = [(screen.title, _bold)] if screen.title else []
    if screen.where:
        head.append((screen.where, markup))
    blocks.append(head)
    blocks.append([(fact, markup) for fact in screen.facts])
    if screen.table:
        blocks.append([(line, markup) for line in _lines(screen.table)])
    if screen.note:
        blocks.append([(screen.note, markup)])
    return Message(_joined([block for block in blocks if block]), _keyboard(screen))


def _bold(text: str) -> str:
    return f"<b>{markup(text)}</b>"


def _lines(table: Table) -> list[str]:
    rows = [" · ".join(cell for cell in row if cell) for row in table.rows]
    if not table.details:
        return rows
    # Rows of two lines need air between them to be told apart.
    last = len(rows) - 1
    pairs = enumerate(zip(rows, table.details, strict=True))
    return [f"{row}\n{detail}" + ("\n" if at < last else "") for at, (row, detail) in pairs]


def _joined(blocks: list[Block]) -> str:
    html = ""
    left = TEXT_LIMIT - len(_TOO_LONG)
    for number, block in enumerate(blocks):
        for position, (text, marked) in enumerate(block):
            between = "" if not html else "\n" if position else "\n\n"
            left -= _length(between + text)
            if left < 0:
                return html + _TOO_LONG if number or position else marked(clip(text, TEXT_LIMIT // 2))
            html += between + marked(text)
    return html


def _length(text: str) -> int:
    """Telegram counts code points; counting UTF-16 units can only be stricter, and is what its clients show."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _keyboard(screen: Screen) -> InlineKeyboardMarkup | None:
    rows = [[made for button in row if (made := _button(button))] for row in screen.keyboard]
    rows = [row for row in rows if row]
    return InlineKeyboardMarkup(rows) if rows else None


def _button(button: Button) -> InlineKeyboardButton | None:
    label = clip(plain(button.label), _LABEL_LIMIT)
    if button.does is not None:
        data = encode(button.does)
        # A number of 60 characters has no room in a button; it can still be typed.
        return InlineKeyboardButton(label, callback_data=data) if data else None
    return InlineKeyboardButton(label, url=button.url) if _is_public(button.url) else None


def _is_public(url: str) -> bool:
    """Whether Telegram takes it for a button: one bad address would refuse the whole message."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    host = parts.hostname or ""
    return parts.scheme in ("http", "https") and "." in host and not set(url) & set(' \n\t"<>\\')
