"""Reminders of unpaid invoices: at nine in the morning, three days before and on the day, until they are paid."""

import asyncio
from datetime import UTC, date, datetime

import pytest
from sqlmodel import col, select

from handlers.actions import MuteInvoice, Snooze
from handlers.telegram.callback_data import encode
from portal.client import Reader
from portal.models import Status
from sandbox.portal.faults import Fault, FaultKind
from sandbox.portal.records.billing import find_invoice
from sandbox.telegram.persons import Person
from storage import chats
from storage.notices.plan import mutes
from storage.tables import Kind, State, Sweep
from tests.conversations.notices.test_notices import (
    ACCOUNT,
    AVIS,
    FLEET,
    LABELS,
    MAIL,
    PATIENCE,
    at,
    notices,
    quiet,
    subscribe,
    until,
    until_planned,
    until_postponed,
    until_read,
    until_settled,
)
from tests.scene import Scene

NUMBER = "990001"
DUE = date(2026, 10, 25)  # ten days after the start
BEFORE_DAY, DUE_DAY = 7, 10
WORDS = {
    "fr": ("Rappel", "À payer aujourd’hui", "Rappeler demain", "Dans une semaine", "Ne plus me rappeler"),
    "en": ("Reminder", "Due today", "Remind me tomorrow", "In a week", "No more reminders"),
}


async def reminded(scene: Scene, language: str = "fr", due: date | None = DUE) -> Person:
    """Return a person who subscribes to reminders only, with an unpaid invoice."""
    person = await scene.linked(language, MAIL[language])
    await subscribe(scene, person, LABELS[language][4], language=language)
    scene.portal.portal.issue_invoice(ACCOUNT[language], amount="40.19", number=NUMBER, due_date=due)
    return person


async def until_both_wait(scene: Scene) -> None:
    """Wait until both reminders are planned."""
    await until_planned(scene, 2, NUMBER)


async def until_swept(scene: Scene, number: str, event_type: str = "invoice.issued") -> None:
    """Wait until an event about an invoice was read, and every sweep that it requested is done."""
    await until_read(scene, number, event_type)
    async with asyncio.timeout(PATIENCE):
        while True:
            async with scene.components.database.read() as session:
                due = (await session.exec(select(col(Sweep.due_at)))).all()
            # A link's own time of the day is a whole second; the end of a lease is not.
            if all(each > scene.clock.now() and not each.microsecond for each in due):
                return
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_reminders_three_days_before_and_on_the_day_at_nine(scene: Scene, language: str) -> None:
    before, today, tomorrow, week, mute = WORDS[language]
    person = await reminded(scene, language)
    await until_both_wait(scene)
    at(scene, 8.9, BEFORE_DAY)
    await until_planned(scene, 2, NUMBER)
    assert notices(person, NUMBER) == []
    at(scene, 9.01, BEFORE_DAY)
    first = await person.wait_for_message(NUMBER, new=True, timeout=PATIENCE)
    assert first.text.startswith(before)
    assert ("40,19\u00a0$" if language == "fr" else "$40.19") in first.text
    assert ("25 octobre" if language == "fr" else "October 25") in first.text
    assert [each for each in (tomorrow, week, mute) if not any(each in label for label in first.labels)] == []
    assert first.labels[-1] == ("Ne plus recevoir ces avis" if language == "fr" else "Stop these notices")
    at(scene, 9.01, DUE_DAY)
    second = await person.wait_for_message(today, new=True, timeout=PATIENCE)
    assert NUMBER in second.text
    await until_settled(scene, 2)
    at(scene, 12, DUE_DAY + 20)
    await scene.say(person, AVIS[language])
    assert len(notices(person, NUMBER)) == 2


async def test_payment_stops_reminders(scene: Scene) -> None:
    camille = await reminded(scene)
    await until_both_wait(scene)
    scene.portal.portal.mark_paid("a-2003", NUMBER)
    await until_planned(scene, 0, NUMBER)
    at(scene, 9.01, DUE_DAY)
    await scene.settled()
    assert notices(camille, NUMBER) == []


