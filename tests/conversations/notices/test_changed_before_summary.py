"""A summary tells only what is still true when the quiet hours end; the rest is cancelled, or waits for its paper."""

import datetime

import pytest

from handlers.actions import ShowQuiet
from handlers.telegram.callback_data import encode
from sandbox.portal.faults import Fault, FaultKind
from sandbox.telegram.persons import Person
from storage.tables import Kind, State
from tests.conversations.notices.test_notices import (
    ACCOUNT,
    LABELS,
    MAIL,
    PATIENCE,
    at,
    notices,
    quiet,
    subscribe,
    until_planned,
    until_postponed,
    until_settled,
)
from tests.scene import Scene

SUMMARY = {"fr": "Pendant vos heures calmes\u00a0: ", "en": "During your quiet hours: "}


async def in_quiet_hours(scene: Scene, language: str = "fr") -> Person:
    """Return a person who is told of all but reminders, at 5:00 before quiet hours end at 7:00."""
    person = await scene.linked(language, MAIL[language])
    await subscribe(scene, person, *LABELS[language][:4], language=language)
    await quiet(scene, person, "de 20" if language == "fr" else "8:00", language=language)
    at(scene, 29)
    return person


def issue(scene: Scene, *numbers: str, language: str = "fr") -> None:
    for number in numbers:
        scene.portal.portal.issue_invoice(ACCOUNT[language], amount="40.19", number=number)


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_summary_tells_what_is_true_today(scene: Scene, language: str) -> None:
    person, portal, account = await in_quiet_hours(scene, language), scene.portal.portal, ACCOUNT[language]
    issue(scene, "990001", "990002", "990003", language=language)
    portal.mark_paid(account, "990002")
    portal.create_order(account, [(1, "Balise")], number="990005")
    portal.create_order(account, [(1, "Balise")], number="990006")
    portal.end_order_soon(account, "990006")
    await until_postponed(scene, 7)
    portal.billing.withdraw_payment(account, "990002")
    portal.billing.cancel_invoice(account, "990003")
    portal.billing.change_order(account, "990006", status="cancelled")
    at(scene, 31.01)
    summary = await person.wait_for_message(SUMMARY[language], new=True, timeout=PATIENCE)
    assert summary.text.startswith(f"{SUMMARY[language]}{3 if language == 'fr' else '3 notices'}")
    assert [summary.text.count(number) for number in ("990001", "990002", "990005")] == [1, 1, 1]
    assert "990003" not in summary.text
    assert "990006" not in summary.text
    assert not {"990003", "990006"} & set(summary.labels)
    assert ("80,38" if language == "fr" else "$80.38") in summary.text
    assert ("payée" if language == "fr" else "paid") not in summary.text
    await until_settled(scene, 3, State.SENT)
    await until_settled(scene, 4, State.CANCELLED)
    assert len(notices(person, "99000")) == 1


async def test_moved_end_is_left_out(scene: Scene) -> None:
    """An end is planned for 9:00, and moves before the quiet hours end at 10:00, while the feed is away."""
    person, portal = await in_quiet_hours(scene), scene.portal.portal
    chosen = encode(ShowQuiet(20 * 60, 10 * 60))
    assert chosen is not None
    await person.wait_for_answer(person.forge_tap(person.screen(), chosen))
    end = scene.clock.now().date() + datetime.timedelta(days=31)
    portal.create_order("a-2003", [(1, "Balise")], number="990005", end_date=end)
    await until_planned(scene, 2, "990005")
    issue(scene, "990001")
    await until_postponed(scene, 2)
    scene.portal.faults.set(Fault(FaultKind.UNAVAILABLE, "/v1/events*"))
    at(scene, 57.01)
    await until_postponed(scene, 3)
    portal.billing.change_order("a-2003", "990005", end_date=end + datetime.timedelta(days=20))
    at(scene, 58.01)
    summary = await person.wait_for_message(SUMMARY["fr"], new=True, timeout=PATIENCE)
    assert "990001" in summary.text
    assert "Nouvelle commande nº\u00a0990005" in summary.text
    assert summary.text.count("990005") == 1
    await until_settled(scene, 1, State.CANCELLED, Kind.ORDER_ENDING)


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_one_true_notice_is_told_in_full(scene: Scene, language: str) -> None:
    person = await in_quiet_hours(scene, language)
    issue(scene, "990001", "990002", language=language)
    await until_postponed(scene, 2)
    scene.portal.portal.billing.cancel_invoice(ACCOUNT[language], "990002")
    at(scene, 31.01)
    notice = await person.wait_for_message("990001", new=True, timeout=PATIENCE)
    assert notice.text.startswith("Nouvelle facture" if language == "fr" else "New invoice")
    assert "990002" not in notice.text
    await until_settled(scene, 1, State.SENT)
    await until_settled(scene, 1, State.CANCELLED)


async def test_nothing_is_sent_if_nothing_is_true(scene: Scene) -> None:
    person = await in_quiet_hours(scene)
    issue(scene, "990001", "990002")
    await until_postponed(scene, 2)
    for number in ("990001", "990002"):
        scene.portal.portal.billing.cancel_invoice("a-2003", number)
    at(scene, 31.01)
    await until_settled(scene, 2, State.CANCELLED)
    issue(scene, "990003")
    await person.wait_for_message("990003", new=True, timeout=PATIENCE)
    assert notices(person, "990001", "990002", SUMMARY["fr"]) == []


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_late_paper_waits_while_the_others_are_told(scene: Scene, language: str) -> None:
    person = await in_quiet_hours(scene, language)
    fault = scene.portal.faults.set(Fault(FaultKind.NOT_FOUND, "*/invoices/990002"))
    issue(scene, "990001", "990002", "990003", language=language)
    await until_postponed(scene, 3)
    at(scene, 31.01)
    summary = await person.wait_for_message(SUMMARY[language], new=True, timeout=PATIENCE)
    assert summary.text.startswith(f"{SUMMARY[language]}2")
    assert "990002" not in summary.text
    await until_settled(scene, 2, State.SENT)
    await until_settled(scene, 1, State.RETRY)
    scene.portal.faults.clear(fault.fault_id)
    scene.later(minutes=10)
    notice = await person.wait_for_message("990002", new=True, timeout=PATIENCE)
    assert notice.text.startswith("Nouvelle facture" if language == "fr" else "New invoice")
    assert "990001" not in notice.text


async def test_paper_that_never_comes_is_left_out(scene: Scene) -> None:
    person = await in_quiet_hours(scene)
    at(scene, 24.5)
    scene.portal.faults.set(Fault(FaultKind.NOT_FOUND, "*/invoices/990002"))
    issue(scene, "990001", "990002", "990003")
    await until_postponed(scene, 3)
    at(scene, 31.01)
    summary = await person.wait_for_message(SUMMARY["fr"], new=True, timeout=PATIENCE)
    assert "990002" not in summary.text
    await until_settled(scene, 2, State.SENT)
    await until_settled(scene, 1, State.CANCELLED)


async def test_unreadable_paper_does_not_hold_up_the_others(scene: Scene) -> None:
    person = await in_quiet_hours(scene)
    scene.portal.faults.set(Fault(FaultKind.MALFORMED_JSON, "*/invoices/990002"))
    issue(scene, "990001", "990002", "990003")
    await until_postponed(scene, 3)
    at(scene, 31.01)
    summary = await person.wait_for_message(SUMMARY["fr"], new=True, timeout=PATIENCE)
    assert "990002" not in summary.text
    await until_settled(scene, 1, State.RETRY)
