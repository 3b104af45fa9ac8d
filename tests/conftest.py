"""Fixtures for all tests: no network beyond loopback, databases, and a scene for conversations."""

import asyncio
import ipaddress
import os
import shutil
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from cryptography.fernet import Fernet
from hypothesis import settings

from storage import migrations
from storage.database import Database
from storage.vault import Vault
from tests.postgres.server import PostgresServer, postgres_server
from tests.scene import Scene
from tests.storage import opened
from texts.catalogue import use_texts

ENGINES = ("sqlite", "postgresql", "mariadb")
"""MariaDB is for the portal of SQL views only, tests/portal/sql: Odobot keeps nothing in one."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--engine", choices=ENGINES, default="sqlite", help="the database that the tests run on")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "sqlite: about SQLite itself, left out on another engine")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--engine") == "sqlite":
        return
    kept = [item for item in items if not item.get_closest_marker("sqlite") and _uses_a_database(item)]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(kept)])
    items[:] = kept


def _uses_a_database(item: pytest.Item) -> bool:
    """Whether the test differs between the engines; ``make test`` runs the others already."""
    return not {"engine", "postgres", "new_database"}.isdisjoint(getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session")
def engine(request: pytest.FixtureRequest) -> str:
    """``sqlite`` or ``postgresql``."""
    return str(request.config.getoption("--engine"))


# No deadline for each example, because the machine may be busy: the test's own timeout applies.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.fixture(autouse=True)
def only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail a test that connects to anything but loopback."""
    connect = socket.socket.connect

    def guarded(sock: socket.socket, address: Any) -> None:
        if sock.family in (socket.AF_INET, socket.AF_INET6) and not ipaddress.ip_address(address[0]).is_loopback:
            pytest.fail(f"the network was asked for: {address}")
        connect(sock, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(autouse=True)
def shipped_texts() -> Iterator[None]:
    """Take back what a bot of the test set for the whole process: the company's texts, and features that are off."""
    yield
    use_texts({}, "fr")


@pytest.fixture(autouse=True)
def no_cached_loggers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a test that sets the logs up leave no logger behind that ``capture_logs`` does not reach.

    Tracebacks are printed without local variables: Rich takes seconds for those of the bot, in the event loop.
    """
    structlog.reset_defaults()
    renderer = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], renderer])
    configure = structlog.configure

    def uncached(**options: Any) -> None:
        configure(**{**options, "cache_logger_on_first_use": False})

    monkeypatch.setattr(structlog, "configure", uncached)


@pytest.fixture(autouse=True)
def umask_as_it_was() -> Iterator[None]:
    """Restore the umask: the command line sets it for the whole process, which is the tests' own."""
    before = os.umask(0o022)
    os.umask(before)
    yield
    os.umask(before)


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An up-to-date SQLite database to copy, so that migrations run once."""
    path = tmp_path_factory.mktemp("database") / "empty.db"

    async def make() -> None:
        database = Database(f"sqlite+aiosqlite:///{path}", Vault([Fernet.generate_key().decode()]))
        await migrations.upgrade(database.engine)
        await database.close()

    asyncio.run(make())
    return path


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server for the session, started when the first test asks for it."""
    with postgres_server() as server:
        yield server


@pytest.fixture
def new_database(
    engine: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], str]]:
    """A function that creates an up-to-date database on the chosen engine and returns its URL."""
    made: list[str] = []

    def make() -> str:
        if engine == "postgresql":
            made.append(request.getfixturevalue("postgres").create())
            return made[-1]
        path = tmp_path_factory.mktemp("odobot") / "odobot.db"
        shutil.copy(request.getfixturevalue("empty_database"), path)
        return f"sqlite+aiosqlite:///{path}"

    yield make
    for url in made:
        request.getfixturevalue("postgres").drop(url)


@pytest.fixture
def database_url(new_database: Callable[[], str]) -> str:
    """The URL of the test's own up-to-date database."""
    return new_database()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """The test's own database, opened."""
    async with opened(database_url) as database:
        yield database


@pytest.fixture
async def scene(database_url: str) -> AsyncIterator[Scene]:
    """Telegram, portal and mailbox on loopback, and the real bot on a new database."""
    async with Scene(database_url) as scene:
        yield scene
        assert scene.telegram.world.log.lint == []
