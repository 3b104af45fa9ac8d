"""Debian's MariaDB for the tests, in a temporary folder, on a free port of loopback."""

import itertools
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sandbox.serving import free_port

_USER = "odobot"
_PASSWORD = "secret-of-the-database"
_START_SECONDS = 50.0
# Nothing here outlives the tests: what a crash of the machine would lose may be lost.
_OPTIONS = (
    "--no-defaults", "--skip-log-bin", "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=128M",
    "--innodb-doublewrite=0", "--bind-address=127.0.0.1",
)  # fmt: skip


class Missing(Exception):
    """MariaDB is missing and cannot be installed; the message says what to do."""


class MariaServer:
    """One running server. ``odobot`` may do everything, over TCP with a password."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self.socket = folder / "socket"
        self.password = _PASSWORD
        self._numbers = itertools.count(1)

    def create(self, *, migrated: bool = False) -> str:
        """Create an empty database. Returns its URL for SQLAlchemy."""
        assert not migrated, "Odobot keeps nothing in a MariaDB"
        name = f"company_{os.getpid()}_{next(self._numbers)}"  # everybody may use a database test_…
        self.run(f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci")
        return f"mysql+asyncmy://{_USER}:{_PASSWORD}@127.0.0.1:{self.port}/{name}"

    def drop(self, url: str) -> None:
        """Drop a database."""
        self.run(f"DROP DATABASE IF EXISTS {url.rpartition('/')[2]}")

    def run(self, statement: str) -> None:
        """Run statements as the administrator."""
        client = ["mariadb", "--no-defaults", f"--socket={self.socket}", "--user=root", "--execute", statement]
        done = subprocess.run(client, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


@contextmanager
def maria_server() -> Iterator[MariaServer]:
    """Run a server in a temporary folder until the block ends."""
    _install()
    with tempfile.TemporaryDirectory(prefix="odobot-mariadb-", ignore_cleanup_errors=True) as name:
        folder, user = Path(name), []
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(folder, nobody.pw_uid, nobody.pw_gid)
            user = ["--user=nobody"]
        data = f"--datadir={folder / 'data'}"
        with (folder / "log").open("ab") as log:
            made = ["mariadb-install-db", "--no-defaults", data, "--auth-root-authentication-method=normal", *user]
            done = subprocess.run(made, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False)
            assert done.returncode == 0, (folder / "log").read_text(errors="replace")
            server = MariaServer(folder, free_port())
            own = (f"--port={server.port}", f"--socket={server.socket}", f"--pid-file={folder / 'pid'}", data, *user)
            process = subprocess.Popen(
                [_program("mariadbd"), *_OPTIONS, *own], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
            try:
                _wait(server, process)
                login = f"'{_USER}'@'127.0.0.1'"
                server.run(
                    f"CREATE USER {login} IDENTIFIED BY '{_PASSWORD}'; GRANT ALL ON *.* TO {login} WITH GRANT OPTION"
                )
                yield server
            finally:
                process.kill()
                process.wait()


def _wait(server: MariaServer, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            server.run("SELECT 1")
        except AssertionError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError((server.folder / "log").read_text(errors="replace"))


def _program(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if not found:
        raise Missing("these tests need a MariaDB server; on Debian, as root: apt-get install mariadb-server")
    return found


def _install() -> None:
    """Install the server if run as root."""
    if shutil.which("mariadb-install-db") or os.geteuid() != 0 or not shutil.which("apt-get"):
        return
    print("Installing MariaDB (once) ...", file=sys.stderr)  # noqa: T201
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    commands: Sequence[Sequence[str]] = (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-y", "-qq", "mariadb-server"],
    )
    for command in commands:
        subprocess.run(command, check=False, capture_output=True, env=environment)
