"""The portal does not answer: people get the last known lists, details and PDFs, with their time."""

import asyncio
import datetime
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlmodel import select

from sandbox.portal.faults import Fault, FaultKind
from sandbox.telegram.model import Message
from sandbox.telegram.persons import Person
from storage import chats
from storage.linking import access
from storage.linking.links import NewLink, add_links
from storage.tables import SavedAnswer
from tests.conversations.operation.test_bad_feed import metric
from tests.scene import Scene

PAPERS = "*/accounts/*"
STAMP = {"fr": "à jour à 14\u00a0h", "en": "Up to date as of 2:00\u00a0p.m."}
AWAY = {"fr": "Le portail ne répond pas", "en": "The portal is not answering"}
RETRY = {"fr": "Réessayer", "en": "Try again"}


async def down(scene: Scene, kind: FaultKind = FaultKind.DROP, path: str = "*") -> None:
    """Write what was shown, and let the portal be away. A restart proves that it comes from the database."""
    await scene.settled()
    scene.portal.faults.set(Fault(kind, path=path))


async def rows(scene: Scene) -> list[SavedAnswer]:
    async with scene.components.database.read() as session:
        return list((await session.exec(select(SavedAnswer))).all())


async def until_erased(scene: Scene) -> None:
    async with asyncio.timeout(30):
        while await rows(scene):  # noqa: ASYNC110
            await asyncio.sleep(0.05)


def is_marked(screen: Message, language: str = "fr") -> bool:
    return STAMP[language] in screen.text.replace("\u202f", "\u00a0") and RETRY[language] in screen.labels


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_list_detail_and_pdf_while_the_portal_is_down(scene: Scene, language: str) -> None:
    """All survive a restart; the retry button asks the portal again."""
    camille = await scene.linked(language)
    listed = (await scene.say(camille, "/factures")).text
    await scene.tap(camille, "212380")
    camille.tap("PDF")
    await camille.wait_for_message(".pdf", new=True)
    await scene.say(camille, "/commandes")
    await down(scene)
    scene.later(minutes=20)

    again = await scene.say(camille, "/factures")
    assert is_marked(again, language), again.text
    assert next(row for row in listed.splitlines() if "212380" in row) in again.text
    detail = await scene.tap(camille, "212380")
    assert is_marked(detail, language)
    assert "293" in detail.text
    assert (await scene.tap(camille, "PDF")).reply_to, "the PDF is in the chat already"
    orders = await scene.say(camille, "/commandes")
    assert is_marked(orders, language)

    scene.portal.faults.clear()
    fresh = await scene.tap(camille, RETRY[language])
    assert not is_marked(fresh, language)
    assert "26387" in fresh.text or "26901" in fresh.text
    assert await metric(scene, "odobot_saved_answers_total") > 0


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_pdf_is_sent_again_while_the_portal_is_down(scene: Scene, language: str) -> None:
    camille = await scene.linked(language)
    await scene.say(camille, "212380")
    camille.tap("PDF")
    await camille.wait_for_message(".pdf", new=True)
    await down(scene)
    scene.later(minutes=20)
    await scene.tap(camille, "PDF")
    camille.tap(row=0)
    sent = await camille.wait_for_message("PDF", new=True)
    assert sent.file
    assert AWAY[language] in sent.text


async def test_day_is_named_when_it_is_not_today(scene: Scene) -> None:
    """The link was confirmed more than a day ago, which the portal would be asked for."""
    camille = await scene.linked()
    await scene.say(camille, "/factures")
    await down(scene)
    scene.later(days=2)
    assert "à jour le 15 octobre à 14\u00a0h" in (await scene.say(camille, "/factures")).text


async def test_time_is_in_the_zone_of_the_chat(scene: Scene) -> None:
    camille = await scene.linked()
    await scene.say(camille, "/avis")
    await scene.tap(camille, "Heures calmes")
    await scene.tap(camille, "Changer de fuseau")
    await scene.tap(camille, "Vancouver")
    await scene.say(camille, "/factures")
    await down(scene)
    assert "à jour à 11\u00a0h" in (await scene.say(camille, "/factures")).text


