"""The first screen, the help and the home screen: where each leads, also while the portal is away."""

import time

import pytest

from sandbox.portal.faults import Fault, FaultKind
from tests.scene import Scene

NEWCOMERS = {
    "fr": ("Connexion", "Mot de passe oublié", "En savoir plus", "Confidentialité"),
    "en": ("Sign in", "Forgotten password", "Learn more", "Privacy"),
}
HOME = {
    "fr": ("Commandes", "Factures", "Comptes", "Avis", "Paramètres", "Aide"),
    "en": ("Orders", "Invoices", "Accounts", "Notices", "Settings", "Help"),
}


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_welcome_and_help_have_the_portals_links(scene: Scene, language: str) -> None:
    person = scene.person(language)
    person.start()
    welcome = await person.wait_for_message()
    assert [label for label in NEWCOMERS[language] if label not in welcome.labels] == []
    help_page = await scene.say(person, "/help")
    assert [label for label in NEWCOMERS[language] if label not in help_page.labels] == []


@pytest.mark.parametrize("kind", [FaultKind.SERVER_ERROR, FaultKind.SLOW])
async def test_welcome_does_not_wait_for_the_portal(scene: Scene, kind: FaultKind) -> None:
    scene.portal.faults.set(Fault(kind, path="*/links", seconds=30))
    person = scene.person()
    began = time.monotonic()
    person.start()
    welcome = await person.wait_for_message()
    assert time.monotonic() - began < 4.0
    assert "Lier mon compte" in welcome.labels
    assert "Mot de passe oublié" not in welcome.labels
    scene.portal.faults.clear()
    scene.later(minutes=2)
    assert "Mot de passe oublié" in (await scene.say(person, "/aide")).labels


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_home_reaches_accounts_notices_and_settings(scene: Scene, language: str) -> None:
    person = await scene.linked(language)
    home = await scene.say(person, "/start")
    assert tuple(home.labels) == HOME[language]
    for label in HOME[language][2:5]:
        await scene.say(person, "/start")
        shown = await scene.tap(person, label)
        assert shown.text.split("\n")[0] != home.text.split("\n")[0]


async def test_unknown_words_before_linking_offer_a_person(scene: Scene) -> None:
    person = scene.person()
    answer = await scene.say(person, "où en est ma livraison de bois")
    assert answer.labels == ["Lier mon compte", "Confidentialité", "Aide", "Parler à quelqu’un"]
    assert "/portail" in answer.text


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        ("factures", "Factures · "),
        ("212380", "Facture nº\u00a0212380"),
        ("facture-212380", "Facture nº\u00a0212380"),
        ("commande_26387", "Commande nº\u00a026387"),
        ("aide", "Aide"),
        ("x" * 60, "Que souhaitez-vous consulter?"),
    ],
)
async def test_start_payload(scene: Scene, payload: str, words: str) -> None:
    person = await scene.linked()
    person.start(payload)
    assert words in (await person.wait_for_message()).text


async def test_start_payload_of_a_newcomer_is_the_welcome(scene: Scene) -> None:
    person = scene.person()
    person.start("facture-212380")
    assert (await person.wait_for_message()).text.startswith("Bienvenue")


@pytest.mark.parametrize("support", ["aide@odotrack.test", ""])
@pytest.mark.parametrize("language", ["fr", "en"])
async def test_unknown_words_offer_help_a_person_and_an_example(scene: Scene, language: str, support: str) -> None:
    await scene.stop_bot()
    await scene.start_bot(support=support)
    person = await scene.linked(language)
    answer = await scene.say(person, "?!")
    assert (support or ("/portail" if language == "fr" else "/portal")) in answer.text
    assert "240934" in answer.text
    assert HOME[language][-1] in answer.labels
    nothing = await scene.say(person, "zzzzzz")
    assert (support or ("/portail" if language == "fr" else "/portal")) in nothing.text


@pytest.mark.parametrize(
    ("language", "text", "words"),
    [
        ("fr", "solde", "Solde · "),
        ("fr", "combien je dois?", "Solde · "),
        ("fr", "je veux payer ma facture", "Factures à payer"),
        ("fr", "ma dernière facture", "Facture nº"),
        ("fr", "note de crédit", "Notes de crédit · "),
        ("fr", "mot de passe oublié", "Portail"),
        ("fr", "parler à quelqu’un", "Parler à quelqu’un"),
        ("fr", "arrêter les avis", "Avis"),
        ("fr", "septembre 2020", "212380"),
        ("fr", "28 septembre 2020", "212380"),
        ("en", "what is my balance?", "Balance · "),
        ("en", "I want to pay my bill", "Invoices to pay"),
        ("en", "latest invoice", "Invoice no."),
        ("en", "credit note", "Credit notes · "),
        ("en", "I forgot my password", "Portal"),
        ("en", "talk to a human", "Talk to a person"),
        ("en", "unsubscribe", "Notices"),
        ("en", "Sep 2020", "212380"),
        ("en", "09/28/2020", "212380"),
    ],
)
async def test_what_people_type(scene: Scene, language: str, text: str, words: str) -> None:
    person = await scene.linked(language)
    answer = await scene.say(person, text)
    assert words in "\n".join((answer.text, *answer.labels))


async def test_slow_portal_shows_typing(scene: Scene) -> None:
    person = await scene.linked()
    scene.portal.faults.set(Fault(FaultKind.SLOW, path="*/orders*", seconds=3))
    person.say("/commandes")
    assert await person.wait_for_action("typing") == "typing"
    assert "Commandes" in (await person.wait_for_message(timeout=15)).text


@pytest.mark.parametrize(("language", "link"), [("fr", "Lier mon compte"), ("en", "Link my account")])
async def test_picture_before_linking_leads_on(scene: Scene, language: str, link: str) -> None:
    person = scene.person(language)
    person.start()
    await person.wait_for_message()
    person.send_photo()
    more = {"fr": ["Aide", "Parler à quelqu’un"], "en": ["Help", "Talk to a person"]}
    assert (await person.wait_for_message(new=True)).labels == [link, *more[language]]
