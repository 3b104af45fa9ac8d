"""A PDF that is asked for again: after a restart, at another replica, and by the button that sends it once more."""

import pytest

from sandbox.telegram.model import Message
from sandbox.telegram.persons import Person
from storage.replica_locks import ReplicaLocks, number_of
from tests.scene import Scene
from tests.storage import rows_of

BOREAL = "flotte@example.test"
WORDS = {"fr": "déjà dans la conversation", "en": "already in the conversation"}
JUST_SENT = {"fr": "Le PDF vient d’être envoyé.", "en": "The PDF was just sent."}
AGAIN = {"fr": "Envoyer de nouveau", "en": "Send it again"}


def files(person: Person) -> list[Message]:
    return [message for message in person.chat().visible if message.file and message.from_bot]


async def received(scene: Scene, language: str) -> tuple[Person, Message]:
    """Return a person who tapped the PDF of an invoice and has it, and the invoice."""
    person = await scene.linked(language)
    invoice = await scene.say(person, "212380")
    person.tap("PDF", message=invoice)
    await person.wait_for_message(".pdf", new=True)
    return person, invoice


async def handled(scene: Scene, person: Person) -> None:
    """Wait until everything before was handled."""
    await scene.say(person, "/aide")


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_taps_around_a_restart_send_one_pdf(scene: Scene, language: str) -> None:
    person, invoice = await received(scene, language)
    await scene.stop_bot()
    for _ in range(3):
        person.tap("PDF", message=invoice)
    await scene.start_bot()
    await handled(scene, person)
    assert len(files(person)) == 1
    assert not [message for message in person.chat().visible if WORDS[language] in message.text]


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_tap_hours_after_a_restart_points_at_the_pdf(scene: Scene, language: str) -> None:
    """Each later restart remembers when the person was told last, so that piled-up taps get one answer."""
    person, invoice = await received(scene, language)
    for _ in range(2):
        await scene.settled()
        scene.later(hours=2)
        person.tap("PDF", message=invoice)
        told = await person.wait_for_message(WORDS[language], new=True)
        assert told.reply_to is files(person)[0]
        await scene.stop_bot()
        person.tap("PDF", message=invoice)
        await scene.start_bot()
        await handled(scene, person)
    assert len(files(person)) == 1
    assert len([message for message in person.chat().visible if WORDS[language] in message.text]) == 2


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_typed_request_after_a_restart(scene: Scene, language: str) -> None:
    person, _ = await received(scene, language)
    await scene.settled()
    scene.later(minutes=3)
    told = await scene.say(person, "pdf 212380")
    assert WORDS[language] in told.text
    assert len(files(person)) == 1


async def test_pdf_of_yesterday_comes_again(scene: Scene) -> None:
    person, invoice = await received(scene, "fr")
    scene.later(hours=25)
    await scene.settled()
    person.tap("PDF", message=invoice)
    await person.wait_for_message(".pdf", new=True)
    assert len(files(person)) == 2
    assert len((await rows_of(scene.components.database))["pdf_messages"]) == 1


async def test_changed_pdf_comes_after_a_restart(scene: Scene) -> None:
    person = await scene.linked("fr", BOREAL)
    await scene.say(person, "240130")
    person.tap("PDF")
    await person.wait_for_message(".pdf", new=True)
    await scene.settled()
    scene.portal.portal.mark_paid("a-2003", "240130")
    person.tap("PDF")
    await person.wait_for_message(".pdf", new=True)
    assert len(files(person)) == 2


async def test_pdf_of_the_other_language_comes_after_a_restart(scene: Scene) -> None:
    person, _ = await received(scene, "fr")
    await scene.settled()
    await scene.say(person, "/langue")
    await scene.tap(person, "English")
    await scene.say(person, "212380")
    person.tap("PDF")
    await person.wait_for_message("Invoice-212380.pdf", new=True)


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_taps_on_send_again_send_it_once_more(scene: Scene, language: str) -> None:
    """Also those that pile up around a restart; a minute later the same button sends it again."""
    person, invoice = await received(scene, language)
    scene.later(minutes=1)
    person.tap("PDF", message=invoice)
    offer = await person.wait_for_message(WORDS[language])
    for _ in range(3):
        person.tap(AGAIN[language], message=offer)
    await person.wait_for_message(".pdf", new=True)
    again = person.tap(AGAIN[language], message=offer)
    assert (await person.wait_for_answer(again)).get("text") == JUST_SENT[language]
    await scene.settled()
    person.tap(AGAIN[language], message=offer)
    await handled(scene, person)
    assert len(files(person)) == 2
    scene.later(minutes=1)
    person.tap(AGAIN[language], message=offer)
    await person.wait_for_message(".pdf", new=True)
    assert len(files(person)) == 3


async def test_unlinked_chat_leaves_no_trace_of_its_pdfs(scene: Scene) -> None:
    person, _ = await received(scene, "fr")
    await handled(scene, person)
    assert len((await rows_of(scene.components.database))["pdf_messages"]) == 1
    await scene.say(person, "/delier")
    await scene.tap(person, person.screen().labels[0])
    assert (await rows_of(scene.components.database))["pdf_messages"] == []


async def test_pdf_that_another_replica_sends_comes_once(scene: Scene, engine: str) -> None:
    """The tap waits for nothing: the other replica sends the file, or says why it cannot."""
    person = await scene.linked("fr")
    invoice = await scene.say(person, "212380")
    if engine == "sqlite":
        pytest.skip("one process")
    other = ReplicaLocks(scene.components.database)
    number = number_of(f"pdf {person.user_id} a-2001 212380 fr")
    assert await other.try_lock(number)
    tap = person.tap("PDF", message=invoice)
    await person.wait_for_answer(tap)
    await handled(scene, person)
    assert files(person) == []
    await other.close()
    person.tap("PDF", message=invoice)
    await person.wait_for_message(".pdf", new=True)
