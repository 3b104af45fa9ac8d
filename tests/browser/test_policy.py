"""The public page of the privacy policy on a phone, in both themes."""

from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.async_playwright import Axe

from sandbox.stage import Stage
from tests.browser.test_access import THEMES

if TYPE_CHECKING:
    from playwright.async_api import Browser


async def test_policy_page_at_390_px(stage: Stage, browser: "Browser", pytestconfig: pytest.Config) -> None:
    async with await browser.new_context(viewport={"width": 390, "height": 844}, locale="fr-CA") as context:
        tab = await context.new_page()
        errors: list[str] = []
        tab.on("console", lambda message: errors.append(message.text))
        await tab.goto(f"{stage.public_url}/privacy")
        assert await tab.title() == "Confidentialité · Privacy · Odotrack"
        assert await tab.locator("section").evaluate_all("all => all.map(each => each.lang)") == ["fr-CA", "en-CA"]
        for theme in THEMES:
            await tab.emulate_media(color_scheme=theme)
            found = (await Axe().run(tab, options={"resultTypes": ["violations"]})).response["violations"]
            assert [(each["id"], each["impact"]) for each in found] == []
            assert await tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
        if folder := pytestconfig.getoption("--pictures"):
            await tab.emulate_media(color_scheme="light")
            for language in ("fr", "en"):
                await tab.locator(f"section[lang={language}-CA]").screenshot(
                    path=folder / f"privacy-{language}-390.png"
                )
        await tab.get_by_role("link", name="English").click()
        assert await tab.locator("#en").evaluate("each => Math.abs(each.getBoundingClientRect().top) < 200")
        assert errors == []
