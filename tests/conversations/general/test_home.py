"""The home screen of a linked chat: what is owed, and what changed since the last visit, each thing once."""

import datetime
import time

import pytest

from sandbox.portal.faults import Fault, FaultKind
from storage.papers import visits
from tests.scene import START, Scene

BOREAL = "flotte@example.test"
NBSP = "\u00a0"
WORDS = {
    "fr": {
        "since": "Depuis votre dernière visite, le 15 octobre",
        "new": f"• Nouvelle facture nº{NBSP}990001 · 10,50{NBSP}$",
        "paid": f"• Facture nº{NBSP}240130 payée",
        "cancelled": f"• Facture nº{NBSP}240129 annulée",
        "credited": f"• Facture nº{NBSP}240202 créditée",
        "ending": f"• La commande nº{NBSP}30900 se termine le 18 janvier 2027",
    },
    "en": {
        "since": "Since your last visit, on October 15",
        "new": f"• New invoice no.{NBSP}990001 · $10.50",
        "paid": f"• Invoice no.{NBSP}240130 paid",
        "cancelled": f"• Invoice no.{NBSP}240129 cancelled",
        "credited": f"• Invoice no.{NBSP}240202 credited",
        "ending": f"• Order no.{NBSP}30900 ends on January 18, 2027",
    },
}
OWED = {
    "fr": [f"À payer{NBSP}: 4{NBSP}971,64{NBSP}$ (4 factures)", "Prochaine échéance" + NBSP + ": 31 octobre"],
    "en": ["To pay: $4,971.64 (4 invoices)", "Next due date: October 31"],
}


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_home_says_what_is_owed(scene: Scene, language: str) -> None:
    person = await scene.linked(language, BOREAL)
    home = await scene.say(person, "/start")
    lines = home.text.split("\n")
    assert [line for line in OWED[language] if line not in lines] == [], home.text
    assert ("À payer" if language == "fr" else "To pay") in home.labels
    unpaid = await scene.tap(person, "En retard" if language == "fr" else "Overdue")
    assert [label for label in unpaid.labels if label.isdigit()] == ["240128", "240202", "240129"]


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_changes_are_told_once(scene: Scene, language: str) -> None:
    words, portal = WORDS[language], scene.portal.portal
    person = await scene.linked(language, BOREAL)
    assert words["since"] not in (await scene.say(person, "/start")).text
    scene.later(days=7)
    portal.issue_invoice("a-2003", amount="10.50", number="990001")
    portal.mark_paid("a-2003", "240130")
    portal.billing.cancel_invoice("a-2003", "240129")
    portal.billing.credit_invoice("a-2003", "240202")
    home = await scene.say(person, "/start")
    lines = home.text.split("\n")
    assert [line for line in words.values() if not any(each.startswith(line) for each in lines)] == [], home.text
    assert len([line for line in lines if line.startswith("•")]) == 5
    again = await scene.say(person, "/start")
    assert "•" not in again.text


async def test_new_invoice_opens_from_home(scene: Scene) -> None:
    camille = await scene.linked()
    await scene.say(camille, "/start")
    scene.portal.portal.issue_invoice("a-2001", amount="10.50", number="990001")
    await scene.say(camille, "/start")
    assert f"Facture nº{NBSP}990001" in (await scene.tap(camille, "990001")).text


async def test_invoice_of_a_notice_is_not_new(scene: Scene) -> None:
    """Nor is one that the person opened; another one is."""
    camille = await scene.linked(notices=True)
    await scene.say(camille, "/start")
    portal = scene.portal.portal
    portal.issue_invoice("a-2001", amount="10.50", number="990001")
    await camille.wait_for_message("990001", new=True, timeout=30)
    portal.issue_invoice("a-2002", amount="1.00", number="1")  # of another account
    await scene.settled()
    assert "•" not in (await scene.say(camille, "/start")).text


