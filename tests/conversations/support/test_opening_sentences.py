# ruff: noqa: F401, F811  # the fixture is imported and asked for by name
"""The sentence that began a conversation with the staff is passed on by a button, once."""

import pytest

from sandbox.telegram.model import Message
from tests.conversations.support.desk import Desk, desk

BUTTON = {"fr": "Transmettre ce que je viens d’écrire", "en": "Pass on what I just wrote"}
UNSENT = {"fr": "n’a pas été transmis", "en": "not passed on"}
PASSED_ON = {"fr": "Ce que vous aviez écrit a été transmis", "en": "What you had written was passed on"}
AGAIN = {"fr": "écrivez-le de nouveau", "en": "write it again"}
OVER = {"fr": "ne lui a pas été transmis", "en": "was not relayed"}
TELLS = {
    "fr": ("mon numero de tel a changé cest 418 555 0177", "ca marche pas votre affaire"),
    "en": ("my phone number has changed, it is 418 555 0177", "I want to talk to a human"),
}
NEXT = {"fr": "autre chose", "en": "something else"}
TALK = {"fr": "/parler", "en": "/talk"}
END = {"fr": "/fin", "en": "/end"}


def copies(desk: Desk, text: str) -> list[Message]:
    """The messages of the forum with this text."""
    return [each for each in desk.group.chat.visible if each.text == text]


@pytest.mark.parametrize("language", BUTTON)
@pytest.mark.parametrize("number", [0, 1])
async def test_opening_sentence_is_passed_on_once(desk: Desk, language: str, number: int) -> None:
    scene, text = desk.scene, TELLS[language][number]
    camille = await scene.linked(language)
    written = camille.say(text)
    begun = await camille.wait_for_message(UNSENT[language])
    assert BUTTON[language] in begun.labels
    assert desk.topics() == {}, "nothing leaves the chat before the tap"
    camille.tap(BUTTON[language])
    camille.tap(BUTTON[language])  # twice, before the bot answers
    shown = await camille.wait_for_message(PASSED_ON[language])
    assert UNSENT[language] not in shown.text
    assert BUTTON[language] not in shown.labels
    copy = await desk.reads(text)
    assert await desk.world.log.changed.until(lambda: written.reaction or None, 5.0) == "👌"
    camille.say(NEXT[language])
    await desk.reads(NEXT[language])
    assert copies(desk, text) == [copy], "a second tap does nothing more"
    desk.says("Bonjour", reply_to=copy)
    assert (await camille.wait_for_message("Bonjour")).reply_to is written


@pytest.mark.parametrize("language", BUTTON)
async def test_opening_sentence_survives_a_restart(desk: Desk, language: str) -> None:
    """It may also be passed on after another message."""
    scene, text = desk.scene, TELLS[language][0]
    camille = await scene.linked(language)
    begun = await scene.say(camille, text)
    await scene.say(camille, NEXT[language])
    await scene.settled()
    camille.tap(BUTTON[language], message=begun)
    await desk.reads(text)
    assert len(copies(desk, NEXT[language])) == 1


@pytest.mark.parametrize("language", BUTTON)
async def test_edit_of_a_passed_on_sentence_is_relayed(desk: Desk, language: str) -> None:
    scene = desk.scene
    camille = await scene.linked(language)
    written = camille.say(TELLS[language][0])
    await camille.wait_for_message(UNSENT[language])
    await scene.tap(camille, BUTTON[language])
    await desk.remembers(await desk.reads(TELLS[language][0]))
    camille.edit(written, "418 555 0178")
    await desk.reads("418 555 0178")


@pytest.mark.parametrize("language", BUTTON)
async def test_deleted_sentence_has_to_be_written_again(desk: Desk, language: str) -> None:
    camille = await desk.scene.linked(language)
    written = camille.say(TELLS[language][0])
    await camille.wait_for_message(UNSENT[language])
    camille.delete(written)
    assert AGAIN[language] in (await desk.scene.tap(camille, BUTTON[language])).text


@pytest.mark.parametrize("language", BUTTON)
async def test_sentence_is_not_passed_on_after_the_end(desk: Desk, language: str) -> None:
    scene = desk.scene
    camille = await scene.linked(language)
    begun = await scene.say(camille, TELLS[language][0])
    await scene.say(camille, END[language])
    camille.tap(BUTTON[language], message=begun)
    await camille.wait_for_message(OVER[language])
    assert desk.topics() == {}


@pytest.mark.parametrize("language", BUTTON)
async def test_commands_and_buttons_have_nothing_to_pass_on(desk: Desk, language: str) -> None:
    scene = desk.scene
    camille = await scene.linked(language)
    for begun in (
        await scene.say(camille, TALK[language]),
        await scene.tap(camille, {"fr": "Terminer la conversation", "en": "End the conversation"}[language]),
        await scene.tap(camille, {"fr": "Parler à quelqu’un", "en": "Talk to a person"}[language]),
    ):
        assert BUTTON[language] not in begun.labels
        assert UNSENT[language] not in begun.text