async def test_payment_without_an_event_stops_reminders(scene: Scene) -> None:
    camille = await reminded(scene)
    await until_both_wait(scene)
    scene.portal.faults.set(Fault(FaultKind.SERVER_ERROR, path="*/events"))
    scene.portal.portal.mark_paid("a-2003", NUMBER)
    at(scene, 9.01, BEFORE_DAY)
    await until_settled(scene, 1, State.CANCELLED, Kind.REMINDER_BEFORE)
    at(scene, 9.01, DUE_DAY)
    await until_planned(scene, 0, NUMBER)  # the daily sweep saw the payment
    await scene.settled()
    assert notices(camille, NUMBER) == []


async def test_partly_paid_invoice_is_reminded_of(scene: Scene) -> None:
    camille = await reminded(scene)
    scene.portal.portal.mark_paid("a-2003", NUMBER, amount="10.00")
    await until_both_wait(scene)
    at(scene, 9.01, BEFORE_DAY)
    told = await camille.wait_for_message(NUMBER, new=True, timeout=PATIENCE)
    assert "30,19\u00a0$" in told.text


async def test_no_reminder_without_a_due_date(scene: Scene) -> None:
    await reminded(scene, due=None)
    await until_swept(scene, NUMBER)
    await until_planned(scene, 0, NUMBER)


async def test_no_reminder_for_a_credit_note(scene: Scene) -> None:
    camille = await scene.linked(email=FLEET)
    await subscribe(scene, camille, "Rappels de paiement")
    scene.portal.portal.issue_invoice("a-2003", amount="-40.19", number=NUMBER, due_date=DUE)
    await until_swept(scene, NUMBER)
    await until_planned(scene, 0, NUMBER)


async def test_invoice_due_tomorrow_has_one_reminder(scene: Scene) -> None:
    """An invoice that is due tomorrow gives one reminder, on the due day."""
    camille = await reminded(scene, due=date(2026, 10, 16))
    await until_planned(scene, 1, NUMBER)
    at(scene, 9.01, 1)
    told = await camille.wait_for_message(NUMBER, new=True, timeout=PATIENCE)
    assert told.text.startswith("À payer aujourd’hui")


async def test_unsubscribing_stops_reminders(scene: Scene) -> None:
    camille = await reminded(scene)
    await until_both_wait(scene)
    await scene.say(camille, "/avis")
    await scene.tap(camille, "✓ Rappels de paiement")
    await until_planned(scene, 0, NUMBER)
    at(scene, 9.01, DUE_DAY)
    await scene.settled()
    assert notices(camille, NUMBER) == []


async def test_reminder_is_at_nine_in_the_chats_time_zone(scene: Scene) -> None:
    camille = await scene.linked(email=FLEET)
    await subscribe(scene, camille, "Rappels de paiement")
    await scene.tap(camille, "Heures calmes")
    await scene.tap(camille, "Changer de fuseau")
    await scene.tap(camille, "Vancouver")
    scene.portal.portal.issue_invoice("a-2003", amount="40.19", number=NUMBER, due_date=DUE)
    await until_both_wait(scene)
    at(scene, 11.9, BEFORE_DAY)
    await scene.settled()
    assert notices(camille, NUMBER) == []
    at(scene, 12.01, BEFORE_DAY)
    await camille.wait_for_message(NUMBER, new=True, timeout=PATIENCE)


