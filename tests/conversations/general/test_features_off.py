"""Features that the company switched off: nowhere in menus, help and screens, and refused in words elsewhere."""

import re
from datetime import date
from typing import Any

import pytest

from handlers.actions import (
    Action,
    AddToCalendar,
    AskCopy,
    AskSearch,
    ListOrders,
    MakePack,
    OpenNumber,
    SetSubscription,
    ShowBalance,
    ShowCalendar,
    ShowCopy,
    ShowOrder,
    ShowStatement,
    Snooze,
)
from handlers.telegram.callback_data import encode
from portal.models import Part
from sandbox.telegram.model import Message
from sandbox.telegram.persons import Person
from services.features import Feature
from services.packs.selection import PackFormat
from storage.tables import Kind, State
from tests.conversations.notices.test_copies import BOOKS, copied
from tests.conversations.notices.test_notices import PATIENCE, notices, until_settled
from tests.scene import Scene

NOT_OFFERED = {"fr": "Odotrack n’offre pas cette fonction ici", "en": "Odotrack does not offer this here"}
BOTH = pytest.mark.parametrize("language", ["fr", "en"])
COMMANDS = {
    Feature.ORDERS: ("/commandes", "/orders"),
    Feature.BALANCE: ("/solde", "/balance"),
    Feature.STATEMENT: ("/releve", "/statement"),
}
TYPED = {
    Feature.ORDERS: ("mes commandes", "my orders"),
    Feature.BALANCE: ("combien je dois", "how much do I owe"),
    Feature.STATEMENT: ("mon relevé 2025", "my statement 2025"),
}
NAMED = {
    Feature.ORDERS: ("commande", "order"),
    Feature.BALANCE: ("solde", "balance"),
    Feature.STATEMENT: ("relevé", "statement"),
    Feature.SEARCH: ("rechercher", "search"),
    Feature.REMINDERS: ("rappel", "remind"),
    Feature.COPIES: ("comptabilité", "bookkeeper"),
    Feature.CALENDAR: ("calendrier", "calendar"),
}
"""A word that no screen has while a feature is off."""


def old_buttons(link: int) -> dict[Feature, list[Action]]:
    """Return buttons that stand in a chat from the time when the features were on."""
    return {
        Feature.ORDERS: [
            ListOrders(link), ShowOrder(link, "26387"), OpenNumber(link, "26387", Part.ORDERS),
            SetSubscription(link, Kind.ORDER_ENDING, on=True), AddToCalendar(link, "26387", is_order=True),
        ],
        Feature.BALANCE: [ShowBalance(link)],
        Feature.STATEMENT: [ShowStatement(link), MakePack(link, PackFormat.ZIP)],
        Feature.SEARCH: [AskSearch(link, invoices=True), ListOrders(link, query="x")],
        Feature.REMINDERS: [Snooze(link, "212380", 1), SetSubscription(link, "reminder", on=True)],
        Feature.COPIES: [AskCopy(link)],
        Feature.CALENDAR: [ShowCalendar(link), ShowCalendar(link, "new"), AddToCalendar(link, "212380")],
    }  # fmt: skip


async def restarted(scene: Scene, **settings: Any) -> None:
    await scene.stop_bot()
    await scene.start_bot(**settings)


async def tapped(scene: Scene, person: Person, action: Action) -> str:
    """Forge the button of an action below a new screen, and tap it. Returns the text that follows."""
    await scene.say(person, "/langue")
    person.forge_tap(person.screen(), encode(action) or "")
    return (await person.wait_for_message()).text


async def link_of(scene: Scene, person: Person) -> int:
    chat = await scene.components.application.bot_data.chat_cache.load(person.user_id)
    assert chat.current is not None
    return chat.current.link_id


@BOTH
@pytest.mark.parametrize("feature", COMMANDS)
async def test_a_command_and_a_question_are_refused(scene: Scene, feature: Feature, language: str) -> None:
    """The menu has no such command; who types it, or asks for it in words, is told that it is not offered."""
    at = ("fr", "en").index(language)
    command = COMMANDS[feature][at]
    await restarted(scene, features=f"-{feature}")
    stranger = scene.person(language)
    assert NOT_OFFERED[language] in (await scene.say(stranger, command)).text
    person = await scene.linked(language)
    menu = await scene.telegram.world.log.changed.until(lambda: person.menu() or None, 5.0)
    assert menu
    offered = [entry["command"] for entry in menu]
    assert command[1:] not in offered
    assert len(offered) > 10
    for text in (command, TYPED[feature][at]):
        assert NOT_OFFERED[language] in (await scene.say(person, text)).text


