"""Search by its button, and numbers typed without a command."""

import datetime

import pytest

from sandbox.telegram.model import Message
from sandbox.telegram.persons import Person
from tests.scene import Scene

BOREAL = "flotte@example.test"
ODD = [
    "%",
    "_",
    "*",
    "?",
    "'' OR 1=1",
    '"',
    "\\",
    "|",
    "a|b\\c",
    "'; --",
    "<b>x</b>",
    "&amp;",
    "{query}",
    "%s",
    "\u202ezz",
]


async def search(scene: Scene, person: Person, command: str, text: str) -> Message:
    """Tap the search button of a list, and type."""
    screen = await scene.say(person, command)
    await scene.tap(person, "Rechercher" if "Rechercher" in screen.labels else "Search")
    return await scene.say(person, text)


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_paging_keeps_the_search(scene: Scene, language: str) -> None:
    camille = await scene.linked(language, BOREAL)
    found = await search(scene, camille, "/factures", "IFTA")
    assert ("1 à 5 de 30" if language == "fr" else "1 to 5 of 30") in found.text
    assert "IFTA" in found.text
    for page in range(2, 7):
        found = await scene.tap(camille, "›")
        assert f"{page}/6" in found.labels
        assert "IFTA" in found.text
    assert ("26 à 30 de 30" if language == "fr" else "26 to 30 of 30") in found.text
    every = await scene.tap(camille, "Toutes" if language == "fr" else "All")
    assert "34" in every.text
    assert "IFTA" not in every.text


async def test_search_finds_orders_by_agreement_text(scene: Scene) -> None:
    camille = await scene.linked("fr", BOREAL)
    found = await search(scene, camille, "/commandes", "telemetrie sonde")
    assert [label for label in found.labels if label.isdigit()] == ["30900"]
    order = await scene.tap(camille, "30900")
    assert "Plan Télémétrie" in order.text


async def test_search_finds_invoices_by_number_date_and_amount(scene: Scene) -> None:
    camille = await scene.linked("fr", BOREAL)
    for text, number in (("2026-09-01", "240129"), ("240129",) * 2, ("1 592,40", "240202"), ("1,592.40", "240202")):
        found = await search(scene, camille, "/factures", text)
        assert number in found.labels, text


@pytest.mark.parametrize(
    ("language", "command", "words"),
    [
        ("fr", "/commandes", "Aucune commande ne correspond"),
        ("fr", "/factures", "Aucune facture ne correspond"),
        ("en", "/orders", "No order matches"),
        ("en", "/invoices", "No invoice matches"),
    ],
)
async def test_empty_search_result_offers_another_search(scene: Scene, language: str, command: str, words: str) -> None:
    camille = await scene.linked(language, BOREAL)
    nothing = await search(scene, camille, command, "zébulon")
    assert words in nothing.text
    assert "zébulon" in nothing.text
    await scene.tap(camille, "Rechercher" if language == "fr" else "Search")
    found = await scene.say(camille, "Plan")
    assert [label for label in found.labels if label.isdigit()]


async def test_special_characters_are_searched_literally(scene: Scene) -> None:
    camille = await scene.linked("fr")
    for text in ODD:
        nothing = await search(scene, camille, "/factures", text)
        assert "Aucune facture" in nothing.text, text
        assert not [label for label in nothing.labels if label.isdigit()], f"{text} is no wildcard"
        assert not [entity for entity in nothing.entities if entity["type"] == "bold" and entity["offset"] > 0], text


async def test_paging_keeps_a_search_with_special_characters(scene: Scene) -> None:
    text = 'a|b\\c_%é"<i>'
    for number in range(7):
        scene.portal.portal.create_order("a-2001", [(1, f"Article {text}")], number=f"7000{number}")
    camille = await scene.linked("fr")
    found = await search(scene, camille, "/commandes", text)
    assert "1 à 5 de 7" in found.text
    found = await scene.tap(camille, "›")
    assert "6 à 7 de 7" in found.text
    assert text in found.text


async def test_right_to_left_text_is_found(scene: Scene) -> None:
    scene.portal.portal.create_order("a-2001", [(1, "מכשיר מעקב")], number="70001")
    camille = await scene.linked("fr")
    found = await search(scene, camille, "/commandes", "מעקב")
    assert [label for label in found.labels if label.isdigit()] == ["70001"]


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_search_with_the_longest_message_is_answered(scene: Scene, language: str) -> None:
    camille = await scene.linked(language, BOREAL)
    for text in ("x" * 4096, "😀" * 2048, "é" * 4096, "👩‍👩‍👧‍👦" * 300, "z " * 2000):
        nothing = await search(scene, camille, "/factures", text)
        assert ("Aucune facture ne correspond" if language == "fr" else "No invoice matches") in nothing.text
        assert nothing.labels
        assert "\ufffd" not in nothing.text


