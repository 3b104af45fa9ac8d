# ruff: noqa: F401, F811  # the fixture is imported and asked for by name
"""A code is awaited during a conversation with the staff: cancelling it holds, and sentences reach the staff."""

import pytest

from sandbox.telegram.persons import Person
from tests.conversations.notices.test_copies import BOOKS, asked
from tests.conversations.notices.test_notices import ACCOUNT
from tests.conversations.support.desk import Desk, desk
from tests.scene import CLIENT

LINK = {"fr": "/lier", "en": "/link"}
ASKS = {"fr": "parler à quelqu'un", "en": "call me"}
LEAVE = {"fr": "annule", "en": "never mind"}
CANCELLED = {"fr": "rien n’a été lié", "en": "nothing was linked"}
CONNECTED = {"fr": "Connexion réussie", "en": "onnected"}
COPY_LEFT = {"fr": "copie pour la comptabilité n’a pas été changée", "en": "copy was not changed"}
TWO_LEFT = {"fr": "Il reste 2 essais", "en": "2 attempts are left"}
FOUR_LEFT = {"fr": "Il reste 4 essais", "en": "4 attempts are left"}
INCOMPLETE = {"fr": "pas une adresse de courriel complète", "en": "not a complete email address"}
SENTENCES = {
    "fr": ("la facture 212380 c tu a nous autre", "240130 c koi ça", "le camion 240130 est brisé"),
    "en": ("is invoice 212380 ours", "what is 240130", "the truck 240130 broke down"),
}
FORWARDED = {
    "fr": "Bonjour, votre facture 240130 de 1 293,08 $ est due le 1 dec. Le code est 240130.",
    "en": "Hello, your invoice 240130 of $1,293.08 is due on Dec 1. The code is 240130.",
}


async def relayed(desk: Desk, person: Person, text: str, **more: str) -> None:
    """Write a text, and assert that the staff get it, and that the bot says nothing."""
    written = person.say(text, **more)  # type: ignore[arg-type]
    await desk.reads(text)
    assert await person.world.log.changed.until(lambda: written.reaction or None, 5.0) == "👌", text


@pytest.mark.parametrize("language", LINK)
async def test_cancelled_code_links_nothing_during_a_talk(desk: Desk, language: str) -> None:
    scene, stranger = desk.scene, desk.scene.person(language)
    stranger.start()
    await stranger.wait_for_message()
    await scene.say(stranger, ASKS[language])
    await scene.say(stranger, LINK[language])
    await scene.say(stranger, CLIENT)
    code = await scene.code()
    assert CANCELLED[language] in (await scene.say(stranger, LEAVE[language])).text
    await scene.say(stranger, "000000")  # the first of the talk
    await relayed(desk, stranger, code)
    assert not [each for each in stranger.chat().visible if CONNECTED[language] in each.text]


@pytest.mark.parametrize("language", LINK)
async def test_talk_does_not_revive_a_cancelled_code(desk: Desk, language: str) -> None:
    """A code that was cancelled before the talk; one that is awaited again links, as outside a talk."""
    scene = desk.scene
    stranger = await scene.asked(language)
    code = await scene.code()
    assert CANCELLED[language] in (await scene.say(stranger, LEAVE[language])).text
    await desk.talking(stranger)
    await relayed(desk, stranger, code)
    await scene.say(stranger, LINK[language])
    await scene.say(stranger, CLIENT)
    assert CONNECTED[language] in (await scene.say(stranger, code)).text


@pytest.mark.parametrize("language", LINK)
async def test_cancelled_address_leaves_the_code_before_it(desk: Desk, language: str) -> None:
    scene = desk.scene
    stranger = await scene.asked(language)
    code = await scene.code()
    await desk.talking(stranger)
    await scene.say(stranger, LINK[language])
    await scene.say(stranger, LEAVE[language])
    await relayed(desk, stranger, code)


@pytest.mark.parametrize("language", LINK)
async def test_cancelled_copy_stays_cancelled_in_a_talk(desk: Desk, language: str) -> None:
    person = await asked(desk.scene, language)
    code = await desk.scene.code(BOOKS)
    assert COPY_LEFT[language] in (await desk.scene.say(person, LEAVE[language])).text
    await desk.talking(person)
    await relayed(desk, person, code)


@pytest.mark.parametrize("language", SENTENCES)
async def test_sentences_are_relayed_while_a_copy_waits(desk: Desk, language: str) -> None:
    """More of them than there are attempts, and the number of an own invoice alone; a code still costs one."""
    person = await asked(desk.scene, language)
    await desk.scene.code(BOOKS)
    await desk.talking(person)
    desk.scene.portal.portal.issue_invoice(ACCOUNT[language], amount="40.19", number="990001")
    for text in (*SENTENCES[language], "990001"):
        await relayed(desk, person, text)
    await relayed(desk, person, FORWARDED[language], forwarded_from="Réal")
    await relayed(desk, person, "123456", forwarded_from="Réal")
    assert TWO_LEFT[language] in (await desk.scene.say(person, "c'est le 123456 merci")).text


@pytest.mark.parametrize("language", SENTENCES)
async def test_sentences_are_relayed_while_a_link_waits(desk: Desk, language: str) -> None:
    """The code was asked for during the talk: what is no code is still meant for the staff."""
    scene, stranger = desk.scene, desk.scene.person(language)
    await desk.talking(stranger)
    await scene.say(stranger, LINK[language])
    await scene.say(stranger, CLIENT)
    code = await scene.code()
    for text in (*SENTENCES[language], "je cherche, I am looking", "240130 240129 factures"):
        await relayed(desk, stranger, text)
    await relayed(desk, stranger, code, forwarded_from="Réal")
    assert FOUR_LEFT[language] in (await scene.say(stranger, "voici: 000 000")).text
    assert CONNECTED[language] in (await scene.say(stranger, f"code {code}")).text


@pytest.mark.parametrize("language", SENTENCES)
async def test_sentences_are_relayed_while_an_address_waits(desk: Desk, language: str) -> None:
    scene, stranger = desk.scene, desk.scene.person(language)
    await desk.talking(stranger)
    await scene.say(stranger, LINK[language])
    for text in (*SENTENCES[language], "le 514 555-0199"):
        await relayed(desk, stranger, text)
    assert INCOMPLETE[language] in (await scene.say(stranger, "client@gmail")).text
    assert CLIENT in (await scene.say(stranger, CLIENT)).text
