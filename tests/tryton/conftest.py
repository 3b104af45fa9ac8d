"""A Tryton server for the tests of this folder: one for all of them, on a copy of the seeded database."""

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.scene import Scene
from tests.tryton.books import Books
from tests.tryton.server import Tryton, installed, running

WANTED = "ODOBOT_TEST_TRYTON"


@pytest.fixture(scope="session")
def tryton(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tryton]:
    """The server; skipped unless ``ODOBOT_TEST_TRYTON`` is set, because it takes minutes to install."""
    if not os.environ.get(WANTED):
        pytest.skip("a real Tryton is asked for with: make test-tryton")
    if not installed().is_complete:
        pytest.fail("Tryton is not installed, or its fixture has changed: make test-tryton")
    with running(tmp_path_factory.mktemp("tryton")) as server:
        yield server


@pytest.fixture
async def books(tryton: Tryton) -> AsyncIterator[Books]:
    """The company's staff in Tryton."""
    books = Books(tryton)
    yield books
    await books.aclose()


@pytest.fixture
async def scene(tryton: Tryton, tmp_path: Path, empty_database: Path) -> AsyncIterator[Scene]:
    """Telegram and a mailbox on loopback, and the real bot with the real Tryton."""
    path = tmp_path / "odobot.db"
    shutil.copy(empty_database, path)
    links = "login=https://odotrack.test/in Boutique_en_ligne=https://shop.odotrack.test/"
    settings = {"portal_url": tryton.url, "portal_token": tryton.key, "portal_links": links}
    async with Scene(f"sqlite+aiosqlite:///{path}", **settings) as scene:
        yield scene
        assert scene.telegram.world.log.lint == []
