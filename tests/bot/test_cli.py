"""The command line, as processes of their own, against the sandbox on loopback."""

import asyncio
import json
import os
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from typer.testing import CliRunner

from bot.cli import cli
from bot.settings import PREFIX
from sandbox.mail.mailbox import Mailbox
from sandbox.portal.faults import Fault, FaultKind
from sandbox.portal.server import PortalServer
from sandbox.telegram.server import TelegramServer
from storage import chats
from storage.database import Database
from storage.linking import links, proofs
from storage.linking.links import NewLink
from storage.vault import Vault
from tests.bot import logging_as_it_was
from tests.storage import EMAIL, NOW, copied

ODOBOT = Path(sys.executable).with_name("odobot")
TOKEN = "123456789:AAsandboxsandboxsandboxsandboxsandb"
PORTAL_TOKEN = "portal-token-of-the-test"
KEY = Fernet.generate_key().decode()


@dataclass
class Ended:
    """How a command ended."""

    code: int | None
    out: str
    err: str

    @property
    def line(self) -> str:
        """The one line on standard error."""
        (line,) = self.err.splitlines()
        return line


class Shell:
    """Runs ``odobot`` in a folder of its own, with the settings of the sandbox where there is one."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.settings: dict[str, str] = {}
        self._patch = patch

    def _environment(self, settings: dict[str, str]) -> dict[str, str]:
        ours = {PREFIX + name.upper(): value for name, value in (self.settings | settings).items()}
        return {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)} | ours

    async def run(self, *arguments: str, **settings: str) -> Ended:
        """A command in this process, beside the servers it asks: starting Python anew takes seconds."""
        with self._patch.context() as patch, logging_as_it_was():
            patch.chdir(self.folder)
            for name in [name for name in os.environ if name.startswith(PREFIX)]:
                patch.delenv(name)
            for name, value in self._environment(settings).items():
                patch.setenv(name, value)
            result = await asyncio.to_thread(CliRunner().invoke, cli, arguments)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return told(result.exit_code, result.stdout, result.stderr)

    @asynccontextmanager
    async def process(self, *arguments: str, **settings: str) -> AsyncIterator[asyncio.subprocess.Process]:
        """The installed command, as a process of its own."""
        process = await asyncio.create_subprocess_exec(
            ODOBOT, *arguments, cwd=self.folder, env=self._environment(settings),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
                await process.communicate()


def told(code: int | None, out: str, err: str) -> Ended:
    """How it ended, after a look for what must not be told."""
    assert [secret for secret in (TOKEN, PORTAL_TOKEN, KEY, "pass-word") if secret in out + err] == []
    return Ended(code, out, err)


async def end_of(process: asyncio.subprocess.Process) -> Ended:
    out, err = await process.communicate()
    return told(process.returncode, out.decode(), err.decode())


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    return Shell(tmp_path, monkeypatch)


class Outside:
    """What the bot meets: a Telegram, a portal, a mailbox and a database."""

    def __init__(self, shell: Shell, empty_database: Path) -> None:
        self.shell = shell
        self.telegram, self.portal, self.mailbox = TelegramServer(), PortalServer(PORTAL_TOKEN), Mailbox()
        self.database = copied(empty_database, shell.folder)

    def settle(self) -> None:
        self.telegram.world.create_bot(TOKEN, username="odobot", first_name="Odobot")
        self.shell.settings = {
            "telegram_token": TOKEN,
            "telegram_api_url": self.telegram.url,
            "portal_url": self.portal.url,
            "portal_token": PORTAL_TOKEN,
            "database_url": f"sqlite+aiosqlite:///{self.database}",
            "smtp_url": self.mailbox.url,
            "mail_from": "odobot@odotrack.test",
            "secret_keys": KEY,
        }


@pytest.fixture
async def outside(shell: Shell, empty_database: Path) -> AsyncIterator[Outside]:
    outside = Outside(shell, empty_database)
    async with AsyncExitStack() as stack:
        for server in (outside.telegram, outside.portal, outside.mailbox):
            await stack.enter_async_context(server)
        outside.settle()
        yield outside


COMMANDS = {"run": (), "check": (), "migrate": (), "unlink": ("--chat", "1")}


@pytest.mark.parametrize("command", COMMANDS)
async def test_without_settings_a_command_ends_with_one_line_that_names_the_first(shell: Shell, command: str) -> None:
    ended = await shell.run(command, *COMMANDS[command])
    assert (ended.code, ended.out) == (1, "")
    assert ended.line.startswith("ODOBOT_TELEGRAM_TOKEN: ")


async def test_the_installed_command_does_the_same(shell: Shell) -> None:
    async with shell.process("run") as process:
        ended = await end_of(process)
    assert (ended.code, ended.out) == (1, "")
    assert ended.line.startswith("ODOBOT_TELEGRAM_TOKEN: ")


async def test_version_is_the_installed_one(shell: Shell) -> None:
    """It needs no settings, and is what the package's metadata say."""
    ended = await shell.run("--version")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.strip() == f"odobot {metadata.version('odobot')}"


