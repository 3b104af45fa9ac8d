"""Attacks by an attacker who knows the source code; all fail."""

import re

import pytest

from sandbox.mail.faults import Fault as MailFault, Stage
from sandbox.telegram.persons import Person
from services.linking import code_limits
from tests.conversations.notices.test_copies import asked as asked_for_copy
from tests.scene import CLIENT, Scene
from tests.security.codes.test_guessing import LONG_CODE, guess

FLEET = "flotte@example.test"  # c-1002 on a-2003


async def link(scene: Scene, person: Person, email: str = CLIENT) -> None:
    """Link a chat by the newest code in the mailbox, short or long."""
    await scene.settled()
    await scene.say(person, "/lier")
    await scene.say(person, email)
    await scene.settled()
    mail = scene.mailbox.sent_to(email)
    code = next(
        found[1] for each in reversed(mail) if (found := re.search(r"^(\d{6}|[\w]{4}-[\w]{4})$", each.text, re.M))
    )
    assert "Connexion réussie" in (await scene.say(person, code)).text
    await scene.settled()


async def unlink(scene: Scene, person: Person) -> None:
    await scene.say(person, "/delier")
    await scene.tap(person, "Oui")


async def test_proven_chats_share_a_guess_budget(scene: Scene) -> None:
    """Six chats that once read the mailbox: 20 compared guesses a day over all of them, and the owner is warned."""
    people = []
    for _ in range(6):
        person = scene.person()
        await link(scene, person)
        await unlink(scene, person)
        people.append(person)
        scene.later(hours=25)
    scene.mailbox.clear()
    compared = 0
    for _ in range(4):
        for person in people:
            compared += await guess(scene, person)
        scene.later(hours=2)
    await scene.settled()

    assert compared <= code_limits.PROVEN_WRONG_A_DAY + code_limits.ATTEMPTS
    subjects = [mail.subject for mail in scene.mailbox.sent_to(CLIENT)]
    assert len([subject for subject in subjects if "inhabituelles" in subject]) == 1
    assert len(subjects) <= code_limits.PROVEN_MAILS_A_DAY + code_limits.LONG_MAILS_A_DAY + 1


async def test_ended_access_removes_the_proof(scene: Scene) -> None:
    from storage.linking import proofs

    camille = await scene.linked(email=FLEET)
    scene.portal.portal.people.change_contact("c-1002", access={})
    scene.later(hours=25)
    await scene.say(camille, "/factures")

    async with scene.components.database.read() as session:
        assert not await proofs.was_proven(session, camille.user_id, FLEET)


async def test_copy_request_does_not_suppress_the_warning(scene: Scene) -> None:
    """The owner is warned also if the request that exceeds the threshold is for a bookkeeper's copy."""
    for _ in range(3):
        await scene.say(scene.person(), CLIENT)
    await scene.settled()
    await asked_for_copy(scene, address=CLIENT)
    await scene.settled()

    assert [mail for mail in scene.mailbox.sent_to(CLIENT) if "inhabituelles" in mail.subject]


async def test_failed_warning_is_sent_later(scene: Scene) -> None:
    scene.mailbox.fail(MailFault(Stage.CONNECT, code=421))
    for _ in range(4):
        await scene.say(scene.person(), CLIENT)
    await scene.settled()
    scene.mailbox.faults.clear()
    assert scene.mailbox.sent_to(CLIENT) == []

    await scene.say(scene.person(), CLIENT)
    await scene.settled()

    assert [mail for mail in scene.mailbox.sent_to(CLIENT) if "inhabituelles" in mail.subject]


async def test_expired_chat_can_neither_list_nor_revoke_chats(scene: Scene) -> None:
    from handlers.actions import Revoke
    from handlers.telegram.callback_data import encode

    old = await scene.linked(first_name="Ancien")
    screen = await scene.say(old, "/start")
    scene.later(days=200)
    owner = await scene.linked(first_name="Nouvelle")
    for command in ("/compte", "/start", "/avis", "/mesdonnees"):
        shown = (await scene.say(old, command)).text
        assert "confirmez de nouveau" in shown, command
        assert "Nouvelle" not in shown
    for sure in (False, True):
        await old.wait_for_answer(old.forge_tap(screen, encode(Revoke(owner.user_id, sure=sure)) or ""))
    await scene.settled()

    assert "212380" in (await scene.say(owner, "/factures")).text
    assert not any("Nouvelle" in message.text for message in old.chat().messages.values() if message.from_bot)


async def test_former_owner_of_an_address_sees_no_data(scene: Scene) -> None:
    """A contact's old address now belongs to another person: the old chat sees no data of that person."""
    people = scene.portal.portal.people
    former = await scene.linked(email=FLEET, first_name="Ancien")
    people.change_contact("c-1002", email="moved@example.test")
    people.add_contact("c-9001", FLEET, "Nouvelle Personne", "fr", {"a-2003": ["orders", "invoices"]})
    newer = scene.person(first_name="Nouvelle")
    await link(scene, newer, FLEET)

    assert not any("Nouvelle" in message.text for message in former.chat().messages.values() if message.from_bot)
    assert "pas encore liée" in (await scene.say(former, "/compte")).text
    assert "Transport Boréal" in (await scene.say(newer, "/factures")).text


