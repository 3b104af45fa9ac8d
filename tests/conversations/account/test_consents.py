# ruff: noqa: F401, F811  # the fixture is imported and asked for by name
"""Consents: the notice before the address, what is recorded with each change, and how it is withdrawn."""

import asyncio
import datetime

import pytest
from sqlmodel import col, select

from sandbox.telegram.persons import Person
from services.notices.copies import StopRequest, stop
from services.privacy.policy import TEXT_DATE
from storage.tables import Consent, Delivery, Kind, Notice, PolicyVersion
from tests.conversations.general.test_inline import answered, inline
from tests.conversations.notices.test_copies import BOOKS, copied, give
from tests.conversations.support.desk import Desk, desk
from tests.scene import Scene

NOTICE = {
    "fr": "Votre adresse de courriel sert à retrouver votre compte",
    "en": "Your email address is used to find your account",
}
PRIVACY = {"fr": "Confidentialité", "en": "Privacy"}
NEXT = TEXT_DATE + datetime.timedelta(days=30)


async def recorded(scene: Scene, person: Person) -> list[tuple[str, bool, str, str | None]]:
    """Return purpose, whether it was given, words and language of each record, in their order."""
    async with scene.components.database.read() as session:
        query = select(Consent).where(col(Consent.chat_id) == person.user_id).order_by(col(Consent.consent_id))
        rows = (await session.exec(query)).all()
    assert {row.policy_version for row in rows} <= {TEXT_DATE}
    assert all((row.link_id is None) == (row.purpose in ("support", "inline")) for row in rows)
    return [(row.purpose, row.is_given, row.message, row.language) for row in rows]


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_notice_stands_before_each_way_to_the_address(scene: Scene, language: str) -> None:
    person = scene.person(language)
    invitation = await scene.invitation()
    ways = ("/start", "/lier", "pas une adresse", "/factures", "/start lier", "/start f-212380")
    for way in (*ways, f"/start {invitation}"):
        asked = await scene.say(person, way)
        assert NOTICE[language] in asked.text, way
        assert PRIVACY[language] in asked.labels, way


async def test_each_consent_is_recorded_with_its_words(scene: Scene) -> None:
    person = await scene.linked()
    await scene.say(person, "/avis")
    await scene.tap(person, "Client Odotrack 2016")
    await scene.tap(person, "Nouvelle facture")
    await scene.tap(person, "Nouvelle facture")

    assert await recorded(scene, person) == [
        *[("access", True, "privacy.before_address", "fr")] * 2,  # the address has two accounts
        *[("invoice.issued", False, "link.ask_wish", "fr")] * 2,
        ("invoice.issued", True, "wish.invoice_issued", "fr"),
        ("invoice.issued", False, "wish.invoice_issued", "fr"),
    ]


async def test_invitation_records_consent_to_access(scene: Scene) -> None:
    person = scene.person("en")
    await scene.say(person, f"/start {await scene.invitation()}")
    await scene.tap(person, "Yes, link")

    assert (await recorded(scene, person))[0] == ("access", True, "privacy.before_address", "en")


async def test_consents_are_shown_with_a_way_to_withdraw_each(scene: Scene) -> None:
    person = await scene.linked(notices=True)
    await scene.say(person, "/confidentialite")

    shown = await scene.tap(person, "Vos consentements")

    assert "Accès au compte «\u00a0Client Odotrack 2016\u00a0», depuis le 15 octobre 2026" in shown.text
    assert "Nouvelle facture" in shown.text
    assert shown.labels[:2] == ["Délier cette conversation", "Avis"]
    await scene.tap(person, "Délier")
    await scene.tap(person, "Oui")
    given = [(purpose, is_given) for purpose, is_given, _, _ in await recorded(scene, person)]
    both = ["access", "access", "invoice.issued", "invoice.issued"]
    assert given == [(purpose, is_given) for is_given in (True, False) for purpose in both]
    await scene.say(person, "/confidentialite")
    assert "aucun consentement" in (await scene.tap(person, "Vos consentements")).text


async def test_oublier_erases_the_consents(scene: Scene) -> None:
    person = await scene.linked()
    assert await recorded(scene, person)
    await scene.say(person, "/oublier")
    await scene.tap(person, "Oui")

    assert await recorded(scene, person) == []


async def told_of_policy(scene: Scene) -> list[int]:
    """Return the chats of the deliveries about a new policy."""
    async with scene.components.database.read() as session:
        query = select(Delivery.recipient).join(Notice, col(Notice.notice_id) == Delivery.notice_id)
        return list((await session.exec(query.where(col(Notice.kind) == Kind.POLICY_CHANGED))).all())


