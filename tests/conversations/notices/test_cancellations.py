"""A cancelled invoice is announced once, to whom the invoice was told."""

import pytest

from storage.tables import State
from tests.conversations.notices.test_notice_buttons import NUMBER, STOP, notified
from tests.conversations.notices.test_notices import ACCOUNT, MAIL, PATIENCE, notices, until_settled
from tests.scene import Scene

CANCELLED = {"fr": f"Facture nº\u00a0{NUMBER} annulée", "en": f"Invoice no.\u00a0{NUMBER} cancelled"}


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_cancellation_is_announced_once(scene: Scene, language: str) -> None:
    person, notice = await notified(scene, language)
    await until_settled(scene, 1, State.SENT)
    scene.portal.portal.billing.cancel_invoice(ACCOUNT[language], NUMBER)
    cancelled = await person.wait_for_message(CANCELLED[language], new=True, timeout=PATIENCE)
    assert cancelled is not notice
    await until_settled(scene, 2, State.SENT)
    assert len(notices(person, NUMBER)) == 2
    person.tap(STOP[language], message=cancelled)
    await person.wait_for_message("Nouvelle facture" if language == "fr" else "New invoice", new=True)


async def test_cancellation_is_not_for_whom_the_invoice_was_not_told(scene: Scene) -> None:
    """A chat that was linked after the invoice, and one that has turned new invoices off since."""
    person, notice = await notified(scene)
    await until_settled(scene, 1, State.SENT)
    person.tap(STOP["fr"], message=notice)
    await person.wait_for_message("Nouvelle facture", new=True)
    later = await scene.linked("fr", MAIL["fr"], notices=True, first_name="Alix")
    scene.portal.portal.billing.cancel_invoice(ACCOUNT["fr"], NUMBER)
    scene.portal.portal.issue_invoice(ACCOUNT["fr"], amount="1.00", number="990002")
    await later.wait_for_message("990002", new=True, timeout=PATIENCE)
    assert notices(later, CANCELLED["fr"]) == []
    assert notices(person, CANCELLED["fr"]) == []
