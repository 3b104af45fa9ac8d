"""Whole conversations with a company that runs Tryton: the chat is the same as with any portal."""

from io import BytesIO

import pytest
from pypdf import PdfReader

from tests.scene import Scene
from tests.tryton.books import Books

CLIENT = "client@example.test"
WORDS = {
    "fr": ("/commandes", "/factures", "Facture-212380.pdf", "293,08\u00a0$", "payée", "1 à 5 de 8"),
    "en": ("/orders", "/invoices", "Invoice-212380.pdf", "$293.08", "paid", "1 to 5 of 8"),
}


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_linking_orders_invoices_and_a_pdf_from_tryton(scene: Scene, language: str) -> None:
    orders, invoices, file_name, amount, paid, where = WORDS[language]
    camille = await scene.linked(language, CLIENT)

    listed = await scene.say(camille, orders)
    assert "Transport Tremblay inc." in listed.text
    assert where in listed.text
    found = await scene.tap(camille, "›")
    assert "26387" in found.text
    order = await scene.tap(camille, "26387")
    assert "34 × Plan Pro - 3 ans" in order.text
    assert "Merci." not in order.text, "a comment is no line of the agreement"
    of_order = await scene.tap(camille, "(1)")
    assert f"212380 · {amount}\n{paid}" in of_order.text
    invoice = await scene.tap(camille, "212380")
    assert amount in invoice.text
    camille.tap("PDF")
    document = await camille.wait_for_message(file_name)
    assert document.file is not None
    assert document.file.name == file_name
    assert "212380" in PdfReader(BytesIO(document.file.content)).pages[0].extract_text()
    assert where in (await scene.say(camille, invoices)).text


async def test_pdf_for_another_chat_is_sent_by_file_id(scene: Scene) -> None:
    camille, luc = await scene.linked("fr", CLIENT), await scene.linked("fr", CLIENT, first_name="Luc")
    files = []
    for person in (camille, luc):
        await scene.say(person, "212380")
        person.tap("PDF")
        files.append((await person.wait_for_message("Facture-212380.pdf")).file)
    first, second = files
    assert first is not None
    assert second is not None
    assert second.unique_id == first.unique_id


async def test_facts_that_tryton_lacks_are_left_out(scene: Scene) -> None:
    camille = await scene.linked("fr", CLIENT)
    listed = await scene.say(camille, "/commandes")
    rows = [line for line in listed.text.splitlines() if line.startswith("nº")]
    assert len(rows) == 5
    assert all(row.removeprefix("nº").strip().isdecimal() for row in rows), rows
    order = await scene.tap(camille, "31650")
    for word in ("None", "Début", "Fin", "%", "Progression", " · "):
        assert word not in order.text
    assert "\n\n\n" not in order.text
    assert not [button.url for row in order.buttons for button in row if button.url]


async def test_unpaid_partly_paid_and_credit_invoices(scene: Scene) -> None:
    camille = await scene.linked("fr", CLIENT)
    await scene.say(camille, "/factures")
    unpaid = await scene.tap(camille, "À payer")
    assert "1 à 5 de 6" in unpaid.text
    assert "212380" not in unpaid.text
    partial = await scene.say(camille, "240200")
    assert "131,26\u00a0$" in partial.text
    assert "81,26\u00a0$" in partial.text
    credit = await scene.say(camille, "240311")
    assert "45,09\u00a0$" in credit.text
    assert "à payer" not in credit.text


async def test_search_finds_text_of_lines(scene: Scene) -> None:
    camille = await scene.linked("fr", CLIENT)
    await scene.say(camille, "/commandes")
    camille.tap("Rechercher")
    await camille.wait_for_message()
    found = await scene.say(camille, "appareil")
    assert "31600" in found.text
    assert "26387" in found.text
    assert "31650" not in found.text


async def test_order_with_only_a_draft_shows_no_invoice(scene: Scene) -> None:
    camille = await scene.linked("fr", CLIENT)
    order = await scene.say(camille, "31800")
    assert "1 × Plan Pro" in order.text
    assert not [label for label in order.labels if "acture" in label]


async def test_menu_comes_from_the_settings(scene: Scene) -> None:
    camille = await scene.linked("fr", CLIENT)
    menu = await scene.say(camille, "/portail")
    links = {button.url: button.label for row in menu.buttons for button in row}
    assert links["https://shop.odotrack.test/"] == "Boutique en ligne"
    assert links["https://odotrack.test/in"] not in ("login", "")


async def test_mail_address_of_two_customers_links_both(scene: Scene) -> None:
    camille = await scene.linked("fr", "partage@example.test")
    accounts = await scene.say(camille, "/compte")
    assert "Deux Rives inc." in accounts.text + "".join(accounts.labels)
    assert "Two Shores Inc." in accounts.text + "".join(accounts.labels)


async def test_former_address_and_closed_customer_get_no_code(scene: Scene) -> None:
    for address in ("x@example.test", "fermee@example.test", "cl_ent@example.test"):
        person = scene.person("fr")
        person.say(address)
        await person.wait_for_message()
    await scene.stop_bot()
    assert [scene.mailbox.sent_to(address) for address in ("x@example.test", "fermee@example.test")] == [[], []]
    assert scene.mailbox.sent_to("cl_ent@example.test") == []
    await scene.start_bot()


async def test_posted_invoice_becomes_a_notice(scene: Scene, books: Books) -> None:
    eloise = await scene.linked("fr", "eloise@example.test", notices=True)
    start = (await scene.components.portal.events(None, 100)).cursor
    account_id, number = await books.issue()
    told = await scene.components.portal.events(start, 100)
    assert [(event.type, event.account_id, event.number) for event in told.items] == [
        ("invoice.issued", account_id, number)
    ]
    assert told.cursor != start
    scene.components.worker.read_now()  # Tryton posts no webhook: in production the next poll finds it
    notice = await eloise.wait_for_message(number, new=True, timeout=30)
    assert notice.text.startswith(f"Nouvelle facture nº\u00a0{number}\n\nGarage Éloïse")
    assert number in (await scene.say(eloise, "/factures")).text
    await scene.say(eloise, number)
    eloise.tap("PDF")
    document = await eloise.wait_for_message(f"Facture-{number}.pdf")
    assert document.file is not None
    assert number in PdfReader(BytesIO(document.file.content)).pages[0].extract_text()


async def test_markup_in_a_name_is_shown_as_text(scene: Scene) -> None:
    zed = await scene.linked("en", "zed@example.test")
    listed = await scene.say(zed, "/invoices")
    assert '<b>Zed & "Co"</b> Ltd' in listed.text
