"""Links, copies and codes that no key opens, one by one: nothing is lost without a word, and nothing fails."""

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import update
from sqlmodel import col, select
from structlog.testing import capture_logs

from sandbox.telegram.persons import Person
from services.notices.delivery.sealed_links import counts
from storage.tables import Copy, Link, State
from storage.vault import Vault
from tests.conversations.notices.test_copies import BOOKS, copied
from tests.conversations.notices.test_notices import ACCOUNT, until_nothing_is_due, until_settled
from tests.conversations.operation.test_lost_key import lose_key, restart
from tests.scene import CLIENT, Scene

FOREIGN = Vault([Fernet.generate_key().decode()])


async def relink(scene: Scene, person: Person, email: str = CLIENT) -> None:
    """Link the chat again through the same address."""
    scene.later(minutes=2)
    await scene.say(person, "/lier")
    sent = len(scene.mailbox.sent_to(email))
    await scene.say(person, email)
    await scene.say(person, await scene.code(email, sent + 1))


async def test_notice_waits_for_the_key(scene: Scene) -> None:
    """It is not sent and not lost: with the key, or the link, it arrives within an hour."""
    person = await scene.linked(notices=True)
    old = await lose_key(scene)
    before = counts["deferred"]
    with capture_logs() as logs:
        number = scene.portal.portal.issue_invoice("a-2001", amount="40.19")
        await until_nothing_is_due(scene, 1)
    assert counts["deferred"] > before
    assert "deferred" in [each["outcome"] for each in logs if each["event"] == "delivery.no_key_opens"]
    assert not any(number in message.text for message in person.chat().visible)

    await restart(scene, f"{scene.keys},{old}")
    scene.later(minutes=61)
    assert "Nouvelle" in (await person.wait_for_message(number, new=False)).text


async def test_notice_arrives_once_linked_again(scene: Scene) -> None:
    person = await scene.linked(notices=True)
    await lose_key(scene)
    number = scene.portal.portal.issue_invoice("a-2001", amount="40.19")
    await until_nothing_is_due(scene, 1)
    await relink(scene, person)
    scene.later(minutes=61)
    assert "Nouvelle" in (await person.wait_for_message(number, new=False)).text


async def test_notice_ends_after_three_days(scene: Scene) -> None:
    await scene.linked(notices=True)
    await lose_key(scene)
    before = counts["cancelled"]
    scene.portal.portal.issue_invoice("a-2001", amount="40.19")
    await until_nothing_is_due(scene, 1)
    scene.later(days=3, minutes=1)
    await until_settled(scene, 1, State.CANCELLED)
    assert counts["cancelled"] == before + 1


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_sealed_copy_is_told(scene: Scene, language: str) -> None:
    """The chat is linked again, and the bookkeeper's address is still under the lost key: the chat is told once."""
    title = {"fr": "Copie pour la comptabilité interrompue", "en": "Bookkeeper’s copy stopped"}[language]
    person = await copied(scene, language)
    async with scene.components.database.write() as session:
        await session.change(update(Copy).values(email_sealed=FOREIGN.seal(BOOKS)))
    mails = len(scene.mailbox.sent_to(BOOKS))
    for count in (1, 2):
        scene.portal.portal.issue_invoice(ACCOUNT[language], amount="40.19")
        await until_nothing_is_due(scene, count)
    await person.wait_for_message(title, new=False)
    await scene.settled()
    assert len([each for each in person.chat().visible if title in each.text]) == 1
    assert len(scene.mailbox.sent_to(BOOKS)) == mails


async def test_link_with_a_sealed_address_is_not_used(scene: Scene) -> None:
    """A link whose address no key opens could never be confirmed with the portal again."""
    person = await scene.linked()
    async with scene.components.database.write() as session:
        await session.change(update(Link).values(email_sealed=FOREIGN.seal(CLIENT)))
    assert "ne peut plus être lu" in (await scene.say(person, "/factures")).text


async def test_one_sealed_link_among_others(scene: Scene) -> None:
    """The other goes on; the chat is told of it; the daily confirmation links the account of the same contact anew."""
    person = await scene.linked()
    async with scene.components.database.write() as session:
        last = (await session.exec(select(Link.link_id).order_by(col(Link.link_id).desc()))).first()
        await session.change(
            update(Link).where(col(Link.link_id) == last).values(account_name_sealed=FOREIGN.seal("Compte"))
        )
    assert "212380" in (await scene.say(person, "/factures")).text
    assert "Un autre lien ne peut plus être lu" in (await scene.say(person, "/compte")).text

    scene.later(hours=25)
    assert "212380" in (await scene.say(person, "/factures")).text
    assert "ne peut plus être lu" not in (await scene.say(person, "/compte")).text
    async with scene.components.database.read() as session:
        assert last in (await session.exec(select(Link.link_id))).all()


@pytest.mark.parametrize(("language", "words"), [("fr", "/lier"), ("en", "/link")])
async def test_code_of_a_lost_key_is_answered(scene: Scene, language: str, words: str) -> None:
    """The key is taken away between the mail and the typed code: the person is told, and can ask for another."""
    person = await scene.asked(language)
    code = await scene.code()
    await lose_key(scene)
    answer = await scene.say(person, code)
    assert "fonctionné" not in answer.text
    assert "went wrong" not in answer.text
    assert answer.labels or words in answer.text
    await relink(scene, person)
    assert "212380" in (await scene.say(person, "/factures")).text