async def test_reminder_is_at_nine_after_the_clocks_went_back(scene: Scene) -> None:
    camille = await reminded(scene, due=date(2026, 11, 2))
    await until_both_wait(scene)
    scene.clock.set(datetime(2026, 11, 2, 13, 59, tzinfo=UTC))  # 8:59 at UTC-5; 9:59 by the summer's clock
    await camille.wait_for_message("Rappel", new=True, timeout=PATIENCE)  # that of October 30
    assert notices(camille, "À payer aujourd’hui") == []
    scene.clock.set(datetime(2026, 11, 2, 14, 0, 1, tzinfo=UTC))
    await camille.wait_for_message("À payer aujourd’hui", new=True, timeout=PATIENCE)


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize(("button", "days"), [(2, 1), (3, 7)])
async def test_snoozed_reminder_comes_again(scene: Scene, language: str, button: int, days: int) -> None:
    person = await reminded(scene, language)
    await until_both_wait(scene)
    at(scene, 9.01, BEFORE_DAY)
    first = await person.wait_for_message(NUMBER, new=True, timeout=PATIENCE)
    person.tap(WORDS[language][button], message=first)
    said = await person.wait_for_message("vous sera renvoyé" if language == "fr" else "will be sent again")
    day = 22 + days
    assert (f"{day} octobre" if language == "fr" else f"October {day}") in said.text
    mark = scene.telegram.world.events.sequence
    at(scene, 9.01, BEFORE_DAY + days)
    again = await person.wait_for_message(WORDS[language][0], new=True, since=mark, timeout=PATIENCE)
    assert NUMBER in again.text


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("is_off_first", [True, False])
async def test_snoozed_reminder_comes_with_reminders_off(scene: Scene, language: str, is_off_first: bool) -> None:
    """The person turns reminders off before or after the snooze, and blocks the bot over its hour: it comes, once."""
    person = await reminded(scene, language)
    await until_both_wait(scene)
    at(scene, 9.01, BEFORE_DAY)
    first = await person.wait_for_message(NUMBER, new=True, timeout=PATIENCE)
    for turns_off in (is_off_first, not is_off_first):
        if turns_off:
            person.tap("Ne plus recevoir" if language == "fr" else "Stop these notices", message=first)
            await person.wait_for_message("ne vous seront plus envoyés" if language == "fr" else "no longer be sent")
        else:
            person.tap(WORDS[language][2], message=first)
            await person.wait_for_message("vous sera renvoyé" if language == "fr" else "will be sent again")
    await until_planned(scene, 1, NUMBER)
    person.block()
    await until_blocked(scene, person)
    at(scene, 9.01, BEFORE_DAY + 1)
    await until_planned(scene, 0, NUMBER)
    mark = scene.telegram.world.events.sequence
    person.unblock()
    again = await person.wait_for_message(WORDS[language][0], new=True, since=mark, timeout=PATIENCE)
    assert NUMBER in again.text
    at(scene, 9.01, DUE_DAY + 1)
    await scene.settled()
    assert len(notices(person, WORDS[language][0] + ("\u00a0:" if language == "fr" else ":"))) == 2
    assert notices(person, WORDS[language][1]) == []


async def test_payment_stops_a_snoozed_reminder(scene: Scene) -> None:
    camille = await reminded(scene)
    await until_both_wait(scene)
    at(scene, 9.01, BEFORE_DAY)
    first = await camille.wait_for_message(NUMBER, new=True, timeout=PATIENCE)
    camille.tap("Rappeler demain", message=first)
    await camille.wait_for_message("vous sera renvoyé")
    scene.portal.portal.mark_paid("a-2003", NUMBER)
    await until_planned(scene, 0, NUMBER)
    at(scene, 9.01, DUE_DAY)
    await scene.settled()
    assert len([text for text in notices(camille, NUMBER) if text.startswith("Rappel")]) == 1


async def test_muting_applies_to_one_invoice(scene: Scene) -> None:
    """A muted invoice gives no reminder; another invoice still does."""
    camille = await reminded(scene)
    await until_both_wait(scene)
    at(scene, 9.01, BEFORE_DAY)
    first = await camille.wait_for_message(NUMBER, new=True, timeout=PATIENCE)
    camille.tap("Ne plus me rappeler", message=first)
    await camille.wait_for_message(f"aucun autre rappel pour la facture nº\u00a0{NUMBER}")
    await until_planned(scene, 0, NUMBER)
    scene.portal.portal.issue_invoice("a-2003", amount="40.19", number="990002", due_date=date(2026, 10, 26))
    await until_planned(scene, 2, "990002")
    at(scene, 9.01, DUE_DAY + 1)
    await camille.wait_for_message("990002", new=True, timeout=PATIENCE)
    assert notices(camille, f"À payer aujourd’hui : facture nº\u00a0{NUMBER}") == []