async def test_linked_chats_are_told_of_a_new_policy_once(scene: Scene) -> None:
    """Chats that link later are not told, and a restart tells nobody again."""
    person, stranger = await scene.linked(), scene.person()
    await scene.say(stranger, "/start")
    assert await told_of_policy(scene) == []
    await scene.stop_bot()

    await scene.start_bot(privacy_date=str(NEXT))

    notice = await person.wait_for_message("politique de confidentialité")
    assert "27 décembre 2026" in notice.text
    assert "27 décembre 2026" in (await scene.tap(person, "Confidentialité")).text
    scene.later(minutes=2)
    later = await scene.linked(email="flotte@example.test")
    for _ in range(2):
        await scene.stop_bot()
        await scene.start_bot()
    assert await told_of_policy(scene) == [person.user_id]
    assert later.user_id != person.user_id
    async with scene.components.database.read() as session:
        assert set((await session.exec(select(PolicyVersion.version))).all()) == {TEXT_DATE, NEXT}


async def test_an_older_policy_tells_nobody(scene: Scene) -> None:
    await scene.linked()
    await scene.stop_bot()
    await scene.start_bot(privacy_date="2020-01-01")

    assert await told_of_policy(scene) == []


async def test_new_policy_waits_for_the_end_of_quiet_hours(scene: Scene) -> None:
    person = await scene.linked()
    await scene.say(person, "/avis")
    await scene.tap(person, "Heures calmes")
    await scene.tap(person, "de 20")
    scene.later(hours=8)  # 22 h in Toronto
    await scene.stop_bot()
    await scene.start_bot(privacy_date=str(NEXT))

    async def due_at() -> datetime.datetime | None:
        async with scene.components.database.read() as session:
            query = select(Delivery).join(Notice, col(Notice.notice_id) == Delivery.notice_id)
            row = (await session.exec(query.where(col(Notice.kind) == Kind.POLICY_CHANGED))).one()
        return row.due_at if row.due_at > scene.clock.now() else None

    async with asyncio.timeout(15):
        while (due := await due_at()) is None:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    assert due == datetime.datetime(2026, 10, 16, 11, 0, tzinfo=datetime.UTC)  # 7 h in Toronto
    scene.later(hours=10)
    assert "a changé" in (await person.wait_for_message("politique")).text


async def test_copy_is_recorded_and_stopped_by_either_side(scene: Scene) -> None:
    person = await copied(scene)
    await scene.say(person, "/avis")
    await scene.tap(person, "Copie pour la comptabilité")
    await scene.tap(person, "Arrêter")
    scene.later(minutes=2)
    await give(scene, person, BOOKS)
    await scene.say(person, await scene.code(BOOKS, 2))
    request = StopRequest("a-2003", BOOKS)
    assert await stop(scene.components.database, request, scene.clock.now()) == 1

    assert [each[1:] for each in await recorded(scene, person) if each[0] == "copy"] == [
        (True, "copy.ask", "fr"),
        (False, "button.copy_stop", "fr"),
        (True, "copy.ask", "fr"),
        (False, "stop.ask", None),
    ]


async def test_calendar_feed_is_recorded(scene: Scene) -> None:
    await scene.stop_bot()
    await scene.start_bot(public_url="http://127.0.0.1:9")
    person = await scene.linked(email="flotte@example.test")
    await scene.say(person, "/calendrier")
    await scene.tap(person, "Créer une adresse")
    await scene.say(person, "/confidentialite")
    shown = await scene.tap(person, "Vos consentements")
    assert "Calendrier du compte" in shown.text
    await scene.tap(person, "Calendrier")
    await scene.tap(person, "Retirer")

    of_calendar = [each[1:] for each in await recorded(scene, person) if each[0] == "calendar"]
    assert of_calendar == [(True, "calendar.what", "fr"), (False, "button.calendar_stop", "fr")]


async def test_conversation_with_the_staff_is_recorded(desk: Desk) -> None:
    scene = desk.scene
    person = await scene.linked()
    await scene.say(person, "/parler")
    await scene.say(person, "/confidentialite")
    shown = await scene.tap(person, "Vos consentements")
    assert "Conversation avec le personnel" in shown.text
    await scene.tap(person, "Terminer la conversation")

    of_support = [each[1:] for each in await recorded(scene, person) if each[0] == "support"]
    assert of_support == [(True, "person.relayed", "fr"), (False, "button.end_conversation", "fr")]


async def test_answers_in_other_chats_can_be_withdrawn(scene: Scene) -> None:
    await inline(scene)
    person = await scene.linked()
    await scene.say(person, "212380")
    await scene.tap(person, "PDF")
    for _ in range(2):
        assert (await answered(person, "212380"))["results"]
    await scene.say(person, "/confidentialite")
    assert "Réponse dans vos autres conversations" in (await scene.tap(person, "Vos consentements")).text

    shown = await scene.tap(person, "Ne plus répondre ailleurs")

    assert "Réponse dans" not in shown.text
    refused = await answered(person, "212380")
    assert refused["results"] == []
    assert refused["button"] == {"text": "Vous avez arrêté les réponses ici", "start_parameter": "confidentialite"}
    await scene.tap(person, "Répondre ailleurs")
    assert (await answered(person, "212380"))["results"]
    assert [each[:2] for each in await recorded(scene, person) if each[0] == "inline"] == [
        ("inline", True),
        ("inline", False),
        ("inline", True),
    ]