async def test_relinked_chat_counts_as_new(scene: Scene) -> None:
    """A former chat that links again by the contact's new address counts as new for revocations."""
    people = scene.portal.portal.people
    former = await scene.linked(email=FLEET, first_name="Ancien")
    people.change_contact("c-1002", email="moved@example.test")
    owner = await scene.linked(email="moved@example.test", first_name="Propriétaire")
    scene.later(days=40)
    await scene.say(owner, "/start")
    await link(scene, former, "moved@example.test")
    scene.later(minutes=2)
    screen = await scene.say(former, "/compte")
    await scene.tap(former, next(label for label in screen.labels if label.startswith("Retirer")))

    assert "code à 6 chiffres" in (await scene.tap(former, "Oui")).text
    assert "Transport Boréal" in (await scene.say(owner, "/factures")).text


async def mailed_long_codes(scene: Scene) -> list[str]:
    """Request codes from many chats until they are long. Returns the codes in the mailbox, oldest first."""
    for _ in range(11):
        await scene.say(scene.person(), CLIENT)
    await scene.settled()
    return [found[1] for mail in scene.mailbox.sent_to(CLIENT) if (found := LONG_CODE.search(mail.text))]


async def test_one_mailbox_theft_gives_one_link(scene: Scene) -> None:
    """A thief copies all long codes: the first one links, and the others are then invalid."""
    codes = await mailed_long_codes(scene)
    assert len(codes) >= 5
    first, second = scene.person(), scene.person()
    for person in (first, second):
        await scene.say(person, CLIENT)
    assert "Connexion réussie" in (await scene.say(first, codes[0])).text
    await scene.settled()

    for code in codes[:4]:
        assert "Connexion réussie" not in (await scene.say(second, code)).text


async def test_revoking_invalidates_mailed_codes(scene: Scene) -> None:
    owner = await scene.linked(first_name="Propriétaire")
    scene.later(days=40)
    await scene.say(owner, "/start")
    thief = scene.person(first_name="Voleur")
    await link(scene, thief)
    codes = await mailed_long_codes(scene)
    await scene.say(thief, "/lier")
    await scene.say(thief, CLIENT)
    told = await scene.say(owner, "/compte")
    await scene.tap(owner, next(label for label in told.labels if "Voleur" in label))
    await scene.tap(owner, "Oui")
    await thief.wait_for_message("retirée d’un compte")

    for code in codes[:4]:
        assert "Connexion réussie" not in (await scene.say(thief, code)).text


@pytest.mark.parametrize("how", ["used", "withdrawn by the operator"])
async def test_used_codes_do_not_lock_out_the_owner(scene: Scene, how: str) -> None:
    """The owner's request is mailed although the address's mails are used up and its last code is used or withdrawn."""
    from storage.linking import links

    for _ in range(16):
        await scene.say(scene.person(), CLIENT)
    await scene.settled()
    if how == "used":
        await link(scene, scene.person())
    else:
        async with scene.components.database.write() as session:
            await links.unlink_email(session, CLIENT, scene.clock.now())
    scene.later(minutes=1)

    await link(scene, scene.person())


async def test_copy_codes_to_one_address_are_bounded(scene: Scene) -> None:
    """One address gets three codes a day for copies, from whichever chats and links."""
    victim = "victime@example.test"
    await asked_for_copy(scene, address=victim)
    for _ in range(4):
        scene.later(minutes=20)
        other = await scene.linked(email=FLEET)
        await scene.say(other, "/avis")
        await scene.tap(other, next(label for label in other.screen().labels if "opie" in label))
        await scene.tap(other, other.screen().labels[0])
        await scene.say(other, victim)
        await scene.settled()
    assert len(scene.mailbox.sent_to(victim)) == code_limits.COPY_CODES_TO_ADDRESS_A_DAY


async def test_answer_to_a_copy_request_does_not_wait_for_mail(scene: Scene) -> None:
    """Otherwise the duration of a stranger's request would reveal whether the address is known."""
    import time

    from sandbox.mail.faults import Act

    person = await scene.linked(email=FLEET)
    scene.mailbox.fail(MailFault(Stage.EHLO, Act.HANG))
    await scene.say(person, "/avis")
    await scene.tap(person, next(label for label in person.screen().labels if "opie" in label))
    await scene.tap(person, person.screen().labels[0])
    began = time.monotonic()

    assert "code à 6 chiffres" in (await scene.say(person, "livres@example.test")).text

    assert time.monotonic() - began < 3
    scene.mailbox.faults.clear()