async def test_reminder_snoozed_after_a_mute_is_sent(scene: Scene) -> None:
    """The chat has two reminders of one invoice: one is used to mute, the other to snooze."""
    camille = await reminded(scene)
    await until_both_wait(scene)
    at(scene, 9.01, BEFORE_DAY)
    first = await camille.wait_for_message(NUMBER, new=True, timeout=PATIENCE)
    at(scene, 9.01, DUE_DAY)
    second = await camille.wait_for_message("À payer aujourd’hui", new=True, timeout=PATIENCE)
    camille.tap("Ne plus me rappeler", message=first)
    await camille.wait_for_message("aucun autre rappel")
    camille.tap("Rappeler demain", message=second)
    await camille.wait_for_message("vous sera renvoyé")
    mark = scene.telegram.world.events.sequence
    at(scene, 9.01, DUE_DAY + 1)
    await camille.wait_for_message("Rappel", new=True, since=mark, timeout=PATIENCE)


async def test_invoice_issued_in_quiet_hours_keeps_its_reminders(scene: Scene) -> None:
    camille = await scene.linked(email=FLEET, notices=True)
    await subscribe(scene, camille, "Rappels de paiement")
    await quiet(scene, camille)
    at(scene, 23)
    scene.portal.portal.issue_invoice("a-2003", amount="40.19", number=NUMBER, due_date=DUE)
    await until_postponed(scene)
    mark = scene.telegram.world.events.sequence
    at(scene, 31.01)
    told = await camille.wait_for_message(NUMBER, new=True, since=mark, timeout=PATIENCE)
    assert told.text.startswith("Nouvelle facture")
    await until_settled(scene, 1)
    await until_planned(scene, 2, NUMBER)
    assert notices(camille, "Rappel :", "Rappel\u00a0:", "À payer aujourd’hui") == []
    at(scene, 9.01, DUE_DAY)
    await camille.wait_for_message("À payer aujourd’hui", new=True, since=mark, timeout=PATIENCE)


async def test_reminder_says_today_only_on_that_day(scene: Scene) -> None:
    camille = await reminded(scene)
    await until_both_wait(scene)
    await scene.stop_bot()
    at(scene, 12, DUE_DAY + 5)
    await scene.start_bot()
    await camille.wait_for_message(NUMBER, new=True, timeout=PATIENCE)
    await until(scene, lambda found: not any(state in ("queued", "leased", "sending") for _, state in found))
    assert notices(camille, "aujourd’hui") == []


