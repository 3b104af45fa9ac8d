"""The buttons of notices: their answers never replace the notice."""

from datetime import UTC, datetime

import pytest

from handlers.actions import SetSubscription
from handlers.screens import notices as screens
from handlers.telegram.callback_data import encode
from handlers.telegram.messages import send_text
from handlers.telegram.render import render
from portal.client import Reader
from sandbox.portal.faults import Fault, FaultKind
from sandbox.telegram.model import Message
from sandbox.telegram.persons import Person
from storage import chats
from storage.tables import Kind, State
from tests.conversations.notices.test_notices import (
    ACCOUNT,
    FLEET,
    LABELS,
    MAIL,
    PATIENCE,
    SHARED,
    at,
    notices,
    quiet,
    subscribe,
    until_postponed,
    until_settled,
)
from tests.conversations.notices.test_repetitions import MARK, repeat, unclear
from tests.scene import Scene
from texts.catalogue import texts_in
from texts.language import Language

NUMBER = "990001"
DETAIL = {"fr": f"Facture {NUMBER}", "en": f"Invoice {NUMBER}"}
STOP = {"fr": "Ne plus recevoir", "en": "Stop"}


async def notified(scene: Scene, language: str = "fr", amount: str = "40.19") -> tuple[Person, Message]:
    """Return a person with a notice of a new invoice, and the notice."""
    person = await scene.linked(language, MAIL[language], notices=True)
    scene.portal.portal.issue_invoice(ACCOUNT[language], amount=amount, number=NUMBER)
    return person, await person.wait_for_message(NUMBER, new=True, timeout=PATIENCE)


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("button", ["detail", "stop"])
async def test_answer_leaves_the_notice(scene: Scene, language: str, button: str) -> None:
    person, notice = await notified(scene, language)
    told = notice.text, notice.labels
    label = (DETAIL if button == "detail" else STOP)[language]
    person.tap(label, message=notice)
    answer = await person.wait_for_message(new=True)
    assert answer is not notice
    assert (notice.text, notice.labels, notice.edits) == (*told, 0)
    if button == "stop":
        assert LABELS[language][0] in answer.text
        assert ("Transport Boréal" if language == "fr" else "North Shore") in answer.text
        again = await scene.tap(person, "Réactiver" if language == "fr" else "Turn")
        assert again is answer
        assert LABELS[language][0] in again.text


async def test_repeated_tap_has_one_answer(scene: Scene) -> None:
    person, notice = await notified(scene)
    before = len(person.chat().visible)
    for _ in range(4):
        await person.wait_for_answer(person.tap(DETAIL["fr"], message=notice))
    await scene.settled()
    assert len(person.chat().visible) == before + 1


@pytest.mark.parametrize("failure", ["portal", "unlinked"])
async def test_failed_answer_leaves_the_notice(scene: Scene, failure: str) -> None:
    """Also where the portal does not answer, and where the chat is unlinked since."""
    person, notice = await notified(scene)
    if failure == "portal":
        scene.portal.faults.set(Fault(FaultKind.SERVER_ERROR, path="*/invoices/*"))
    else:
        await scene.say(person, "/delier")
        await scene.tap(person, "Oui, délier")
    person.tap(DETAIL["fr"], message=notice)
    words = "ne répond pas" if failure == "portal" else "pas encore liée"
    await person.wait_for_message(words, new=True, timeout=PATIENCE)
    assert notice.edits == 0


async def test_ended_link_notice_stays(scene: Scene) -> None:
    person = await scene.linked("fr", FLEET, notices=True)
    scene.portal.portal.people.remove_contact("c-1002", "a-2003")
    notice = await person.wait_for_message("Conversation déliée", new=True, timeout=PATIENCE)
    assert "/portail" in notice.text
    person.tap("Lier", message=notice)
    await person.wait_for_message("Quelle est l’adresse de courriel", new=True)
    assert notice.edits == 0


async def test_ended_link_names_the_support(scene: Scene) -> None:
    await scene.stop_bot()
    await scene.start_bot(support="aide@odotrack.test")
    person = await scene.linked("en", MAIL["en"], notices=True)
    scene.portal.portal.people.close_account(ACCOUNT["en"])
    notice = await person.wait_for_message("North Shore", new=True, timeout=PATIENCE)
    assert "aide@odotrack.test" in notice.text


