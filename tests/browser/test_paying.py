"""Paying on the page: the primary button, buttons that copy, the balance, and the way back to a list."""

import re

from playwright.async_api import expect

from tests.browser.visit import Visit

NARROW = {"width": 390, "height": 844}


async def test_unpaid_invoice_is_paid_and_copied(visit: Visit) -> None:
    await visit.context.grant_permissions(["clipboard-read", "clipboard-write"])
    visit.stage.portal.portal.billing.change_invoice("a-2003", "240129", payment_reference="RF18 5390")
    await visit.linked("Paule", "fr", "flotte@example.test")
    await visit.say("combien je dois?")
    await visit.sees(re.compile(r"À payer.: .* \(\d+ factures\)"))
    await visit.tap("À payer")
    await visit.sees("Factures à payer")
    await visit.tap("240129")
    await visit.sees("Facture nº\u00a0240129")
    await expect(visit.last.locator(".key").first).to_have_class(re.compile(r"\bprimary\b"))
    await expect(visit.last.locator(".key.primary")).to_have_count(1)
    await visit.tap("Copier la référence")
    await expect(visit.tab.locator(".toast")).to_contain_text("RF18 5390")
    assert await visit.tab.evaluate("navigator.clipboard.readText()") == "RF18 5390"
    await visit.picture("pay-fr")
    await visit.tab.set_viewport_size(NARROW)
    await visit.pane("chat")
    await visit.picture("pay-390")
    await visit.tap("Retour à la liste")
    await visit.sees("Factures à payer")
    await visit.picture("unpaid-390")


async def test_home_says_what_is_owed(visit: Visit) -> None:
    await visit.speak("en")
    await visit.linked("Ann", "en", "anna@example.test")
    await visit.dark()
    await visit.say("/start")
    await visit.sees(re.compile(r"To pay: \$[\d,.]+ \(\d+ invoices\)"))
    await visit.tab.set_viewport_size(NARROW)
    await visit.pane("chat")
    await visit.picture("home-390")
