"""A notice whose outcome is unclear comes once more, with a sentence that says so, unless the person knows of it."""

import asyncio
import re

import pytest
from sqlmodel import select

from bot.commands.notices import resend_uncertain, show
from sandbox.mail.faults import Act, Fault as MailFault, Stage
from sandbox.telegram.persons import Person
from storage.notices.repetitions import ResendChoice
from storage.tables import Delivery, State
from tests.conversations.notices.test_copies import BOOKS, copied
from tests.conversations.notices.test_notices import (
    ACCOUNT,
    MAIL,
    notices,
    quiet,
    subscribe,
    until,
    until_postponed,
    until_settled,
)
from tests.scene import Scene

NUMBER = "990001"
MARK = {"fr": "Vous avez peut-être déjà reçu cet avis.", "en": "You may already have received this notice."}
ALL = "Vous avez peut-être déjà reçu ces avis."
SOME = "Vous avez peut-être déjà reçu une partie de ces avis."
UNKNOWN = {"fr": "Vous avez peut-être déjà reçu ce courriel.", "en": "You may already have received this email."}


async def unclear(scene: Scene, language: str = "fr", kind: str = "close_after", method: str = "sendMessage") -> Person:
    """Return a person whose notice of a new invoice has an unclear outcome."""
    person = await scene.linked(language, MAIL[language], notices=True)
    if method == "sendDocument":
        await subscribe(scene, person, "PDF joint")
    scene.telegram.world.faults.add(kind, method=method)
    scene.portal.portal.issue_invoice(ACCOUNT[language], amount="40.19", number=NUMBER)
    await until_settled(scene, 1, State.UNCERTAIN)
    return person


async def repeat(scene: Scene) -> None:
    """Move on to the time of the repetitions; a start queues those that are due, as the worker does every 10 s."""
    scene.later(minutes=16)
    await scene.settled()


async def reasons(scene: Scene) -> list[str | None]:
    async with scene.components.database.read() as session:
        return list((await session.exec(select(Delivery.reason))).all())


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("kind", ["close_before", "close_after"])
async def test_repetition_begins_with_its_mark(scene: Scene, language: str, kind: str) -> None:
    person = await unclear(scene, language, kind)
    arrived = notices(person, NUMBER)
    assert len(arrived) == (kind == "close_after")
    await repeat(scene)
    await until_settled(scene)
    *_, last = told = notices(person, NUMBER)
    assert len(told) == len(arrived) + 1
    assert last.startswith(f"{MARK[language]}\n\n")
    assert [text for text in told[:-1] if MARK[language] in text] == []
    scene.later(hours=2)  # and no more
    await scene.settled()
    await scene.say(person, "/aide" if language == "fr" else "/help")
    assert len(notices(person, NUMBER)) == len(told)


async def test_caption_of_a_pdf_has_the_mark(scene: Scene) -> None:
    person = await unclear(scene, kind="close_after", method="sendDocument")
    await repeat(scene)
    await until_settled(scene)
    first, second = [each for each in person.chat().visible if each.file]
    assert first.text.startswith("Nouvelle facture")
    assert second.text.startswith(f"{MARK['fr']}\n\nNouvelle facture")


