"""The start waits for Telegram and for the database, and ends with one line where waiting does not help."""

import asyncio
import os
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from bot import starting
from bot.process import running
from bot.starting import StartError
from sandbox.serving import free_port
from storage import chats
from tests.bot.small_disk import small_disk
from tests.postgres.server import PostgresServer
from tests.scene import Scene
from tests.storage import NOW, copied, opened, url_of

SOON = 20.0


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starting, "_FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(starting, "_LONGEST_PAUSE_SECONDS", 0.1)


@asynccontextmanager
async def waiting_start(scene: Scene, **settings: Any) -> AsyncIterator[list[str]]:
    """Start the bot beside the body, which gets the reasons of /readyz while it waits; then wait for the start."""
    admin = f"127.0.0.1:{free_port()}"
    start = asyncio.create_task(scene.start_bot(admin_listen=admin, **settings))
    try:
        yield await reasons(admin)
        async with asyncio.timeout(SOON):
            await start
    finally:
        start.cancel()
        await asyncio.gather(start, return_exceptions=True)


async def reasons(admin: str) -> list[str]:
    """Return the reasons once /readyz names a part that the start waits for; /healthz answers, too."""
    deadline = time.monotonic() + SOON
    async with httpx.AsyncClient(trust_env=False, base_url=f"http://{admin}") as client:
        while time.monotonic() < deadline:
            await asyncio.sleep(0.02)
            try:
                ready, healthy = await client.get("/readyz"), await client.get("/healthz")
                metrics = await client.get("/metrics")
            except httpx.TransportError:
                continue
            assert (ready.status_code, healthy.status_code, metrics.status_code) == (503, 200, 200)
            found: list[str] = ready.json()["reasons"]
            if "waits for" in found[0]:
                return found
    pytest.fail("the start does not wait")


def lines(logs: Any, event: str) -> list[str]:
    return [line["part"] for line in logs if line["event"] == event]


async def test_start_waits_for_telegram(scene: Scene) -> None:
    camille = scene.person()
    await scene.stop_bot()
    await scene.telegram.go_down()
    camille.start()
    with capture_logs() as logs:
        async with waiting_start(scene) as said:
            assert said == [
                "start: waits for telegram: no answer at ODOBOT_TELEGRAM_API_URL (NotConnected): "
                "look at the network, and at Telegram"
            ]
            await scene.telegram.come_back()
    assert (lines(logs, "start.away"), lines(logs, "start.there")) == (["telegram"], ["telegram"])
    assert "Odotrack" in (await camille.wait_for_message(timeout=SOON)).text


@pytest.mark.parametrize(
    "faults",
    [
        [{"kind": "gateway", "status": 404, "count": 5}],
        [{"kind": "gateway", "status": 401, "count": 5}],
        [{"kind": "gateway", "status": 502, "count": 5}],
        [{"kind": "error", "status": 500, "description": "Internal Server Error", "count": 5}],
        [{"kind": "error", "status": 401, "description": "Unauthorized", "count": 2}],
        [{"kind": "error", "status": 404, "description": "Not Found", "count": 2}],
        [{"kind": "error", "status": 401, "description": "Unauthorized", "count": 2}, {"kind": "close_before"}] * 2,
        [{"kind": "retry_after", "retry_after": 1}],
        [{"kind": "reset_before", "count": 5}],
    ],
    ids=lambda faults: "-".join(f"{fault['kind']}{fault.get('status', '')}" for fault in faults),
)
async def test_start_outlasts_failures_of_get_me(scene: Scene, faults: list[dict[str, Any]]) -> None:
    await scene.stop_bot()
    for fault in faults:
        scene.telegram.world.faults.add(**fault, method="getMe")
    began = time.monotonic()
    await scene.start_bot()
    assert scene.telegram.world.faults.rules == []
    assert time.monotonic() - began >= sum(fault.get("retry_after", 0) for fault in faults)
    assert scene.components.application.running


async def test_token_refused_three_times_ends_the_start(scene: Scene) -> None:
    await scene.stop_bot()
    since = scene.telegram.world.log.count
    scene.telegram.world.faults.add("error", method="getMe", status=401, description="Unauthorized", count=3)
    with pytest.raises(StartError, match=r"^ODOBOT_TELEGRAM_TOKEN: Telegram does not know this token$"):
        await scene.start_bot()
    assert len(scene.telegram.world.log.find(method="getMe", since=since)) == 3
    await scene.start_bot()


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "retry_after", "retry_after": 1},
        {"kind": "gateway", "status": 502, "count": 3},
        {"kind": "error", "status": 500, "description": "Internal Server Error", "count": 3},
        {"kind": "gateway", "status": 400, "count": 3},
    ],
    ids=lambda fault: f"{fault['kind']}-{fault.get('status', '')}",
)
async def test_start_outlasts_failures_of_set_webhook(scene: Scene, fault: dict[str, Any]) -> None:
    await scene.stop_bot()
    rule = scene.telegram.world.faults.add(**fault, method="setWebhook")
    port = free_port()
    await scene.start_bot(listen=f"127.0.0.1:{port}", webhook_url=f"http://127.0.0.1:{port}")
    assert rule.count == 0
    camille = scene.person()
    camille.start()
    assert "Odotrack" in (await camille.wait_for_message(timeout=SOON)).text


async def test_refused_webhook_ends_the_start(scene: Scene) -> None:
    await scene.stop_bot()
    rule = {"status": 400, "description": "Bad Request: bad webhook: failed to resolve host"}
    scene.telegram.world.faults.add("error", method="setWebhook", **rule)
    with pytest.raises(StartError, match=r"^ODOBOT_WEBHOOK_URL: Telegram refuses it .*resolve host"):
        await scene.start_bot(webhook_url="https://nowhere.example.test")
    await scene.start_bot(webhook_url="")


