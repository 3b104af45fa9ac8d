"""Inline mode: an invoice's PDF into any chat, for the linked person alone, and only where it is turned on."""

from typing import Any

import pytest

from sandbox.portal.faults import Fault, FaultKind
from sandbox.telegram.persons import Person
from tests.scene import TOKEN, Scene

WORDS = {
    "fr": ("Lier mon compte d’abord", "Ouvrir la facture 212380", "Facture 212380 · "),
    "en": ("Link my account first", "Open invoice 212380", "Invoice 212380 · "),
}


async def inline(scene: Scene) -> None:
    """Turn inline mode on, at BotFather and in the bot's settings."""
    scene.telegram.world.bots[TOKEN].inline = True
    await scene.stop_bot()
    await scene.start_bot(inline=True)


async def answered(person: Person, text: str) -> dict[str, Any]:
    """Type a query, and return the bot's answer, which is never cached and for this person alone."""
    answer = await person.wait_for_results(person.type_inline(text))
    assert answer["is_personal"] is True
    assert answer["cache_time"] == 0
    return answer


def offers(scene: Scene) -> dict[str, int]:
    counts = scene.components.application.bot_data.security.counts
    return {cause: n for (event, cause), n in counts.items() if event == "inline_offered"}


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_invoice_goes_into_a_group(scene: Scene, language: str) -> None:
    """First a button to the private chat; once Telegram has the PDF, the PDF itself."""
    link, opens, title = WORDS[language]
    await inline(scene)
    camille = await scene.linked(language)
    answer = await answered(camille, "212380")
    assert answer["results"] == []
    assert answer["button"] == {"text": opens, "start_parameter": "f-212380"}
    opened = await scene.open(camille, answer["button"]["start_parameter"])
    await scene.tap(camille, next(label for label in opened.labels if "PDF" in label))

    query = camille.type_inline("facture 212380")
    (result,) = (await camille.wait_for_results(query))["results"]
    assert result["title"].startswith(title)
    assert set(result) == {"type", "id", "title", "document_file_id"}
    group = scene.telegram.world.create_group("Comptabilité", [camille])
    sent = camille.choose(query, group=group)
    assert sent.file is not None
    assert sent.file.content.startswith(b"%PDF")
    assert offers(scene) == {"button": 1, "pdf": 1}
    assert link not in result["title"]


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_stranger_is_offered_to_link(scene: Scene, language: str) -> None:
    """The same answer for a number that exists, one that does not, and nothing; the portal is not asked."""
    await inline(scene)
    stranger = scene.person(language)
    calls = scene.portal.log.total
    answers = [await answered(stranger, text) for text in ("212380", "999999", "", "bonjour")]
    assert all(each["results"] == [] for each in answers)
    assert {each["button"]["text"] for each in answers} == {WORDS[language][0]}
    assert scene.portal.log.counts["invoice"] == 0
    assert scene.portal.log.total - calls <= 1  # the menu or the feed
    asked = await scene.open(stranger, answers[0]["button"]["start_parameter"])
    assert ("courriel" if language == "fr" else "email") in asked.text


async def test_own_invoices_only(scene: Scene) -> None:
    """Not another account's, though Telegram has its PDF; not without access to invoices; not an order."""
    await inline(scene)
    owner, other = await scene.linked(), await scene.linked(email="flotte@example.test")
    orders_only = await scene.linked(email="commandes@example.test")
    for person, number in ((owner, "212380"), (other, "240130")):
        opened = await scene.open(person, f"f-{number}")
        await scene.tap(person, next(label for label in opened.labels if "PDF" in label))
    assert len((await answered(owner, "212380"))["results"]) == 1
    for person, text in ((other, "212380"), (owner, "240130"), (orders_only, "240130"), (other, "31200")):
        answer = await answered(person, text)
        assert answer["results"] == []
        assert answer["button"]["text"] == f"Aucune facture {text}\u00a0: voir mes factures"


async def test_changed_pdf_and_ended_access(scene: Scene) -> None:
    """A PDF that the portal has changed is not offered as it was; nor anything once the access has ended."""
    await inline(scene)
    camille = await scene.linked(email="flotte@example.test")
    opened = await scene.open(camille, "f-240130")
    await scene.tap(camille, next(label for label in opened.labels if "PDF" in label))
    assert len((await answered(camille, "240130"))["results"]) == 1
    scene.portal.portal.mark_paid("a-2003", "240130")
    assert (await answered(camille, "240130"))["button"]["start_parameter"] == "f-240130"
    scene.portal.faults.set(Fault(FaultKind.UNAVAILABLE))
    assert "Le portail ne répond pas" in (await answered(camille, "240129"))["button"]["text"]
    scene.portal.faults.clear()
    scene.portal.portal.people.remove_contact("c-1002")
    scene.later(days=2)
    ended = await answered(camille, "240130")
    assert ended["results"] == []
    assert ended["button"]["text"] == "Ouvrir la conversation pour continuer"
    assert WORDS["fr"][0] == (await answered(camille, "240130"))["button"]["text"]


async def test_inline_mode_is_off_by_default(scene: Scene) -> None:
    """Telegram is not asked for inline queries; one that comes all the same gets no answer."""
    await scene.linked()
    bot = scene.telegram.world.bots[TOKEN]
    assert bot.updates.allowed is not None
    assert "inline_query" not in bot.updates.allowed
    assert not scene.telegram.world.log.find(method="answerInlineQuery")


async def test_result_in_the_private_chat_gets_no_answer(scene: Scene) -> None:
    await inline(scene)
    camille = await scene.linked()
    opened = await scene.open(camille, "f-212380")
    await scene.tap(camille, next(label for label in opened.labels if "PDF" in label))
    query = camille.type_inline("212380")
    await camille.wait_for_results(query)
    camille.choose(query)
    assert "Aide" in (await scene.say(camille, "/aide")).text
    assert not [each for each in camille.chat().messages.values() if "ne lis pas" in each.text or "texte" in each.text]


async def test_upload_that_telegram_deleted(scene: Scene) -> None:
    """Telegram refuses the result; the button to the private chat is offered instead."""
    await inline(scene)
    camille = await scene.linked()
    opened = await scene.open(camille, "f-212380")
    await scene.tap(camille, next(label for label in opened.labels if "PDF" in label))
    scene.telegram.world.faults.add(
        "error", method="answerInlineQuery", status=400, description="Bad Request: wrong file identifier specified"
    )
    answer = await answered(camille, "212380")
    assert answer["results"] == []
    assert answer["button"]["start_parameter"] == "f-212380"
