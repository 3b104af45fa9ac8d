"""What every test gets: no network beyond this machine, and a scene to hold a conversation in."""

import asyncio
import ipaddress
import shutil
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from hypothesis import settings

from storage import migrations
from storage.database import Database
from storage.vault import Vault
from tests.scene import Scene

# A busy machine is no finding: what takes too long meets the time-out of the test.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.fixture(autouse=True)
def only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that reaches for the network fails."""
    connect = socket.socket.connect

    def guarded(sock: socket.socket, address: Any) -> None:
        if sock.family in (socket.AF_INET, socket.AF_INET6) and not ipaddress.ip_address(address[0]).is_loopback:
            pytest.fail(f"the network was asked for: {address}")
        connect(sock, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An up-to-date SQLite database to copy: walking the migrations once is enough."""
    path = tmp_path_factory.mktemp("database") / "empty.db"

    async def make() -> None:
        database = Database(f"sqlite+aiosqlite:///{path}", Vault([Fernet.generate_key().decode()]))
        await migrations.upgrade(database.engine)
        await database.close()

    asyncio.run(make())
    return path


@pytest.fixture
async def scene(tmp_path: Path, empty_database: Path) -> AsyncIterator[Scene]:
    """Telegram, portal and mailbox on loopback, and the real bot on a database of its own."""
    path = tmp_path / "odobot.db"
    shutil.copy(empty_database, path)
    async with Scene(f"sqlite+aiosqlite:///{path}") as scene:
        yield scene
        assert scene.telegram.world.log.lint == []
