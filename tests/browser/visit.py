"""Actions of a visitor on the page."""

import asyncio
import re
from pathlib import Path
from urllib.parse import urlencode

from playwright.async_api import BrowserContext, ConsoleMessage, Locator, Page, expect

from sandbox.stage import Stage
from sandbox.telegram.persons import Person

LABELS = {
    "fr": {"link": "Lier mon compte", "no": "Non", "new": "Nouvelle personne", "create": "Créer", "start": "Démarrer"},
    "en": {"link": "Link my account", "no": "No", "new": "New person", "create": "Create", "start": "Start"},
}
NOTHING = r"\A\Z"


class Visit:
    """One tab. `errors` are those of its console; `expected` is a pattern for the ones a test brings about."""

    def __init__(self, stage: Stage, context: BrowserContext, tab: Page, pictures: Path | None) -> None:
        self.stage = stage
        self.context = context
        self.tab = tab
        self.errors: list[str] = []
        self.expected = NOTHING
        self.words = LABELS["fr"]
        self._pictures = pictures
        self.watch(tab)

    def watch(self, tab: Page) -> None:
        """Collect the errors of a tab."""
        tab.on("console", self._heard)
        tab.on("pageerror", lambda error: self.errors.append(str(error)))

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.errors.append(message.text)

    async def open(self, **query: object) -> None:
        """Load the page; the query says what is open."""
        await self.tab.goto(f"{self.stage.page_url}?{urlencode(query)}")

    async def speak(self, language: str) -> None:
        """Set the page's language to English or French."""
        if await self.tab.locator("html").get_attribute("lang") != language:
            async with self.tab.expect_navigation():
                await self.tab.locator(f"[data-language={language}]").click()
        self.words = LABELS[language]

    async def dark(self) -> None:
        """Switch the page to the dark theme."""
        await self.tab.locator("[data-theme-toggle]").click()
        await expect(self.tab.locator("html")).to_have_attribute("data-theme", "dark")

    async def newcomer(self, name: str = "Camille", language: str = "fr") -> Person:
        """Create a person and open their empty chat."""
        await self.tab.get_by_role("button", name=self.words["new"], exact=False).first.click()
        await self.tab.locator("#newcomer [name=first_name]").fill(name)
        await self.tab.locator("#newcomer [name=language]").select_option(language)
        await self.tab.get_by_role("button", name=self.words["create"]).click()
        await self.tab.get_by_role("button", name=self.words["start"], exact=True).wait_for()
        return self.person

    @property
    def person(self) -> Person:
        """The person created last."""
        return list(self.stage.telegram.world.persons.values())[-1]

    async def start(self) -> None:
        """Press Start, and wait for the answer."""
        await self.tab.get_by_role("button", name=self.words["start"], exact=True).click()
        await expect(self.last).to_be_visible()

    async def say(self, text: str) -> None:
        """Type and send a text."""
        await self.tab.locator("#text").fill(text)
        await self.tab.locator("#text").press("Enter")

    def key(self, label: str) -> Locator:
        """The newest inline button whose label contains the text."""
        return self.tab.locator(".key").filter(has_text=label).last

    async def tap(self, label: str) -> None:
        """Tap an inline button."""
        await self.key(label).click()

    @property
    def last(self) -> Locator:
        """The bot's newest message."""
        return self.tab.locator(".message.theirs").last

    async def sees(self, text: str | re.Pattern[str]) -> None:
        """Wait until the bot's newest message contains the text."""
        await expect(self.last).to_contain_text(text)

    async def has_answered(self, count: int) -> None:
        """Wait for ``count`` messages from the bot."""
        await expect(self.tab.locator(".message.theirs")).to_have_count(count)

    async def link(self, email: str, account: str = "") -> None:
        """Link an address by the code in the mailbox pane, without notices."""
        letters = self.tab.locator(".letter").filter(has=self.tab.locator(".code"), has_text=email)
        before = await letters.count()
        await self.tap(self.words["link"])
        await self.say(email)
        await expect(letters).to_have_count(before + 1)
        await self.say(await letters.first.locator(".code output").inner_text())
        if account:
            await self.tap(account)
        await self.tab.locator(".key").filter(has_text=re.compile(f"^{self.words['no']}")).last.click()
        await expect(self.key("Factures" if self.words is LABELS["fr"] else "Invoices")).to_be_visible()

    async def linked(self, name: str, language: str, email: str, account: str = "") -> Person:
        """Create a person and link an address."""
        person = await self.newcomer(name, language)
        await self.start()
        await self.link(email, account)
        return person

    async def pane(self, name: str) -> None:
        """Show a pane, if the width shows only one."""
        tab = self.tab.locator(f".tabs [data-show={name}]")
        if await tab.is_visible():
            await tab.click()

    async def picture(self, name: str) -> None:
        """Save a screenshot, if ``--pictures`` was given."""
        if self._pictures is None:
            return
        self._pictures.mkdir(parents=True, exist_ok=True)
        await self.tab.evaluate("document.activeElement?.blur()")
        await self.tab.mouse.move(0, 0)
        await asyncio.sleep(0.4)
        await self.tab.screenshot(path=self._pictures / f"{name}.png", animations="disabled")


async def heal(stage: Stage) -> None:
    """Remove every fault."""
    stage.telegram.world.faults.clear()
    stage.portal.faults.clear()
    await stage.telegram.world.bot().webhook.close()
    if not stage.portal.is_up:
        await stage.portal.start()
    await stage.mailbox.heal()
