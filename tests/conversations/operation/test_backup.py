"""Back up while the bot runs, and restore, as docs/operating.md describes."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.postgres.server import PostgresServer
from tests.scene import Scene
from tests.storage import file_of, url_of

BACKUP = {
    "backup": "import sqlite3, sys; sqlite3.connect(sys.argv[1]).backup(sqlite3.connect(sys.argv[2]))",
    "vacuum": "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('VACUUM INTO ?', (sys.argv[2],))",
}


@pytest.mark.sqlite
@pytest.mark.parametrize("how", BACKUP)
async def test_sqlite_backup_while_running_is_restored(scene: Scene, tmp_path: Path, how: str) -> None:
    before = await scene.linked(first_name="Avant")
    await scene.settled()  # else the copy would answer the last tap once more
    copy = tmp_path / "backup.db"
    # In its own process, as cron does it, while the bot runs.
    done = subprocess.run(  # noqa: ASYNC221
        [sys.executable, "-c", BACKUP[how], file_of(scene.database_url), copy], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    checked = sqlite3.connect(copy)
    assert checked.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    checked.close()
    after = await scene.linked(email="flotte@example.test", first_name="Après")

    await scene.stop_bot()
    scene.database_url = url_of(copy)
    await scene.start_bot()
    assert "212380" in (await scene.say(before, "/factures")).text
    assert "pas encore liée" in (await scene.say(after, "/factures")).text


@pytest.fixture
def server(engine: str, request: pytest.FixtureRequest) -> PostgresServer:
    if engine != "postgresql":
        pytest.skip("about PostgreSQL: make test-postgres")
    server: PostgresServer = request.getfixturevalue("postgres")
    return server


async def test_postgresql_backup_while_running_is_restored(
    scene: Scene, tmp_path: Path, server: PostgresServer
) -> None:
    before = await scene.linked(first_name="Avant")
    await scene.settled()  # else the copy would answer the last tap once more
    dump = str(tmp_path / "odobot.dump")
    server.run("pg_dump", "--format=custom", "--file", dump, scene.database_url.rpartition("/")[2])
    after = await scene.linked(email="flotte@example.test", first_name="Après")

    await scene.stop_bot()
    restored = server.create(migrated=False)
    server.run("pg_restore", "--exit-on-error", "--dbname", restored.rpartition("/")[2], dump)
    scene.database_url = restored
    await scene.start_bot()
    assert "212380" in (await scene.say(before, "/factures")).text
    assert "pas encore liée" in (await scene.say(after, "/factures")).text
    await scene.stop_bot()
    server.drop(restored)
