"""Debian's PostgreSQL for the tests, in a temporary folder, on a free port of loopback."""

import asyncio
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from cryptography.fernet import Fernet

from sandbox.serving import free_port
from storage import migrations
from storage.database import Database
from storage.vault import Vault

_DEBIAN = Path("/usr/lib/postgresql")
_USER = "odobot"
_EMPTY = "empty"
# Nothing here outlives the tests: what a crash of the machine would lose may be lost.
_SETTINGS = (
    "fsync=off",
    "full_page_writes=off",
    "max_connections=200",
    "shared_buffers=64MB",
)


class Missing(Exception):
    """PostgreSQL is missing and cannot be installed; the message says what to do."""


class PostgresServer:
    """One running server. Databases are copies of an up-to-date template."""

    def __init__(self, programs: Path, folder: Path, port: int, *, keeps_commits: bool = False) -> None:
        self._programs = programs
        self.folder = folder
        self.port = port
        # Without it, an immediate stop loses the commits of the last 0.6 s.
        self._settings = (*_SETTINGS, f"synchronous_commit={'on' if keeps_commits else 'off'}")
        self._control = [programs / "pg_ctl", "-D", folder / "data", "-w", "-t", "30"]
        self._numbers = itertools.count(1)

    def url(self, name: str) -> str:
        """Return the value of ``ODOBOT_DATABASE_URL``."""
        return f"postgresql+asyncpg://{_USER}@127.0.0.1:{self.port}/{name}"

    def create(self, *, migrated: bool = True) -> str:
        """Create a database, up to date or empty. Returns its URL."""
        name = f"test_{os.getpid()}_{next(self._numbers)}"
        self.run("createdb", *(("--template", _EMPTY) if migrated else ()), name)
        return self.url(name)

    def drop(self, url: str) -> None:
        """Drop a database, also with open connections."""
        self.run("dropdb", "--force", "--if-exists", url.rpartition("/")[2])

    def run(self, program: str, *arguments: str) -> str:
        """Run one of PostgreSQL's programs on this server. Returns its output."""
        server = ("-h", "127.0.0.1", "-p", str(self.port), "-U", _USER)
        done = subprocess.run(
            [self._programs / program, *server, *arguments], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{program}: {done.stderr}"
        return done.stdout

    def start(self) -> None:
        """Start the server."""
        options = " ".join(f"-c {setting}" for setting in (*self._settings, f"unix_socket_directories={self.folder}"))
        listen = f"-h 127.0.0.1 -p {self.port} {options}"
        _as_nobody([*self._control, "-l", self.folder / "log", "-o", listen, "start"], self.folder)

    def stop(self, mode: str = "immediate") -> None:
        """Stop the server with a mode of ``pg_ctl``: ``immediate`` and ``fast`` close every connection."""
        _as_nobody([*self._control, "-m", mode, "stop"], self.folder)

    def restart(self, mode: str = "immediate") -> None:
        """Stop the server, and start it again."""
        self.stop(mode)
        self.start()

    def freeze(self) -> None:
        """Stop the server's processes (SIGSTOP): connections stay open, and nothing answers."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let the server's processes go on."""
        self._signal(signal.SIGCONT)

    def processes(self) -> list[int]:
        """Return the ids of the server's process and of its children, which serve the connections."""
        main = (self.folder / "data" / "postmaster.pid").read_text().splitlines()[0]
        children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
        return [int(main), *map(int, children)]

    def _signal(self, number: signal.Signals) -> None:
        for process in self.processes():
            with suppress(ProcessLookupError):
                os.kill(process, number)


@contextmanager
def postgres_server(*, keeps_commits: bool = False) -> Iterator[PostgresServer]:
    """Run a server in a temporary folder until the block ends.

    Args:
        keeps_commits: Whether a commit survives an immediate stop; slower.
    """
    programs = _programs()
    with tempfile.TemporaryDirectory(prefix="odobot-postgres-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        data, port = folder / "data", free_port()
        _as_nobody(
            [programs / "initdb", "-D", data, "-U", _USER, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"],
            folder,
        )
        server = PostgresServer(programs, folder, port, keeps_commits=keeps_commits)
        server.start()
        try:
            server.run("createdb", _EMPTY)
            _migrate(server.url(_EMPTY))
            yield server
        finally:
            server.thaw()
            server.stop()


def _programs() -> Path:
    """Return the folder of the newest server's programs; installs the server if run as root."""
    if found := _newest():
        return found
    if os.geteuid() == 0 and shutil.which("apt-get"):
        print("Installing PostgreSQL (once) ...", file=sys.stderr)  # noqa: T201
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "postgresql"]):
            subprocess.run(command, check=False, capture_output=True, env=environment)
        if found := _newest():
            return found
    raise Missing("these tests need a PostgreSQL server; on Debian, as root: apt-get install postgresql")


def _newest() -> Path | None:
    folders = [path.parent for path in _DEBIAN.glob("*/bin/initdb")]
    if folders:
        return max(folders, key=lambda folder: float(folder.parent.name))
    program = shutil.which("initdb")
    return Path(program).resolve().parent if program else None


def _as_nobody(command: Sequence[str | Path], folder: Path) -> None:
    """PostgreSQL refuses to run as root."""
    unprivileged = ["runuser", "-u", "nobody", "--"] if os.geteuid() == 0 else []
    # A server that is started here must not hold the pipes of pytest.
    with (folder / "commands").open("ab") as said:
        done = subprocess.run(
            [*unprivileged, *command], cwd=folder, stdin=subprocess.DEVNULL, stdout=said, stderr=said, check=False
        )
    assert done.returncode == 0, (folder / "commands").read_text(errors="replace")


def _migrate(url: str) -> None:
    async def walk() -> None:
        database = Database(url, Vault([Fernet.generate_key().decode()]))
        try:
            await migrations.upgrade(database.engine)
        finally:
            await database.close()

    asyncio.run(walk())
