"""A text that names an account of the chat is answered for that account, never for another one."""

import pytest

from sandbox.telegram.persons import Person
from tests.scene import CLIENT, Scene

BOOKKEEPER = "Comptable@Example.Test"
FOUR = "quatre@example.test"
BOREAL, NORTH_SHORE = "Transport Boréal inc.", "North Shore Couriers Ltd"
WHICH = {"fr": "De quel compte", "en": "Which account"}


async def chosen(scene: Scene, language: str, account: str) -> Person:
    """A bookkeeper of two accounts, one of which is chosen."""
    person = await scene.linked(language, BOOKKEEPER)
    assert account in (await scene.say(person, account)).text
    return person


@pytest.mark.parametrize(
    ("language", "text", "account", "title"),
    [
        ("fr", "les factures de North Shore", NORTH_SHORE, "Factures · "),
        ("fr", "combien doit Transport Boréal?", BOREAL, "Solde · "),
        ("fr", "les impayées de north-shore svp", NORTH_SHORE, "Factures à payer · "),
        ("fr", "solde du compte BORÉAL INC.", BOREAL, "Solde · "),
        ("fr", "factures de tous les comptes sauf Boréal", NORTH_SHORE, "Factures · "),
        ("fr", "/factures North Shore", NORTH_SHORE, "Factures · "),
        ("fr", "avis de North Shore", NORTH_SHORE, "Avis"),
        ("en", "what does North Shore owe", NORTH_SHORE, "Balance · "),
        ("en", "show me Boreal's overdue", BOREAL, "Overdue invoices · "),
        ("en", "unpaid for Transport Boreal", BOREAL, "Invoices to pay · "),
        ("en", "stop the notices of Northshore", NORTH_SHORE, "Notices"),
        ("en", "invoices other than Boreal's", NORTH_SHORE, "Invoices · "),
        ("en", "invoices of North Shore, not Boreal", NORTH_SHORE, "Invoices · "),
        ("en", "North Shore September", NORTH_SHORE, "From September 1, 2026 to September 30, 2026"),
        ("en", "invoices of borael since 2020", BOREAL, "Since January 1, 2020"),
        ("en", "invoice 250118 of North Shore", NORTH_SHORE, "Invoice no.\u00a0250118"),
    ],
)
async def test_named_account_is_answered_for(scene: Scene, language: str, text: str, account: str, title: str) -> None:
    other = BOREAL if account == NORTH_SHORE else NORTH_SHORE
    person = await chosen(scene, language, other)
    answer = (await scene.say(person, text)).text
    assert title in answer
    assert account in answer
    assert other not in answer.split("\n")[0]
    assert other in (await scene.say(person, "solde")).text.split("\n")[0], "the chosen account stays"


@pytest.mark.parametrize(
    ("language", "text", "account"),
    [
        ("fr", "le relevé de North Shore pour 2026", NORTH_SHORE),
        ("en", "statement for North Shore Couriers 2026", NORTH_SHORE),
        ("en", "PDFs for Transport Boreal, Sept", BOREAL),
        ("fr", "les pdf de transport boréal pour septembre", BOREAL),
    ],
)
async def test_papers_are_those_of_the_named_account(scene: Scene, language: str, text: str, account: str) -> None:
    other = BOREAL if account == NORTH_SHORE else NORTH_SHORE
    person = await chosen(scene, language, other)
    person.say(text)
    message = await person.wait_for_message(f"{account} · ", new=True)
    assert message.file is not None
    assert message.file.name.endswith((".pdf", ".zip"))
    assert account in message.text
    assert other not in message.text


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("fr", "passons à North Shore"),
        ("fr", "pis North Shore?"),
        ("fr", "bonjour, changer pour le compte north shore svp"),
        ("en", "switch to north shore"),
        ("en", "what about North Shore Couriers"),
        ("en", "no, not Transport Boreal, North Shore"),
    ],
)
async def test_account_alone_is_chosen(scene: Scene, language: str, text: str) -> None:
    person = await chosen(scene, language, BOREAL)
    assert NORTH_SHORE in (await scene.say(person, text)).text
    assert NORTH_SHORE in (await scene.say(person, "/solde")).text.split("\n")[0]


@pytest.mark.parametrize(
    ("language", "text"), [("fr", "solde de Boréal et de North Shore"), ("en", "what do Boreal and North Shore owe")]
)
async def test_two_named_accounts_are_offered(scene: Scene, language: str, text: str) -> None:
    person = await chosen(scene, language, BOREAL)
    asked = await scene.say(person, text)
    assert WHICH[language] in asked.text
    assert {BOREAL, NORTH_SHORE} <= set(asked.labels)
    assert (await scene.tap(person, NORTH_SHORE)).text.startswith(
        f"{'Solde' if language == 'fr' else 'Balance'} · {NORTH_SHORE}"
    )


