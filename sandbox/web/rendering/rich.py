"""Rich messages as safe HTML: headings, paragraphs, tables, folded sections, and buttons inside them."""

import json
from itertools import count
from typing import Any

from markupsafe import Markup, escape

from sandbox.telegram.model.chats import Message
from sandbox.telegram.text.rich import Block

_FORMATS = {"bold": "b", "italic": "i", "underline": "u", "strikethrough": "s", "code": "code"}


def rich_as_html(message: Message, name: str) -> Markup:
    """Return the blocks of a rich message as HTML; nothing for another message.

    Args:
        name: The message's id in the page; those of its parts begin with it.
    """
    return _Writer(message, name).blocks(message.rich or [])


class _Writer:
    """Writes one message. Its buttons have the rows that `Message.buttons` gives them, in reading order."""

    def __init__(self, message: Message, name: str) -> None:
        self._message = message
        self._name = name
        self._rows = count()
        self._folds = count()

    def blocks(self, blocks: list[Block]) -> Markup:
        return Markup("").join(self._block(block) for block in blocks)

    def _block(self, block: Block) -> Markup:
        match block["type"]:
            case "heading":
                return Markup("<h4>{}</h4>").format(self._text(block["text"]))
            case "divider":
                return Markup("<hr>")
            case "table":
                return self._table(block)
            case "details":
                is_open = Markup(" open") if block.get("is_open") else ""
                summary = self._text(block["summary"])
                fold = Markup('<details id="{}-fold-{}"{}><summary>{}</summary>{}</details>')
                return fold.format(self._name, next(self._folds), is_open, summary, self.blocks(block["blocks"]))
            case "buttons":
                return Markup("<p>{}</p>").format(Markup(" ").join(map(self._button, block["buttons"])))
            case kind:
                footer = Markup(' class="foot"') if kind == "footer" else ""
                return Markup("<p{}>{}</p>").format(footer, self._text(block.get("text", "")))

    def _table(self, table: Block) -> Markup:
        rows = (Markup("").join(map(self._cell, row)) for row in table["cells"])
        styles = " ".join(style for style in ("bordered", "striped") if table.get(f"is_{style}"))
        body = Markup("").join(Markup("<tr>{}</tr>").format(row) for row in rows)
        return Markup('<table class="{}">{}</table>').format(styles, body)

    def _cell(self, cell: Block) -> Markup:
        tag = "th" if cell.get("is_header") else "td"
        parts = (tag, cell.get("colspan", 1), cell["align"], cell["valign"], self._text(cell.get("text", "")))
        return Markup('<{0} colspan="{1}" class="{2} {3}">{4}</{0}>').format(*parts)

    def _text(self, text: Any) -> Markup:
        if isinstance(text, str):
            return escape(text)
        if isinstance(text, list):
            return Markup("").join(map(self._text, text))
        if text["type"] == "button":
            return self._button(text["button"])
        tag = _FORMATS.get(text["type"], "span")
        return Markup("<{0}>{1}</{0}>").format(tag, self._text(text.get("text", "")))

    def _button(self, button: dict[str, Any]) -> Markup:
        row, label = next(self._rows), self._text(button["text"])
        if "callback_data" not in button:
            return Markup("<span>{}</span>").format(label)
        values = json.dumps({"message": self._message.message_id, "row": row, "column": 0})
        parts = (button.get("style", ""), self._name, row, self._message.chat.chat_id, values, label)
        return Markup(
            '<button type="button" class="key inside {}" id="{}-{}-0" hx-post="/people/{}/tap" hx-vals="{}"'
            ' hx-swap="none"><span dir="auto">{}</span></button>'
        ).format(*parts)
