"""What people answer when an address or a code is asked for."""

import pytest

from tests.scene import CLIENT, Scene


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_dictated_addresses_are_read(scene: Scene, language: str) -> None:
    for text in ("client arobase example point test", "client (at) example (dot) test", "client@ example.test",
                 "client @example.test", "client@example,test", "courriel=client@example.test"):  # fmt: skip
        person = scene.person(language)
        await scene.say(person, "/link")
        shown = (await scene.say(person, text)).text
        assert CLIENT in shown, text
        assert f"={CLIENT}" not in shown, text


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_command_with_an_address_asks_for_the_code(scene: Scene, language: str) -> None:
    person = scene.person(language)
    assert CLIENT in (await scene.say(person, f"/lier {CLIENT}" if language == "fr" else f"/link {CLIENT}")).text
    assert len((await scene.say(person, await scene.code())).labels) == 2
    other = await scene.say(person, "/link flotte@example.test")
    assert "flotte@example.test" in other.text


@pytest.mark.parametrize(
    ("language", "awaited", "several", "incomplete"),
    [
        ("fr", "J’attends l’adresse", "plusieurs adresses", "pas une adresse de courriel complète"),
        ("en", "I am waiting for the email address", "several addresses", "not a complete email address"),
    ],
)
async def test_no_address_says_what_is_awaited(
    scene: Scene, language: str, awaited: str, several: str, incomplete: str
) -> None:
    person = scene.person(language)
    await scene.say(person, "/link")
    for text in ("pourquoi?", "je ne sais pas", "i don't have one", "oui", "514-555-1234", "👍"):
        assert awaited in (await scene.say(person, text)).text, text
    assert several in (await scene.say(person, "client@example.test ou flotte@example.test")).text
    assert incomplete in (await scene.say(person, "client@gmail")).text
    assert scene.mailbox.sent_to(CLIENT) == []


@pytest.mark.parametrize(
    ("language", "leave", "soon", "linked"),
    [("fr", "annule", "vient d’être demandé", "réussie"), ("en", "cancel", "has just been asked for", "connected")],
)
async def test_code_that_was_left_is_awaited_again(
    scene: Scene, language: str, leave: str, soon: str, linked: str
) -> None:
    """Who gives the same address again is told to look for the mail; its code then works."""
    person = await scene.asked(language)
    code = await scene.code()
    await scene.say(person, leave)
    assert soon in (await scene.say(person, CLIENT)).text
    assert linked in (await scene.say(person, code)).text


@pytest.mark.parametrize(
    ("language", "awaited", "left"),
    [("fr", "code à 6 chiffres", "Il reste 4 essais"), ("en", "6-digit code", "4 attempts are left")],
)
async def test_sentence_about_something_else_costs_nothing(
    scene: Scene, language: str, awaited: str, left: str
) -> None:
    """More of them than there are attempts; a code and a few words around it cost one."""
    person = await scene.asked(language)
    code = await scene.code()
    for text in (
        "ca marche tu avec le code de facture 240130", "does it work with invoice code 240130", "#250118",
        "Transféré: Bonjour, votre facture 240130 de 1293,08$ est due le 1 dec. Cliquez ici", "240130 c koi",
        "the van of my brother, number plate 240130, is not on the map any more",
    ):  # fmt: skip
        answer = (await scene.say(person, text)).text
        assert awaited in answer, text
        assert left not in answer, text
    assert left in (await scene.say(person, "j'ai dit 000 000" if language == "fr" else "here: 000 000 thanks")).text
    assert {"fr": "réussie", "en": "connected"}[language] in (await scene.say(person, f"code {code}")).text


@pytest.mark.parametrize(
    ("language", "soon", "ask", "missing"),
    [
        ("fr", "vient d’être demandé", "Quelle est l’adresse de courriel", "il ne manque que le code"),
        ("en", "has just been asked for", "What is the email address", "only the code"),
    ],
)
async def test_words_while_a_code_is_awaited(scene: Scene, language: str, soon: str, ask: str, missing: str) -> None:
    person = await scene.asked(language)
    code = await scene.code()
    for text in ("renvoyer", "renvoyez le code svp", "resend", "send it again please"):
        assert soon in (await scene.say(person, text)).text, text
    for text in ("factures", "/invoices", "/avis"):
        assert missing in (await scene.say(person, text)).text, text
    for text in ("facture 212380", "invoice 212380"):
        answer = await scene.say(person, text)
        assert "4" not in answer.text, "it is not compared, and costs no attempt"
    assert len((await scene.say(person, f"/{code}")).labels) == 2
    other = await scene.asked(language, "flotte@example.test")
    assert ask in (await scene.say(other, "mauvaise adresse" if language == "fr" else "another address")).text
