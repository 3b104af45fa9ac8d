"""Lists as tables: chosen per chat, sent as rich messages, and as ordinary ones wherever these are refused."""

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from sandbox.telegram.model import Message
from sandbox.telegram.persons import Person
from tests.conversations.notices.test_notices import (
    ACCOUNT,
    LABELS,
    MAIL,
    PATIENCE,
    at,
    quiet,
    subscribe,
    until_postponed,
)
from tests.scene import Scene

FLEET = "flotte@example.test"
LANGUAGES = ["fr", "en"]
WORDS = {
    "fr": {
        "settings": "/parametres", "tables": "Tableaux", "lines": "Lignes", "invoices": "/factures",
        "orders": "/commandes", "shown": "Présentation des listes : tableaux".replace(" :", "\u00a0:"),
    },
    "en": {
        "settings": "/settings", "tables": "Tables", "lines": "Lines", "invoices": "/invoices",
        "orders": "/orders", "shown": "Lists shown as: tables",
    },
}  # fmt: skip


@pytest.fixture
async def scene(database_url: str) -> AsyncIterator[Scene]:
    """The bot where the setting permits tables."""
    async with Scene(database_url, rich_tables=True) as scene:
        yield scene
        assert scene.telegram.world.log.lint == []


async def with_tables(scene: Scene, language: str = "fr", email: str = FLEET) -> Person:
    """Create a linked person who chose tables."""
    person, words = await scene.linked(language, email), WORDS[language]
    shown = await scene.say(person, words["settings"])
    assert f"✓ {words['lines']}" in shown.labels
    shown = await scene.tap(person, words["tables"])
    assert f"✓ {words['tables']}" in shown.labels
    assert words["shown"] in shown.text
    assert words["settings"] in shown.text  # how to come back, where a client shows no rich messages
    assert shown.rich is None
    return person


def kinds(message: Message) -> list[str]:
    """Return the types of the blocks of a rich message; none for another message."""
    return [block["type"] for block in message.rich or []]


def pieces(text: str) -> list[str]:
    """Return the texts between line ends and separators, sorted."""
    return sorted(filter(None, text.replace("\n", " · ").split(" · ")))


def calls(scene: Scene, method: str) -> list[Any]:
    return [each for each in scene.telegram.world.log.entries if each.method == method]


async def outcomes(scene: Scene) -> dict[str, float]:
    """Return the metric of rich messages, by outcome."""
    async with httpx.AsyncClient(trust_env=False) as client:
        text = (await client.get(f"{scene.admin_url}/metrics")).text
    name = "odobot_rich_messages_total"
    lines = [line.removeprefix(name) for line in text.splitlines() if line.startswith(name)]
    return {line.split('"')[1]: float(line.rpartition(" ")[2]) for line in lines}


@pytest.mark.parametrize("language", LANGUAGES)
async def test_lists_are_tables_whose_rows_open(scene: Scene, language: str) -> None:
    person, words = await with_tables(scene, language), WORDS[language]
    shown = await scene.say(person, words["invoices"])
    assert kinds(shown) == ["heading", "paragraph", "table"]
    number = shown.labels[0]
    detail = await scene.tap(person, number)
    assert re.findall(r"\d+", number)[0] in detail.text
    assert detail.message_id == shown.message_id  # the rich message became a text
    assert detail.rich is None
    shown = await scene.tap(person, "Toutes les factures" if language == "fr" else "All invoices")
    assert kinds(shown) == ["heading", "paragraph", "table"]
    assert kinds(await scene.tap(person, "›")) == ["heading", "paragraph", "table"]

    shown = await scene.say(person, words["orders"])
    assert kinds(shown)[-1] == "table"
    assert kinds(await scene.tap(person, shown.labels[0]))[:3] == ["heading", "paragraph", "details"]
    assert await outcomes(scene) == {"sent": 5.0, "unknown": 0.0, "content": 0.0, "too_long": 0.0}


@pytest.mark.parametrize("language", LANGUAGES)
async def test_both_forms_say_the_same(scene: Scene, language: str) -> None:
    person, words = await with_tables(scene, language), WORDS[language]
    rich = await scene.say(person, words["invoices"])
    said, labels = pieces(rich.text), rich.labels
    data = {button.callback_data for row in rich.buttons for button in row}
    await scene.say(person, words["settings"])
    await scene.tap(person, words["lines"])
    plain = await scene.say(person, words["invoices"])
    assert plain.rich is None
    assert pieces(plain.text) == said
    assert {button.callback_data for row in plain.buttons for button in row} == data
    assert len(plain.labels) == len(labels)


async def test_choice_is_kept_and_is_of_one_chat(scene: Scene) -> None:
    person, other = await with_tables(scene), await scene.linked("en", "anna@example.test")
    await scene.settled()
    assert (await scene.say(person, "/factures")).rich is not None
    assert (await scene.say(other, "/invoices")).rich is None


