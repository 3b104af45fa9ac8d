"""A package of an operator's own, installed beside Odobot from a real wheel, serves its portal without any change."""

import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bot.settings import PREFIX
from sandbox.mail.mailbox import Mailbox
from sandbox.serving import serve
from sandbox.telegram.server import TelegramServer
from tests.bot.test_cli import ODOBOT, TOKEN, Result, checked
from tests.bot.test_settings import KEY
from tests.portal.simple.test_example import EXAMPLE, KEY as ACME_KEY, Acme

PROJECT = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "odobot-acme"
version = "1.0"

[project.entry-points."odobot.portals"]
"acme+https" = "small_portal:ADAPTER"
"acme+http" = "small_portal:ADAPTER"

[tool.setuptools]
py-modules = ["small_portal"]
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel of the documentation's example, and install it. Returns: the folder that it is imported from."""
    source, wheels, target = (tmp_path_factory.mktemp(name) for name in ("source", "wheels", "packages"))
    (source / "pyproject.toml").write_text(PROJECT, encoding="utf-8")
    shutil.copy(EXAMPLE, source)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    without_network = ["--no-deps", "--no-index"]
    build = [*pip, "wheel", *without_network, "--no-build-isolation", "--wheel-dir", str(wheels), str(source)]
    subprocess.run(build, check=True, capture_output=True)
    [wheel] = wheels.glob("odobot_acme-1.0-*.whl")
    subprocess.run([*pip, "install", *without_network, "--target", str(target), str(wheel)], check=True)
    return target


async def odobot(installed: Path, folder: Path, *arguments: str, **settings: str) -> Result:
    """Run the installed command with the package. Returns: what it printed."""
    ours = {PREFIX + name.upper(): value for name, value in settings.items()}
    path = os.pathsep.join([str(installed), os.environ.get("PYTHONPATH", "")])
    environment = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    process = await asyncio.create_subprocess_exec(
        ODOBOT, *arguments, cwd=folder, env=environment | {"PYTHONPATH": path} | ours,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    return checked(process.returncode, out.decode(), err.decode())


async def test_portal_check_finds_nothing(installed: Path, tmp_path: Path) -> None:
    people = ("--email", "anna@example.test", "--other-email", "zed@example.test")
    async with serve(Acme().app()) as url:
        result = await odobot(
            installed, tmp_path, "portal-check", f"acme+{url}", *people, portal_token=ACME_KEY
        )  # fmt: skip
        refused = await odobot(installed, tmp_path, "portal-check", f"acme+{url}", *people)
    assert result.code == 0, result.out + result.err
    assert "BROKEN" not in result.out
    assert "those of the HTTP contract were not checked" in result.out
    assert refused.line == "ODOBOT_PORTAL_TOKEN: is required but not set: a key of Acme's settings page"


async def test_a_leak_of_the_system_is_found(installed: Path, tmp_path: Path) -> None:
    """The program sends everybody's bills without their owner, which no adapter can see; the check does."""
    acme = Acme()
    acme.mixes = True
    for each in acme.bills:
        del each["client"]
    people = ("--email", "anna@example.test", "--other-email", "zed@example.test")
    async with serve(acme.app()) as url:
        result = await odobot(
            installed, tmp_path, "portal-check", f"acme+{url}", *people, portal_token=ACME_KEY
        )  # fmt: skip
    assert result.code == 1
    assert "BROKEN" in result.out


async def test_bot_is_checked_with_it(installed: Path, tmp_path: Path) -> None:
    """``odobot check`` reads the settings, and asks the portal; a wrong URL is refused in the adapter's words."""
    async with TelegramServer() as telegram, Mailbox() as mailbox, serve(Acme().app()) as url:
        telegram.world.create_bot(TOKEN, username="odobot", first_name="Odobot")
        settings = {
            "company": "Acme",
            "telegram_token": TOKEN,
            "telegram_api_url": telegram.url,
            "portal_url": f"acme+{url}",
            "portal_token": ACME_KEY,
            "database_url": "sqlite+aiosqlite:///new.db",
            "smtp_url": mailbox.url,
            "mail_from": "odobot@acme.test",
            "stop_address": "stop@acme.test",
            "secret_keys": KEY,
        }
        assert (await odobot(installed, tmp_path, "migrate", **settings)).code == 0
        result = await odobot(installed, tmp_path, "check", **settings)
        wrong = await odobot(installed, tmp_path, "check", **settings | {"portal_url": "acme+https://me@host"})
    assert "ODOBOT_PORTAL_URL: the portal answers" in result.out, result.out + result.err
    assert wrong.err.startswith("ODOBOT_PORTAL_URL: expected acme+https://host")