@BOTH
@pytest.mark.parametrize("feature", NAMED)
async def test_no_screen_names_it(scene: Scene, feature: Feature, language: str) -> None:
    """Neither welcome, home, help, lists, details nor settings name a feature that is off, in text or button."""
    word = NAMED[feature][("fr", "en").index(language)]
    await restarted(scene, features=f"-{feature}", public_url="http://127.0.0.1:1")
    person = await scene.linked(language)
    scene.portal.portal.issue_invoice("a-2001", amount="40.19", number="990123", due_date=date(2026, 11, 14))
    found = {}
    for text in (
        "/start",
        "/aide",
        "/factures",
        "212380",
        "990123",
        "26387",
        "/compte",
        "/parametres",
        "xyzzy",
        "/avis",
    ):
        if feature is not Feature.ORDERS or text != "26387":
            found[text] = naming(await scene.say(person, text), word)
    found["subscriptions"] = naming(await scene.tap(person, "Client Odotrack"), word)
    assert {text: lines for text, lines in found.items() if lines} == {}


def naming(screen: Message, word: str) -> list[str]:
    """Return the lines and labels with a word, without the number of an invoice's order, which is data."""
    lines = [*screen.text.lower().split("\n"), *(label.lower() for label in screen.labels)]
    return [line for line in lines if word in line and not re.match(r"(?:commande\u00a0:|order:) n", line)]


@BOTH
async def test_old_buttons_are_refused_in_words(scene: Scene, language: str) -> None:
    """Buttons from the time when a feature was on get words, and change nothing."""
    person = await scene.linked(language)
    await scene.say(person, "/factures")
    link = await link_of(scene, person)
    await restarted(scene, features=",".join(f"-{feature}" for feature in Feature))
    for buttons in old_buttons(link).values():
        for action in buttons:
            assert NOT_OFFERED[language] in await tapped(scene, person, action), action
    chat = await scene.components.application.bot_data.chat_cache.load(person.user_id)
    assert not (chat.links[0].subscriptions or frozenset()) - {Kind.INVOICE_ISSUED}


async def test_subscriptions_can_still_be_ended(scene: Scene) -> None:
    """What was agreed to while a feature was on can be withdrawn while it is off."""
    person = await scene.linked()
    await scene.say(person, "/avis")
    link = await link_of(scene, person)
    await tapped(scene, person, SetSubscription(link, "reminder", on=True))
    await restarted(scene, features="-reminders")
    await tapped(scene, person, SetSubscription(link, "reminder", on=False))
    chat = await scene.components.application.bot_data.chat_cache.load(person.user_id)
    assert "reminder" not in (chat.links[0].subscriptions or ())


@BOTH
async def test_a_number_opens_no_order(scene: Scene, language: str) -> None:
    """Without orders, a number is looked up among the invoices only, and the portal is asked for no order."""
    await restarted(scene, features="-orders,-search")
    person = await scene.linked(language)
    assert "212380" in (await scene.say(person, "212380")).text
    scene.portal.log.clear()
    refused = await scene.say(person, "26387")
    assert ("Vérifiez le numéro" if language == "fr" else "Check the number") in refused.text
    assert scene.portal.log.counts["invoice"] > 0
    assert scene.portal.log.counts["order"] + scene.portal.log.counts["orders"] == 0


async def test_notices_of_a_feature_end(scene: Scene) -> None:
    """A notice of an order that was queued, or reported later, is not sent while orders are off."""
    person = await scene.linked(notices=True)
    await scene.say(person, "/avis")
    link = await link_of(scene, person)
    await tapped(scene, person, SetSubscription(link, Kind.ORDER_CREATED, on=True))
    await restarted(scene, features="-orders")
    created = scene.portal.portal.create_order("a-2001", [(1, "x")])
    issued = scene.portal.portal.issue_invoice("a-2001", amount="40.19")
    await person.wait_for_message(issued, new=True, timeout=PATIENCE)
    await until_settled(scene, 1, State.CANCELLED)
    assert notices(person, created) == []


async def test_copies_are_not_sent_while_they_are_off(scene: Scene) -> None:
    """The bookkeeper gets nothing; the screen of the copy still stops it, and offers no other address."""
    person = await copied(scene)
    link = await link_of(scene, person)
    await restarted(scene, features="-copies")
    before = len(scene.mailbox.sent_to(BOOKS))
    scene.portal.portal.issue_invoice("a-2003", amount="40.19")
    await until_settled(scene, 1, State.CANCELLED)
    assert len(scene.mailbox.sent_to(BOOKS)) == before
    person.forge_tap(person.screen(), encode(ShowCopy(link)) or "")
    shown = await person.wait_for_message(BOOKS)
    assert "Arrêter les envois" in shown.labels
    assert "Changer d’adresse" not in shown.labels
