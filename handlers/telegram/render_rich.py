"""Render screens as Telegram's rich messages: lists as tables with a button in each row, agreement lines folded.

The same facts and buttons as in ``render``. Only screens that gain by it are rendered so: a client that does not know
rich messages shows a placeholder, and the person must still be able to read the settings and turn them off.

Fields: Bot API 10.3, https://core.telegram.org/bots/api#rich-messages. Texts are plain strings, without mark-up.
"""

import itertools
from typing import Any

from msgspec import Struct

from handlers.actions import Action
from handlers.screens.screen import Screen, Section, Table
from handlers.telegram.callback_data import encode
from handlers.telegram.render import Buttons, buttons_of

TEXT_LIMIT = 32_768
"""Characters of all texts of a rich message (Bot API, "Rich Message Limits")."""
_LINE = 36
"""Characters of the widest cells of up to three columns that fit beside each other on a telephone."""
_HEADING_SIZE = 4
_OPEN_LINES = 3
"""A section of at most so many lines is not folded."""

Block = dict[str, Any]
"""An ``InputRichBlock`` of the Bot API."""


class RichMessage(Struct, frozen=True):
    """A rendered rich message: blocks, and rows of buttons below them; no rows mean no keyboard."""

    blocks: list[Block]
    buttons: Buttons

    @property
    def content(self) -> dict[str, Any]:
        """The parameters ``rich_message`` and ``reply_markup``. Telegram makes no links of numbers in the texts."""
        content: dict[str, Any] = {"rich_message": {"blocks": self.blocks, "skip_entity_detection": True}}
        return content | ({"reply_markup": {"inline_keyboard": self.buttons}} if self.buttons else {})


def gains(screen: Screen) -> bool:
    """Return whether a screen is easier to read as a rich message: it has a table or a section."""
    return screen.table is not None or screen.section is not None


def render_rich(screen: Screen, *, is_notice: bool = False) -> RichMessage | None:
    """Return the screen as a rich message; None if it has more text than one may have.

    Args:
        is_notice: as for ``render``.
    """
    blocks = [*_paragraphs((screen.lead,)), *_heading(screen.title), *_paragraphs((screen.position,))]
    blocks += _paragraphs(screen.facts)
    if screen.section:
        blocks.append(_details(screen.section))
    in_rows: frozenset[Action] = frozenset()
    if screen.table:
        table, in_rows = _table(screen.table, is_notice)
        blocks.append(table)
    if screen.note:
        blocks.append({"type": "footer", "text": screen.note})
    if _length(blocks) > TEXT_LIMIT:
        return None
    keyboard = tuple(tuple(button for button in row if button.action not in in_rows) for row in screen.keyboard)
    return RichMessage(blocks, buttons_of(keyboard, is_notice=is_notice))


def _heading(text: str) -> list[Block]:
    return [{"type": "heading", "text": text, "size": _HEADING_SIZE}] if text else []


def _paragraphs(lines: tuple[str, ...]) -> list[Block]:
    """Return a paragraph for each group of lines; an empty line separates groups."""
    groups = ("\n".join(group) for has_text, group in itertools.groupby(lines, bool) if has_text)
    return [{"type": "paragraph", "text": text} for text in groups]


def _details(section: Section) -> Block:
    block: Block = {"type": "details", "summary": section.heading, "blocks": _paragraphs(section.lines)}
    return block | ({"is_open": True} if len(section.lines) <= _OPEN_LINES else {})


def _table(table: Table, is_notice: bool) -> tuple[Block, frozenset[Action]]:
    """Return the table, and the actions that have a button in their row."""
    used = [at for at in range(len(table.rows[0])) if at == table.opener or any(row[at] for row in table.rows)]
    columns, beyond = _beside_each_other(table, used)
    opened, cells = set(), []
    for at, row in enumerate(table.rows):
        action = table.actions[at] if table.actions else None
        data = encode(action, of_notice=is_notice) if action else None
        if action and data and table.opener in columns:
            opened.add(action)
        cells.append([_cell(row[column], column, table.opener, data) for column in columns])
        rest = " · ".join(row[column] for column in beyond if row[column])
        below = "\n".join(filter(None, (rest, table.details[at] if table.details else "")))
        if below:
            cells.append([_plain_cell(below) | ({"colspan": len(columns)} if len(columns) > 1 else {})])
    block: Block = {"type": "table", "cells": cells, "is_bordered": True, "is_compact": True}
    if len(cells) == 2 * len(table.rows):  # the stripes then tell a row from the line below it
        block["is_striped"] = True
    return block, frozenset(opened)


def _beside_each_other(table: Table, used: list[int]) -> tuple[list[int], list[int]]:
    """Divide the columns into those that fit beside each other, and those that go to a line below their row."""
    widths = [max(len(row[column]) for row in table.rows) for column in used[:3]]
    count = 3 if sum(widths) <= _LINE else 2
    return used[:count], used[count:]


def _cell(text: str, column: int, opener: int, data: str | None) -> Block:
    if column == opener and data:
        # "link" shows the button as a link, so that it takes no more room than its text.
        button = {"text": text or "…", "style": "link", "callback_data": data}
        return _plain_cell({"type": "button", "button": button})
    return _plain_cell(text, "right" if column > opener else "left")


def _plain_cell(text: str | Block, align: str = "left") -> Block:
    return ({"text": text} if text else {}) | {"align": align, "valign": "top"}


def _length(part: Any) -> int:
    """Return the characters of all texts of a block or of several: at least as many as Telegram counts."""
    match part:
        case str():
            return len(part)
        case dict():
            return sum(map(_length, part.values()))
        case list():
            return sum(map(_length, part))
    return 0
