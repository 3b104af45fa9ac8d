"""The database is locked, full or away: people are answered when it is back, without an excuse."""

import asyncio
import sqlite3
import time

import pytest
from structlog.testing import capture_logs

from sandbox.portal.faults import Fault, FaultKind
from storage.inbox import Inbox
from tests.postgres.server import PostgresServer
from tests.scene import Scene
from tests.storage import file_of


async def test_full_disk_keeps_reads_answered(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the inbox cannot be written, nothing unhandled is confirmed, and people are answered."""
    camille, luc = await scene.linked(), await scene.linked("fr", "flotte@example.test", first_name="Luc")

    async def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with capture_logs() as logs, monkeypatch.context() as patch:
        patch.setattr(Inbox, "change", full)
        scene.portal.faults.set(Fault(FaultKind.SLOW, "*/contacts/c-1001/*", seconds=3))
        since = scene.telegram.world.events.sequence
        camille.say("/factures")
        for _ in range(3):
            began = time.monotonic()
            assert "34" in (await scene.say(luc, "/factures")).text
            assert time.monotonic() - began < 3
        await camille.wait_for_message(since=since, timeout=20)
    assert len([line for line in logs if line["event"] == "inbox.not_written"]) == 1
    scene.portal.faults.clear()
    assert "212380" in (await scene.say(camille, "/factures")).text


@pytest.mark.sqlite
async def test_write_waits_for_a_locked_file_without_excuse(scene: Scene) -> None:
    camille = await scene.linked()
    other = sqlite3.connect(file_of(scene.database_url), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    camille.say("/langue")
    await camille.wait_for_message(timeout=20)
    camille.tap("English")
    await asyncio.sleep(8)  # longer than SQLite's busy time-out
    other.execute("ROLLBACK")
    other.close()
    await camille.wait_for_message("English", timeout=30)
    assert "fonctionné" not in "".join(message.text for message in camille.chat().visible)


@pytest.mark.parametrize("mode", ["fast", "immediate", "stopped", "frozen"])
async def test_restarted_postgresql_costs_no_answer(
    engine: str, request: pytest.FixtureRequest, mode: str, database_url: str
) -> None:
    if engine == "sqlite":
        pytest.skip("about PostgreSQL itself")
    server: PostgresServer = request.getfixturevalue("postgres")
    async with Scene(database_url) as scene:
        camille = await scene.linked()
        since = scene.telegram.world.events.sequence
        numbers = [f"{900_000 + each}" for each in range(60)]

        async def type_all() -> None:
            for number in numbers:
                camille.say(number)
                await asyncio.sleep(0.05)

        typing = asyncio.create_task(type_all())
        await asyncio.sleep(0.5)
        if mode == "frozen":
            server.freeze()
            await asyncio.sleep(4)
            server.thaw()
        elif mode == "stopped":
            await asyncio.to_thread(server.stop)
            await asyncio.sleep(4)
            await asyncio.to_thread(server.start)
        else:
            await asyncio.to_thread(server.restart, mode)
        await typing
        await camille.wait_for_message(numbers[-1], since=since, timeout=40)
        said = [message.text for message in camille.chat().visible if message.from_bot]
        assert [number for number in numbers if not any(number in text for text in said)] == []
        assert not [text for text in said if "fonctionné" in text]


@pytest.mark.parametrize("mode", ["fast", "immediate"])
@pytest.mark.parametrize("language", ["fr", "en"])
async def test_postgresql_restarted_under_an_idle_process(
    engine: str, request: pytest.FixtureRequest, mode: str, language: str, database_url: str
) -> None:
    """Nobody writes meanwhile: the first text and the first tap afterwards are answered as ever."""
    if engine == "sqlite":
        pytest.skip("about PostgreSQL itself")
    server: PostgresServer = request.getfixturevalue("postgres")
    async with Scene(database_url) as scene:
        camille = await scene.linked(language)
        choice = await scene.say(camille, "/langue")
        await asyncio.sleep(2)  # the test's server writes commits to its log within a second
        await asyncio.to_thread(server.restart, mode)
        await asyncio.sleep(2)
        camille.say("212380")
        shown = await camille.wait_for_message("212380", timeout=30)
        assert "293" in shown.text
        await asyncio.to_thread(server.restart, mode)
        await asyncio.sleep(2)
        camille.tap({"fr": "English", "en": "Français"}[language], message=choice)
        await camille.wait_for_message({"fr": "in English", "en": "en français"}[language], timeout=30)
        said = [message.text for message in camille.chat().visible if message.from_bot]
        assert not [text for text in said if "fonctionné" in text or "went wrong" in text]