async def pay_open_invoices(scene: Scene, person: Person) -> None:
    """Pay the invoices that the sandbox's account has from the start."""
    async with scene.components.database.read() as session:
        (link,) = (await chats.load(session, person.user_id)).links
    reader = Reader(link.contact_id, link.account_id)
    page = await scene.components.portal.invoices(reader, page=1, page_size=100, status=Status.UNPAID)
    for each in page.items:
        scene.portal.portal.mark_paid(link.account_id, each.number)


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_reminders_turned_on_cover_open_invoices(scene: Scene, language: str) -> None:
    """Who turns reminders on after an invoice was issued is told what they cover, and gets them."""
    person = await scene.linked(language, MAIL[language])
    await pay_open_invoices(scene, person)
    portal = scene.portal.portal
    await scene.say(person, AVIS[language])
    screen = await scene.tap(person, LABELS[language][4])
    none = "Aucune facture n’est à payer en ce moment." if language == "fr" else "No invoice is unpaid now."
    assert none in screen.text
    await scene.tap(person, LABELS[language][4])
    portal.issue_invoice(ACCOUNT[language], amount="40.19", number=NUMBER, due_date=DUE)
    screen = await scene.tap(person, LABELS[language][4])
    one = (
        "Les rappels concernent 1 facture à payer. Le premier sera envoyé le 22 octobre 2026."
        if language == "fr"
        else "Reminders cover 1 unpaid invoice. The first one will be sent on October 22, 2026."
    )
    assert one in screen.text
    await scene.tap(person, LABELS[language][4])
    portal.issue_invoice(ACCOUNT[language], amount="40.19", number="990002", due_date=date(2026, 10, 17))
    screen = await scene.tap(person, LABELS[language][4])
    two = (
        "Les rappels concernent 2 factures à payer. Le premier sera envoyé le 17 octobre 2026."
        if language == "fr"
        else "Reminders cover 2 unpaid invoices. The first one will be sent on October 17, 2026."
    )
    assert two in screen.text
    at(scene, 9.01, BEFORE_DAY)
    await person.wait_for_message(NUMBER, new=True, timeout=PATIENCE)


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_reminders_turned_on_while_portal_is_away(scene: Scene, language: str) -> None:
    """The answer says that invoices are looked up later; the sweep is repeated once the portal answers."""
    person = await scene.linked(language, MAIL[language])
    scene.portal.portal.issue_invoice(ACCOUNT[language], amount="40.19", number=NUMBER, due_date=DUE)
    await scene.say(person, AVIS[language])
    scene.portal.faults.set(Fault(FaultKind.SERVER_ERROR, path="*/invoices"))
    person.tap(LABELS[language][4])
    said = "Le portail ne répond pas en ce moment" if language == "fr" else "The portal is not answering right now"
    await person.wait_for_message(said, timeout=PATIENCE)
    scene.portal.faults.clear()
    scene.later(minutes=11)  # the lease of the sweep that failed
    await until_planned(scene, 2, NUMBER)


async def test_overdue_invoices_have_no_reminder_left(scene: Scene) -> None:
    camille = await scene.linked(email=FLEET)
    await pay_open_invoices(scene, camille)
    scene.portal.portal.issue_invoice("a-2003", amount="40.19", number=NUMBER, due_date=date(2026, 10, 14))
    await scene.say(camille, AVIS["fr"])
    screen = await scene.tap(camille, LABELS["fr"][4])
    assert "Vous avez 1 facture à payer, mais aucun rappel ne sera envoyé" in screen.text


@pytest.mark.parametrize("days", [-3, 4])
async def test_reminder_follows_a_moved_due_date(scene: Scene, days: int) -> None:
    """The due date comes earlier or later: the reminders come at the new days, and not at the old ones."""
    camille = await reminded(scene)
    await until_both_wait(scene)
    scene.portal.portal.billing.change_invoice("a-2003", NUMBER, due_date=date(2026, 10, 25 + days))
    await until_swept(scene, NUMBER, "invoice.changed")
    at(scene, 9.01, DUE_DAY + days - 3)
    first = await camille.wait_for_message(NUMBER, new=True, timeout=PATIENCE)
    assert f"{25 + days} octobre" in first.text
    at(scene, 9.01, DUE_DAY + days)
    await camille.wait_for_message("À payer aujourd’hui", new=True, timeout=PATIENCE)
    at(scene, 12, DUE_DAY + 6)
    await scene.settled()
    assert len(notices(camille, NUMBER)) == 2


def set_due_date(scene: Scene, due: date | None) -> None:
    """Change the due date as the back office does, also to none, and report it."""
    portal = scene.portal.portal
    with portal.database.session() as session:
        find_invoice(session, "a-2003", NUMBER).due_date = due
        session.commit()
    portal.billing.change_invoice("a-2003", NUMBER)


async def test_due_date_that_comes_brings_reminders(scene: Scene) -> None:
    camille = await reminded(scene, due=None)
    await until_swept(scene, NUMBER)
    await until_planned(scene, 0, NUMBER)
    set_due_date(scene, DUE)
    await until_both_wait(scene)
    at(scene, 9.01, BEFORE_DAY)
    first = await camille.wait_for_message(NUMBER, new=True, timeout=PATIENCE)
    assert "25 octobre" in first.text
    at(scene, 9.01, DUE_DAY)
    await camille.wait_for_message("À payer aujourd’hui", new=True, timeout=PATIENCE)
    await until_settled(scene, 2)