async def test_answers_of_a_week_ago_are_not_shown_and_are_deleted(scene: Scene) -> None:
    camille = await scene.linked()
    await scene.say(camille, "/factures")
    await down(scene)
    scene.later(days=7, minutes=1)
    screen = await scene.say(camille, "/factures")
    assert AWAY["fr"] in screen.text
    assert "212380" not in screen.text
    await scene.settled()
    await until_erased(scene)


async def test_detail_comes_from_a_list_that_was_shown(scene: Scene) -> None:
    """A person taps a number that was never opened, or types it."""
    camille = await scene.linked()
    await scene.say(camille, "/factures")
    await down(scene)
    assert is_marked(await scene.tap(camille, "212380"))
    assert is_marked(await scene.say(camille, "212380"))
    assert is_marked(await scene.say(camille, "ma dernière facture"))


async def test_what_was_never_shown_is_the_failure(scene: Scene) -> None:
    """A search, a page and an account that nobody looked at."""
    camille = await scene.linked(email="flotte@example.test")
    await scene.say(camille, "/factures")
    await down(scene)
    assert is_marked(await scene.say(camille, "/factures"))
    screen = await scene.tap(camille, "›")
    assert AWAY["fr"] in screen.text
    assert "à jour" not in screen.text
    assert screen.labels == ["Réessayer"]


async def test_other_contact_sees_nothing(scene: Scene) -> None:
    """Two contacts of one account: what one was shown, with its PDF, is not shown to the other."""
    camille = await scene.linked()
    await scene.say(camille, "/factures")
    await scene.tap(camille, "212380")
    camille.tap("PDF")
    await camille.wait_for_message(".pdf", new=True)
    other = await linked_to_account(scene, "c-other")
    await down(scene)
    assert is_marked(await scene.say(camille, "/factures"))
    for text in ("/factures", "212380", "pdf de la facture 212380"):
        screen = await scene.say(other, text)
        assert not screen.file
        assert "293" not in screen.text
        assert "à jour" not in screen.text


async def linked_to_account(scene: Scene, contact: str) -> Person:
    person = scene.person(first_name="Autre")
    link = NewLink(contact, "a-2001", "Client Odotrack", frozenset({"orders", "invoices"}), "autre@example.test")
    async with scene.components.database.write() as session:
        await add_links(session, person.user_id, person.first_name, [link], scene.clock.now())
    return person


@pytest.mark.parametrize(
    "kind",
    [FaultKind.DROP, FaultKind.UNAVAILABLE, FaultKind.SERVER_ERROR, FaultKind.PROXY_PAGE, FaultKind.RESET],
)
async def test_failures_that_mean_away(scene: Scene, kind: FaultKind) -> None:
    camille = await scene.linked()
    await scene.say(camille, "/factures")
    await down(scene, kind, PAPERS)
    assert is_marked(await scene.say(camille, "/factures"))


@pytest.mark.parametrize(
    "kind",
    [FaultKind.MALFORMED_JSON, FaultKind.LOGIN_PAGE, FaultKind.ANOTHER_ACCOUNT, FaultKind.UNAUTHORISED],
)
async def test_failures_that_show_nothing_saved(scene: Scene, kind: FaultKind) -> None:
    """The portal answers: its answer is newer than what was saved, even if it cannot be read."""
    camille = await scene.linked()
    await scene.say(camille, "/factures")
    await down(scene, kind, PAPERS)
    screen = await scene.say(camille, "/factures")
    assert "à jour" not in screen.text
    assert "212380" not in screen.text


@pytest.mark.parametrize("kind", [FaultKind.FORBIDDEN, FaultKind.NOT_FOUND])
async def test_refusal_erases_what_was_saved(scene: Scene, kind: FaultKind) -> None:
    camille = await scene.linked()
    await scene.say(camille, "/factures")
    await scene.tap(camille, "212380")
    await down(scene, kind, PAPERS)
    assert "à jour" not in (await scene.say(camille, "/factures")).text
    scene.portal.faults.clear()
    await down(scene)
    assert await rows(scene) == []
    assert "212380" not in (await scene.say(camille, "/factures")).text