async def test_a_wrong_setting_ends_with_one_line(outside: Outside, shell: Shell) -> None:
    ended = await shell.run("run", log_level="LOUD")
    assert (ended.code, ended.out) == (1, "")
    assert ended.line.startswith("ODOBOT_LOG_LEVEL: ")


async def test_settings_are_read_from_a_file_in_the_folder(outside: Outside, shell: Shell) -> None:
    lines = (f'{PREFIX}{name.upper()}="{value}"' for name, value in shell.settings.items())
    (shell.folder / ".env").write_text("\n".join(lines))
    shell.settings = {}
    assert (await shell.run("check")).code == 0


STOPS = {
    "ODOBOT_TELEGRAM_TOKEN": {"telegram_token": "987654321:AAnobodynobodynobody"},
    "ODOBOT_TELEGRAM_API_URL": {"telegram_api_url": "http://127.0.0.1:9"},
}


@pytest.mark.parametrize(("part", "settings"), STOPS.items(), ids=STOPS)
async def test_run_names_the_part_that_stops_it_in_one_line(
    outside: Outside, shell: Shell, part: str, settings: dict[str, str]
) -> None:
    async with shell.process("run", log_level="CRITICAL", **settings) as process:
        ended = await end_of(process)
    assert ended.code == 1
    assert ended.line.startswith(f"{part}: ")


async def test_run_works_until_it_is_told_to_stop(outside: Outside, shell: Shell) -> None:
    camille = outside.telegram.world.create_person(first_name="Camille", language_code="fr")
    camille.start()
    async with shell.process("run", log_format="json") as process:
        answer = await camille.wait_for_message(timeout=30)
        process.send_signal(signal.SIGTERM)
        ended = await end_of(process)
    assert "Odotrack" in answer.text
    assert ended.code == 0
    assert "Camille" not in ended.err
    assert [json.loads(line)["event"] for line in ended.err.splitlines()][-1] == "odobot.stopped"