async def refused(scene: Scene, database_url: str) -> str:
    """Return the line with which a start on a database ends."""
    settings = scene.settings.model_copy(update={"database_url": database_url, "admin_listen": "127.0.0.1:0"})
    settings = settings.model_copy(update={"listen": "127.0.0.1:0"})
    with pytest.raises(StartError) as raised:
        async with running(settings):
            raise AssertionError("it began")
    line = str(raised.value)
    assert line.startswith("ODOBOT_DATABASE_URL: ")
    assert "\n" not in line
    return line.removeprefix("ODOBOT_DATABASE_URL: ")


@pytest.mark.sqlite
async def test_unusable_files_end_the_start(scene: Scene, tmp_path: Path, empty_database: Path) -> None:
    assert "directory does not exist" in await refused(scene, url_of(tmp_path / "nowhere" / "odobot.db"))
    (tmp_path / "folder.db").mkdir()
    assert "is a directory" in await refused(scene, url_of(tmp_path / "folder.db"))
    (tmp_path / "letter.db").write_text("Dear customer, " * 1000)
    assert "not an SQLite database" in await refused(scene, url_of(tmp_path / "letter.db"))
    path = copied(empty_database, tmp_path)
    with path.open("r+b") as damaged:
        damaged.seek(100)  # the header is left
        damaged.write(os.urandom(path.stat().st_size - 100))
    assert "the file is damaged: restore a backup" in await refused(scene, url_of(path))


@pytest.mark.sqlite
async def test_disk_problems_end_the_start(scene: Scene, tmp_path: Path, empty_database: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        path = copied(empty_database, disk.folder)
        async with opened(url_of(path)) as database, database.write() as session:
            await chats.ensure(session, 1, NOW)
        disk.fill()
        assert "the disk is full" in await refused(scene, url_of(path))
        assert "the disk is full" in await refused(scene, url_of(disk.folder / "new.db"))
    with small_disk(tmp_path / "other") as disk:
        path = copied(empty_database, disk.folder)
        disk.make_read_only()
        assert "the file system is read-only" in await refused(scene, url_of(path))
        assert "the file system is read-only" in await refused(scene, url_of(disk.folder / "another.db"))


@pytest.fixture
def server(engine: str, request: pytest.FixtureRequest) -> PostgresServer:
    if engine != "postgresql":
        pytest.skip("about PostgreSQL")
    server = request.getfixturevalue("postgres")
    assert isinstance(server, PostgresServer)
    return server


async def test_start_waits_for_a_server_that_is_away(server: PostgresServer, scene: Scene) -> None:
    await scene.stop_bot()
    await asyncio.to_thread(server.stop)
    try:
        with capture_logs() as logs:
            async with waiting_start(scene) as said:
                assert said == [
                    "start: waits for database: the server cannot be reached (ConnectionRefusedError): "
                    "look whether it runs"
                ]
                await asyncio.to_thread(server.start)
    finally:
        if not scene.components.application.running:
            await asyncio.to_thread(server.start)
    assert (lines(logs, "start.away"), lines(logs, "start.there")) == (["database"], ["database"])


async def test_start_waits_for_a_frozen_server(
    server: PostgresServer, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starting, "_DATABASE_SECONDS", 1.0)
    monkeypatch.setitem(starting.use_database.__kwdefaults__, "seconds", 1.0)
    await scene.stop_bot()
    server.freeze()
    try:
        async with waiting_start(scene) as said:
            assert said == ["start: waits for database: the server does not answer: look whether it runs"]
            server.thaw()
    finally:
        server.thaw()


async def test_missing_database_ends_the_start(server: PostgresServer, scene: Scene) -> None:
    line = await refused(scene, server.url("nowhere"))
    assert line == "the server has no such database: create it, then run odobot migrate (SQLSTATE 3D000)"
    assert "refuses the user" in await refused(scene, scene.database_url.replace("odobot@", "somebody@"))


async def test_start_does_not_need_portal_and_mail(scene: Scene) -> None:
    """It says once that they are away, and once that they are there."""
    await scene.stop_bot()
    await scene.portal.stop()
    await scene.mailbox.go_down()
    await scene.start_bot()
    with capture_logs() as logs:
        async with starting.reporting_absences(scene.components):
            deadline = time.monotonic() + SOON
            while len(lines(logs, "start.away")) < 2:
                assert time.monotonic() < deadline
                await asyncio.sleep(0.02)
            await scene.portal.start()
            await scene.mailbox.come_back()
            while len(lines(logs, "start.there")) < 2:
                assert time.monotonic() < deadline
                await asyncio.sleep(0.02)
    assert sorted(lines(logs, "start.away")) == sorted(lines(logs, "start.there")) == ["mail server", "portal"]


@pytest.mark.sqlite
async def test_copy_is_not_the_opened_file(scene: Scene, tmp_path: Path) -> None:
    """A running bot whose file is replaced is not ready."""
    database = scene.components.database
    assert database.file is not None
    shutil.copy(database.file, tmp_path / "copy.db")
    (tmp_path / "copy.db").replace(database.file)
    deadline = time.monotonic() + SOON
    async with httpx.AsyncClient(trust_env=False, base_url=scene.admin_url) as client:
        while "replaced by another" not in (answer := (await client.get("/readyz")).text):
            assert time.monotonic() < deadline, answer
            await asyncio.sleep(0.2)
        assert "odobot_database_usable 0.0" in (await client.get("/metrics")).text
