# ruff: noqa: F401, F811  # fixtures are imported and asked for by name
"""The sandbox's inline mode: who may use it, and which answers it refuses."""

import pytest

from sandbox.telegram import Bot, Person
from sandbox.telegram.errors import SandboxMisuse
from tests.sandbox.telegram.fixtures import Api, api, bot, camille, clock, telegram


async def test_bot_without_inline_mode(api: Api, camille: Person) -> None:
    with pytest.raises(SandboxMisuse):
        camille.type_inline("212380")
    assert (await api.ok("getMe"))["supports_inline_queries"] is False


async def test_answers_that_telegram_refuses(api: Api, bot: Bot, camille: Person) -> None:
    """Each bad answer is refused by the specification or by Telegram's own rules; the good one is taken once."""
    bot.inline = True
    await api.ok("getUpdates", allowed_updates=["inline_query"])
    query = camille.type_inline("212380")
    *_, update = await api.ok("getUpdates")
    assert update["inline_query"]["query"] == "212380"
    asked = {"inline_query_id": update["inline_query"]["id"]}
    article = {"type": "article", "id": "1", "title": "x", "input_message_content": {"message_text": "x"}}
    for results, button in (
        ([{"type": "document", "id": "1", "document_file_id": "BQAC"}], None),  # without a title
        ([{"type": "document", "id": "1", "title": "x", "document_file_id": "unknown"}], None),
        ([article], None),
        ([article, article], None),
        ([], {"text": "x"}),
        ([], {"text": "x", "start_parameter": "f 1"}),
        ([], {"text": "x", "start_parameter": "1" * 65}),
        ("none", None),
    ):
        more = {"button": button} if button else {}
        assert await api.refused("answerInlineQuery", **asked, results=results, **more), (results, button)
    button = {"text": "x", "start_parameter": "f-1"}
    assert await api.ok("answerInlineQuery", **asked, results=[], button=button) is True
    assert (await camille.wait_for_results(query))["button"] == button
    assert "query is too old" in await api.refused("answerInlineQuery", **asked, results=[])
