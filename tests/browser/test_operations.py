"""The operations pane: metrics, deliveries and alerts are those of the running bot."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Locator, expect

from sandbox.portal.faults import Fault, FaultKind
from tests.browser.visit import Visit

WORDS = {
    "fr": ("Exploitation", "Nouvelle facture", "Envoyé", "Telegram l’a accepté.", "Conversations liées"),
    "en": ("Operations", "New invoice", "Sent", "Telegram accepted it.", "Linked chats"),
}
ALERT = {"fr": "Le portail ne répond pas", "en": "The portal does not answer"}
PEOPLE = {
    "fr": ("c-1002", "a-2003", "Oui, lier", "Oui, m’aviser"),
    "en": ("c-1004", "a-2004", "Yes, link", "Yes, tell me"),
}
"""Contact, account, and the buttons that link and subscribe."""
SLOW_MS = 60_000
"""The bot looks at its alerts every 20 s; the portal's failure is known after two failed tries."""


def figure(visit: Visit, title: str) -> Locator:
    """The value of a metric by its title."""
    return visit.tab.locator(".figures div").filter(has_text=title).locator("dd")


async def subscribed(visit: Visit, language: str) -> str:
    """Link a person by an invitation, and ask for notices of new invoices. Returns: the account."""
    contact, account, yes, tell_me = PEOPLE[language]
    person = await visit.newcomer("Alix", language)
    made = await visit.stage.portal.portal.webhook.request_link(contact, account, language)
    person.start(str(made["url"]).partition("?start=")[2])
    await visit.tap(yes)
    await visit.tap(tell_me)
    await expect(visit.key(tell_me)).to_have_count(0)
    return account


def alert(visit: Visit, language: str) -> Locator:
    """The row of the portal's alert."""
    return visit.tab.locator(".operations .rows li").filter(has_text=ALERT[language])


@pytest.mark.parametrize("language", WORDS)
async def test_notice_is_shown_as_a_delivery(visit: Visit, language: str) -> None:
    title, kind, state, means, linked = WORDS[language]
    number = {"fr": "991201", "en": "991202"}[language]
    await visit.speak(language)
    account = await subscribed(visit, language)
    await visit.tab.get_by_role("button", name=title).click()
    await expect(figure(visit, linked)).to_have_text(re.compile(r"^\d+"))
    await expect(figure(visit, "Telegram")).to_have_text(re.compile(r"^[1-9]\d*"))

    visit.stage.portal.portal.issue_invoice(account, amount="40.19", number=number)
    row = visit.tab.locator(".deliveries li").filter(has_text=number)
    await expect(row).to_contain_text(state, timeout=SLOW_MS)
    await expect(row).to_contain_text(kind)
    await expect(row).to_contain_text(means)
    await expect(visit.tab.locator(".problem")).to_have_count(0)
    await visit.picture(f"operations-{language}")


async def test_alert_begins_is_told_and_ends(visit: Visit) -> None:
    """While the portal is away; the clock is moved, and set to the real time in the end."""
    clock = visit.stage.telegram.world.clock
    visit.stage.portal.faults.set(Fault(FaultKind.UNAVAILABLE, "*"))
    await visit.tab.get_by_role("button", name=WORDS["fr"][0]).click()
    await expect(alert(visit, "fr")).to_contain_text("pas encore annoncée", timeout=SLOW_MS)
    clock.advance(timedelta(minutes=6))
    await expect(alert(visit, "fr")).to_contain_text(", annoncée", timeout=SLOW_MS)
    await visit.speak("en")  # reloads, and the pane stays
    await expect(alert(visit, "en")).to_contain_text(", told")
    await visit.tab.locator("#operator-messages summary").click()
    await expect(visit.tab.locator("#operator-messages li").first).to_contain_text("odobot check")
    await visit.picture("operations-alert-en")
    visit.stage.portal.faults.clear()
    clock.advance(timedelta(minutes=2))
    await expect(alert(visit, "en")).to_contain_text("Over", timeout=SLOW_MS)
    await expect(visit.tab.locator("#operator-messages")).to_have_attribute("open", "")
    clock.advance(datetime.now(UTC) - clock.now())