async def test_long_search_is_not_silently_shortened(scene: Scene) -> None:
    camille = await scene.linked("fr", BOREAL)
    nothing = await search(scene, camille, "/commandes", "capteur de température et identification d’un navire")
    assert not [label for label in nothing.labels if label.isdigit()] or "…" in nothing.text.split("\n")[-1]


async def test_another_command_ends_the_search(scene: Scene) -> None:
    camille = await scene.linked()
    await scene.say(camille, "/factures")
    await scene.tap(camille, "Rechercher")
    await scene.say(camille, "/aide")
    assert "Facture nº" in (await scene.say(camille, "212380")).text, "a number is a number again"


async def test_cancel_button_ends_the_search(scene: Scene) -> None:
    camille = await scene.linked()
    await scene.say(camille, "/factures")
    question = await scene.tap(camille, "Rechercher")
    assert question.labels, "whoever tapped it by mistake needs a way back"
    await scene.tap(camille, question.labels[0])
    assert "Facture nº" in (await scene.say(camille, "212380")).text


async def test_search_expires_after_an_hour(scene: Scene) -> None:
    camille = await scene.linked()
    await scene.say(camille, "/commandes")
    await scene.tap(camille, "Rechercher")
    scene.clock.advance(datetime.timedelta(minutes=61))
    assert "Facture nº" in (await scene.say(camille, "212380")).text


async def test_search_stays_in_its_account(scene: Scene) -> None:
    camille = await scene.linked()
    old = await scene.say(camille, "/factures")
    await scene.say(camille, "/compte")
    await scene.tap(camille, "Client Odotrack 2016")
    camille.tap("Rechercher", message=old)
    await camille.wait_for_message()
    found = await scene.say(camille, "Plan")
    assert [label for label in found.labels if label.isdigit()] == ["212380"]


async def test_invoice_number_opens_the_invoice_in_any_spelling(scene: Scene) -> None:
    camille = await scene.linked()
    for text in ("212380", " 212380 ", "nº 212380", "n° 212380", "no. 212380", "#212380", "№ 212380", "２１２３８０"):
        assert (await scene.say(camille, text)).text.startswith("Facture nº\u00a0212380"), text


@pytest.mark.parametrize(
    ("language", "text", "opens"),
    [
        ("fr", "26387", "Commande nº\u00a026387"),
        ("en", "26387", "Order no.\u00a026387"),
        ("en", "212380", "Invoice no.\u00a0212380"),
        ("fr", "999999", "999999"),
        ("en", "999999", "999999"),
    ],
)
async def test_number_opens_its_document_or_reports_none(scene: Scene, language: str, text: str, opens: str) -> None:
    camille = await scene.linked(language)
    screen = await scene.say(camille, text)
    assert opens in screen.text
    assert screen.labels
    assert ".." not in screen.text


@pytest.mark.parametrize(("language", "order", "invoice"), [("fr", "Commande", "Facture"), ("en", "Order", "Invoice")])
async def test_number_of_an_order_and_an_invoice_asks_which(
    scene: Scene, language: str, order: str, invoice: str
) -> None:
    scene.portal.portal.create_order("a-2001", [(1, "Jumelle")], number="212380")
    camille = await scene.linked(language)
    both = await scene.say(camille, "212380")
    assert {f"{order} 212380", f"{invoice} 212380"} <= set(both.labels)
    assert "Jumelle" in (await scene.tap(camille, f"{order} 212380")).text
    await scene.say(camille, "212380")
    assert "293" in (await scene.tap(camille, f"{invoice} 212380")).text


async def test_number_of_another_account_shows_no_data(scene: Scene) -> None:
    camille = await scene.linked()
    for text in ("41010", "240130", "43001"):
        screen = await scene.say(camille, text)
        assert text in screen.text
        assert not [label for label in screen.labels if text in label or "PDF" in label]


async def test_number_typed_during_a_search_is_searched(scene: Scene) -> None:
    camille = await scene.linked("fr", BOREAL)
    found = await search(scene, camille, "/factures", "2401")
    assert "240130" in found.labels
    assert "›" in found.labels


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_number_that_is_a_word_of_ours(scene: Scene, language: str) -> None:
    """The word keeps its meaning; a noun or the search before it looks it up."""
    scene.portal.portal.issue_invoice("a-2001", amount="7.77", number="MENU")
    person = await scene.linked(language)
    for text in ("facture MENU", "invoice MENU", "/recherche MENU", "/search menu"):
        assert "MENU" in (await scene.say(person, text)).text.split("\n")[0], text
    assert "MENU" not in (await scene.say(person, "menu")).text
