"""Lists as tables on the page: chosen in the settings, opened by their rows, a placeholder in an older client."""

import contextlib
import re

import pytest
from playwright.async_api import Locator, expect

from tests.browser.visit import Visit

NARROW = {"width": 390, "height": 844}
WORDS = {
    "fr": ("/parametres", "Tableaux", "/factures", "/commandes", "pas pris en charge"),
    "en": ("/settings", "Tables", "/invoices", "/orders", "not supported"),
}


async def unfold(folded: Locator) -> None:
    """Open a fold. The page draws a message again when it changes, and a fold that was opened before is closed then."""
    for _ in range(5):
        if await folded.get_attribute("open") is None:
            await folded.locator("summary").press("Enter")  # a click may miss while the chat scrolls
        with contextlib.suppress(AssertionError):
            await expect(folded.locator("p").first).to_be_visible(timeout=2000)
            return
    await expect(folded.locator("p").first).to_be_visible()


@pytest.mark.parametrize(("language", "email"), [("fr", "flotte@example.test"), ("en", "anna@example.test")])
async def test_lists_are_tables_on_a_telephone(visit: Visit, language: str, email: str) -> None:
    settings, tables, invoices, orders, placeholder = WORDS[language]
    await visit.speak(language)
    person = await visit.linked("Réjeanne" if language == "fr" else "Robin", language, email)
    await visit.tab.set_viewport_size(NARROW)
    await visit.pane("chat")
    await visit.say(settings)
    await visit.tap(tables)
    await expect(visit.key(f"✓ {tables}")).to_be_visible()
    await visit.picture(f"tables-settings-{language}")

    await visit.say(invoices)
    table = visit.last.locator("table")
    await expect(table.locator("tr").first).to_be_visible()
    box, page = await table.bounding_box(), await visit.tab.locator(".inner").bounding_box()
    assert box is not None
    assert page is not None
    assert box["x"] >= page["x"]
    assert box["x"] + box["width"] <= page["x"] + page["width"]  # no column is beyond the screen
    await visit.picture(f"tables-invoices-{language}")
    opener = table.locator("button").first
    number = re.findall(r"\d+", await opener.inner_text())[0]
    await opener.click()
    await visit.sees(number)
    await expect(visit.last.locator("table")).to_have_count(0)

    await visit.say(orders)
    await expect(visit.last.locator("table tr").first).to_be_visible()
    await visit.picture(f"tables-orders-{language}")
    await visit.last.locator("table button").first.click()
    folded = visit.last.locator("details")
    await expect(folded).to_be_visible()
    await unfold(folded)
    await visit.dark()
    await visit.picture(f"tables-order-dark-{language}")
    await visit.say(invoices)
    await expect(visit.last.locator("table tr").first).to_be_visible()
    await visit.picture(f"tables-invoices-dark-{language}")

    await visit.tab.locator("#open-profile").click()
    async with visit.tab.expect_navigation():
        await visit.tab.locator("#client-age").click()
    assert not person.shows_rich
    await visit.sees(placeholder)
    await visit.say(settings)
    await expect(visit.key(f"✓ {tables}")).to_be_visible()  # a text, which that client shows