async def test_invoice_that_is_gone_leaves_the_lists(scene: Scene) -> None:
    camille = await scene.linked()
    await scene.say(camille, "/factures")
    await scene.tap(camille, "212380")
    await down(scene, FaultKind.NOT_FOUND, "*/invoices/*")
    await scene.say(camille, "212380")
    scene.portal.faults.clear()
    await down(scene)
    assert "293" not in (await scene.say(camille, "212380")).text
    assert "212380" not in (await scene.say(camille, "/factures")).text


async def unlink(scene: Scene, person: Person) -> None:
    await scene.say(person, "/delier")
    await scene.tap(person, "Oui, délier")


async def forget(scene: Scene, person: Person) -> None:
    await scene.say(person, "/oublier")
    await scene.tap(person, "Oui, tout effacer")


async def lose_access(scene: Scene, person: Person) -> None:
    scene.portal.portal.people.remove_contact("c-1001")
    scene.later(days=1, minutes=1)
    await scene.say(person, "/factures")


@pytest.mark.parametrize("end", [unlink, forget, lose_access])
async def test_end_of_the_link_erases(scene: Scene, end: Callable[[Scene, Person], Awaitable[Any]]) -> None:
    camille = await scene.linked()
    await scene.say(camille, "/factures")
    await scene.settled()
    assert await rows(scene)
    await end(scene, camille)
    await scene.settled()
    assert await rows(scene) == []
    await down(scene)
    assert "212380" not in (await scene.say(camille, "/factures")).text


async def test_reported_change_of_access_shows_nothing_saved(scene: Scene) -> None:
    """The feed said that the account is closed, and the portal cannot be asked whether the link holds."""
    camille = await scene.linked()
    await scene.say(camille, "/factures")
    await down(scene)
    async with scene.components.database.write() as session:
        await access.expire_confirmations(session, "a-2001", None)
    assert "212380" not in (await scene.say(camille, "/factures")).text


async def test_part_that_was_taken_away_is_not_shown(scene: Scene) -> None:
    """The last confirmation of the link said that the contact sees the orders only."""
    camille = await scene.linked()
    listed = await scene.say(camille, "/factures")
    await down(scene)
    async with scene.components.database.read() as session:
        [link] = [each for each in (await chats.load(session, camille.user_id)).links if each.account_id == "a-2001"]
    async with scene.components.database.write() as session:
        now = scene.clock.now()
        await access.confirm(session, link.link_id, "Client", frozenset({"orders"}), now, is_used=True)
    camille.tap("212380", message=listed)
    assert "293" not in (await camille.wait_for_message("Le portail")).text


async def test_nothing_is_saved_where_the_setting_says_so(scene: Scene) -> None:
    """What was saved before is deleted."""
    camille = await scene.linked()
    await scene.say(camille, "/factures")
    await scene.settled()
    assert await rows(scene)
    await scene.stop_bot()
    await scene.start_bot(save_portal_answers=False)
    await until_erased(scene)
    await scene.say(camille, "/factures")
    await down(scene)
    assert await rows(scene) == []
    assert "à jour" not in (await scene.say(camille, "/factures")).text


async def test_saved_answers_are_sealed(scene: Scene) -> None:
    camille = await scene.linked()
    await scene.say(camille, "/factures")
    await scene.settled()
    for row in await rows(scene):
        stored = row.model_dump_json()
        assert not any(word in stored for word in ("212380", "293.08", "c-1001", "a-2001"))


async def test_unchanged_answer_is_written_once(scene: Scene) -> None:
    """Afterwards only when its time would be more than a quarter of an hour old."""
    camille = await scene.linked()
    for _ in range(3):
        await scene.say(camille, "/factures")
    services = scene.components.application.bot_data
    await services.background.drain()
    assert services.saved_answers.counts["written"] == 1
    scene.later(minutes=16)
    await scene.say(camille, "/factures")
    await services.background.drain()
    assert services.saved_answers.counts["written"] == 2
    [row] = await rows(scene)
    assert row.read_at == scene.clock.now() or scene.clock.now() - row.read_at < datetime.timedelta(minutes=1)
