"""Accessibility by keyboard and screen reader, in both themes and at both widths."""

import itertools
import re
from typing import Literal

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import expect

from tests.browser.visit import Visit

THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
AXE = Axe()
# Frames without scripts cannot be looked into; they hold what the bot mailed.
EVERYTHING: dict[str, object] = {"iframes": False, "resultTypes": ["violations"]}
# A theme changes colours and nothing else.
COLOURS = EVERYTHING | {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
PANES = {
    390: ("chat", "mailbox", "office", "faults", "operations", "log"),
    1440: ("office", "faults", "operations", "log"),
}
SHEETS = ("open-menu", "open-profile", "open-attach", "add-person")


async def violations(visit: Visit, where: str, options: dict[str, object]) -> list[str]:
    """Return the serious and critical violations that axe finds."""
    found = (await AXE.run(visit.tab, options=options)).response["violations"]
    return [
        f"{where}: {each['id']} {[node['html'][:120] for node in each['nodes'][:3]]}"
        for each in found
        if each["impact"] in ("serious", "critical")
    ]


async def test_axe_finds_nothing_serious(visit: Visit) -> None:
    await visit.linked("Ali", "fr", "comptable@example.test", "Boréal")
    await visit.say("/factures")
    await visit.sees("1 à 5")
    await visit.tap("240203")
    await visit.tap("PDF")
    await visit.sees("Facture-240203.pdf")
    found: list[str] = []
    for theme, width in itertools.product(THEMES, PANES):
        options = EVERYTHING if theme == "light" else COLOURS
        await visit.tab.emulate_media(color_scheme=theme, reduced_motion="reduce")
        await visit.tab.set_viewport_size({"width": width, "height": 860})
        for pane in PANES[width]:
            await visit.pane(pane)
            if pane == "operations":
                await expect(visit.tab.locator(".figures div").first).to_be_visible()
            found += await violations(visit, f"{theme} {width} {pane}", options)
        await visit.pane("chat")
        for sheet in SHEETS:
            await visit.tab.locator(f"#{sheet}").click()
            found += await violations(visit, f"{theme} {width} {sheet}", options)
            await visit.tab.keyboard.press("Escape")
        assert await visit.tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert found == []


async def test_keyboard_navigation_keeps_the_focus(visit: Visit) -> None:
    await visit.tab.locator("#add-person").focus()
    await visit.tab.keyboard.press("Enter")
    await visit.tab.locator("#newcomer [name=first_name]").focus()
    await visit.tab.keyboard.type("Kim")
    await visit.tab.keyboard.press("Enter")
    await visit.tab.locator("#start").focus()
    await visit.tab.keyboard.press("Enter")
    await expect(visit.tab.locator("#text")).to_be_focused()
    first = visit.key("Lier mon compte")
    await first.focus()
    await visit.tab.keyboard.press("Enter")
    await visit.sees("courriel")
    # The screen was edited in place; the focus stays on the button or in the text field.
    assert await visit.tab.evaluate("document.activeElement.closest('.message, #composer') !== null")
    await visit.tab.locator("#text").focus()
    await visit.tab.keyboard.type("/langue")
    await visit.tab.keyboard.press("Enter")
    await visit.key("English").focus()
    await visit.tab.keyboard.press("Enter")
    await visit.sees(re.compile("English"))
    await expect(visit.tab.locator("[role=log]").first).to_have_attribute("aria-live", "polite")
