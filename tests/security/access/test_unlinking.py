"""Nothing is sent to an unlinked chat, also if it was being prepared (L4)."""

import asyncio

import pytest

from sandbox.portal.faults import Fault, FaultKind
from sandbox.telegram.persons import Person
from storage.linking import links
from storage.tables import Kind, State
from tests.conversations.notices.test_notices import until
from tests.scene import Scene

DATA = ("212380", "26387", "293,08", "Plan Pro", "990001")
FLEET = "flotte@example.test"
SLOW_SECONDS = 4.0
"""The portal's delay; unlinking takes a fraction of it, also on a busy machine."""


async def unlink_elsewhere(scene: Scene, person: Person) -> None:
    """Unlink the chat as another replica, another chat or the operator does."""
    async with scene.components.database.write() as session:
        await links.unlink(session, person.user_id, scene.clock.now())


async def unlink_while_portal_is_slow(scene: Scene, person: Person, fault: Fault) -> None:
    """Unlink the chat once the portal was asked, well before it answers."""
    async with asyncio.timeout(10):
        while not fault.met:  # noqa: ASYNC110  # nothing tells of a request in progress
            await asyncio.sleep(0.01)
    await unlink_elsewhere(scene, person)


def leaked(person: Person, since: int) -> list[str]:
    later = [message.text for number, message in person.chat().messages.items() if message.from_bot and number > since]
    return [text for text in later if any(word in text for word in DATA)]


@pytest.mark.parametrize("text", ["/factures", "/commandes", "212380", "26387"])
async def test_delayed_list_is_not_sent_after_unlinking(scene: Scene, text: str) -> None:
    camille = await scene.linked()
    since = max(camille.chat().messages)
    slow = scene.portal.faults.set(Fault(FaultKind.SLOW, seconds=SLOW_SECONDS))
    camille.say(text)
    await unlink_while_portal_is_slow(scene, camille, slow)

    answer = await camille.wait_for_message("liée", new=True, timeout=15)

    assert answer.labels == ["Lier mon compte", "Confidentialité"]
    assert leaked(camille, since) == []


@pytest.mark.parametrize("label", ["212380", "PDF"])
async def test_delayed_tap_shows_nothing_after_unlinking(scene: Scene, label: str) -> None:
    camille = await scene.linked()
    await scene.say(camille, "/factures")
    if label == "PDF":
        await scene.tap(camille, "212380")
    documents = len([m for m in camille.chat().messages.values() if m.file])
    slow = scene.portal.faults.set(Fault(FaultKind.SLOW, seconds=SLOW_SECONDS))
    camille.tap(label)
    await unlink_while_portal_is_slow(scene, camille, slow)

    await camille.wait_for_message("liée", timeout=15)

    assert len([m for m in camille.chat().messages.values() if m.file]) == documents
    assert "Plan Pro" not in camille.screen().text


async def test_answer_retried_after_unlinking_is_not_sent(scene: Scene) -> None:
    """A 429 makes the answer wait; the person is unlinked meanwhile."""
    camille = await scene.linked()
    since = max(camille.chat().messages)
    fault = scene.telegram.world.faults.add("retry_after", method="sendMessage", retry_after=2, count=1)
    camille.say("/factures")
    async with asyncio.timeout(5):
        while not fault.met:  # noqa: ASYNC110  # nothing tells of a call that was refused
            await asyncio.sleep(0.01)
    await unlink_elsewhere(scene, camille)

    await camille.wait_for_message("liée", new=True, timeout=15)

    assert leaked(camille, since) == []


async def test_notice_in_progress_is_not_sent_after_unlinking(scene: Scene) -> None:
    camille = await scene.linked(email=FLEET, notices=True)
    since = max(camille.chat().messages)
    slow = scene.portal.faults.set(Fault(FaultKind.SLOW, seconds=SLOW_SECONDS, path="*/invoices/*"))
    scene.portal.portal.issue_invoice("a-2003", amount="40.19", number="990001")
    await unlink_while_portal_is_slow(scene, camille, slow)
    await until(scene, lambda found: found.get((Kind.INVOICE_ISSUED, State.CANCELLED)) == 1)
    await scene.settled()

    assert leaked(camille, since) == []


async def test_marked_notice_is_checked_before_sending(scene: Scene) -> None:
    """A chat unlinked between the state ``sending`` and the request gets no message."""
    camille = await scene.linked(email=FLEET, notices=True)
    since = max(camille.chat().messages)
    access = scene.components.application.bot_data.access
    still_linked = access.still_linked

    async def unlinked_just_now(link_ids: list[int]) -> bool:
        await unlink_elsewhere(scene, camille)
        found: bool = await still_linked(link_ids)
        return found

    access.still_linked = unlinked_just_now
    scene.portal.portal.issue_invoice("a-2003", amount="40.19", number="990001")
    await until(scene, lambda found: found.get((Kind.INVOICE_ISSUED, State.CANCELLED)) == 1)
    await scene.settled()

    assert leaked(camille, since) == []
