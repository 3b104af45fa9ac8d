"""Access that ended at the portal ends in the bot: at the first tap of a day, and before each notice (M2)."""

import pytest

from portal.models import Contact
from sandbox.portal.faults import Fault, FaultKind
from sandbox.telegram.persons import Person
from storage import chats
from storage.linking import links
from storage.tables import Kind, Link, State
from tests.conversations.notices.test_notices import until
from tests.scene import CLIENT, Scene

PATIENCE = 15.0
FLEET = "flotte@example.test"  # c-1002 on a-2003
DATA = ("293,08", "212380", "Plan Pro", "990001")


def shows_data(person: Person) -> bool:
    return any(word in person.screen().text for word in DATA)


async def change(scene: Scene, what: str) -> None:
    people = scene.portal.portal.people
    match what:
        case "address":
            people.change_contact("c-1002", email="autre@example.test")
        case "account":
            people.change_contact("c-1002", access={})
        case "part":
            people.change_contact("c-1002", access={"a-2003": ["orders"]})


@pytest.mark.parametrize(("what", "words"), [("address", "a changé chez"), ("account", "a pris fin chez")])
async def test_tap_after_a_day_applies_the_portals_change(scene: Scene, what: str, words: str) -> None:
    camille = await scene.linked(email=FLEET)
    await scene.say(camille, "/factures")
    await change(scene, what)
    scene.later(hours=25)

    told = await scene.say(camille, "/factures")

    assert words in told.text
    assert not shows_data(camille)
    assert told.labels == ["Lier mon compte"]
    assert "pas encore liée" in (await scene.say(camille, "/commandes")).text
    assert not any("pas liée" in message.text for message in camille.chat().visible)


async def test_access_is_refreshed_after_the_answer_in_regular_use(scene: Scene) -> None:
    camille = await scene.linked(email=FLEET)
    scene.later(hours=13)
    await change(scene, "address")

    await scene.say(camille, "/aide")
    await scene.say(camille, "/factures")
    await camille.wait_for_message("a changé chez", timeout=PATIENCE)

    assert "pas encore liée" in (await scene.say(camille, "/commandes")).text


async def test_portal_outage_unlinks_no_chat(scene: Scene) -> None:
    """Neither an outage nor a proxy's error page counts as a removed contact."""
    camille = await scene.linked(email=FLEET)
    scene.later(hours=25)
    for kind in (FaultKind.UNAVAILABLE, FaultKind.MALFORMED_JSON, FaultKind.UNAUTHORISED, FaultKind.TOO_MANY):
        fault = scene.portal.faults.set(Fault(kind))
        assert not shows_data(camille)
        await scene.say(camille, "/factures")
        scene.portal.faults.clear(fault.fault_id)

    assert "Transport Boréal" in (await scene.say(camille, "/factures")).text


async def test_account_name_and_access_are_refreshed(scene: Scene) -> None:
    camille = await scene.linked(email=FLEET)
    await change(scene, "part")
    scene.later(hours=25)

    assert "Factures" not in " ".join((await scene.say(camille, "/commandes")).labels)


@pytest.mark.parametrize("what", ["address", "account"])
async def test_no_notice_after_access_ended(scene: Scene, what: str) -> None:
    camille = await scene.linked(email=FLEET, notices=True)
    await change(scene, what)

    scene.portal.portal.issue_invoice("a-2003", amount="40.19", number="990001")
    told = await camille.wait_for_message("n’y est plus liée", new=True, timeout=PATIENCE)

    assert "990001" not in " ".join(message.text for message in camille.chat().visible)
    assert told.labels == ["Lier mon compte"]
    scene.portal.portal.issue_invoice("a-2003", amount="40.19", number="990002")
    await scene.settled()
    once = [message for message in camille.chat().visible if "n’y est plus liée" in message.text]
    assert len(once) == 1


async def test_closed_part_cancels_only_its_notices(scene: Scene) -> None:
    camille = await scene.linked(email=FLEET, notices=True)
    await change(scene, "part")
    scene.portal.portal.issue_invoice("a-2003", amount="40.19", number="990001")
    await until(scene, lambda found: found.get((Kind.INVOICE_ISSUED, State.CANCELLED)) == 1)

    assert "Transport Boréal" in (await scene.say(camille, "/commandes")).text


async def test_unused_link_requires_a_new_code(scene: Scene) -> None:
    camille = await scene.linked(email=FLEET, notices=True)
    scene.later(days=181)

    asked = await scene.say(camille, "/factures")

    assert "pas été utilisée depuis longtemps" in asked.text
    assert not shows_data(camille)
    before = len(scene.mailbox.sent_to(FLEET))
    await scene.tap(camille, "Recevoir un code")
    code = await scene.code(FLEET, before + 1)
    assert "Connexion réussie" in (await scene.say(camille, code)).text
    assert "Transport Boréal" in (await scene.say(camille, "/factures")).text


async def test_notices_of_an_unused_link_stop_with_one_message(scene: Scene) -> None:
    camille = await scene.linked(email=FLEET, notices=True)
    scene.later(days=181)
    for number in ("990001", "990002"):
        scene.portal.portal.issue_invoice("a-2003", amount="40.19", number=number)
        await until(scene, lambda found: found.get((Kind.LINK_UNUSED, State.SENT), 0) == 1)
    await scene.settled()

    told = [message.text for message in camille.chat().visible if "s’arrêtent jusqu’à ce que" in message.text]
    assert len(told) == 1
    assert not any("99000" in message.text for message in camille.chat().visible)


