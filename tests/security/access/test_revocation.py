"""A thief with one mail: the owner is notified of the link, keeps access, and can revoke the thief's (M3)."""

import re

import pytest

from sandbox.telegram.persons import Person
from tests.scene import CLIENT, Scene

WORDS = {
    "fr": ("/compte", "Retirer", "Oui", "code à 6 chiffres", "vient d’être liée", "plus récemment"),
    "en": ("/account", "Remove", "Yes", "6-digit code", "has just been linked", ""),
}


async def owner_and_thief(scene: Scene, language: str = "fr", days: int = 40) -> tuple[Person, Person]:
    """Return the owner, linked long ago, and the thief, who read one mail today and uses the owner's name."""
    owner = await scene.linked(language, first_name="Camille")
    scene.later(days=days)
    await scene.say(owner, "/start")
    thief = await scene.linked(language, first_name="Camille")
    scene.later(minutes=2)  # another code for the address may be asked for
    return owner, thief


async def ask_to_revoke(scene: Scene, person: Person, language: str) -> str:
    account, remove, yes, *_ = WORDS[language]
    screen = await scene.say(person, account)
    label = next(label for label in screen.labels if label.startswith(remove))
    await scene.tap(person, label)
    return (await scene.tap(person, yes)).text


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_owner_is_notified_of_a_new_chat_at_once(scene: Scene, language: str) -> None:
    owner, thief = await owner_and_thief(scene, language)

    told = await owner.wait_for_message(WORDS[language][4])

    assert told.labels[0].startswith(WORDS[language][1])
    assert scene.mailbox.sent_to(CLIENT)[-1].subject
    await scene.tap(owner, told.labels[0])
    await scene.tap(owner, WORDS[language][2])
    assert await thief.wait_for_message("retirée d’un compte" if language == "fr" else "was removed from")


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_new_chat_needs_a_code_to_revoke_an_old_one(scene: Scene, language: str) -> None:
    owner, thief = await owner_and_thief(scene, language)
    before = len(scene.mailbox.sent_to(CLIENT))

    asked = await ask_to_revoke(scene, thief, language)

    assert WORDS[language][3] in asked
    code = await scene.code(count=before + 1)
    wrong = f"{(int(code) + 1) % 10**6:06}"
    assert "4" in (await scene.say(thief, wrong)).text
    still = await scene.say(owner, "/factures" if language == "fr" else "/invoices")
    assert "212380" in still.text


async def test_second_code_revokes_the_other_chat_and_notifies(scene: Scene) -> None:
    owner, newer = await owner_and_thief(scene)
    before = len(scene.mailbox.sent_to(CLIENT))
    await ask_to_revoke(scene, newer, "fr")

    done = await scene.say(newer, await scene.code(count=before + 1))

    assert "retirée" in done.text
    await owner.wait_for_message("retirée d’un compte")
    assert "pas encore liée" in (await scene.say(owner, "/factures")).text
    mails = await scene.mailbox.wait_for(CLIENT, count=before + 2)
    assert "retirée" in mails[-1].subject


async def test_chat_of_yesterday_revokes_without_a_code(scene: Scene) -> None:
    owner, newer = await owner_and_thief(scene)
    scene.later(hours=25)

    assert "retirée" in await ask_to_revoke(scene, newer, "fr")
    await owner.wait_for_message("retirée d’un compte")


async def test_old_link_by_another_address_still_needs_a_code(scene: Scene) -> None:
    """For a thief who is a customer too, the age of the link by the stolen mailbox counts."""
    thief = await scene.linked(email="flotte@example.test", first_name="Voleur")
    owner = await scene.linked()
    scene.later(days=40)
    await scene.say(owner, "/start")
    await scene.say(thief, "/lier")
    before = len(scene.mailbox.sent_to(CLIENT))
    await scene.say(thief, CLIENT)
    await scene.say(thief, await scene.code(count=before + 1))
    scene.later(minutes=2)

    assert "code à 6 chiffres" in await ask_to_revoke(scene, thief, "fr")
    assert "212380" in (await scene.say(owner, "/factures")).text


async def test_forged_confirmation_needs_the_code(scene: Scene) -> None:
    from handlers.actions import Revoke
    from handlers.telegram.callback_data import encode

    owner, thief = await owner_and_thief(scene)
    screen = await scene.say(thief, "/compte")
    await thief.wait_for_answer(thief.forge_tap(screen, encode(Revoke(owner.user_id, sure=True)) or ""))
    await thief.wait_for_message("code à 6 chiffres")

    assert "212380" in (await scene.say(owner, "/factures")).text


async def test_linking_code_does_not_revoke(scene: Scene) -> None:
    owner, thief = await owner_and_thief(scene)
    scene.later(minutes=2)
    await ask_to_revoke(scene, thief, "fr")
    await scene.say(thief, "/lier")
    before = len(scene.mailbox.sent_to(CLIENT))
    scene.later(minutes=2)
    await scene.say(thief, CLIENT)
    await scene.say(thief, await scene.code(count=before + 1))

    assert "212380" in (await scene.say(owner, "/factures")).text


async def test_revoked_chat_is_treated_as_unknown(scene: Scene) -> None:
    """Revocation deletes the thief's proof of the address: the chat has no more rights than an unknown one."""
    owner, thief = await owner_and_thief(scene)
    assert "retirée" in await ask_to_revoke(scene, owner, "fr")
    await thief.wait_for_message("retirée d’un compte")
    async with scene.components.database.read() as session:
        from storage.linking import proofs

        assert not await proofs.was_proven(session, thief.user_id, CLIENT)
        assert await proofs.was_proven(session, owner.user_id, CLIENT)


async def test_changed_copy_address_notifies_mailbox_and_chats(scene: Scene) -> None:
    owner, thief = await owner_and_thief(scene)
    await scene.say(thief, "/avis")
    await scene.tap(thief, "Client Odotrack")
    copy = next(label for label in thief.screen().labels if "opie" in label)
    await scene.tap(thief, copy)
    await scene.tap(thief, thief.screen().labels[0])
    await scene.say(thief, "voleur@example.test")
    mails = await scene.mailbox.wait_for("voleur@example.test")
    code = re.search(r"^(\d{6})$", mails[0].text, re.MULTILINE)
    assert code
    before = len(scene.mailbox.sent_to(CLIENT))

    await scene.say(thief, code[1])

    await owner.wait_for_message("copie de chaque nouvelle facture")
    mails = await scene.mailbox.wait_for(CLIENT, count=before + 1)
    assert "voleur@example.test" not in mails[-1].text