async def test_repetition_that_is_unclear_too_is_the_last(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    """An operator sees it, and may resend it; the message still has its mark."""
    person = await unclear(scene, kind="close_before")
    fault = scene.telegram.world.faults.add("close_before", method="sendMessage")
    await repeat(scene)
    await until(scene, lambda found: found["invoice.issued", "uncertain"] == 1 and fault.met == 1)
    await repeat(scene)
    await scene.say(person, "/aide")
    assert notices(person, NUMBER) == []
    database = scene.components.database
    capsys.readouterr()
    await show(database)
    await resend_uncertain(database, ResendChoice(), is_confirmed=False)
    shown = capsys.readouterr().out
    assert "1 deliveries would be repeated" in shown
    assert "sent too" in re.sub(r"[│\s]+", " ", shown)
    assert await reasons(scene) == ["NetworkError"]
    await resend_uncertain(database, ResendChoice(), is_confirmed=True, clock=scene.clock.now)
    assert "1 deliveries queued" in capsys.readouterr().out
    await until_settled(scene)
    assert notices(person, NUMBER)[0].startswith(MARK["fr"])


@pytest.mark.parametrize("way", ["Facture", "PDF", "Ne plus", "typed", "not at all", "another paper"])
async def test_what_the_person_knows_is_not_repeated(scene: Scene, way: str) -> None:
    person = await unclear(scene, kind="close_after")
    before = len(notices(person, "Nouvelle facture nº"))
    if way == "typed":
        await scene.say(person, NUMBER)
    elif way == "another paper":
        await scene.say(person, "/factures")
    elif way != "not at all":
        await scene.tap(person, next(each for each in person.chat().visible[-1].labels if way in each))
    await repeat(scene)
    if way in ("not at all", "another paper"):
        await until_settled(scene)
        assert len(notices(person, MARK["fr"])) == 1
        return
    await until_settled(scene, 1, State.CANCELLED)
    assert await reasons(scene) == ["seen by the person"]
    await scene.say(person, "/aide")
    assert len(notices(person, MARK["fr"])) == 0
    assert len(notices(person, "Nouvelle facture nº")) <= before


async def test_paper_opened_before_the_answer_is_lost(scene: Scene) -> None:
    """Telegram shows the notice, the person taps it, and only then the connection breaks."""
    person = await scene.linked("fr", MAIL["fr"], notices=True)
    scene.telegram.world.faults.add("hang_after", method="sendMessage")
    scene.portal.portal.issue_invoice(ACCOUNT["fr"], amount="40.19", number=NUMBER)
    notice = await person.wait_for_message(NUMBER, new=True, timeout=15)
    person.tap(next(label for label in notice.labels if NUMBER in label))
    await person.wait_for_message("40,19", timeout=15)
    await until_settled(scene, 1, State.CANCELLED)
    assert await reasons(scene) == ["seen by the person"]


async def test_repetition_is_checked_as_any_delivery(scene: Scene) -> None:
    """Who unlinked gets none; what was paid is not reminded of."""
    person = await unclear(scene, kind="close_before")
    await scene.say(person, "/delier")
    await scene.tap(person, "Oui")
    await repeat(scene)
    await until_settled(scene, 1, State.CANCELLED)
    assert notices(person, NUMBER) == []


async def test_summary_says_which_part_may_be_known(scene: Scene) -> None:
    """Of two notices in one message, one is a repetition; later the whole message is repeated."""
    person = await unclear(scene, kind="close_before")
    await quiet(scene, person, "de 20")
    scene.clock.set(scene.clock.now().replace(hour=3, minute=0))  # 23:00 in Toronto
    scene.later(days=1)
    scene.portal.portal.issue_invoice(ACCOUNT["fr"], amount="41.19", number="990002")
    await until_postponed(scene)
    await repeat(scene)
    await until_postponed(scene, 2)
    scene.telegram.world.faults.add("close_after", method="sendMessage")
    scene.later(hours=8)
    summary = await person.wait_for_message("Pendant vos heures calmes", new=True, timeout=15)
    assert summary.text.startswith(f"{SOME}\n\nPendant vos heures calmes")
    await until_settled(scene, 2, State.UNCERTAIN)


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_mail_is_repeated_under_its_message_id(scene: Scene, language: str) -> None:
    await copied(scene, language)
    scene.mailbox.fail(MailFault(Stage.STORED, Act.DROP, times=1))
    scene.portal.portal.issue_invoice(ACCOUNT[language], amount="40.19", number=NUMBER)
    await until_settled(scene, 1, State.UNCERTAIN)
    await repeat(scene)
    await until_settled(scene, 1, State.SENT)
    first, second = [each for each in scene.mailbox.sent_to(BOOKS) if NUMBER in each.subject]
    assert first.headers["Message-ID"] == second.headers["Message-ID"]
    assert UNKNOWN[language] not in first.text
    assert second.text.startswith(UNKNOWN[language])
    assert first.subject == second.subject


async def test_repetition_waits_while_telegram_is_away(scene: Scene) -> None:
    """Neither it nor a new notice is spent, also over a restart: both come when Telegram is back."""
    person = await unclear(scene, kind="close_before")
    faults = scene.telegram.world.faults
    sending = faults.add("gateway", method="sendMessage", count=None)
    asking = faults.add("gateway", method="getMe", count=None)
    scene.portal.portal.issue_invoice(ACCOUNT["fr"], amount="41.19", number="990002")
    scene.later(minutes=16)
    async with asyncio.timeout(40):
        while asking.met < 3:  # noqa: ASYNC110, the probes
            await asyncio.sleep(0.05)
    assert sending.met == 0
    await until(scene, lambda found: found == {("invoice.issued", "uncertain"): 1, ("invoice.issued", "queued"): 1})
    faults.clear()
    scene.later(minutes=2)
    await scene.settled()
    await until_settled(scene, 2, State.SENT)
    assert sorted(text.startswith(MARK["fr"]) for text in notices(person, NUMBER, "990002")) == [False, True]