async def test_notice_of_an_earlier_version_stays(scene: Scene) -> None:
    """Earlier versions did not mark the buttons of notices: their button for ending notices, or title, tells."""
    person = await scene.linked("fr", FLEET, notices=True)
    t = texts_in(Language.FR)
    async with scene.components.database.read() as session:
        (link,) = (await chats.load(session, person.user_id)).links
    stop = SetSubscription(link.link_id, Kind.INVOICE_ISSUED, on=False, of_notice=True)
    ended = screens.access_ended(t, [(Kind.ACCOUNT_CLOSED, "Acme")], "Odotrack", "")
    stopped = screens.about_copy(t, Kind.COPY_STOPPED, "Acme", None, link.link_id)
    bot = scene.components.application.bot
    for screen in (ended, stopped):
        await send_text(bot, person.user_id, render(screen))
        old = person.screen()
        person.tap(row=0, message=old)
        await person.wait_for_message(new=True)
        assert old.edits == 0
    assert (encode(stop) or "").startswith("1")
    notice = screens.notice_stopped(t, Kind.INVOICE_ISSUED, link.link_id, "Acme")
    await send_text(bot, person.user_id, render(notice))
    own = person.screen()
    person.tap("Réactiver", message=own)
    await person.wait_for_message("vous seront de nouveau envoyés")
    assert own.edits == 1  # an answer, which later answers may replace


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_credit_note_is_named(scene: Scene, language: str) -> None:
    _, notice = await notified(scene, language, amount="-40.19")
    french = language == "fr"
    assert notice.text.startswith("Nouvelle note de crédit" if french else "New credit note")
    assert f"Note de crédit {NUMBER}" in notice.labels or f"Credit note {NUMBER}" in notice.labels


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_cancelled_invoice_is_named(scene: Scene, language: str) -> None:
    """The invoice was cancelled after a notice whose outcome is unclear."""
    person = await unclear(scene, language)
    scene.portal.portal.billing.cancel_invoice(ACCOUNT[language], NUMBER)
    await repeat(scene)
    notice = await person.wait_for_message(MARK[language], timeout=PATIENCE)
    assert f"{NUMBER} {'annulée' if language == 'fr' else 'cancelled'}" in notice.text


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_invoice_cancelled_before_its_notice_is_not_told(scene: Scene, language: str) -> None:
    person = await scene.linked(language, MAIL[language], notices=True)
    await quiet(scene, person, "de 20" if language == "fr" else "8:00", language=language)
    at(scene, 23)
    scene.portal.portal.issue_invoice(ACCOUNT[language], amount="40.19", number=NUMBER)
    await until_postponed(scene)
    scene.portal.portal.billing.cancel_invoice(ACCOUNT[language], NUMBER)
    at(scene, 31.01)
    await until_settled(scene, 1, State.CANCELLED)
    assert not notices(person, NUMBER)


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_attached_credit_note_is_named_so(scene: Scene, language: str) -> None:
    person = await scene.linked(language, MAIL[language], notices=True)
    await subscribe(
        scene,
        person,
        "PDF joint aux nouvelles factures" if language == "fr" else "PDF with new invoices",
        language=language,
    )
    scene.portal.portal.issue_invoice(ACCOUNT[language], amount="-40.19", number=NUMBER)
    notice = await person.wait_for_message(NUMBER, new=True, timeout=PATIENCE)
    assert notice.file is not None
    assert notice.file.name == f"{'Note-de-credit' if language == 'fr' else 'Credit-note'}-{NUMBER}.pdf"


