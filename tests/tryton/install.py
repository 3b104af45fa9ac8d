"""Installs Tryton 8 and seeds a database, once: ``python -m tests.tryton.install``, as ``make test-tryton`` does."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.tryton.server import DATABASE, FIXTURE, Installed, installed, write_config

_OFFICE = "libreoffice-writer-nogui"


def main() -> None:
    """Install and seed what is missing, and print each step."""
    found = installed()
    if not shutil.which("soffice"):
        _install_office()
    if not (found.programs / "trytond").exists():
        _install_tryton(found)
    if not found.is_complete:
        _seed(found)


def _install_office() -> None:
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        sys.exit(f"Tryton prints PDFs with LibreOffice, which is missing. As root: apt-get install {_OFFICE}")
    _say("installing LibreOffice Writer from Debian")
    _run("apt-get", "update", "-qq")
    _run("apt-get", "install", "-y", "-qq", "--no-install-recommends", _OFFICE)


def _install_tryton(found: Installed) -> None:
    _say("installing Tryton 8 from PyPI")
    folder = found.programs.parent
    _run(sys.executable, "-m", "venv", "--clear", folder)
    try:
        _run(found.programs / "python", "-m", "pip", "install", "-q", "-r", FIXTURE / "requirements.txt")
    except SystemExit:
        shutil.rmtree(folder)
        raise


def _seed(found: Installed) -> None:
    """Seed a database in a temporary folder, which is moved into place when complete."""
    _say("making and seeding a database, about two minutes")
    found.database.parent.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=found.database.parent.parent) as name:
        folder = Path(name)
        config = write_config(folder, 0)
        (folder / f"{DATABASE}.sqlite").touch()  # an empty file is a new database
        password = os.urandom(16).hex()
        (folder / "password").write_text(password)
        admin = [
            found.programs / "trytond-admin",
            "-c",
            config,
            "-d",
            DATABASE,
            "-u",
            "sale",
            "--activate-dependencies",
        ]
        admin += ["--email", "admin@example.test", "-l", "en", "-l", "fr"]
        _run(*admin, environment={"TRYTONPASSFILE": str(folder / "password")})
        _run(found.programs / "python", FIXTURE / "seed.py", config, DATABASE, folder / "keys.json")
        keys = json.loads((folder / "keys.json").read_text()) | {"password": password}
        (folder / "keys.json").write_text(json.dumps(keys))
        made = found.database.parent
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir()
        for file in (folder / f"{DATABASE}.sqlite", folder / "keys.json"):
            file.rename(made / file.name)


def _run(*command: str | Path, environment: dict[str, str] | None = None) -> None:
    done = subprocess.run(
        command, env=os.environ | (environment or {}), stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(f"{Path(command[0]).name} failed:\n{(done.stdout + done.stderr)[-4000:]}")


def _say(words: str) -> None:
    sys.stdout.write(f"[{time.strftime('%H:%M:%S')}] {words}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
