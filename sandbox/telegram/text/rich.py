"""Rich messages: their limits, their text as lines, and the buttons in them.

Limits: https://core.telegram.org/bots/api#rich-messages, "Rich Message Limits". Their errors are those that bots report
of the live server.
"""

from collections.abc import Iterator
from typing import Any

from sandbox.telegram.errors import bad_request
from sandbox.telegram.text.links import LinkError, check_link

Block = dict[str, Any]

TEXT_LIMIT = 32_768  # characters
MOST_BLOCKS = 500  # with nested ones, list items and table rows
MOST_LEVELS = 16
MOST_COLUMNS = 20
MOST_BUTTONS = 8  # in one block of buttons
SHOWN = {"paragraph", "heading", "footer", "divider", "table", "details", "buttons"}
ALIGN = {"left", "center", "right"}
VALIGN = {"top", "middle", "bottom"}
STYLES = {"danger", "success", "primary", "link"}
NOT_ACTIONS = {"text", "style"}


def checked_blocks(message: dict[str, Any]) -> list[Block]:
    """Return the blocks of an InputRichMessage whose types were checked.

    Raises:
        ApiError: 400, Telegram would refuse them, or the sandbox does not know them.
    """
    if sum(name in message for name in ("blocks", "html", "markdown")) != 1:
        raise bad_request("exactly one of the fields blocks, html and markdown must be used")
    if "blocks" not in message:
        raise bad_request("the sandbox knows rich messages by blocks only")
    blocks: list[Block] = message["blocks"]
    if not plain_text(blocks).strip():
        raise bad_request("RICH_MESSAGE_EMPTY")
    if _count(blocks) > MOST_BLOCKS:
        raise bad_request("RICH_MESSAGE_BLOCKS_TOO_MANY")
    if sum(map(len, _texts(blocks))) > TEXT_LIMIT:
        raise bad_request("RICH_MESSAGE_TEXT_TOO_LONG")
    _check(blocks, 1)
    return blocks


def _check(blocks: list[Block], level: int) -> None:
    if level > MOST_LEVELS:
        raise bad_request("RICH_MESSAGE_DEPTH_INVALID")
    for block in blocks:
        kind = block["type"]
        if kind not in SHOWN:
            raise bad_request(f"the sandbox does not know rich blocks of type {kind}")
        if kind == "heading" and not 1 <= block["size"] <= 6:
            raise bad_request("Can't parse InputRichBlock: heading size must be from 1 to 6")
        if kind == "table":
            _check_table(block)
        if kind == "buttons" and not 1 <= len(block["buttons"]) <= MOST_BUTTONS:
            raise bad_request("RICH_MESSAGE_BUTTONS_INVALID")
        if kind == "details":
            _check(block["blocks"], level + 1)
    for button in buttons_in(blocks):
        _check_button(button)


def _check_table(table: Block) -> None:
    for row in table["cells"]:
        if sum(cell.get("colspan", 1) for cell in row) > MOST_COLUMNS:
            raise bad_request("RICH_MESSAGE_TABLE_COLS_TOO_MANY")
        for cell in row:
            if cell["align"] not in ALIGN or cell["valign"] not in VALIGN:
                raise bad_request("Can't parse RichBlockTableCell: wrong alignment specified")


def _check_button(button: dict[str, Any]) -> None:
    actions = button.keys() - NOT_ACTIONS
    if len(actions) != 1:
        raise bad_request("Can't parse RichMessageButton: exactly one action is allowed")
    if not isinstance(button["text"], str) or not button["text"].strip():
        raise bad_request("Can't parse RichMessageButton: text must be non-empty")
    style = button.get("style", "primary")
    if style not in STYLES or (style == "link" and actions != {"callback_data"}):
        raise bad_request("Can't parse RichMessageButton: invalid button style specified")
    if "url" in button:
        try:
            check_link(button["url"])
        except LinkError as error:
            raise bad_request(f"Rich message button URL '{button['url']}' is invalid: {error}") from None


def _count(blocks: list[Block]) -> int:
    nested = sum(_count(block.get("blocks", [])) + len(block.get("cells", [])) for block in blocks)
    return len(blocks) + nested


def plain_text(blocks: list[Block]) -> str:
    """Return the text that a person reads, a line for each row of a table."""
    return "\n\n".join(filter(None, map(_block_text, blocks)))


def _block_text(block: Block) -> str:
    if block["type"] == "table":
        rows = (" · ".join(filter(None, (text_of(cell.get("text", "")) for cell in row))) for row in block["cells"])
        return "\n".join(rows)
    if block["type"] == "details":
        return f"{text_of(block['summary'])}\n{plain_text(block['blocks'])}"
    if block["type"] == "buttons":
        return ""
    return text_of(block.get("text", ""))


def text_of(text: Any) -> str:
    """Return a RichText without its formatting; that of a button is its label."""
    return "".join(_texts(text))


def _texts(part: Any) -> Iterator[str]:
    """Yield every text of a RichText, a block or a list of them, in reading order."""
    if isinstance(part, str):
        yield part
    elif isinstance(part, list):
        for each in part:
            yield from _texts(each)
    elif isinstance(part, dict):
        for key in ("summary", "text", "button", "buttons", "cells", "blocks"):
            yield from _texts(part.get(key, ""))


def buttons_in(part: Any) -> list[dict[str, Any]]:
    """Return the RichMessageButtons of a RichText, a block or a list of them, in reading order."""
    if isinstance(part, list):
        return [button for each in part for button in buttons_in(each)]
    if not isinstance(part, dict):
        return []
    own = [part["button"]] if part.get("type") == "button" else list(part.get("buttons", ()))
    return own + [button for key in ("text", "summary", "cells", "blocks") for button in buttons_in(part.get(key))]