@pytest.mark.parametrize("language", LANGUAGES)
async def test_without_the_setting_nothing_is_offered(scene: Scene, language: str) -> None:
    """What the chat chose has no effect, nor has an old button; both work again where the setting returns."""
    person, words = await with_tables(scene, language), WORDS[language]
    await scene.stop_bot()
    await scene.start_bot(rich_tables=False)
    shown = await scene.say(person, words["settings"])
    assert not [label for label in shown.labels if words["tables"] in label or words["lines"] in label]
    assert words["tables"].lower() not in shown.text.lower()
    person.forge_tap(shown, "1S0|l|")
    assert (await scene.say(person, words["invoices"])).rich is None
    assert calls(scene, "sendRichMessage") == []
    await scene.stop_bot()
    await scene.start_bot(rich_tables=True)
    assert (await scene.say(person, words["invoices"])).rich is not None


@pytest.mark.parametrize("language", LANGUAGES)
async def test_older_server_is_asked_once(scene: Scene, language: str) -> None:
    """A server that knows no rich messages refuses one, and the same screen comes at once as an ordinary message."""
    person, words = await with_tables(scene, language), WORDS[language]
    scene.telegram.world.settings.rich_messages = False
    shown = await scene.say(person, words["invoices"])
    assert shown.rich is None
    assert "34" in shown.text
    assert len(calls(scene, "sendRichMessage")) == 1
    await scene.say(person, words["orders"])
    await scene.tap(person, "Rechercher" if language == "fr" else "Search")
    assert len(calls(scene, "sendRichMessage")) == 1
    assert not [each for each in calls(scene, "editMessageText") if "rich_message" in each.params]
    shown = await scene.say(person, words["settings"])
    assert not [label for label in shown.labels if words["tables"] in label]
    assert (await outcomes(scene))["unknown"] == 1.0
    scene.telegram.world.settings.rich_messages = True
    await scene.settled()
    assert (await scene.say(person, words["invoices"])).rich is not None  # the server was upgraded


async def test_older_server_refuses_an_edit(scene: Scene) -> None:
    person = await with_tables(scene)
    await scene.say(person, "/factures")
    await scene.tap(person, "nº")
    scene.telegram.world.settings.rich_messages = False
    shown = await scene.tap(person, "Toutes les factures")
    assert shown.rich is None
    assert "1 à 5 de 34" in shown.text
    assert (await outcomes(scene))["unknown"] == 1.0


async def test_refused_content_falls_back_once(scene: Scene) -> None:
    """A refusal of one message's content is of that message only."""
    person = await with_tables(scene)
    scene.telegram.world.faults.add(
        "error", method="sendRichMessage", status=400, description="Bad Request: RICH_MESSAGE_BLOCKS_TOO_MANY"
    )
    shown = await scene.say(person, "/factures")
    assert shown.rich is None
    assert "1 à 5 de 34" in shown.text
    assert (await scene.say(person, "/factures")).rich is not None
    assert await outcomes(scene) == {"sent": 1.0, "unknown": 0.0, "content": 1.0, "too_long": 0.0}


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "retry_after", "retry_after": 1},
        {"kind": "error", "status": 500, "description": "Internal Server Error"},
        {"kind": "close_before"},
        {"kind": "error", "status": 401, "description": "Unauthorized"},
    ],
    ids=["429", "500", "closed", "401"],
)
async def test_passing_failure_repeats_the_rich_message(scene: Scene, fault: dict[str, Any]) -> None:
    person = await with_tables(scene)
    scene.telegram.world.faults.add(**fault, method="sendRichMessage")
    assert (await scene.say(person, "/factures")).rich is not None
    assert len(calls(scene, "sendRichMessage")) == 2
    assert (await outcomes(scene))["unknown"] == 0.0


@pytest.mark.parametrize("has_rich", [True, False], ids=["new server", "older server"])
@pytest.mark.parametrize("language", LANGUAGES)
async def test_summary_of_notices_is_a_table(scene: Scene, language: str, has_rich: bool) -> None:
    account, is_french = ACCOUNT[language], language == "fr"
    person = await with_tables(scene, language, MAIL[language])
    scene.telegram.world.settings.rich_messages = has_rich
    await subscribe(scene, person, *LABELS[language][:4], language=language)
    await quiet(scene, person, "de 20" if is_french else "8:00", language=language)
    at(scene, 23)
    scene.portal.portal.issue_invoice(account, amount="40.19", number="990001")
    scene.portal.portal.create_order(account, [(1, "Balise")], number="990002")
    await until_postponed(scene, 2)
    at(scene, 31.01)
    summary = await person.wait_for_message("990001", new=True, timeout=PATIENCE)
    assert kinds(summary) == (["heading", "table"] if has_rich else [])
    assert "40,19\u00a0$" in summary.text or "$40.19" in summary.text
    person.tap("990001", message=summary)
    detail = await person.wait_for_message("990001", new=True, timeout=PATIENCE)
    assert detail.message_id != summary.message_id  # a notice stays
    assert detail.reply_to is summary
    assert (await outcomes(scene))["unknown"] == float(not has_rich)
