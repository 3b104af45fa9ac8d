"""Back up while the bot runs, and restore, as docs/operating.md describes."""

import sqlite3

import pytest

from tests.conversations.operation.backups import SQLITE, Backups, backups
from tests.scene import Scene

__all__ = ["backups"]


@pytest.mark.sqlite
@pytest.mark.parametrize("how", SQLITE)
async def test_sqlite_backup_while_running_is_restored(scene: Scene, backups: Backups, how: str) -> None:
    await restored_while_running(scene, backups, how)


async def test_postgresql_backup_while_running_is_restored(scene: Scene, backups: Backups, engine: str) -> None:
    if engine != "postgresql":
        pytest.skip("about PostgreSQL: make test-postgres")
    await restored_while_running(scene, backups)


async def restored_while_running(scene: Scene, backups: Backups, how: str = "") -> None:
    before = await scene.linked(first_name="Avant")
    await scene.settled()  # else the copy would answer the last tap once more
    backup = backups.make(scene.database_url, how)
    if how:
        checked = sqlite3.connect(backup)
        assert checked.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        checked.close()
    after = await scene.linked(email="flotte@example.test", first_name="Après")

    await scene.stop_bot()
    scene.database_url = backups.restore(backup)
    await scene.start_bot()
    assert "212380" in (await scene.say(before, "/factures")).text
    assert "pas encore liée" in (await scene.say(after, "/factures")).text
    await scene.stop_bot()
