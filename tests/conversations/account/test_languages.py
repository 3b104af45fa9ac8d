"""Languages: the client's, the chat's choice, and every command by either name in both."""

import re

import pytest

from sandbox.telegram.persons import Person
from tests.scene import Scene

NAMES = [
    ("/start", "/start"),
    ("/commandes", "/orders"),
    ("/factures", "/invoices"),
    ("/solde", "/balance"),
    ("/releve", "/statement"),
    ("/lier", "/link"),
    ("/compte", "/account"),
    ("/avis", "/notices"),
    ("/langue", "/language"),
    ("/portail", "/portal"),
    ("/parametres", "/settings"),
    ("/parler", "/talk"),
    ("/aide", "/help"),
    ("/delier", "/unlink"),
    ("/confidentialite", "/privacy"),
    ("/mesdonnees", "/mydata"),
    ("/oublier", "/forget"),
]
WELCOME = {"fr": "Bienvenue", "en": "Welcome"}
CHOSEN = {"fr": "en français", "en": "in English"}
LABEL = {"fr": "Français", "en": "English"}
MENU = {
    "fr": sorted(["privacy", *(french[1:] for french, _ in NAMES[1:])]),
    "en": sorted(["confidentialite", *(english[1:] for _, english in NAMES[1:])]),
}


def menu(person: Person) -> list[str]:
    """Return the commands that the person's client offers."""
    return sorted(entry["command"] for entry in person.menu())


async def menu_is(scene: Scene, person: Person, language: str) -> bool:
    """Return whether the client offers the commands of a language within 5 s."""
    found = await scene.telegram.world.log.changed.until(lambda: menu(person) == MENU[language] or None, 5.0)
    return found or False


async def test_client_language_is_the_default(scene: Scene) -> None:
    for client, language in (
        ("fr", "fr"),
        ("fr-CA", "fr"),
        ("en", "en"),
        ("en-US", "en"),
        (None, "fr"),
        ("es", "fr"),
        ("zh-hans", "fr"),
    ):
        person = scene.person(client)
        assert (await scene.say(person, "/start")).text.startswith(WELCOME[language]), client
        assert await menu_is(scene, person, language), client


async def test_default_language_is_a_setting(database_url: str) -> None:
    async with Scene(database_url, default_language="en") as scene:
        for client, language in ((None, "en"), ("es", "en"), ("fr-CA", "fr")):
            person = scene.person(client)
            assert (await scene.say(person, "/start")).text.startswith(WELCOME[language])
            assert await menu_is(scene, person, language)


@pytest.mark.parametrize(("client", "chosen", "back"), [("fr", "en", "fr"), ("en-GB", "fr", "en"), ("es", "en", "fr")])
async def test_chosen_language_and_menu_apply_at_once(scene: Scene, client: str, chosen: str, back: str) -> None:
    """A chosen language and its command menu apply at once; the choice can be undone."""
    person = scene.person(client)
    bystander = scene.person(client)
    await scene.say(person, "/start")
    assert await menu_is(scene, person, back)

    question = await scene.say(person, "/langue")
    assert sorted(label.removeprefix("✓ ") for label in question.labels[:2]) == ["English", "Français"]
    assert len([label for label in question.labels if label.startswith("✓ ")]) == 1
    assert CHOSEN[chosen] in (await scene.tap(person, LABEL[chosen])).text
    assert await menu_is(scene, person, chosen)
    assert menu(bystander) == MENU[back]
    assert (await scene.say(person, "/start")).text.startswith(WELCOME[chosen])
    await scene.settled()
    assert (await scene.say(person, "/start")).text.startswith(WELCOME[chosen])
    await scene.say(person, "/language")
    assert CHOSEN[back] in (await scene.tap(person, LABEL[back])).text
    assert await menu_is(scene, person, back)


async def test_language_change_keeps_the_linking_step(scene: Scene) -> None:
    """The bot still waits for the code after the language was changed."""
    camille = await scene.asked("fr")
    await scene.say(camille, "/language")
    await scene.tap(camille, "English")

    assert "6-digit" in (await scene.say(camille, "hello")).text
    assert "You are connected" in (await scene.say(camille, await scene.code())).text


async def test_linked_chat_keeps_its_language(scene: Scene) -> None:
    """The language stays when the client's language changes."""
    camille = await scene.linked("fr")
    camille.language_code = "en"

    assert "Vos comptes" in (await scene.say(camille, "/account")).text
    await scene.say(camille, "/langue")
    await scene.tap(camille, "Français")
    assert await menu_is(scene, camille, "fr")


@pytest.mark.parametrize("is_linked", [False, True], ids=["unlinked", "linked"])
@pytest.mark.parametrize("language", ["fr", "en"])
async def test_command_works_by_both_names(scene: Scene, language: str, is_linked: bool) -> None:
    """Both names of a command work; the answer is in the chat's language."""
    person = await scene.linked(language) if is_linked else scene.person(language)

    differ = {}
    for french, english in NAMES:
        first = await scene.say(person, french)
        shown = first.html, first.labels
        second = await scene.say(person, english)
        if shown != (second.html, second.labels) or first.message_id == second.message_id:
            differ[french] = shown, (second.html, second.labels)
    assert differ == {}


async def test_command_is_recognized_in_any_spelling(scene: Scene) -> None:
    camille = scene.person()
    for written in ("/AIDE", "/Help", "/aide@odobot", "/help tout", "/aide\nmerci"):
        assert (await scene.say(camille, written)).text.startswith("Aide"), written


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_texts_follow_the_languages_typography(scene: Scene, language: str) -> None:
    person = await scene.linked(language)

    texts = [(await scene.say(person, names[0])).text for names in NAMES]
    texts += [(await scene.say(person, text)).text for text in ("bonjour", "212380", "26387", "999999")]

    wrong = [found for text in texts for found in re.findall(MISPRINTS[language], text)]
    assert wrong == []


MISPRINTS = {
    # An ordinary space before a colon or inside « », a space before ; ! ?, and words that are not said in Québec.
    "fr": r"(?i).{8} :|« .{8}|.{8} »|.{8}\s[;!?]|\bchat\b|\be-?mail\b|\bmail\b",
    "en": r"(?i).{8}\s[:;!?]|[«»]|\be-mail\b",
}


async def test_bot_description_exists_in_each_language(scene: Scene) -> None:
    profile = scene.telegram.world.bot(None).profile
    last = scene.telegram.world.log.changed
    assert await last.until(lambda: {"", "en"} <= profile.short_descriptions.keys() or None, 5.0)

    for words in (profile.descriptions, profile.short_descriptions):
        assert "Odotrack" in words["en"]
        assert "Vos commandes" in words.get("fr", words[""]) or "vos commandes" in words.get("fr", words[""])
