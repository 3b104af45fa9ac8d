"""``odobot run`` as a process: SIGTERM ends it within ten seconds in every state, a second one at once."""

import asyncio
import json
import signal
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from sandbox.mail.faults import Act, Fault, Stage
from sandbox.portal.faults import Fault as PortalFault, FaultKind
from sandbox.serving import free_port
from sandbox.stage import BotProcess
from tests.bot.small_disk import small_disk
from tests.postgres.server import PostgresServer
from tests.scene import Scene
from tests.storage import copied, url_of

SOON = 40.0
"""Seconds for a start; generous, because the machine may be busy."""
STOP_SECONDS = 10.0


class Process(BotProcess):
    """``odobot run`` with a log of JSON lines."""

    def lines(self, event: str) -> list[dict[str, Any]]:
        """Return the log lines of an event, as written so far."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        found = [json.loads(line) for line in text.splitlines() if line.startswith("{") and line.endswith("}")]
        return [line for line in found if line["event"] == event]

    async def wait_for(self, event: str, **facts: object) -> dict[str, Any]:
        """Wait for a log line, and return it."""
        deadline = time.monotonic() + SOON
        while True:
            for line in self.lines(event):
                if facts.items() <= line.items():
                    return line
            assert time.monotonic() < deadline, self.log.read_text()[-3000:]
            assert self._process is not None
            assert self._process.returncode is None, self.log.read_text()[-3000:]
            await asyncio.sleep(0.05)

    def send(self, number: signal.Signals = signal.SIGTERM) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    async def end(self) -> tuple[int, float]:
        """Wait for the end. Returns: exit code, and seconds until it."""
        assert self._process is not None
        began = time.monotonic()
        async with asyncio.timeout(STOP_SECONDS * 3):
            code = await self._process.wait()
        return code, time.monotonic() - began

    def kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()


class ProcessScene(Scene):
    """A scene whose bot is a process; the tests start it."""

    def __init__(self, database_url: str, folder: Path) -> None:
        super().__init__(database_url)
        self.process: Process
        self._folder = folder

    async def start_bot(self, **settings: Any) -> None:
        """Make the process, without starting it."""
        given = {
            **self.process_settings,
            "listen": f"127.0.0.1:{free_port()}",
            "admin_listen": "127.0.0.1:0",
        } | settings
        self.process = Process(self._folder, {f"ODOBOT_{name.upper()}": value for name, value in given.items()})

    async def stop_bot(self) -> None:
        self.process.kill()

    async def started(self) -> None:
        """Start the process, and wait until it has started."""
        await self.process.start()
        await self.process.wait_for("odobot.started")


@pytest.fixture
async def stage(database_url: str, tmp_path: Path) -> AsyncIterator[ProcessScene]:
    async with ProcessScene(database_url, tmp_path) as stage:
        yield stage


async def stopped(process: Process) -> float:
    """Send SIGTERM, and assert a stop in time with exit code 0. Returns: its seconds."""
    process.send()
    code, seconds = await process.end()
    assert code == 0, process.log.read_text()[-3000:]
    assert seconds < STOP_SECONDS + 1, seconds  # the machine may be busy
    assert process.lines("odobot.stopping")
    return seconds


async def test_stop_while_the_start_waits(stage: ProcessScene) -> None:
    await stage.telegram.go_down()
    await stage.process.start()
    await stage.process.wait_for("start.away", part="telegram")
    assert await stopped(stage.process) < 5
    assert stage.process.lines("odobot.stopped")


async def test_second_signal_ends_at_once(stage: ProcessScene) -> None:
    await stage.started()
    camille = stage.person()
    stage.telegram.world.faults.add("hang_before", method="sendMessage", count=None)
    camille.start()
    await until(lambda: bool(stage.telegram.world.faults.rules[0].met))
    stage.process.send(signal.SIGTERM)
    await stage.process.wait_for("odobot.stopping")
    stage.process.send(signal.SIGINT)
    code, seconds = await stage.process.end()
    assert code == 128 + signal.SIGINT
    assert seconds < 3
    assert stage.process.lines("odobot.ended_at_once")


async def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SOON
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


@pytest.mark.timeout(150)
async def test_stop_while_every_neighbour_hangs(stage: ProcessScene) -> None:
    """Updates and notices are drained at the same time, and what is left is counted."""
    await stage.started()
    camille, luc = await stage.linked(notices=True), stage.person(first_name="Luc")
    hang = stage.telegram.world.faults.add("hang_before", method="sendMessage", count=None)
    stage.portal.portal.issue_invoice("a-2001", amount="40.19", number="212381")
    await until(lambda: hang.met == 1)  # the notice is being sent
    stage.portal.faults.set(PortalFault(FaultKind.SLOW, seconds=3600))
    stage.mailbox.fail(Fault(Stage.CONNECT, Act.HANG))
    camille.say("/factures")
    for each in range(5):
        luc.say(f"text {each}")
    await until(lambda: hang.met >= 2)
    await stopped(stage.process)
    stage.portal.faults.clear()


@pytest.mark.timeout(150)
async def test_stop_while_the_database_is_frozen(
    stage: ProcessScene, engine: str, request: pytest.FixtureRequest
) -> None:
    if engine != "postgresql":
        pytest.skip("about PostgreSQL")
    server: PostgresServer = request.getfixturevalue("postgres")
    await stage.started()
    camille = stage.person()
    server.freeze()
    try:
        camille.start()
        await stage.process.wait_for("database.unusable")
        stage.process.send()
        code, seconds = await stage.process.end()
        assert (code, seconds < STOP_SECONDS + 1) == (0, True)
        await stage.process.start()  # a start waits, and ends, too
        await stage.process.wait_for("start.away", part="database")
        stage.process.send()
        code, seconds = await stage.process.end()
        assert (code, seconds < STOP_SECONDS + 1) == (0, True)
    finally:
        server.thaw()


@pytest.mark.sqlite
async def test_start_on_a_full_disk_says_one_line(stage: ProcessScene, tmp_path: Path, empty_database: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        path = copied(empty_database, disk.folder)
        disk.fill()
        await stage.start_bot(database_url=url_of(path), log_level="CRITICAL")
        await stage.process.start()
        code, _ = await stage.process.end()
    assert code == 1
    assert stage.process.log.read_text() == "ODOBOT_DATABASE_URL: the disk is full: free some space\n"
