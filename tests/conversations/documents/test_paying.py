"""Paying an invoice: the page to pay at comes first, and what a bank's form asks for is copied by a tap."""

import pytest

from sandbox.telegram.model import Message
from tests.scene import Scene

BOREAL = "flotte@example.test"
LABELS = {
    "fr": ("Voir et payer sur le portail", "Recevoir le PDF", "Copier le numéro", "Copier le montant"),
    "en": ("See and pay on the portal", "Get the PDF", "Copy number", "Copy amount"),
}


def copied(message: Message) -> list[str]:
    return [button.copied_text for row in message.buttons for button in row if button.copied_text]


@pytest.mark.parametrize(("language", "amount"), [("fr", "793,08"), ("en", "793.08")])
async def test_unpaid_invoice_has_what_a_bank_asks_for(scene: Scene, language: str, amount: str) -> None:
    """The balance is copied, not the amount of which a part is paid."""
    scene.portal.portal.billing.change_invoice("a-2003", "240129", payment_reference="RF18 5390")
    person = await scene.linked(language, BOREAL)
    invoice = await scene.say(person, "240129")
    assert tuple(invoice.labels[:4]) == LABELS[language]
    assert copied(invoice) == ["240129", amount, "RF18 5390"]
    assert [row[0].style for row in invoice.buttons[:2]] == ["primary", None]
    assert len(invoice.buttons[0]) == 1


async def test_no_reference_has_no_button_to_copy_it(scene: Scene) -> None:
    person = await scene.linked("fr", BOREAL)
    assert copied(await scene.say(person, "240130")) == ["240130", "1293,08"]


@pytest.mark.parametrize("number", ["240203", "240204"])
async def test_nothing_to_pay_has_nothing_to_copy(scene: Scene, number: str) -> None:
    """A paid invoice and a credit note have no button in the primary style either."""
    person = await scene.linked("fr", BOREAL)
    invoice = await scene.say(person, number)
    assert invoice.labels[0] == "Recevoir le PDF"
    assert copied(invoice) == []
    assert {button.style for row in invoice.buttons for button in row} == {None}
