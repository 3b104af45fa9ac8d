"""The sandbox with the real bot, and a browser. Collected only when this folder is named on the command line."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from sandbox.stage import Stage, set_stage

if TYPE_CHECKING:  # this file is read where the browser's part is not installed, too
    from playwright.async_api import Browser, ViewportSize

    from tests.browser.visit import Visit

ROOT = Path(__file__).parents[2]
CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MS = 10_000
SIZE: "ViewportSize" = {"width": 1440, "height": 900}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--pictures", type=Path, help="a folder to save the README's screenshots in")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Ignore this folder unless it is named: `make test` needs no browser."""
    named = any("browser" in each for each in config.args)
    early = collection_path.name == "test_notice.py" and not (ROOT / "bot" / "worker.py").exists()
    return True if early or (not named and collection_path.name.startswith("test_")) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/browser" in str(item.path):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """Telegram, portal, mailbox and page in this process, the bot in its own; one for all tests."""
    async with set_stage(tmp_path_factory.mktemp("stage") / "demo", has_movable_clock=True) as stage:
        # Many addresses: the bot mails a code to one address at most once a minute.
        stage.portal.portal.generate(4)
        yield stage


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(stage: Stage) -> AsyncIterator["Browser"]:
    """One Chromium for all tests."""
    from playwright.async_api import async_playwright, expect

    expect.set_options(timeout=PATIENCE_MS)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def visit(request: pytest.FixtureRequest, stage: Stage, browser: "Browser") -> AsyncIterator["Visit"]:
    """A tab of a new browser profile; fails on an error in the console."""
    from tests.browser.visit import Visit, heal

    async with await browser.new_context(
        viewport={"width": 1440, "height": 900}, locale="fr-CA", accept_downloads=True
    ) as context:
        context.set_default_timeout(PATIENCE_MS)
        visit = Visit(stage, context, await context.new_page(), request.config.getoption("--pictures"))
        await visit.open()
        yield visit
        await heal(stage)
        assert [each for each in visit.errors if not re.search(visit.expected, each)] == []
