"""The portal goes down: the page shows the last list with its time, and then the fresh one; and the calendar."""

import re

import httpx
import pytest
from playwright.async_api import expect

from sandbox.portal.faults import Fault, FaultKind
from tests.browser.visit import Visit

WORDS = {
    "fr": ("/factures", "sa dernière réponse, à jour à", "Réessayer", "/calendrier", "Créer une adresse"),
    "en": ("/invoices", "Up to date as of", "Try again", "/calendar", "Create an address"),
}
EMAILS = {"fr": "client000002@example.test", "en": "client000003@example.test"}
ROW = re.compile(r"\d{4}-\d\d-\d\d · .*")


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_last_answer_and_calendar_on_the_page(visit: Visit, language: str) -> None:
    listing, stamp, retry, calendar, create = WORDS[language]
    await visit.speak(language)
    await visit.linked("Absent", language, EMAILS[language])
    await visit.say(listing)
    await visit.sees(ROW)
    shown = ROW.findall(await visit.last.locator(".text").inner_text())
    # A stop writes what was shown.
    await visit.stage.bot.stop()
    await visit.stage.bot.start()
    visit.stage.portal.faults.set(Fault(FaultKind.DROP, "*/accounts/*"))
    await visit.say(listing)
    await expect(visit.last).to_contain_text(stamp, timeout=30_000)
    assert shown[0] in await visit.last.locator(".text").inner_text()
    await visit.picture(f"portal-down-{language}")
    visit.stage.portal.faults.clear()
    await visit.tap(retry)
    await expect(visit.last).not_to_contain_text(stamp)

    await visit.say(calendar)
    await visit.tap(create)
    address = re.compile(r"http://127\.0\.0\.1:\d+/calendar/[\w-]+\.ics")
    await visit.sees(address)
    found = address.search(await visit.last.locator(".text").inner_text())
    assert found
    async with httpx.AsyncClient(trust_env=False) as client:
        feed = await client.get(found.group())
    assert feed.status_code == 200
    assert feed.text.startswith("BEGIN:VCALENDAR")
    await visit.picture(f"calendar-{language}")
