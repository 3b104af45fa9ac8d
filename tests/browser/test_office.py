"""The back office and the faults act through the portal's contract, and the chat shows the result."""

import re

from playwright.async_api import expect

from tests.browser.visit import Visit


async def account(visit: Visit, account_id: str) -> None:
    """Open an account in the back office."""
    await visit.pane("office")
    await visit.tab.locator("#account").select_option(account_id)
    await expect(visit.tab.locator("#office-state [name=account]")).to_have_value(account_id)


async def test_invoice_issue_and_payment_show_in_the_chat(visit: Visit) -> None:
    await visit.linked("Léa", "fr", "html@example.test")
    await account(visit, "a-2005")
    await visit.tab.locator("#amount").fill("1293,08")
    await visit.tab.locator("#issue").click()
    await expect(visit.tab.locator(".toast")).to_contain_text("Facture émise")
    number = (
        await visit.tab.locator("#office .rows b").filter(has_text=re.compile("^3000")).first.inner_text()
    ).strip()

    await visit.say(number)
    await visit.sees(re.compile(r"1.293,08.\$"))
    await visit.tab.get_by_role("button", name=f"Marquer payée {number}").click()
    await expect(visit.tab.get_by_role("button", name=f"Marquer payée {number}")).to_have_count(0)
    await visit.say(number)
    await visit.sees(re.compile("Payée?"))


async def test_order_end_and_contact_removal_show_in_the_chat(visit: Visit) -> None:
    await visit.linked("Marc", "fr", "quatre@example.test", "Lévis")
    await account(visit, "a-2007")
    await visit.tab.get_by_role("button", name=re.compile("^Finir dans 30 jours")).first.click()
    await expect(visit.tab.locator(".toast").last).to_contain_text("Finit dans 30 jours")
    await visit.tab.get_by_role("button", name="Retirer quatre@example.test").click()
    await expect(visit.tab.locator("#office .rows").first).to_contain_text("Personne n’a accès")
    before = await visit.last.inner_text()
    await visit.say("/factures")
    await expect(visit.last).not_to_have_text(before)
    await expect(visit.last).not_to_contain_text("2600")


async def test_portal_failure_and_recovery(visit: Visit) -> None:
    await visit.linked("Ève", "fr", "partage@example.test", "Chénier & Filles")
    await visit.pane("faults")
    for fault in ("portal_500", "portal_down"):
        await visit.tab.locator(f"#portal-{fault}").click()
        await expect(visit.tab.locator(f"#portal-{fault}")).to_have_attribute("aria-pressed", "true")
        await visit.say("/factures")
        await expect(visit.tab.locator(".message").last).to_have_class(re.compile("theirs"))
        await expect(visit.last).not_to_contain_text("270001")
        again = visit.last.locator(".key").first
        await expect(again).to_be_visible()
        await visit.tab.locator("#portal-well").click()
        await expect(visit.tab.locator("#portal-well")).to_have_attribute("aria-pressed", "true")
        await again.click()
        await visit.sees("270001")

    await visit.tap("270001")
    await visit.tab.locator("#portal-portal_pdf").click()
    await expect(visit.tab.locator("#portal-portal_pdf")).to_have_attribute("aria-pressed", "true")
    await visit.tap("PDF")
    await expect(visit.last).not_to_contain_text("Montant")
    assert await visit.tab.locator(".file").count() == 0
    await visit.tab.locator("#portal-well").click()
    await expect(visit.tab.locator("#portal-well")).to_have_attribute("aria-pressed", "true")
    await visit.last.locator(".key").first.click()
    await expect(visit.tab.locator(".file")).to_have_count(1)


async def test_telegram_failure_shows_in_the_log(visit: Visit) -> None:
    await visit.newcomer("Ida", "fr")
    await visit.start()
    await visit.pane("faults")
    await visit.tab.locator("#telegram-telegram_429").click()
    await expect(visit.tab.locator("#telegram-telegram_429")).to_have_attribute("aria-pressed", "true")
    before = await visit.tab.locator(".message.theirs").count()
    await visit.say("/aide")
    await visit.pane("log")
    refused = visit.tab.locator(".call.bad").filter(has_text="sendMessage").first
    await expect(refused).to_contain_text("429")
    await refused.locator("summary").click()
    await expect(refused).to_contain_text("retry after 5")
    await visit.pane("faults")
    await visit.tab.locator("#telegram-well").click()
    await expect(visit.tab.locator(".message.theirs")).to_have_count(before + 1)


async def test_fault_set_by_another_client_is_shown(visit: Visit) -> None:
    await visit.pane("faults")
    await visit.stage.mailbox.go_down()
    await expect(visit.tab.locator("#mail-mail_down")).to_have_attribute("aria-pressed", "true")
    await visit.stage.mailbox.come_back()
    await expect(visit.tab.locator("#mail-well")).to_have_attribute("aria-pressed", "true")
