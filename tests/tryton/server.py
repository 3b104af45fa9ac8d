"""A seeded Tryton server on loopback. Nothing here imports Tryton; see fixture/README.md."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from sandbox.serving import free_port

FIXTURE = Path(__file__).with_name("fixture")
CACHE = Path(__file__).parents[2] / ".cache" / "tryton"
DATABASE = "odotrack"
START_SECONDS = 40.0
STOP_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Tryton:
    """A running server. ``key`` is the key that a company gives to Odobot; the rest is the administrator's."""

    base_url: str
    key: str
    posting_key: str
    password: str

    @property
    def url(self) -> str:
        """The value of ``ODOBOT_PORTAL_URL``."""
        return f"tryton+{self.base_url}/{DATABASE}"


@dataclass(frozen=True, slots=True)
class Installed:
    """The result of ``python -m tests.tryton.install``; a change of the fixture's files gives other paths."""

    programs: Path
    database: Path
    keys: Path

    @property
    def is_complete(self) -> bool:
        """Whether the installation is complete."""
        return self.database.exists() and self.keys.exists() and (self.programs / "trytond").exists()


def installed() -> Installed:
    """Return the paths of the installation."""
    needs, whole = hashlib.sha256(), hashlib.sha256()
    needs.update((FIXTURE / "requirements.txt").read_bytes())
    for name in ("requirements.txt", "seed.py", "trytond.conf"):
        whole.update((FIXTURE / name).read_bytes())
    seeded = CACHE / f"seeded-{whole.hexdigest()[:12]}"
    return Installed(
        CACHE / f"venv-{needs.hexdigest()[:12]}" / "bin", seeded / f"{DATABASE}.sqlite", seeded / "keys.json"
    )


def write_config(folder: Path, port: int) -> Path:
    """Write the server's settings for a database in ``folder``."""
    text = (FIXTURE / "trytond.conf").read_text().replace("@PORT@", str(port)).replace("@FOLDER@", str(folder))
    config = folder / "trytond.conf"
    config.write_text(text)
    return config


@contextmanager
def running(folder: Path) -> Iterator[Tryton]:
    """Run a server on a copy of the seeded database until the block ends."""
    found = installed()
    shutil.copy(found.database, folder)
    port = free_port()
    config = write_config(folder, port)
    keys = json.loads(found.keys.read_text())
    with (folder / "trytond.log").open("ab") as log:
        process = subprocess.Popen(
            [found.programs / "trytond", "-c", config, "-d", DATABASE], stdout=log, stderr=log, start_new_session=True
        )
    try:
        base_url = f"http://127.0.0.1:{port}"
        _wait(process, f"{base_url}/{DATABASE}/rest/model/party.party", folder / "trytond.log")
        yield Tryton(base_url, keys["reads"], keys["posts"], keys["password"])
    finally:
        # The server may have started a LibreOffice: stop the whole session.
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    """Wait until the server answers (401, as no key is sent)."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"trytond ended with {process.returncode}: {log.read_text()[-2000:]}")
        try:
            if httpx.get(url, trust_env=False).status_code == httpx.codes.UNAUTHORIZED:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    raise RuntimeError(f"trytond did not answer in {START_SECONDS:g} s: {log.read_text()[-2000:]}")
