"""Groups: a link to the private chat, and no data."""

import pytest

from handlers.actions import (
    ChooseLanguage,
    Forget,
    ListInvoices,
    ListOrders,
    SendPdf,
    ShowAccounts,
    ShowMyData,
    ShowPortal,
    ShowSettings,
    Start,
    StartLinking,
)
from handlers.telegram.callback_data import encode
from sandbox.telegram.model.groups import Group
from sandbox.telegram.persons import Person
from tests.scene import Scene

DATA = ("Client Odotrack", "212380", "26387", "293", "client@example.test")


async def in_group(scene: Scene, language: str = "fr", *, supergroup: bool = False) -> tuple[Person, Group]:
    """Return a linked person in a group with the bot."""
    camille = await scene.linked(language)
    return camille, scene.telegram.world.create_group("Flotte", [camille], supergroup=supergroup)


@pytest.mark.parametrize(("language", "words"), [("fr", "conversation privée"), ("en", "private conversation")])
@pytest.mark.parametrize("supergroup", [False, True])
async def test_command_in_a_group_links_to_the_private_chat(
    scene: Scene, language: str, words: str, supergroup: bool
) -> None:
    camille, group = await in_group(scene, language, supergroup=supergroup)
    scene.portal.log.clear()
    for command in ("/commandes@odobot", "/factures@odobot", "/start@odobot", "/mydata@odobot", "/orders@ODOBOT"):
        camille.say(command, group=group)
        screen = await camille.wait_for_message(group=group)
        assert words in screen.text
        assert [button.url for row in screen.buttons for button in row] == ["https://t.me/odobot"]
        assert not [secret for secret in DATA if secret in screen.text]
    assert scene.portal.log.total == 0, "nothing is read for a group"
    assert len([message for message in group.chat.visible if message.from_bot]) == 5


async def test_unknown_command_in_a_group_gets_the_same_answer(scene: Scene) -> None:
    camille, group = await in_group(scene)
    camille.say("/nimporte@odobot", group=group)
    screen = await camille.wait_for_message(group=group)
    assert screen.labels


async def test_other_messages_in_a_group_get_no_answer(scene: Scene) -> None:
    camille, group = await in_group(scene)
    scene.telegram.world.bot().reads_all_group_messages = True
    camille.say("212380", group=group)
    camille.say("client@example.test", group=group)
    camille.say("123456", group=group)
    camille.say("/commandes@another_bot", group=group)
    camille.send_photo(group=group)
    camille.send_sticker(group=group)
    camille.send_location(group=group)
    camille.say("/aide@odobot", group=group)
    screen = await camille.wait_for_message(group=group)
    reply = camille.say("Merci", group=group, reply_to=screen)
    assert reply
    camille.say("/aide@odobot", group=group)
    await camille.wait_for_message(group=group)
    assert len([message for message in group.chat.visible if message.from_bot]) == 2
    assert "212380" in (await scene.say(camille, "/factures")).text, "the private chat is as it was"


async def test_forged_tap_in_a_group_shows_no_data(scene: Scene) -> None:
    camille, group = await in_group(scene)
    camille.say("/commandes@odobot", group=group)
    screen = await camille.wait_for_message(group=group)
    forged = (Start(), ListOrders(1), ListInvoices(1), SendPdf(1, "212380"), ShowAccounts(), ShowMyData(), ShowPortal(),
              ShowSettings(10), ChooseLanguage(), StartLinking(), Forget(sure=True))  # fmt: skip
    scene.portal.log.clear()
    for action in forged:
        tap = camille.forge_tap(screen, encode(action) or "")
        await camille.wait_for_answer(tap)
        camille.say("/aide@odobot", group=group)
        await camille.wait_for_message("privée", group=group)
    assert scene.portal.log.total == 0
    wrong = {m.text for m in group.chat.visible if m.from_bot and (not m.labels or "privée" not in m.text)}
    assert wrong == set(), "a group is told nothing but the way into the private chat"
    assert "212380" in (await scene.say(camille, "/factures")).text, "the private chat is as it was"


async def test_group_that_becomes_a_supergroup_is_answered(scene: Scene) -> None:
    camille, group = await in_group(scene)
    camille.say("/aide@odobot", group=group)
    await camille.wait_for_message(group=group)
    group = group.migrate()
    camille.say("/aide@odobot", group=group)
    assert (await camille.wait_for_message(group=group)).labels


async def test_group_that_removed_the_bot_does_not_affect_others(scene: Scene) -> None:
    camille, group = await in_group(scene)
    camille.say("/aide@odobot", group=group)
    group.remove_bot(scene.telegram.world.bot(), camille)
    assert "26387" in (await scene.say(camille, "/commandes")).text
