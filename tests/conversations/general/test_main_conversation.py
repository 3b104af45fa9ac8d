"""The main conversation, end to end, in each language."""

from io import BytesIO

import pytest
from pypdf import PdfReader

from tests.scene import CLIENT, Scene

WORDS = {
    "fr": ("/commandes", "Commandes · Client Odotrack", "Facture-212380.pdf", "293,08\u00a0$", "payée"),
    "en": ("/orders", "Orders · Client Odotrack", "Invoice-212380.pdf", "$293.08", "paid"),
}


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_conversation_order_invoice_pdf(scene: Scene, language: str) -> None:
    """A linked chat reads an order and its invoice, and receives the PDF."""
    command, title, file_name, amount, paid = WORDS[language]
    camille = await scene.linked(language)

    orders = await scene.say(camille, command)
    assert orders.text.startswith(title)
    order = await scene.tap(camille, "26387")
    assert "34 × Plan Pro - 3 ans" in order.text
    assert "Escompte cable OBD2 à 3 broches" in order.text
    invoices = await scene.tap(camille, "(1)")
    assert f"212380 · {amount}\n{paid}" in invoices.text
    invoice = await scene.tap(camille, "212380")
    assert amount in invoice.text
    camille.tap("PDF")
    document = await camille.wait_for_message(file_name)

    assert document.file is not None
    assert document.file.name == file_name
    assert "212380" in PdfReader(BytesIO(document.file.content)).pages[0].extract_text()
    assert len(scene.mailbox.sent_to(CLIENT)) == 2