async def test_opened_invoice_is_not_new(scene: Scene) -> None:
    camille = await scene.linked()
    await scene.say(camille, "/start")
    for number in ("990001", "990002"):
        scene.portal.portal.issue_invoice("a-2001", amount="10.50", number=number)
    await scene.say(camille, "990001")
    home = (await scene.say(camille, "/start")).text
    assert "990001" not in home
    assert "990002" in home


@pytest.mark.parametrize("kind", [FaultKind.SERVER_ERROR, FaultKind.SLOW])
async def test_home_does_not_wait_for_the_portal(scene: Scene, kind: FaultKind) -> None:
    """What changed is told at the next visit, once the portal answers."""
    camille = await scene.linked("fr", BOREAL)
    await scene.say(camille, "/start")
    scene.portal.portal.issue_invoice("a-2003", amount="10.50", number="990001")
    scene.portal.faults.set(Fault(kind, path="*/invoices*", seconds=30))
    began = time.monotonic()
    home = await scene.say(camille, "/start")
    assert time.monotonic() - began < 8.0
    assert "À payer" not in home.text
    assert "Factures" in home.labels
    scene.portal.faults.clear()
    assert "990001" in (await scene.say(camille, "/start")).text


async def test_contact_without_invoices_sees_no_balance(scene: Scene) -> None:
    luc = await scene.linked("fr", "commandes@example.test")
    home = await scene.say(luc, "/start")
    assert "À payer" not in home.text
    assert "À payer" not in home.labels
    scene.later(days=7)
    assert "30900" in (await scene.say(luc, "/start")).text


async def test_chosen_account_has_its_own_visit(scene: Scene) -> None:
    camille = await scene.linked()
    await scene.say(camille, "/start")
    await scene.say(camille, "/compte")
    await scene.tap(camille, "Client Odotrack 2016")
    await scene.say(camille, "/start")
    scene.portal.portal.issue_invoice("a-2001", amount="10.50", number="990001")
    assert "990001" not in (await scene.say(camille, "/start")).text
    await scene.say(camille, "/compte")
    assert "990001" in (await scene.tap(camille, "Client Odotrack")).text


async def test_idle_link_shows_nothing_of_the_account(scene: Scene) -> None:
    camille = await scene.linked("fr", BOREAL)
    scene.later(days=400)
    assert "240" not in (await scene.say(camille, "/start")).text


async def test_unconfirmed_link_shows_nothing_of_the_account(scene: Scene) -> None:
    """The address may be another person's by now: the portal has to confirm it first, at most a day ago."""
    camille = await scene.linked("fr", BOREAL)
    scene.later(hours=25)
    scene.portal.faults.set(Fault(FaultKind.SERVER_ERROR, path="*/contacts/c-1002"))
    home = await scene.say(camille, "/start")
    assert home.text.startswith("Transport Boréal")
    assert "À payer" not in home.text
    scene.portal.faults.clear()
    assert "À payer" in (await scene.say(camille, "/start")).text


@pytest.mark.parametrize("command", ["/delier", "/oublier"])
async def test_visit_is_erased_with_the_link(scene: Scene, command: str) -> None:
    camille = await scene.linked()
    await scene.say(camille, "/start")
    await scene.say(camille, "/aide")  # the visit is stored once its screen is shown
    async with scene.components.database.read() as session:
        stored = await visits.load(session, 1)
    assert stored is not None
    assert START <= stored.at <= scene.clock.now()
    assert "212380" in stored.papers
    await scene.say(camille, command)
    await scene.tap(camille, "Oui")
    async with scene.components.database.read() as session:
        assert await visits.load(session, 1) is None


async def test_long_absence_is_one_screen(scene: Scene) -> None:
    camille = await scene.linked()
    await scene.say(camille, "/start")
    for number in range(990001, 990031):
        scene.portal.portal.issue_invoice(
            "a-2001", amount="10.50", number=str(number), due_date=datetime.date(2026, 12, 1)
        )
    home = await scene.say(camille, "/start")
    assert home.text.count("•") == 8
    assert "… et 22 autres" in home.text