async def test_attached_pdf_is_not_offered(scene: Scene) -> None:
    person = await scene.linked("fr", FLEET, notices=True)
    await subscribe(scene, person, "PDF joint")
    scene.portal.portal.issue_invoice("a-2003", amount="40.19", number=NUMBER)
    notice = await person.wait_for_message(NUMBER, new=True, timeout=PATIENCE)
    assert notice.file is not None
    assert "Recevoir le PDF" not in notice.labels
    assert DETAIL["fr"] in notice.labels
    person.tap(DETAIL["fr"], message=notice)
    await person.wait_for_message("Montant", new=True)
    assert notice.edits == 0


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_summary_has_account_amount_and_total(scene: Scene, language: str) -> None:
    """The two accounts have an invoice of the same number: each has a line and a button of its own."""
    person = await scene.linked(language, SHARED, notices=True)
    await quiet(scene, person, "de 20" if language == "fr" else "8:00", language=language)
    at(scene, 23)
    portal = scene.portal.portal
    portal.issue_invoice("a-2010", amount="40.19", number=NUMBER)
    portal.issue_invoice("a-2011", amount="20.00", number=NUMBER)
    portal.issue_invoice("a-2011", amount="-5.00", number="990003")
    await until_postponed(scene, 3)
    at(scene, 31.01)
    summary = await person.wait_for_message(NUMBER, new=True, timeout=PATIENCE)
    async with scene.components.database.read() as session:
        first, second = (await chats.load(session, person.user_id)).links
    lines = [line for line in summary.text.split("\n") if "99000" in line]
    assert len(lines) == 3
    assert all(sum(name in line for name in (first.account_name, second.account_name)) >= 1 for line in lines)
    assert ("40,19" if language == "fr" else "$40.19") in lines[0]
    assert ("note de crédit" if language == "fr" else "credit note") in lines[2]
    assert ("60,19" if language == "fr" else "$60.19") in summary.text.split("\n")[-1]
    assert len([label for label in summary.labels if label.startswith(f"{NUMBER} · ")]) == 2
    person.tap("990003", message=summary)
    await person.wait_for_message("990003", new=True)
    assert summary.edits == 0


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_long_summary_reaches_the_rest(scene: Scene, language: str) -> None:
    person = await scene.linked(language, MAIL[language], notices=True)
    await quiet(scene, person, "de 20" if language == "fr" else "8:00", language=language)
    at(scene, 23)
    for number in range(990001, 990024):
        scene.portal.portal.issue_invoice(ACCOUNT[language], amount="1.00", number=str(number))
    await until_postponed(scene, 23)
    at(scene, 31.01)
    summary = await person.wait_for_message(NUMBER, new=True, timeout=PATIENCE)
    assert len([label for label in summary.labels if label.isdigit()]) == 20
    person.tap("Voir les 3 autres" if language == "fr" else "See the 3 others", message=summary)
    await person.wait_for_message("990023", new=True)
    assert summary.edits == 0


@pytest.mark.parametrize(("change", "words"), [("paid", "n’est plus à payer"), ("cancelled", "a été annulé")])
@pytest.mark.parametrize("button", ["Rappeler demain", "Ne plus me rappeler"])
async def test_reminder_of_a_paper_that_changed(scene: Scene, change: str, words: str, button: str) -> None:
    person, _ = await notified(scene)
    t = texts_in(Language.FR)
    async with scene.components.database.read() as session:
        chat = await chats.load(session, person.user_id)
    context = scene.components.application.bot_data
    link = chat.links[0]
    invoice = await context.portal.invoice(Reader(link.contact_id, link.account_id), NUMBER)
    today = datetime(2026, 10, 15, tzinfo=UTC).date()
    screen = screens.invoice_notice(t, Kind.REMINDER_DUE, link.account_name, invoice, link.link_id, today)
    await send_text(scene.components.application.bot, person.user_id, render(screen, is_notice=True))
    reminder = person.screen()
    if change == "paid":
        scene.portal.portal.mark_paid("a-2003", NUMBER)
    else:
        scene.portal.portal.billing.cancel_invoice("a-2003", NUMBER)
    person.tap(button, message=reminder)
    await person.wait_for_message(words, new=True, timeout=PATIENCE)
    assert reminder.edits == 0


async def test_security_alert_stays(scene: Scene) -> None:
    first = await scene.linked("fr", FLEET)
    await scene.linked("fr", FLEET, first_name="Alix")
    alert = await first.wait_for_message("vient d’être liée", new=True, timeout=PATIENCE)
    for label in ("Retirer Alix", "Comptes et conversations"):
        first.tap(label, message=alert)
        await first.wait_for_message("Alix", new=True)
    assert alert.edits == 0
