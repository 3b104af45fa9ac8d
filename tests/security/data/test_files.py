"""Files with secrets and personal data are readable only by their owner, with any umask."""

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from typer.testing import CliRunner

from bot.cli import cli
from storage import migrations
from storage.database import Database, is_open_to_others, sqlite_file
from storage.vault import Vault
from tests.bot.test_cli import Servers, Shell, findings, servers, shell
from tests.storage import a_key, opened, url_of

__all__ = ["servers", "shell"]

ROOT = Path(__file__).parents[3]
ENDS = ("", "-wal", "-shm")
pytestmark = pytest.mark.sqlite


@pytest.fixture(params=[0o022, 0o000], ids=["022", "000"], autouse=True)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


@pytest.fixture(autouse=True)
def fresh_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the module's logger, which another test's logging may have bound."""
    monkeypatch.setattr("storage.database.log", structlog.get_logger())


def modes(folder: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir() if path.is_file()}


async def written_to(database: Database) -> None:
    await migrations.upgrade(database.engine)
    async with database.write():
        pass
    async with database.read():
        pass


async def test_new_database_file_is_private(tmp_path: Path) -> None:
    """The database, its write-ahead log and the log's index have mode 0600 under umask 022."""
    async with opened(url_of(tmp_path / "odobot.db")) as database:
        await written_to(database)
        assert modes(tmp_path) == {f"odobot.db{end}": 0o600 for end in ENDS}


async def test_existing_database_file_is_made_private(tmp_path: Path) -> None:
    """The permissions of an existing database are tightened, with one log line."""
    path = tmp_path / "odobot.db"
    async with opened(url_of(path)) as database:
        await written_to(database)
        for end in ENDS:
            path.with_name(path.name + end).chmod(0o644)
        with structlog.testing.capture_logs() as logs:
            async with opened(url_of(path)) as second:
                await written_to(second)
        assert modes(tmp_path) == {f"odobot.db{end}": 0o600 for end in ENDS}
    assert [each["event"] for each in logs] == ["database.made_private"]
    with structlog.testing.capture_logs() as logs:
        async with opened(url_of(path)) as database:
            await written_to(database)
    assert logs == []


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="Linux lists locks there")
async def test_tightening_permissions_keeps_database_locks(tmp_path: Path) -> None:
    """Opening and closing the file would drop the locks that this process holds on it."""
    path = tmp_path / "odobot.db"
    async with opened(url_of(path)) as database:
        await written_to(database)
        before = locks_on(path)
        assert before
        path.chmod(0o644)
        async with opened(url_of(path)):
            assert locks_on(path) == before


def locks_on(path: Path) -> list[list[str]]:
    """Return this process's POSIX locks on a file, as Linux lists them, without their ordinal number."""
    lines = [line.split()[1:] for line in Path("/proc/locks").read_text().splitlines()]
    mine = [line for line in lines if str(os.getpid()) in line]
    return sorted(line for line in mine if line[4].endswith(f":{path.stat().st_ino}"))


async def test_failure_to_tighten_permissions_is_logged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "odobot.db"
    path.touch()
    path.chmod(0o644)

    def refuse(_path: Path, _mode: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "chmod", refuse)  # as for another user's file; the tests may run as root
    with structlog.testing.capture_logs() as logs:
        async with opened(url_of(path)) as database:
            await written_to(database)
    assert [each["event"] for each in logs] == ["database.open_to_others"]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("sqlite+aiosqlite:///odobot.db", Path("odobot.db")),
        ("sqlite+aiosqlite:////var/lib/odobot.db", Path("/var/lib/odobot.db")),
        ("sqlite+aiosqlite://", None),
        ("sqlite+aiosqlite:///:memory:", None),
        ("sqlite+aiosqlite:///file:x.db?uri=true", None),
        ("postgresql+asyncpg://u:p@127.0.0.1/odobot", None),
    ],
)
def test_database_file_of_a_url(url: str, expected: Path | None) -> None:
    assert sqlite_file(url) == expected


def test_missing_folder_is_reported_by_the_connection(tmp_path: Path) -> None:
    Database(url_of(tmp_path / "nowhere" / "odobot.db"), Vault([a_key()]))
    assert modes(tmp_path) == {}
    assert not is_open_to_others(tmp_path / "nowhere")


def test_every_command_sets_the_umask() -> None:
    CliRunner().invoke(cli, ["new-key"])
    assert os.umask(0o022) == 0o077


async def test_migrate_makes_only_private_files(servers: Servers, shell: Shell) -> None:
    fresh = shell.folder / "fresh"
    fresh.mkdir()
    result = await shell.run("migrate", database_url=url_of(fresh / "new.db"))
    assert result.code == 0
    assert set(modes(fresh).values()) == {0o600}


async def test_run_makes_only_private_files(servers: Servers, shell: Shell) -> None:
    fresh = shell.folder / "fresh"
    fresh.mkdir()
    camille = servers.telegram.world.create_person(first_name="Camille", language_code="fr")
    camille.start()
    async with shell.process("run", database_url=url_of(fresh / "odobot.db")):
        await camille.wait_for_message(timeout=30)
        assert modes(fresh) == {f"odobot.db{end}": 0o600 for end in ENDS}


async def test_check_reports_a_readable_env_file(servers: Servers, shell: Shell) -> None:
    env = shell.folder / ".env"
    env.touch()
    for mode, is_told in ((0o600, False), (0o644, True), (0o640, True), (0o400, False)):
        env.chmod(mode)
        result = await shell.run("check")
        lines = [line for line in result.out.splitlines() if line.startswith("warn")]
        assert [".env" in line and "chmod 600 .env" in line for line in lines] == [True] * is_told, oct(mode)
        assert result.code == 0


async def test_check_reports_a_readable_database(
    servers: Servers, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    servers.database.chmod(0o644)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "chmod", lambda _path, _mode: (_ for _ in ()).throw(PermissionError(1, "no")))
        result = await shell.run("check")
    (line,) = [line for line in result.out.splitlines() if line.startswith("warn")]
    assert str(servers.database) in line
    assert result.code == 0
    assert set(findings(await shell.run("check")).values()) == {True}  # by now it could be made private


def test_readme_creates_a_private_env_file(tmp_path: Path, umask: int) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^ +(.*\.env\.example \.env)\b", readme, re.MULTILINE)
    assert "cp .env" not in readme
    (tmp_path / ".env.example").write_text("X=1")
    assert os.waitstatus_to_exitcode(os.system(f"cd {tmp_path} && {command}")) == 0
    assert modes(tmp_path)[".env"] == 0o600