async def test_due_date_that_goes_ends_reminders(scene: Scene) -> None:
    camille = await reminded(scene)
    await until_both_wait(scene)
    set_due_date(scene, None)
    await until_planned(scene, 0, NUMBER)
    at(scene, 9.01, BEFORE_DAY)
    await scene.settled()
    at(scene, 9.01, DUE_DAY)
    await scene.settled()
    assert notices(camille, NUMBER) == []


async def test_due_date_that_goes_without_an_event(scene: Scene) -> None:
    """The reminder's own check finds it."""
    camille = await reminded(scene)
    await until_both_wait(scene)
    scene.portal.faults.set(Fault(FaultKind.SERVER_ERROR, path="*/events"))
    set_due_date(scene, None)
    at(scene, 9.01, BEFORE_DAY)
    await until_settled(scene, 1, State.CANCELLED, Kind.REMINDER_BEFORE)
    assert notices(camille, NUMBER) == []


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_reminders_of_an_invoice_before_the_link(scene: Scene, language: str) -> None:
    """The invoice is issued while nobody is linked; who links and wishes reminders afterwards gets both."""
    scene.portal.portal.issue_invoice(ACCOUNT[language], amount="40.19", number=NUMBER, due_date=DUE)
    await scene.settled()
    scene.later(hours=1)
    person = await scene.linked(language, MAIL[language])
    await subscribe(scene, person, LABELS[language][4], language=language)
    await until_both_wait(scene)
    before, today = WORDS[language][:2]
    at(scene, 9.01, BEFORE_DAY)
    first = await person.wait_for_message(NUMBER, new=True, timeout=PATIENCE)
    assert first.text.startswith(before)
    at(scene, 9.01, DUE_DAY)
    await person.wait_for_message(today, new=True, timeout=PATIENCE)
    await until_settled(scene, 2)
    assert len(notices(person, NUMBER)) == 2


async def test_reminders_after_unlinking_and_linking_again(scene: Scene) -> None:
    """The first reminder falls into the time without a link, and is not made up for; the second one comes."""
    camille = await reminded(scene)
    await until_both_wait(scene)
    await scene.say(camille, "/delier")
    await scene.tap(camille, "Oui")
    at(scene, 9.01, BEFORE_DAY)
    await scene.settled()
    assert notices(camille, NUMBER) == []
    at(scene, 9.01, BEFORE_DAY + 2)
    again = await scene.linked(email=FLEET, first_name="Alix")
    await subscribe(scene, again, LABELS["fr"][4])
    await until_planned(scene, 1, NUMBER)
    at(scene, 9.01, DUE_DAY)
    await again.wait_for_message("À payer aujourd’hui", new=True, timeout=PATIENCE)
    await until_settled(scene, 1)
    assert notices(camille, NUMBER) == []


async def test_withdrawn_payment_brings_reminders_back(scene: Scene) -> None:
    camille = await reminded(scene)
    await until_both_wait(scene)
    scene.portal.portal.mark_paid("a-2003", NUMBER)
    await until_planned(scene, 0, NUMBER)
    scene.portal.portal.billing.withdraw_payment("a-2003", NUMBER)
    await until_both_wait(scene)
    at(scene, 9.01, BEFORE_DAY)
    await camille.wait_for_message(NUMBER, new=True, timeout=PATIENCE)


async def test_cancelled_invoice_has_no_reminder(scene: Scene) -> None:
    camille = await reminded(scene)
    await until_both_wait(scene)
    scene.portal.portal.billing.cancel_invoice("a-2003", NUMBER, keeps_balance=True)
    await until_planned(scene, 0, NUMBER)
    at(scene, 9.01, DUE_DAY)
    await scene.settled()
    assert not [text for text in notices(camille, NUMBER) if text.startswith(("Rappel", "À payer"))]


