# ruff: noqa: F401, F811  # fixtures are imported and asked for by name
"""Rich messages of the sandbox: checked as Telegram does, shown, tapped, edited."""

from typing import Any

import pytest

from sandbox.telegram import Person, TelegramServer
from tests.sandbox.telegram.fixtures import Api, api, bot, camille, clock, telegram

BUTTON = {"type": "button", "button": {"text": "nº 5", "style": "link", "callback_data": "1I5|"}}
CELL = {"align": "left", "valign": "top"}


def text(value: Any = "x") -> dict[str, Any]:
    return {"type": "paragraph", "text": value}


def table(*rows: list[Any]) -> dict[str, Any]:
    return {"type": "table", "cells": [[{"text": cell, **CELL} for cell in row] for row in rows]}


def button(**values: Any) -> dict[str, Any]:
    return {"type": "buttons", "buttons": [{"text": "a", **values}]}


def nested(depth: int) -> dict[str, Any]:
    return {"type": "details", "summary": "s", "blocks": [nested(depth - 1) if depth > 1 else text()]}


async def test_rich_message_is_sent_tapped_and_edited(telegram: TelegramServer, api: Api, camille: Person) -> None:
    blocks = [{"type": "heading", "size": 4, "text": "T"}, table([BUTTON, "40 $"]), nested(1)]
    keyboard = {"inline_keyboard": [[{"text": "›", "callback_data": "x"}]]}
    sent = await api.ok(
        "sendRichMessage", chat_id=camille.user_id, rich_message={"blocks": blocks}, reply_markup=keyboard
    )
    assert sent["rich_message"] == {"blocks": blocks}
    assert "text" not in sent
    shown = camille.chat().last_from_bot
    assert shown is not None
    assert (shown.text, shown.labels) == ("T\n\nnº 5 · 40 $\n\ns\nx", ["nº 5", "›"])
    assert camille.tap("nº 5").data == camille.tap(row=0).data == "1I5|"
    assert camille.tap(row=1).data == "x"

    where = {"chat_id": camille.user_id, "message_id": sent["message_id"]}
    again = await api.refused("editMessageText", **where, rich_message={"blocks": blocks}, reply_markup=keyboard)
    assert "message is not modified" in again
    assert (await api.ok("editMessageText", **where, text="as text"))["text"] == "as text"
    assert (shown.rich, shown.labels) == (None, [])
    assert "rich_message" in await api.ok("editMessageText", **where, rich_message={"blocks": [text()]})


REFUSED = {
    "empty": ([{"type": "divider"}], "RICH_MESSAGE_EMPTY"),
    "too long": (
        [text("x" * 20_000), text(["y" * 12_000, {"type": "bold", "text": "z" * 769}])],
        "RICH_MESSAGE_TEXT_TOO_LONG",
    ),
    "too many blocks": ([table(*([["x"]] * 500))], "RICH_MESSAGE_BLOCKS_TOO_MANY"),
    "too deep": ([nested(16)], "RICH_MESSAGE_DEPTH_INVALID"),
    "too wide": ([table(["x"] * 21)], "RICH_MESSAGE_TABLE_COLS_TOO_MANY"),
    "unknown block": ([{"type": "sectionHeading"}], 'type "sectionHeading" is unsupported'),
    "unknown text": ([text({"type": "plain", "text": "x"})], "unsupported rich text type"),
    "no cells": ([text(), {"type": "table"}], 'Can\'t find field "cells"'),
    "no alignment": ([{"type": "table", "cells": [[{"text": "x"}]]}], 'Can\'t find field "align"'),
    "wrong alignment": ([{"type": "table", "cells": [[{"text": "x", **CELL, "align": "justify"}]]}], "alignment"),
    "wrong size": ([{"type": "heading", "size": 7, "text": "x"}], "size"),
    "no action": ([text(), button()], "exactly one action"),
    "two actions": ([text(), button(url="https://x.test", callback_data="x")], "exactly one action"),
    "link with address": ([text(), button(url="https://x.test", style="link")], "style"),
    "long data": ([text(), button(callback_data="x" * 65)], "BUTTON_DATA_INVALID"),
    "nine buttons": (
        [text(), {"type": "buttons", "buttons": [{"text": "a", "callback_data": "x"}] * 9}],
        "BUTTONS_INVALID",
    ),
}


@pytest.mark.parametrize(("blocks", "description"), REFUSED.values(), ids=REFUSED)
async def test_rich_message_that_is_refused(api: Api, camille: Person, blocks: list[Any], description: str) -> None:
    said = await api.refused("sendRichMessage", chat_id=camille.user_id, rich_message={"blocks": blocks})
    assert description in said
    assert said.startswith("Bad Request: ")


@pytest.mark.parametrize("content", [{}, {"html": "x"}, {"blocks": [text()], "html": "x"}])
async def test_only_blocks_are_taken(api: Api, camille: Person, content: dict[str, Any]) -> None:
    await api.refused("sendRichMessage", chat_id=camille.user_id, rich_message=content)


async def test_older_server_knows_none(telegram: TelegramServer, api: Api, camille: Person) -> None:
    telegram.world.settings.rich_messages = False
    sent = await api.ok("sendMessage", chat_id=camille.user_id, text="x")
    rich = {"blocks": [text()]}
    assert (
        await api.refused("sendRichMessage", chat_id=camille.user_id, rich_message=rich)
        == "Not Found: method not found"
    )
    where = {"chat_id": camille.user_id, "message_id": sent["message_id"]}
    assert await api.refused("editMessageText", **where, rich_message=rich) == "Bad Request: message text is empty"