@pytest.mark.parametrize(("language", "text"), [("fr", "combien doit Laflamme"), ("en", "orders of Groupe Laflamme")])
async def test_shared_name_is_asked_about(scene: Scene, language: str, text: str) -> None:
    person = await scene.linked(language, FOUR)
    asked = await scene.say(person, text)
    assert WHICH[language] in asked.text
    assert len([label for label in asked.labels if label.startswith("Groupe Laflamme")]) == 4
    assert "Groupe Laflamme – Lévis" in (await scene.tap(person, "Lévis")).text.split("\n")[0]
    answer = await scene.say(person, "factures laflamme gatineau")
    assert (
        "Factures · Groupe Laflamme – Gatineau" in answer.text or "Invoices · Groupe Laflamme – Gatineau" in answer.text
    )


@pytest.mark.parametrize(
    ("language", "text", "words"),
    [("fr", "factures Rouyn-Noranda", "ne comprend pas"), ("en", "Rouyn-Noranda invoices", "does not include")],
)
async def test_access_of_the_named_account_holds(scene: Scene, language: str, text: str, words: str) -> None:
    person = await scene.linked(language, FOUR)
    answer = (await scene.say(person, text)).text
    assert words in answer
    assert "Rouyn-Noranda" in answer


@pytest.mark.parametrize(
    "text", ["relevé du client Odotrack", "odotrack statement please", "mes factures de transport"]
)
async def test_words_of_no_account_change_nothing(scene: Scene, text: str) -> None:
    """The company's own name and words of companies that all accounts have."""
    person = await scene.linked("fr", CLIENT)
    assert "Client Odotrack" in (await scene.say(person, text)).text
    assert "Client Odotrack 2016" not in (await scene.say(person, "/solde")).text.split("\n")[0]


async def test_address_is_no_name(scene: Scene) -> None:
    person = await chosen(scene, "fr", BOREAL)
    await scene.say(person, "joe@north.test")
    assert BOREAL in (await scene.say(person, "/solde")).text.split("\n")[0]


@pytest.mark.parametrize(
    ("language", "text", "yes", "done"),
    [
        ("fr", "délie seulement Boréal", "Oui", "Le compte est délié"),
        ("en", "unlink only Boreal", "Yes", "The account is unlinked"),
    ],
)
async def test_named_account_is_unlinked(scene: Scene, language: str, text: str, yes: str, done: str) -> None:
    person = await chosen(scene, language, BOREAL)
    asked = await scene.say(person, text)
    assert BOREAL in asked.text
    assert NORTH_SHORE not in asked.text
    answer = await scene.tap(person, yes)
    assert done in answer.text
    assert NORTH_SHORE in answer.text
    assert BOREAL not in answer.text
    assert NORTH_SHORE in (await scene.say(person, "/solde")).text.split("\n")[0]
    assert BOREAL not in (await scene.say(person, "solde de transport boréal")).text


@pytest.mark.parametrize(
    ("language", "text"),
    [("fr", "ne délie pas Boréal"), ("en", "don't unlink Boreal"), ("fr", "supprime le compte de Boréal")],
)
async def test_nothing_else_is_unlinked(scene: Scene, language: str, text: str) -> None:
    person = await chosen(scene, language, NORTH_SHORE)
    answer = await scene.say(person, text)
    assert NORTH_SHORE not in answer.text
    assert f"• {BOREAL}" not in answer.text or text.startswith("supprime")


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_last_account_is_unlinked_as_a_whole(scene: Scene, language: str) -> None:
    """A button that unlinks one account, tapped when it is the only one that is left."""
    person = await chosen(scene, language, BOREAL)
    unlink, yes = ("délie", "Oui") if language == "fr" else ("unlink", "Yes")
    asked = await scene.say(person, f"{unlink} Boréal")
    await scene.say(person, f"{unlink} North Shore")
    await scene.tap(person, yes)
    person.tap(yes, message=asked)
    await person.wait_for_message("plus liée" if language == "fr" else "no longer linked")


async def test_search_text_may_be_a_question(scene: Scene) -> None:
    person = await chosen(scene, "fr", BOREAL)
    await scene.say(person, "/factures")
    await scene.tap(person, "Rechercher")
    assert f"Solde · {NORTH_SHORE}" in (await scene.say(person, "combien doit North Shore")).text