async def test_reminder_missed_while_blocked_comes_later(scene: Scene) -> None:
    """The person blocks the bot over the hour of a reminder, and unblocks it: it comes then, once."""
    camille = await reminded(scene)
    await until_both_wait(scene)
    camille.block()
    await until_blocked(scene, camille)
    at(scene, 9.01, BEFORE_DAY)
    await until_planned(scene, 1, NUMBER)  # that of the due day
    camille.unblock()
    await camille.wait_for_message(NUMBER, new=True, timeout=PATIENCE)
    await scene.settled()
    assert len(notices(camille, NUMBER)) == 1


async def until_blocked(scene: Scene, person: Person) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            async with scene.components.database.read() as session:
                if (await chats.load(session, person.user_id)).is_blocked:
                    return
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_end_of_an_order_is_announced_without_event(scene: Scene, language: str) -> None:
    """30 and 7 days before the end, at nine; the portal reports no ending."""
    person = await scene.linked(language, MAIL[language])
    portal = scene.portal.portal
    portal.report_endings = lambda: 0  # type: ignore[method-assign]
    portal.create_order(ACCOUNT[language], [(1, "GPS")], end_date=date(2026, 11, 20), number=NUMBER)
    await scene.say(person, AVIS[language])
    screen = await scene.tap(person, LABELS[language][3])
    first = "Le premier avis sera envoyé le" if language == "fr" else "The first notice will be sent on"
    assert first in screen.text
    at(scene, 9.01, 6)
    title = "se termine bientôt" if language == "fr" else "ends soon"
    await until_told(scene, person, title, 1)
    at(scene, 10.01, 29)  # nine at UTC-5
    await until_told(scene, person, title, 2)


async def test_end_of_an_order_is_announced_once(scene: Scene) -> None:
    """The portal reports the end by itself, earlier on the same day."""
    camille = await scene.linked(email=FLEET)
    scene.portal.portal.create_order("a-2003", [(1, "GPS")], end_date=date(2026, 11, 20), number=NUMBER)
    await subscribe(scene, camille, LABELS["fr"][3])
    await until_planned(scene, 2, NUMBER)
    at(scene, 2, 6)
    scene.portal.portal.end_order_soon("a-2003", NUMBER, days=30)
    await until_told(scene, camille, "se termine bientôt", 1)
    at(scene, 9.01, 6)
    await until_planned(scene, 1, NUMBER)
    await scene.settled()
    await until_told(scene, camille, "se termine bientôt", 1)


async def until_told(scene: Scene, person: Person, title: str, count: int) -> None:
    """Wait until so many notices with this title came about the order, and nothing more is planned for now."""
    async with asyncio.timeout(PATIENCE):
        while len(found := [text for text in notices(person, NUMBER) if title in text]) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert len(found) == count


async def test_forged_snooze_and_mute_change_no_other_invoice(scene: Scene) -> None:
    camille = await reminded(scene)
    anna = await scene.linked("en", MAIL["en"])
    await until_both_wait(scene)
    async with scene.components.database.read() as session:
        (link,) = (await chats.load(session, camille.user_id)).links
        (own,) = (await chats.load(session, anna.user_id)).links
    screen = await scene.say(anna, "/notices")
    for action in (Snooze(link.link_id, NUMBER, 1), MuteInvoice(link.link_id, NUMBER)):
        await anna.wait_for_answer(anna.forge_tap(screen, encode(action) or ""))
    await scene.settled()
    assert notices(anna, NUMBER) == []
    # Another customer's number is no invoice of the own account.
    anna.forge_tap(screen, encode(Snooze(own.link_id, NUMBER, 1)) or "")
    await anna.wait_for_message("No order or invoice")
    anna.forge_tap(screen, encode(MuteInvoice(own.link_id, "777777")) or "")
    await anna.wait_for_message("777777")
    async with scene.components.database.read() as session:
        assert not await mutes.is_muted(session, own.link_id, "777777")
    at(scene, 9.01, BEFORE_DAY)
    await camille.wait_for_message(NUMBER, new=True, timeout=PATIENCE)
