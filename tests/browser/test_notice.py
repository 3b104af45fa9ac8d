"""A notice of a new invoice, from the back office to the chat."""

import re

from playwright.async_api import expect

from tests.browser.visit import Visit


async def test_invoice_issued_in_the_back_office_becomes_a_notice(visit: Visit) -> None:
    await visit.newcomer("Aube", "fr")
    await visit.start()
    await visit.tap("Lier mon compte")
    await visit.say("client@example.test")
    letter = visit.tab.locator(".letter").filter(has=visit.tab.locator(".code"), has_text="client@example.test").first
    await visit.sees("client@example.test")
    await visit.say(await letter.locator(".code output").inner_text())
    await visit.tap("Client Odotrack")
    await visit.tab.locator(".key").filter(has_text=re.compile("^Oui")).last.click()
    before = await visit.tab.locator(".message.theirs").count()

    await visit.pane("office")
    # Choosing an account reloads the form: text typed before that would be lost.
    settled = "() => document.body.dataset.chosen = '1'"
    listen = f"() => document.body.addEventListener('htmx:afterSettle', {settled}, {{once: true}})"
    await visit.tab.evaluate(listen)
    await visit.tab.locator("#account").select_option("a-2001")
    await expect(visit.tab.locator("body")).to_have_attribute("data-chosen", "1")
    await visit.tab.locator("#amount").fill("512.34")
    await visit.tab.locator("#issue").click()
    # The stage's bot reads the feed every two seconds.
    await expect(visit.tab.locator(".message.theirs")).to_have_count(before + 1, timeout=30_000)
    await visit.sees(re.compile(r"512,34.\$"))
    await visit.picture("notice-fr")