async def test_migrate_makes_the_schema_and_does_it_again_without_harm(outside: Outside, shell: Shell) -> None:
    settings = {"database_url": "sqlite+aiosqlite:///new.db"}
    for _ in range(2):
        ended = await shell.run("migrate", **settings)
        assert (ended.code, ended.out, ended.err) == (0, "The schema is up to date.\n", "")
    with sqlite3.connect(shell.folder / "new.db") as raw:
        tables = {name for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    raw.close()
    assert {"chats", "links", "codes", "documents"} <= tables


async def test_the_schema_of_a_newer_version_is_told_in_one_line_and_left_alone(outside: Outside, shell: Shell) -> None:
    settings = {"database_url": "sqlite+aiosqlite:///newer.db"}
    await shell.run("migrate", **settings)
    with sqlite3.connect(shell.folder / "newer.db") as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
    raw.close()
    told = "ODOBOT_DATABASE_URL: the schema is that of a newer version, run that one"
    async with shell.process("run", log_level="CRITICAL", **settings) as process:
        assert await end_of(process) == Ended(1, "", f"{told}\n")
    assert await shell.run("migrate", **settings) == Ended(1, "", f"{told}\n")
    checked = await shell.run("check", **settings)
    assert checked.code == 1
    assert f"FAIL  {told}" in checked.out.splitlines()


@pytest.mark.parametrize("command", COMMANDS)
async def test_a_database_in_a_folder_that_is_not_there_is_told_in_one_line(
    outside: Outside, shell: Shell, command: str
) -> None:
    ended = await shell.run(command, *COMMANDS[command], database_url="sqlite+aiosqlite:////nowhere/at/all.db")
    assert (ended.code, ended.out) == (1, "")
    assert ended.line.startswith("ODOBOT_DATABASE_URL: ")


@pytest.mark.parametrize("command", ["run", "migrate", "unlink"])
async def test_a_file_that_is_no_database_is_told_in_one_line(outside: Outside, shell: Shell, command: str) -> None:
    (shell.folder / "letter.db").write_text("Dear customer, " * 1000)
    settings = {"database_url": "sqlite+aiosqlite:///letter.db", "log_level": "CRITICAL"}
    async with shell.process(command, *COMMANDS[command], **settings) as process:
        ended = await end_of(process)
    assert (ended.code, ended.out) == (1, "")
    assert ended.line.startswith("ODOBOT_DATABASE_URL: ")
    assert (shell.folder / "letter.db").read_text().startswith("Dear customer")


PARTS = ["ODOBOT_TELEGRAM_TOKEN", "ODOBOT_PORTAL_URL", "ODOBOT_SMTP_URL", "ODOBOT_DATABASE_URL", "catalogues"]


def findings(ended: Ended) -> dict[str, bool]:
    """Which part is well, from the lines."""
    found = {}
    for line in ended.out.splitlines():
        mark, rest = line.split(maxsplit=1)
        found[rest.split(":")[0]] = {"ok": True, "FAIL": False}[mark]
    return found


async def test_check_asks_every_part_and_is_pleased(outside: Outside, shell: Shell) -> None:
    ended = await shell.run("check")
    assert findings(ended) == dict.fromkeys(PARTS, True)
    assert ended.code == 0
    assert "@odobot" in ended.out
    assert outside.mailbox.messages == ()


async def test_check_tells_of_a_database_that_run_will_bring_up_to_date(outside: Outside, shell: Shell) -> None:
    ended = await shell.run("check", database_url="sqlite+aiosqlite:///fresh.db")
    assert findings(ended) == dict.fromkeys(PARTS, True)
    assert ended.code == 0


BROKEN = {
    "an unknown token": ("ODOBOT_TELEGRAM_TOKEN", {"telegram_token": "987654321:AAnobodynobodynobody"}, None),
    "no Telegram": ("ODOBOT_TELEGRAM_TOKEN", {"telegram_api_url": "http://127.0.0.1:9"}, None),
    "a wrong portal token": ("ODOBOT_PORTAL_URL", {"portal_token": "wrong"}, None),
    "no portal": ("ODOBOT_PORTAL_URL", {"portal_url": "http://127.0.0.1:9"}, None),
    "not a portal": ("ODOBOT_PORTAL_URL", {}, FaultKind.MALFORMED_JSON),
    "a closed portal": ("ODOBOT_PORTAL_URL", {}, FaultKind.UNAVAILABLE),
    "no mail server": ("ODOBOT_SMTP_URL", {"smtp_url": "smtp://127.0.0.1:9?tls=off"}, None),
    "no STARTTLS": ("ODOBOT_SMTP_URL", {"smtp_url": "plain"}, None),
    "no database": ("ODOBOT_DATABASE_URL", {"database_url": "sqlite+aiosqlite:///letter.db"}, None),
    "no PostgreSQL": ("ODOBOT_DATABASE_URL", {"database_url": "postgresql+asyncpg://u:pass-word@127.0.0.1:9/x"}, None),
}


async def test_check_names_each_part_that_fails_and_still_asks_the_others(outside: Outside, shell: Shell) -> None:
    plain = outside.mailbox.url.removesuffix("?tls=off")
    (shell.folder / "letter.db").write_text("Dear customer, " * 1000)
    for name, (part, settings, fault) in BROKEN.items():
        if fault:
            outside.portal.faults.set(Fault(fault))
        ended = await shell.run(
            "check", **{key: plain if value == "plain" else value for key, value in settings.items()}
        )
        outside.portal.faults.clear()
        assert findings(ended) == dict.fromkeys(PARTS, True) | {part: False}, name
        assert ended.code == 1, name
        assert "Traceback" not in ended.err, name


async def linked(outside: Outside, *chats_and_emails: tuple[int, str]) -> None:
    """Chats that are linked through an address each."""
    database = Database(f"sqlite+aiosqlite:///{outside.database}", Vault([KEY]))
    async with database.write() as session:
        for chat_id, email in chats_and_emails:
            link = NewLink("c", f"a-{email}", "Client", frozenset({"orders"}), email)
            await links.add_links(session, chat_id, "Camille", [link], NOW)
    await database.close()


async def left(outside: Outside) -> dict[int, int]:
    database = Database(f"sqlite+aiosqlite:///{outside.database}", Vault([KEY]))
    async with database.read() as session:
        counted = {chat_id: len((await chats.load(session, chat_id)).links) for chat_id in (1, 2, 3)}
    await database.close()
    return counted


async def test_unlink_takes_access_away_by_address_or_by_chat(outside: Outside, shell: Shell) -> None:
    await linked(outside, (1, EMAIL), (2, EMAIL), (2, "other@example.test"), (3, "other@example.test"))
    ended = await shell.run("unlink", "--email", f" {EMAIL.upper()} ")
    assert (ended.code, ended.out) == (0, "Links removed: 2\n")
    assert '"event": "security.unlinked"' in ended.err
    assert EMAIL not in ended.err
    assert await left(outside) == {1: 0, 2: 1, 3: 1}

    ended = await shell.run("unlink", "--chat", "3")
    assert (ended.code, ended.out) == (0, "Links removed: 1\n")
    assert await left(outside) == {1: 0, 2: 1, 3: 0}

    ended = await shell.run("unlink", "--email", "nobody@example.test")
    assert (ended.code, ended.out) == (1, "Links removed: 0\n")


async def test_lift_cap_forgets_an_addresss_wrong_codes(outside: Outside, shell: Shell) -> None:
    await linked(outside, (1, EMAIL))
    database = Database(f"sqlite+aiosqlite:///{outside.database}", Vault([KEY]))
    async with database.write() as session:
        for _ in range(3):
            await proofs.count_wrong(session, EMAIL, NOW)
    await database.close()
    ended = await shell.run("lift-cap", "--email", EMAIL)
    assert (ended.code, ended.out) == (0, "Wrong codes forgotten: 3\n")
    assert '"event": "security.cap_lifted"' in ended.err
    ended = await shell.run("lift-cap", "--email", EMAIL)
    assert (ended.code, ended.out) == (0, "Wrong codes forgotten: 0\n")
    assert (await shell.run("lift-cap", "--email", "x")).code == 1


@pytest.mark.parametrize(
    "arguments",
    [(), ("--email", "x"), ("--email", EMAIL, "--chat", "1"), ("--email", ""), ("--chat", "0"), ("--email", " ")],
    ids=str,
)
async def test_unlink_asks_for_one_of_the_two(outside: Outside, shell: Shell, arguments: tuple[str, ...]) -> None:
    ended = await shell.run("unlink", *arguments)
    assert (ended.code, ended.out) == (1, "")
    assert "--email" in ended.line
    assert "--chat" in ended.line
    assert EMAIL not in ended.err


async def test_a_new_key_is_one_and_another_every_time(shell: Shell) -> None:
    keys = {(await shell.run("new-key")).out.strip() for _ in range(2)}
    assert len(keys) == 2
    Vault(sorted(keys))
