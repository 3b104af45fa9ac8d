"""Orders and invoices whose numbers are words of ours: the word keeps its meaning, and a button opens the document."""

import pytest

from sandbox.telegram.persons import Person
from tests.scene import Scene

COMMANDS = {"fr": ("/commandes", "/factures"), "en": ("/orders", "/invoices")}
ORDER, INVOICE = {"fr": "Commande", "en": "Order"}, {"fr": "Facture", "en": "Invoice"}
OPENED = {"fr": "nº\u00a0", "en": ""}
WORDS = {
    "fr": {"PDF": "", "AIDE": "/factures", "SOLDE": "Solde", "STOP": ""},
    "en": {"PDF": "", "HELP": "/invoices", "BALANCE": "Balance", "STOP": ""},
}


async def shown(scene: Scene, language: str) -> Person:
    """Return a person whose lists showed an order and an invoice for each of the words."""
    for word in WORDS[language]:
        scene.portal.portal.create_order("a-2001", [(1, "Balise")], number=word)
        scene.portal.portal.issue_invoice("a-2001", amount="7.77", number=word)
    person = await scene.linked(language)
    for command in COMMANDS[language]:
        await scene.say(person, command)
    await scene.settled()
    return person


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_word_offers_the_documents_of_its_name(scene: Scene, language: str) -> None:
    person = await shown(scene, language)
    for word, meaning in WORDS[language].items():
        for text in (word, word.lower(), f"{word}?"):
            screen = await scene.say(person, text)
            assert meaning in screen.text, text
            assert screen.labels[-2:] == [f"{ORDER[language]} {word}", f"{INVOICE[language]} {word}"], text
        opened = await scene.tap(person, f"{INVOICE[language]} {word}")
        assert f"{INVOICE[language]} {'nº' if language == 'fr' else 'no.'}" in opened.text.replace("\u00a0", " ")
        assert word in opened.text


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_word_costs_no_call_to_the_portal(scene: Scene, language: str) -> None:
    person = await shown(scene, language)
    word = "AIDE" if language == "fr" else "HELP"
    await scene.say(person, f"/{word.lower()}")  # reads the portal's links, which are kept for a while
    scene.portal.log.clear()
    assert f"{ORDER[language]} {word}" in (await scene.say(person, word)).labels
    assert scene.portal.log.total == 0


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_other_texts_offer_nothing_more(scene: Scene, language: str) -> None:
    """A command with its slash, which menus send; a word that is no number; a chat that was shown no such document."""
    person = await shown(scene, language)
    word = "AIDE" if language == "fr" else "HELP"
    for text in (f"/{word.lower()}", "menu", "merci"):
        labels = (await scene.say(person, text)).labels
        assert not [label for label in labels if word in label], text
    scene.portal.portal.people.add_contact("c-9001", "autre@example.test", "Autre", access={"a-2001": ("orders",)})
    other = await scene.linked(language, "autre@example.test")
    assert f"{ORDER[language]} {word}" not in (await scene.say(other, word)).labels


async def test_part_without_access_is_not_offered(scene: Scene) -> None:
    person = await shown(scene, "fr")
    scene.portal.portal.people.change_contact("c-1001", access={"a-2001": ("orders",)})
    scene.later(hours=25)
    await scene.say(person, "/commandes")
    await scene.settled()
    labels = (await scene.say(person, "AIDE")).labels
    assert "Commande AIDE" in labels
    assert "Facture AIDE" not in labels


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_noun_or_search_before_the_word_opens_it(scene: Scene, language: str) -> None:
    """Also where the chat was not shown the document: then the portal is asked."""
    scene.portal.portal.issue_invoice("a-2001", amount="7.77", number="MENU")
    person = await scene.linked(language)
    for text in ("facture MENU", "invoice MENU", "/recherche MENU", "/search menu"):
        assert "MENU" in (await scene.say(person, text)).text, text
    await scene.settled()
    for text in ("MENU", "menu"):
        assert (await scene.say(person, text)).labels[-1] == f"{INVOICE[language]} MENU"
    assert "MENU" not in " ".join((await scene.say(person, "/menu")).labels)
