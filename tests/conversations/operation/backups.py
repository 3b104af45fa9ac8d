"""Backups of a running bot's database, made and restored as docs/operating.md describes."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres.server import PostgresServer
from tests.storage import file_of, url_of

SQLITE = {
    "backup": "import sqlite3, sys; sqlite3.connect(sys.argv[1]).backup(sqlite3.connect(sys.argv[2]))",
    "vacuum": "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('VACUUM INTO ?', (sys.argv[2],))",
}
"""The two ways for SQLite."""


class Backups:
    """Makes and restores backups in a folder.

    Args:
        server: The server of the database; None for SQLite.
    """

    def __init__(self, folder: Path, server: PostgresServer | None) -> None:
        self._folder = folder
        self._server = server
        self._restored: list[str] = []

    def make(self, url: str, how: str = "backup") -> Path:
        """Copy a database, also while the bot runs. Returns: the backup's path."""
        if self._server is not None:
            dump = self._folder / "odobot.dump"
            self._server.run("pg_dump", "--format=custom", "--file", str(dump), url.rpartition("/")[2])
            return dump
        copy = self._folder / "backup.db"
        # In its own process, as cron does it, while the bot runs.
        done = subprocess.run(
            [sys.executable, "-c", SQLITE[how], file_of(url), copy], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return copy

    def restore(self, backup: Path) -> str:
        """Restore a backup into a database of its own. Returns: its URL."""
        if self._server is None:
            return url_of(backup)
        url = self._server.create(migrated=False)
        self._restored.append(url)
        self._server.run("pg_restore", "--exit-on-error", "--dbname", url.rpartition("/")[2], str(backup))
        return url

    def drop(self) -> None:
        """Drop what was restored."""
        for url in self._restored:
            assert self._server is not None
            self._server.drop(url)


@pytest.fixture
def backups(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Backups]:
    """Backups of the chosen engine."""
    made = Backups(tmp_path, request.getfixturevalue("postgres") if engine == "postgresql" else None)
    yield made
    made.drop()
