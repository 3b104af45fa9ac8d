"""/solde and /balance: what is owed, and the lists that it leads to."""

import pytest

from sandbox.portal.faults import Fault, FaultKind
from tests.scene import Scene

BOREAL = "flotte@example.test"
NBSP = "\u00a0"
TEXTS = {
    "fr": (
        "Solde · Transport Boréal inc.",
        "",
        f"À payer{NBSP}: 4{NBSP}971,64{NBSP}$ (4 factures)",
        f"En retard{NBSP}: 3{NBSP}678,56{NBSP}$ (3 factures)",
        f"Prochaine échéance{NBSP}: 31 octobre",
    ),
    "en": (
        "Balance · Transport Boréal inc.",
        "",
        "To pay: $4,971.64 (4 invoices)",
        "Overdue: $3,678.56 (3 invoices)",
        "Next due date: October 31",
    ),
}


@pytest.mark.parametrize("has_summary", [True, False])
@pytest.mark.parametrize(("language", "command"), [("fr", "/solde"), ("en", "/balance")])
async def test_balance_by_the_portal_or_derived(scene: Scene, language: str, command: str, has_summary: bool) -> None:
    if not has_summary:
        scene.portal.faults.set(Fault(FaultKind.NOT_FOUND, path="*/invoices/summary"))
    person = await scene.linked(language, BOREAL)
    shown = await scene.say(person, command)
    assert tuple(shown.text.split("\n")) == TEXTS[language]
    unpaid = await scene.tap(person, "À payer" if language == "fr" else "To pay")
    assert len([label for label in unpaid.labels if label.isdigit()]) == 4
    assert unpaid.text.endswith("\n".join(TEXTS[language][2:]))


@pytest.mark.parametrize(
    ("language", "command", "words"), [("fr", "/solde", "Rien à payer"), ("en", "/balance", "Nothing")]
)
async def test_nothing_owed(scene: Scene, language: str, command: str, words: str) -> None:
    person = await scene.linked(language)
    assert words in (await scene.say(person, command)).text


async def test_balance_is_refreshed_in_place(scene: Scene) -> None:
    camille = await scene.linked("fr", BOREAL)
    await scene.say(camille, "/solde")
    scene.portal.portal.mark_paid("a-2003", "240130")
    again = await scene.tap(camille, "Actualiser")
    assert "(3 factures)" in again.text
    assert "Prochaine" not in again.text


async def test_list_is_shown_without_a_slow_balance(scene: Scene) -> None:
    for _ in range(3):
        scene.portal.portal.issue_invoice("a-2003", amount="10.00")
    camille = await scene.linked("fr", BOREAL)
    scene.portal.faults.set(Fault(FaultKind.SLOW, path="*/invoices/summary", seconds=30))
    shown = await scene.say(camille, "/apayer")
    assert "1 à 5 de 7" in shown.text
    assert "(7 factures)" not in shown.text
    scene.portal.faults.clear()
    assert "(7 factures)" in (await scene.say(camille, "/apayer")).text


async def test_contact_without_invoices_is_told(scene: Scene) -> None:
    luc = await scene.linked("fr", "commandes@example.test")
    assert "ne comprend pas cette partie" in (await scene.say(luc, "/solde")).text


async def test_other_accounts_have_their_balance(scene: Scene) -> None:
    """The accounts in which something is owed are buttons; those without invoices or debt are not."""
    andree = await scene.linked("fr", "quatre@example.test")
    shown = await scene.say(andree, "/solde")
    assert "Vos autres comptes" in shown.text
    others = [label for label in shown.labels if "Laflamme" in label]
    assert len(others) == 1
    assert others[0].startswith("Groupe Laflamme – Lévis · ")
    assert "Solde · Groupe Laflamme – Lévis" in (await scene.tap(andree, others[0])).text
