"""The back office and the faults act through the portal's contract, and the chat shows the result."""

import datetime
import re
from zoneinfo import ZoneInfo

from playwright.async_api import expect

from sandbox.web.panes.faults import choices
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
    # Whether the answer or the notice of the portal's event comes last, it says that the access ended.
    await expect(visit.last).to_contain_text(
        re.compile("ne vous donne plus accès|a retiré votre accès|pas encore liée")
    )


async def test_portal_failure_and_recovery(visit: Visit) -> None:
    await visit.linked("Ève", "fr", "partage@example.test", "Chénier & Filles")
    await visit.pane("faults")
    for fault in ("server_error", "down"):
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
    await visit.tab.locator("#portal-pdf_corrupt").click()
    await expect(visit.tab.locator("#portal-pdf_corrupt")).to_have_attribute("aria-pressed", "true")
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
    await visit.tab.locator("#telegram-too_many").click()
    await expect(visit.tab.locator("#telegram-too_many")).to_have_attribute("aria-pressed", "true")
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
    await expect(visit.tab.locator("#mail-down")).to_have_attribute("aria-pressed", "true")
    await visit.stage.mailbox.come_back()
    await expect(visit.tab.locator("#mail-well")).to_have_attribute("aria-pressed", "true")


async def test_office_follows_the_chosen_person(visit: Visit) -> None:
    """The back office shows the account of the person whose chat is opened."""
    await visit.linked("Anna", "fr", "anna@example.test")
    await visit.newcomer("Luc", "fr")
    await account(visit, "a-2001")
    anna = list(visit.stage.telegram.world.persons.values())[-2]
    await visit.tab.locator(f"#person-{anna.user_id}").click()
    await visit.pane("office")
    contacts = visit.tab.locator("#office .contact .address")
    await expect(contacts.filter(has_text="anna@example.test")).to_have_count(1)


async def test_clock_due_date_and_new_order(visit: Visit) -> None:
    """A reminder comes on the morning before the due date, and an order is created, all from the page."""
    person = await visit.newcomer("Nora", "fr")
    await visit.start()
    await visit.link("flotte@example.test")
    await visit.say("/avis")
    await expect(visit.last.locator(".key").first).to_be_visible()
    for label in ("Nouvelle commande", "Rappel"):
        if await visit.key(label).count():
            await visit.tap(label)
            await expect(visit.key(f"✓ {label}")).to_be_visible()
    await visit.pane("office")
    await visit.tab.locator(f"#person-{person.user_id}").click()
    await visit.pane("office")
    await visit.tab.locator("#what").fill("Un camion")
    await visit.tab.locator("#order").click()
    await expect(visit.tab.locator(".toast").last).to_contain_text("Commande créée")
    await visit.sees("commande")

    soon = datetime.datetime.now(ZoneInfo("America/Toronto")).date() + datetime.timedelta(days=4)
    await visit.tab.locator("#due").fill(soon.isoformat())
    await visit.tab.locator("#issue").click()
    await expect(visit.tab.locator(".toast").last).to_contain_text("Facture émise")
    today = await visit.tab.locator("#due").input_value()
    before = await visit.tab.locator("#clock").inner_text()
    await visit.tab.locator("#move-tomorrow").click()
    await expect(visit.tab.locator("#clock")).to_contain_text("09:00")
    assert await visit.tab.locator("#clock").inner_text() != before
    assert await visit.tab.locator("#due").input_value() > today
    await expect(visit.last).to_contain_text(re.compile("rappel|échéance|à payer", re.IGNORECASE), timeout=40_000)
    await expect(visit.last.locator("time").last).to_contain_text("09:0")
    await visit.say("/aide")
    await expect(visit.last.locator("time").last).to_contain_text("09:0")
    await visit.tab.locator("#move-real").click()
    await expect(visit.tab.locator("#clock")).not_to_contain_text("09:00")


async def test_portal_calls_are_in_the_log(visit: Visit) -> None:
    await visit.newcomer("Zoé", "fr")
    await visit.start()
    await visit.tap(visit.words["link"])
    await visit.say("client@example.test")
    await visit.pane("log")
    await expect(visit.tab.locator(".call").filter(has_text="POST contacts/search").first).to_be_visible()


async def test_every_fault_can_be_chosen(visit: Visit) -> None:
    """Each fault of each registry has a button, which sets it; "all is well" ends it."""
    await visit.newcomer("Panne", "fr")
    await visit.pane("faults")
    for system, fault in choices():
        if fault in ("stall", "drip", "slow"):
            continue  # the page's own checks would wait
        button = visit.tab.locator(f"#{system}-{fault}")
        if not await button.is_visible():
            await visit.tab.locator(f"#more-{system} summary").click()
        await button.click()
        await expect(visit.tab.locator(f"#{system}-{fault}")).to_have_attribute("aria-pressed", "true")
        await visit.tab.locator(f"#{system}-well").click()
        await expect(visit.tab.locator(f"#{system}-well")).to_have_attribute("aria-pressed", "true")


async def test_page_speaks_the_browsers_language(visit: Visit) -> None:
    browser = visit.context.browser
    assert browser is not None
    for locale, language in (("en-US", "en"), ("fr-CA", "fr"), ("de-DE", "fr")):
        context = await browser.new_context(locale=locale)
        tab = await context.new_page()
        await tab.goto(visit.stage.page_url)
        await expect(tab.locator("html")).to_have_attribute("lang", language)
        await context.close()


async def test_link_from_the_office_links_the_chat(visit: Visit) -> None:
    """The link of a contact, as text and QR code, links the chat with one tap; that of an invoice opens it."""
    await visit.newcomer("Zoé", "fr")
    await visit.tab.get_by_role("button", name="Démarrer", exact=True).click()
    await visit.sees(re.compile("Bienvenue"))
    await account(visit, "a-2003")
    await visit.tab.locator("#link-c-1002").click()
    link = visit.tab.locator("#bot-link")
    code = await link.get_by_role("img", name="Code QR du lien").locator("svg").bounding_box()
    assert code is not None
    assert min(code["width"], code["height"]) > 150  # large enough to be scanned
    await expect(link.locator("#open-link")).to_have_text(re.compile(r"^https://t\.me/odobot\?start=l-[\w-]{43}$"))
    payload = (await link.locator("#open-link").inner_text()).partition("?start=")[2]
    await visit.say(f"/start {payload}")
    await visit.sees(re.compile("Transport Boréal inc"))
    await visit.last.get_by_role("button", name="Oui, lier").click()
    await visit.sees(re.compile("Connexion réussie"))

    await visit.tab.get_by_role("button", name="Lien 240130").click()
    await expect(link.locator("#open-link")).to_have_text("https://t.me/odobot?start=f-240130")
    await visit.say("/start f-240130")
    await visit.sees(re.compile(r"Facture nº\s240130"))
