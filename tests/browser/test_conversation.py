"""A customer's conversation on the page: link, read, receive a PDF, in both languages."""

import io
import re
import zipfile

import pytest
from playwright.async_api import expect
from pypdf import PdfReader

from tests.browser.visit import Visit

NARROW = {"width": 390, "height": 844}


async def pdf_of(visit: Visit, name: str) -> str:
    """Download the document of the newest message. Returns its text."""
    file = visit.tab.locator(".message.theirs").filter(has_text=name).last
    async with visit.tab.expect_download() as downloading:
        await file.locator(".download").click()
    download = await downloading.value
    assert download.suggested_filename == name
    return PdfReader(await download.path()).pages[0].extract_text()


async def test_linking_by_mail_and_an_invoice_as_pdf(visit: Visit) -> None:
    await visit.newcomer("Camille", "fr")
    await visit.start()
    await visit.link("flotte@example.test")

    await visit.say("/factures")
    await visit.sees("1 à 5 de 34")
    await visit.picture("chat-fr")
    await visit.tap("240203")
    await visit.sees("240203")
    await visit.tap("PDF")
    await visit.sees("Facture-240203.pdf")
    assert "240203" in await pdf_of(visit, "Facture-240203.pdf")

    opens = visit.last.locator(".opens")
    answer = await visit.context.request.get(visit.stage.page_url.rstrip("/") + str(await opens.get_attribute("href")))
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"].startswith("inline")
    assert len(PdfReader(io.BytesIO(await answer.body())).pages) == 3

    await visit.tab.set_viewport_size(NARROW)
    await visit.pane("chat")
    await visit.picture("detail-pdf-390")
    await visit.say("/factures")
    await visit.sees("1 à 5 de 34")
    await visit.picture("list-390")


async def test_conversation_in_english_and_language_switch(visit: Visit) -> None:
    await visit.speak("en")
    await visit.linked("Anna", "en", "anna@example.test")
    await visit.dark()
    await visit.say("/invoices")
    await visit.sees(re.compile(r"1 to \d+ of 14"))
    await visit.tap("250118")
    await visit.tap("PDF")
    await visit.sees("Invoice-250118.pdf")
    await visit.picture("chat-en")
    assert "250118" in await pdf_of(visit, "Invoice-250118.pdf")

    await visit.say("/language")
    await visit.tap("Français")
    await visit.sees(re.compile("français", re.IGNORECASE))
    await visit.tab.locator("#open-menu").click()
    await expect(visit.tab.locator("#menu")).to_contain_text("/factures")
    await visit.tab.locator("#menu .item", has_text="/factures").click()
    await visit.sees("1 à 5 de 14")


async def test_statement_as_picture_and_everything_as_zip(visit: Visit) -> None:
    """The picture is shown in the chat, and the dark one on request; the archive can be downloaded."""
    await visit.newcomer("Camille", "fr")
    await visit.start()
    await visit.link("flotte@example.test")
    await visit.tab.set_viewport_size(NARROW)
    await visit.pane("chat")
    await visit.say("mon relevé des 12 derniers mois")
    picture = visit.tab.locator(".message.theirs .picture img").last
    await expect(picture).to_be_visible(timeout=30_000)
    assert await picture.evaluate("image => image.naturalWidth") == 1080
    await visit.picture("statement-390")
    await visit.say("/releve")
    await visit.tap("PDF en zip")
    archive = visit.tab.locator(".message.theirs").filter(has_text=".zip").last
    await expect(archive).to_be_visible(timeout=30_000)
    async with visit.tab.expect_download() as downloading:
        await archive.locator(".download").click()
    assert zipfile.is_zipfile(await (await downloading.value).path())


async def test_client_language_is_the_default(visit: Visit) -> None:
    await visit.newcomer("Luc", "fr")
    await expect(visit.tab.locator(".welcome")).to_contain_text("Odotrack")
    await visit.tab.locator("#open-profile").click()
    await visit.tab.locator("#speaks").select_option("en")
    await expect(visit.tab.locator(".status")).to_contain_text("(en)")
    await visit.tab.keyboard.press("Escape")
    await visit.start()
    await expect(visit.key("Link my account")).to_be_visible()
    await visit.tab.locator("#open-menu").click()
    await expect(visit.tab.locator("#menu")).to_contain_text("/invoices")


async def test_deep_link_block_and_unblock(visit: Visit) -> None:
    person = await visit.newcomer("Rose", "fr")
    await visit.tab.locator("#open-profile").click()
    await visit.tab.locator("#payload").fill("welcome_1")
    await visit.tab.locator("#payload").press("Enter")
    await expect(visit.tab.locator(".message.ours")).to_contain_text("/start welcome_1")
    await expect(visit.last).to_be_visible()

    await visit.tab.locator("#open-profile").click()
    await visit.tab.get_by_role("button", name="Bloquer le bot").click()
    await expect(visit.tab.locator(".status")).to_contain_text("bloqué")
    assert visit.stage.telegram.world.bot() in person.blocked
    await visit.tab.keyboard.press("Escape")
    await visit.tab.get_by_role("button", name="Débloquer et redémarrer").click()
    await expect(visit.tab.locator("#text")).to_be_visible()
    await expect(visit.tab.locator(".message.ours").last).to_contain_text("/start")


async def test_typing_action_toasts_and_alerts_are_shown(visit: Visit) -> None:
    await visit.newcomer("Zoé", "fr")
    await visit.start()
    world, chat = visit.stage.telegram.world, visit.person.chat()

    world.record(chat, "action", action="typing", by="odobot")
    await expect(visit.tab.locator("#doing")).to_contain_text("écrit")
    world.record(chat, "action", action="upload_document", by="odobot")
    await expect(visit.tab.locator("#doing")).to_contain_text("envoie un document")
    world.post(chat, world.bot().user(), text="<b>Voilà</b>")
    await visit.sees("<b>Voilà</b>")
    await expect(visit.tab.locator("#doing")).to_be_empty()

    world.record(chat, "answer", query_id="1", answer={"text": "C’est <noté>", "show_alert": False, "url": ""})
    await expect(visit.tab.locator(".toast")).to_have_text("C’est <noté>")
    world.record(chat, "answer", query_id="2", answer={"text": "Bien lu?", "show_alert": True, "url": ""})
    await expect(visit.tab.get_by_role("dialog").filter(has_text="Bien lu?")).to_be_visible()
    await visit.tab.keyboard.press("Enter")
    await expect(visit.tab.locator("dialog")).to_have_count(0)


@pytest.mark.parametrize("kind", ["Autocollant", "Message vocal"])
async def test_non_text_message_is_answered(visit: Visit, kind: str) -> None:
    await visit.newcomer("Guy", "fr")
    await visit.start()
    before = await visit.tab.locator(".message.theirs").count()
    await visit.tab.locator("#open-attach").click()
    await visit.tab.locator("#attach").get_by_role("button", name=kind).click()
    await expect(visit.tab.locator(".message.theirs")).to_have_count(before + 1)
