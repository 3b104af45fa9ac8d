"""Renamed accounts, changed access and further accounts show at the next visit; unclean addresses are found."""

import asyncio
import time

import pytest
from structlog.testing import capture_logs

from sandbox.portal.faults import Fault, FaultKind
from sandbox.telegram.model import Message
from sandbox.telegram.persons import Person
from tests.scene import Scene

FLEET = "flotte@example.test"
LIST = {"fr": "/factures", "en": "/invoices"}
ORDERS = {"fr": "/commandes", "en": "/orders"}
ORDER_LIST = {"fr": "ommandes", "en": "rders"}
INVOICE_LIST = {"fr": "actures", "en": "nvoices"}
ACCOUNTS = {"fr": "/compte", "en": "/account"}


async def renamed(scene: Scene, person: Person, language: str, name: str) -> Message:
    """Ask for the invoices until the bot has read the event and shows the new name."""
    deadline = time.monotonic() + 15
    while name not in (listed := await scene.say(person, LIST[language])).text:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)
    return listed


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_changes_show_within_a_day_without_events(scene: Scene, language: str) -> None:
    person = await scene.linked(language, FLEET)
    people = scene.portal.portal.people
    people.rename_account("a-2003", "Boréal Express", reports=False)
    people.change_contact("c-1002", access={"a-2003": ["invoices"], "a-2004": ["orders", "invoices"]}, reports=False)
    scene.later(hours=25)
    listed = await scene.say(person, LIST[language])
    assert "Boréal Express" in listed.text
    accounts = await scene.say(person, ACCOUNTS[language])
    assert any("North Shore" in label for label in accounts.labels)


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_changed_contact_shows_at_the_next_visit(scene: Scene, language: str) -> None:
    """By `contact.changed`, without a day's wait."""
    person = await scene.linked(language, FLEET)
    people = scene.portal.portal.people
    people.rename_account("a-2003", "Boréal Express")
    people.change_contact("c-1002", access={"a-2003": ["orders", "invoices"], "a-2004": ["orders", "invoices"]})
    await renamed(scene, person, language, "Boréal Express")
    accounts = await scene.say(person, ACCOUNTS[language])
    assert any("North Shore" in label for label in accounts.labels)


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_unclean_address_of_a_contact_is_found(scene: Scene, language: str) -> None:
    """Spaces and a second address in the portal's field: the code arrives, and the link holds after a day."""
    scene.portal.faults.set(Fault(FaultKind.UNCLEAN_ADDRESS, "/v1/contacts*"))
    person = await scene.linked(language, FLEET)
    scene.later(hours=25)
    assert "240130" in (await scene.say(person, LIST[language])).text


async def test_unusable_address_is_logged_without_it(scene: Scene) -> None:
    """A field with no address in it: the portal found the contact, and no code is mailed."""
    body = '"flotte at example dot test, voir Camille Tremblay"'
    scene.portal.faults.set(Fault(FaultKind.REPLACED, "/v1/contacts*", pointer="/items/0/email", body=body))
    with capture_logs() as logs:
        await scene.asked("fr", FLEET)
        await scene.settled()
    found = [line for line in logs if line["event"] == "linking.address_unusable"]
    assert found == [{"event": "linking.address_unusable", "log_level": "warning"}]
    assert not [line for line in logs if "flotte" in str(line) or "Tremblay" in str(line)]
    assert scene.mailbox.sent_to(FLEET) == []


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_buttons_follow_a_changed_access_at_once(scene: Scene, language: str) -> None:
    """By `contact.changed`: a screen of before leads to what the contact may see today."""
    person = await scene.linked(language, FLEET)
    orders = await scene.say(person, ORDERS[language])
    scene.portal.portal.people.change_contact("c-1002", access={"a-2003": ["invoices"]})
    deadline = time.monotonic() + 15
    while ORDER_LIST[language] in (labels := " ".join((await scene.say(person, "/start")).labels)):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)
    assert INVOICE_LIST[language] in labels
    person.tap("31200", message=orders)
    answer = await person.wait_for_message()
    assert "31200" not in answer.text


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_odd_contact_is_linked(scene: Scene, language: str) -> None:
    """An unknown language, nulls, and an account that cannot be read."""
    scene.portal.faults.set(Fault(FaultKind.ODD_CONTACT, "/v1/contacts*", times=None))
    person = await scene.linked(language, FLEET)
    assert "240130" in (await scene.say(person, LIST[language])).text


@pytest.mark.parametrize(("language", "ended"), [("fr", "déliée"), ("en", "unlinked")])
async def test_ended_account_does_not_replace_the_answer(scene: Scene, language: str, ended: str) -> None:
    """The request was about another account: the end is told beside it, once."""
    person = await scene.linked(language)
    people = scene.portal.portal.people
    people.change_contact("c-1001", access={"a-2001": ["orders", "invoices"]}, reports=False)
    for text, words in ((LIST[language], "212380"), (ACCOUNTS[language], "Client Odotrack")):
        scene.later(hours=25)
        person.say(text)
        if text == LIST[language]:
            assert "Client Odotrack 2016" in (await person.wait_for_message(ended)).text
        assert words in (await person.wait_for_message(words)).text
    people.change_contact("c-1001", access={}, reports=False)
    scene.later(hours=25)
    assert ended in (await scene.say(person, LIST[language])).text, "nothing is left to answer about"