async def test_use_extends_a_link(scene: Scene) -> None:
    camille = await scene.linked(email=FLEET)
    for _ in range(4):
        scene.later(days=100)
        assert "Transport Boréal" in (await scene.say(camille, "/factures")).text


async def test_bookkeepers_copy_ends_with_the_access(scene: Scene) -> None:
    from tests.conversations.notices.test_copies import BOOKS, copied

    await copied(scene)
    before = len(scene.mailbox.sent_to(BOOKS))
    await change(scene, "address")
    scene.portal.portal.issue_invoice("a-2003", amount="40.19", number="990001")
    await scene.settled()
    await until(scene, lambda found: sum(found.values()) >= 1)
    scene.later(minutes=2)
    await scene.settled()

    assert len(scene.mailbox.sent_to(BOOKS)) == before


async def test_ended_access_is_in_the_security_log(scene: Scene) -> None:
    camille = await scene.linked(email=FLEET)
    await change(scene, "address")
    scene.later(hours=25)
    await scene.say(camille, "/factures")

    assert scene.components.application.bot_data.security.counts["access_ended", "address.changed"] == 1


async def test_undecryptable_chat_can_link_again(scene: Scene) -> None:
    """M4: every command is answered as in a chat that is not linked, and linking works."""
    from cryptography.fernet import Fernet

    camille = await scene.linked()
    await scene.stop_bot()
    scene.keys = Fernet.generate_key().decode()
    await scene.start_bot()

    for command in ("/factures", "/compte", "/avis", "/delier", "212380"):
        answer = (await scene.say(camille, command)).text
        assert "mal fonctionné" not in answer
        assert "liée" in answer, command
    for command in ("/start", "/mesdonnees", "/aide"):
        assert "mal fonctionné" not in (await scene.say(camille, command)).text
    before = len(scene.mailbox.sent_to(CLIENT))
    await scene.say(camille, CLIENT)
    assert "Connexion réussie" in (await scene.say(camille, await scene.code(count=before + 1))).text
    assert "Client Odotrack" in (await scene.say(camille, "/compte")).text
    async with scene.components.database.read() as session:
        from sqlmodel import col, select

        links = (await session.exec(select(Link).where(col(Link.chat_id) == camille.user_id))).all()
    assert len(links) == 2


async def test_link_that_an_event_removed_meanwhile_is_not_told_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    camille = await scene.linked(email=FLEET)
    services = scene.components.application.bot_data
    async with services.database.read() as session:
        chat = await chats.load(session, camille.user_id)

    async def removed_meanwhile(_contact_id: str) -> None:
        async with services.database.write() as session:
            ids = [link.link_id for link in chat.links]
            assert await links.remove_links(session, ids, scene.clock.now(), Kind.CONTACT_REMOVED)

    monkeypatch.setattr(services.access, "contact", removed_meanwhile)
    assert await services.access.confirm_chat(chat) == []


async def test_ending_found_twice_is_told(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another check removes the link and queues the notice; this one leaves the notice alone."""
    camille = await scene.linked(email=FLEET)
    services = scene.components.application.bot_data
    async with services.database.read() as session:
        chat = await chats.load(session, camille.user_id)
    ask, first = services.access.contact, True

    async def checked_meanwhile(contact_id: str) -> Contact | None:
        nonlocal first
        if first:
            first = False
            assert await services.access.confirm_chat(chat)
        return await ask(contact_id)

    await change(scene, "address")
    monkeypatch.setattr(services.access, "contact", checked_meanwhile)
    assert await services.access.confirm_chat(chat) == []
    scene.later(minutes=3)
    await camille.wait_for_message("a changé chez", timeout=PATIENCE)
    assert endings(camille) == 1


def endings(person: Person, words: str = "a changé chez") -> int:
    return sum(words in message.text for message in person.chat().visible)


@pytest.mark.parametrize("hours", [13, 25], ids=["beside the answer", "instead of the answer"])
async def test_ending_told_by_an_answer_is_told_once(scene: Scene, hours: int) -> None:
    camille = await scene.linked(email=FLEET)
    await scene.say(camille, "/factures")
    await change(scene, "address")
    scene.later(hours=hours)
    await scene.say(camille, "/factures")
    await camille.wait_for_message("a changé chez", timeout=PATIENCE)
    await until(scene, lambda found: found.get((Kind.ADDRESS_CHANGED, State.CANCELLED)) == 1)
    scene.later(minutes=5)
    await scene.settled()
    assert endings(camille) == 1


@pytest.mark.parametrize("hours", [13, 25], ids=["beside the answer", "instead of the answer"])
async def test_ending_is_told_when_the_answer_is_lost(scene: Scene, hours: int) -> None:
    """Telegram refuses the answer, or the process dies before it: a notice says it two minutes later."""
    camille = await scene.linked(email=FLEET)
    await scene.say(camille, "/factures")
    await change(scene, "address")
    scene.later(hours=hours)
    fault = scene.telegram.world.faults.add(
        "error", method="sendMessage", count=None, status=400, description="Bad Request: message is too long"
    )
    camille.say("/factures")
    await until(scene, lambda found: found.get((Kind.ADDRESS_CHANGED, State.QUEUED)) == 1)
    await scene.settled()
    assert fault.met
    assert endings(camille) == 0
    scene.telegram.world.faults.clear()
    scene.later(minutes=3)
    await camille.wait_for_message("a changé chez", timeout=PATIENCE)
    await scene.settled()
    assert endings(camille) == 1
