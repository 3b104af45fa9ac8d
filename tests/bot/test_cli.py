"""The command line, in its own process, against the sandbox on loopback."""

import asyncio
import json
import os
import re
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
from sqlmodel import col, select, update
from typer.testing import CliRunner

from bot.cli import cli
from bot.settings import PREFIX
from sandbox.mail.imap import ImapMailbox
from sandbox.mail.mailbox import Mailbox
from sandbox.portal.faults import Fault, FaultKind
from sandbox.portal.server import PortalServer
from sandbox.telegram.server import TelegramServer
from services.notices import copies
from storage import chats
from storage.database import Database
from storage.linking import links, proofs
from storage.linking.links import NewLink
from storage.notices import bookkeeper_copies, feed
from storage.notices.feed import NewDelivery, NewNotice
from storage.tables import Channel, Delivery, Kind, Notice, State
from storage.vault import Vault
from tests.bot import logging_as_it_was
from tests.storage import EMAIL, NOW, copied

ODOBOT = Path(sys.executable).with_name("odobot")
TOKEN = "123456789:AAsandboxsandboxsandboxsandboxsandb"
PORTAL_TOKEN = "portal-token-of-the-test"
KEY = Fernet.generate_key().decode()


@dataclass
class Result:
    """The exit status and output of a command."""

    code: int | None
    out: str
    err: str

    @property
    def line(self) -> str:
        """The one line on standard error."""
        (line,) = self.err.splitlines()
        return line


class Shell:
    """Runs ``odobot`` in a new folder, with the sandbox's settings if there is one."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.settings: dict[str, str] = {}
        self._patch = patch

    def _environment(self, settings: dict[str, str]) -> dict[str, str]:
        free = {"listen": "127.0.0.1:0", "admin_listen": "127.0.0.1:0"}  # another process may have the default ports
        ours = {PREFIX + name.upper(): value for name, value in (free | self.settings | settings).items()}
        return {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)} | ours

    async def run(self, *arguments: str, **settings: str) -> Result:
        """Run a command in this process; a new Python process takes seconds to start."""
        with self._patch.context() as patch, logging_as_it_was():
            patch.chdir(self.folder)
            for name in [name for name in os.environ if name.startswith(PREFIX)]:
                patch.delenv(name)
            for name, value in self._environment(settings).items():
                patch.setenv(name, value)
            result = await asyncio.to_thread(CliRunner().invoke, cli, arguments)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return checked(result.exit_code, result.stdout, result.stderr)

    @asynccontextmanager
    async def process(self, *arguments: str, **settings: str) -> AsyncIterator[asyncio.subprocess.Process]:
        """Run the installed command in its own process."""
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


def checked(code: int | None, out: str, err: str) -> Result:
    """Return the result, after asserting that the output has no secret."""
    assert [secret for secret in (TOKEN, PORTAL_TOKEN, KEY, "pass-word") if secret in out + err] == []
    return Result(code, out, err)


async def result_of(process: asyncio.subprocess.Process) -> Result:
    out, err = await process.communicate()
    return checked(process.returncode, out.decode(), err.decode())


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    return Shell(tmp_path, monkeypatch)


class Servers:
    """The servers of the bot: a Telegram, a portal, a mailbox and a database."""

    def __init__(self, shell: Shell, empty_database: Path) -> None:
        self.shell = shell
        self.telegram, self.portal, self.mailbox = TelegramServer(), PortalServer(PORTAL_TOKEN), Mailbox()
        self.database = copied(empty_database, shell.folder)

    def settle(self) -> None:
        self.telegram.world.create_bot(TOKEN, username="odobot", first_name="Odobot")
        self.shell.settings = {
            "company": "Odotrack",
            "telegram_token": TOKEN,
            "telegram_api_url": self.telegram.url,
            "portal_url": self.portal.url,
            "portal_token": PORTAL_TOKEN,
            "database_url": f"sqlite+aiosqlite:///{self.database}",
            "smtp_url": self.mailbox.url,
            "mail_from": "odobot@odotrack.test",
            "stop_address": "stop@odotrack.test",
            "postal_address": "1200, rue Peel, Montréal (Québec) H3B 2T6",
            "secret_keys": KEY,
        }


@pytest.fixture
async def servers(shell: Shell, empty_database: Path) -> AsyncIterator[Servers]:
    servers = Servers(shell, empty_database)
    async with AsyncExitStack() as stack:
        for server in (servers.telegram, servers.portal, servers.mailbox):
            await stack.enter_async_context(server)
        servers.settle()
        yield servers


COMMANDS = {"run": (), "check": (), "migrate": (), "unlink": ("--chat", "1")}


@pytest.mark.parametrize("command", COMMANDS)
async def test_missing_settings_print_a_line_each(shell: Shell, command: str) -> None:
    """A command without settings prints a line for each required one, says that there is no ``.env``, and exits."""
    result = await shell.run(command, *COMMANDS[command])
    assert (result.code, result.out) == (1, "")
    lines = result.err.splitlines()
    assert lines[0] == "ODOBOT_COMPANY: is required but not set, see .env.example"
    assert lines[-1].startswith(f"There is no .env in {shell.folder}")
    assert len(lines) == 9


async def test_installed_command_reports_missing_settings(shell: Shell) -> None:
    async with shell.process("run") as process:
        result = await result_of(process)
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith("ODOBOT_COMPANY: ")


async def test_version_option_prints_the_installed_version(shell: Shell) -> None:
    """``--version`` needs no settings and prints the version of the package's metadata."""
    result = await shell.run("--version")
    assert (result.code, result.err) == (0, "")
    assert result.out.strip() == f"odobot {metadata.version('odobot')}"


async def test_invalid_setting_prints_one_line(servers: Servers, shell: Shell) -> None:
    result = await shell.run("run", log_level="LOUD")
    assert (result.code, result.out) == (1, "")
    assert result.line.startswith("ODOBOT_LOG_LEVEL: ")


async def test_settings_are_read_from_the_env_file(servers: Servers, shell: Shell) -> None:
    lines = (f'{PREFIX}{name.upper()}="{value}"' for name, value in shell.settings.items())
    (shell.folder / ".env").write_text("\n".join(lines))
    shell.settings = {}
    assert (await shell.run("check")).code == 0


async def test_run_ends_with_one_line_for_a_wrong_token(servers: Servers, shell: Shell) -> None:
    """Telegram must refuse the token three times in a row."""
    async with shell.process("run", log_level="CRITICAL", telegram_token="987654321:AAnobodynobodynobody") as process:
        result = await result_of(process)
    assert (result.code, result.line) == (1, "ODOBOT_TELEGRAM_TOKEN: Telegram does not know this token")


async def test_run_continues_until_sigterm(servers: Servers, shell: Shell) -> None:
    camille = servers.telegram.world.create_person(first_name="Camille", language_code="fr")
    camille.start()
    async with shell.process("run", log_format="json") as process:
        answer = await camille.wait_for_message(timeout=30)
        process.send_signal(signal.SIGTERM)
        result = await result_of(process)
    assert "Odotrack" in answer.text
    assert result.code == 0
    assert "Camille" not in result.err
    assert [json.loads(line)["event"] for line in result.err.splitlines()][-1] == "odobot.stopped"


async def test_migrate_is_idempotent(servers: Servers, shell: Shell) -> None:
    """Running ``migrate`` twice leaves an up-to-date schema."""
    settings = {"database_url": "sqlite+aiosqlite:///new.db"}
    for _ in range(2):
        result = await shell.run("migrate", **settings)
        assert (result.code, result.out, result.err) == (0, "The schema is up to date.\n", "")
    assert json.loads((await shell.run("migrate", "--json", **settings)).out) == {"is_up_to_date": True}
    with sqlite3.connect(shell.folder / "new.db") as raw:
        tables = {name for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    raw.close()
    assert {"chats", "links", "codes", "documents"} <= tables


async def test_newer_schema_is_reported_and_not_changed(servers: Servers, shell: Shell) -> None:
    """A database of a newer version is reported in one line and keeps its schema."""
    settings = {"database_url": "sqlite+aiosqlite:///newer.db"}
    await shell.run("migrate", **settings)
    with sqlite3.connect(shell.folder / "newer.db") as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
    raw.close()
    told = "ODOBOT_DATABASE_URL: the schema is that of a newer version, run that one"
    async with shell.process("run", log_level="CRITICAL", **settings) as process:
        assert await result_of(process) == Result(1, "", f"{told}\n")
    assert await shell.run("migrate", **settings) == Result(1, "", f"{told}\n")
    checked = await shell.run("check", **settings)
    assert checked.code == 1
    assert f"FAIL  {told}" in checked.out.splitlines()


@pytest.mark.parametrize("command", COMMANDS)
async def test_missing_database_folder_prints_one_line(servers: Servers, shell: Shell, command: str) -> None:
    result = await shell.run(command, *COMMANDS[command], database_url="sqlite+aiosqlite:////nowhere/at/all.db")
    assert (result.code, result.out) == (1, "")
    assert result.line.startswith("ODOBOT_DATABASE_URL: ")


@pytest.mark.parametrize("command", ["run", "migrate", "unlink"])
async def test_invalid_database_file_prints_one_line(servers: Servers, shell: Shell, command: str) -> None:
    (shell.folder / "letter.db").write_text("Dear customer, " * 1000)
    settings = {"database_url": "sqlite+aiosqlite:///letter.db", "log_level": "CRITICAL"}
    async with shell.process(command, *COMMANDS[command], **settings) as process:
        result = await result_of(process)
    assert (result.code, result.out) == (1, "")
    assert result.line.startswith("ODOBOT_DATABASE_URL: ")
    assert (shell.folder / "letter.db").read_text().startswith("Dear customer")


PARTS = [
    "ODOBOT_TELEGRAM_TOKEN", "ODOBOT_WEBHOOK_URL", "ODOBOT_PORTAL_URL", "ODOBOT_SMTP_URL", "ODOBOT_DATABASE_URL",
    "ODOBOT_SECRET_KEYS", "ODOBOT_TIMEZONE", "catalogues",
]  # fmt: skip
UNASKED = {
    "an unknown token": ["ODOBOT_WEBHOOK_URL"], "no Telegram": ["ODOBOT_TELEGRAM_TOKEN", "ODOBOT_WEBHOOK_URL"],
    "no database": ["ODOBOT_SECRET_KEYS"], "no PostgreSQL": ["ODOBOT_SECRET_KEYS"],
}  # fmt: skip
"""The checks that are left out, because what they ask does not answer."""


def findings(result: Result) -> dict[str, bool]:
    """Return whether each dependency passed, from the lines of ``check``."""
    found = {}
    for line in result.out.splitlines():
        mark, rest = line.split(maxsplit=1)
        found[rest.split(":")[0]] = {"ok": True, "FAIL": False}[mark]
    return found


async def test_check_succeeds_when_every_dependency_answers(servers: Servers, shell: Shell) -> None:
    result = await shell.run("check")
    assert findings(result) == dict.fromkeys(PARTS, True)
    assert result.code == 0
    assert "@odobot" in result.out
    assert servers.mailbox.messages == ()


async def test_check_warns_of_old_zone_data(
    servers: Servers, shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PYTHONTZPATH chooses data of 2025: the folder wins, and the newer data at hand are named."""
    (tmp_path / "tzdata.zi").write_text("# version 2025b\n# This zic input file is in the public domain.\n")
    monkeypatch.setenv("PYTHONTZPATH", str(tmp_path))
    async with shell.process("check") as process:
        result = await result_of(process)
    (line,) = [line for line in result.out.splitlines() if "ODOBOT_TIMEZONE" in line]
    assert re.fullmatch(r"warn +ODOBOT_TIMEZONE: time zone data 2025b are older than 202\d[a-z]: .*PYTHONTZPATH", line)
    assert result.code == 0
    monkeypatch.delenv("PYTHONTZPATH")
    async with shell.process("check") as process:
        assert "warn" not in (await result_of(process)).out


async def test_check_tells_what_mails_lack(servers: Servers, shell: Shell) -> None:
    """Warnings: a postal address, and a way to stop copies; the mailbox is tried."""
    result = await shell.run("check", stop_address="", postal_address="")
    warned = [line.split()[1] for line in result.out.splitlines() if line.startswith("warn")]
    assert warned == ["ODOBOT_STOP_ADDRESS:", "ODOBOT_POSTAL_ADDRESS:"]
    assert result.code == 0
    async with ImapMailbox() as mailbox:
        result = await shell.run("check", imap_url=mailbox.url)
        assert "ok    ODOBOT_IMAP_URL: the mailbox can be read" in result.out
        mailbox.faults.refuses_login = True
        result = await shell.run("check", imap_url=mailbox.url)
        assert "FAIL  ODOBOT_IMAP_URL: the mailbox cannot be read (MailMisconfigured" in result.out
        assert result.code == 1


async def test_check_tells_what_the_staffs_forum_lacks(servers: Servers, shell: Shell) -> None:
    """One line about the chat, and one about the bot's rights."""
    world = servers.telegram.world
    marie = world.create_person(first_name="Marie")
    forum = world.create_group("Équipe", [marie], bots=[], forum=True)
    chat, bot = str(forum.chat.chat_id), world.bot()

    async def lines() -> list[str]:
        out = (await shell.run("check", support_chat=chat)).out
        return [line.replace("  ODOBOT_SUPPORT_CHAT:", "") for line in out.splitlines() if "SUPPORT_CHAT" in line]

    (missing,) = await lines()
    assert missing.startswith("FAIL Telegram does not show the chat to the bot")
    forum.add_bot(bot, marie)
    good = "ok   the chat is a private forum"
    assert await lines() == [good, "FAIL the bot is not an administrator: make it one who manages topics"]
    forum.promote(bot, marie, manages_topics=False)
    assert await lines() == [good, "FAIL the bot has no right to manage topics: give it this right"]
    forum.promote(bot, marie)
    assert await lines() == [good, "ok   the bot is an administrator who may manage topics"]
    forum.username = "everybody"
    assert "FAIL the group is public" in (await lines())[0]
    forum.is_forum = False
    assert "FAIL the chat has no topics" in (await lines())[0]


async def test_check_tells_whether_the_operators_chat_works(servers: Servers, shell: Shell) -> None:
    world = servers.telegram.world
    ann = world.create_person(first_name="Ann")
    group = world.create_group("Exploitation", [ann], bots=[])
    chat, bot = str(group.chat.chat_id), world.bot()

    async def line() -> str:
        out = (await shell.run("check", operator_chat=chat)).out
        (found,) = [line for line in out.splitlines() if "OPERATOR_CHAT" in line]
        return found.replace("  ODOBOT_OPERATOR_CHAT:", "")

    assert (await line()).startswith("FAIL the bot")
    group.add_bot(bot, ann)
    assert await line() == "ok   the bot may write there"
    group.remove_bot(bot, ann)
    assert await line() == "FAIL the bot may not write there: let it into the group, or start it again in your own chat"
    new = group.migrate()
    assert await line() == f"FAIL the group has become a supergroup: set the new id {new.chat.chat_id}"


async def test_check_reports_pending_migrations(servers: Servers, shell: Shell) -> None:
    """``check`` reports that ``run`` will upgrade the database."""
    result = await shell.run("check", database_url="sqlite+aiosqlite:///fresh.db")
    assert findings(result) == dict.fromkeys([part for part in PARTS if part != "ODOBOT_SECRET_KEYS"], True)
    assert result.code == 0


BROKEN = {
    "an unknown token": ("ODOBOT_TELEGRAM_TOKEN", {"telegram_token": "987654321:AAnobodynobodynobody"}, None),
    "no Telegram": ("ODOBOT_TELEGRAM_API_URL", {"telegram_api_url": "http://127.0.0.1:9"}, None),
    "a wrong portal token": ("ODOBOT_PORTAL_URL", {"portal_token": "wrong"}, None),
    "no portal": ("ODOBOT_PORTAL_URL", {"portal_url": "http://127.0.0.1:9"}, None),
    "not a portal": ("ODOBOT_PORTAL_URL", {}, FaultKind.MALFORMED_JSON),
    "a closed portal": ("ODOBOT_PORTAL_URL", {}, FaultKind.UNAVAILABLE),
    "no mail server": ("ODOBOT_SMTP_URL", {"smtp_url": "smtp://127.0.0.1:9?tls=off"}, None),
    "no STARTTLS": ("ODOBOT_SMTP_URL", {"smtp_url": "plain"}, None),
    "no database": ("ODOBOT_DATABASE_URL", {"database_url": "sqlite+aiosqlite:///letter.db"}, None),
    "no PostgreSQL": ("ODOBOT_DATABASE_URL", {"database_url": "postgresql+asyncpg://u:pass-word@127.0.0.1:9/x"}, None),
}


async def test_check_reports_each_failing_dependency(servers: Servers, shell: Shell) -> None:
    """``check`` names each dependency that fails, and still checks the others."""
    plain = servers.mailbox.url.removesuffix("?tls=off")
    (shell.folder / "letter.db").write_text("Dear customer, " * 1000)
    for name, (part, settings, fault) in BROKEN.items():
        if fault:
            servers.portal.faults.set(Fault(fault))
        result = await shell.run(
            "check", **{key: plain if value == "plain" else value for key, value in settings.items()}
        )
        servers.portal.faults.clear()
        asked = [each for each in PARTS if each not in UNASKED.get(name, [])]
        assert findings(result) == dict.fromkeys(asked, True) | {part: False}, name
        assert result.code == 1, name
        assert "Traceback" not in result.err, name


async def linked(servers: Servers, *links_wanted: tuple[int, str], key: str = KEY) -> None:
    """Link one chat for each address."""
    database = Database(f"sqlite+aiosqlite:///{servers.database}", Vault([key]))
    async with database.write() as session:
        for chat_id, email in links_wanted:
            link = NewLink("c", f"a-{email}", "Client", frozenset({"orders"}), email)
            await links.add_links(session, chat_id, "Camille", [link], NOW)
    await database.close()


async def left(servers: Servers) -> dict[int, int]:
    database = Database(f"sqlite+aiosqlite:///{servers.database}", Vault([KEY]))
    async with database.read() as session:
        counted = {chat_id: len((await chats.load(session, chat_id)).links) for chat_id in (1, 2, 3)}
    await database.close()
    return counted


async def test_unlink_by_address_or_by_chat(servers: Servers, shell: Shell) -> None:
    await linked(servers, (1, EMAIL), (2, EMAIL), (2, "other@example.test"), (3, "other@example.test"))
    result = await shell.run("unlink", "--email", f" {EMAIL.upper()} ")
    assert (result.code, result.out) == (0, "Links removed: 2\n")
    assert '"event": "security.unlinked"' in result.err
    assert EMAIL not in result.err
    assert await left(servers) == {1: 0, 2: 1, 3: 1}

    assert await told_of_end(servers) == [1, 2]

    result = await shell.run("unlink", "--chat", "3")
    assert (result.code, result.out) == (0, "Links removed: 1\n")
    assert await left(servers) == {1: 0, 2: 1, 3: 0}

    result = await shell.run("unlink", "--email", "nobody@example.test")
    assert (result.code, result.out) == (1, "Links removed: 0\n")


async def told_of_end(servers: Servers) -> list[int]:
    """Return the chats to which a notice about the end of their access is queued."""
    database = Database(f"sqlite+aiosqlite:///{servers.database}", Vault([KEY]))
    async with database.read() as session:
        ended = select(Delivery.recipient).join(Notice).where(Notice.kind == Kind.ACCESS_ENDED)
        found = (
            await session.exec(ended.where(Delivery.state == State.QUEUED).order_by(col(Delivery.recipient)))
        ).all()
    await database.close()
    return list(found)


async def test_check_names_chats_that_no_key_opens(servers: Servers, shell: Shell) -> None:
    """``check`` fails, says how many rows, and names the command that removes their links."""
    await linked(servers, (1, EMAIL), (2, EMAIL))
    assert "the keys open all 4 sampled rows" in (await shell.run("check")).out
    other = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI="
    result = await shell.run("check", secret_keys=other)
    assert result.code == 1
    assert "FAIL  ODOBOT_SECRET_KEYS: no key of ODOBOT_SECRET_KEYS opens 4 of 4 sampled rows" in result.out
    assert "(2 of 2 chats, 2 of 2 links)" in result.out
    assert "odobot unlink --unreadable" in result.out

    result = await shell.run("unlink", "--unreadable")
    assert (result.code, result.out) == (1, "Links removed: 0\n")
    result = await shell.run("unlink", "--unreadable", secret_keys=other)
    assert (result.code, result.out) == (0, "Links removed: 2\n")
    assert (await shell.run("check", secret_keys=other)).code == 0


async def test_check_warns_of_some_rows_that_no_key_opens(servers: Servers, shell: Shell) -> None:
    """The keys are no wrong ones: ``check`` passes."""
    await linked(servers, (1, EMAIL))
    await linked(servers, (2, EMAIL), key="AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=")
    result = await shell.run("check")
    assert result.code == 0
    assert "warn  ODOBOT_SECRET_KEYS: no key of ODOBOT_SECRET_KEYS opens 2 of 4 sampled rows" in result.out


async def test_check_warns_of_a_webhook_elsewhere(servers: Servers, shell: Shell) -> None:
    webhook = servers.telegram.world.bots[TOKEN].webhook
    await webhook.set("http://127.0.0.1:9/secret-path", "", 40, "")
    result = await shell.run("check")
    assert result.code == 0
    assert "warn  ODOBOT_WEBHOOK_URL: a webhook is set at 127.0.0.1" in result.out
    assert "secret-path" not in result.out
    result = await shell.run("check", webhook_url="https://bot.acme.test")
    assert "warn  ODOBOT_WEBHOOK_URL: the webhook is set elsewhere, at 127.0.0.1" in result.out


async def test_check_reports_a_dead_webhook(servers: Servers, shell: Shell) -> None:
    webhook = servers.telegram.world.bots[TOKEN].webhook
    await webhook.set("http://127.0.0.1:9/telegram", "", 40, "")
    servers.telegram.world.create_person(first_name="Camille", language_code="fr").start()
    async with asyncio.timeout(20):
        while webhook.last_error is None:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    result = await shell.run("check", webhook_url="http://127.0.0.1:9")
    assert result.code == 1
    assert "FAIL  ODOBOT_WEBHOOK_URL: Telegram cannot deliver to the webhook (updates that wait: 1)" in result.out


async def test_misspelt_setting_stops_the_start(servers: Servers, shell: Shell) -> None:
    result = await shell.run("run", suport="aide@acme.test")
    assert (result.code, result.out) == (1, "")
    assert result.line == "ODOBOT_SUPORT: no setting has this name, did you mean ODOBOT_SUPPORT?"


async def test_lift_cap_resets_the_wrong_codes_of_an_address(servers: Servers, shell: Shell) -> None:
    await linked(servers, (1, EMAIL))
    database = Database(f"sqlite+aiosqlite:///{servers.database}", Vault([KEY]))
    async with database.write() as session:
        for _ in range(3):
            await proofs.count_wrong(session, EMAIL, NOW)
    await database.close()
    result = await shell.run("lift-cap", "--email", EMAIL)
    assert (result.code, result.out) == (0, "Wrong codes forgotten: 3\n")
    assert '"event": "security.cap_lifted"' in result.err
    result = await shell.run("lift-cap", "--email", EMAIL)
    assert (result.code, result.out) == (0, "Wrong codes forgotten: 0\n")
    assert (await shell.run("lift-cap", "--email", "x")).code == 2


async def test_stop_copy_acts_on_a_subject_line(servers: Servers, shell: Shell) -> None:
    await linked(servers, (1, EMAIL))
    database = Database(f"sqlite+aiosqlite:///{servers.database}", Vault([KEY]))
    async with database.write() as session:
        await bookkeeper_copies.save(session, 1, "books@example.test", "fr", NOW)
    async with database.read() as session:
        copy = await bookkeeper_copies.find_by_link(session, 1)
        assert copy is not None
    token = copies.make_stop_token(database.vault, copy)
    result = await shell.run("stop-copy", "--bounced", token)
    assert (result.code, result.out) == (0, "Copies paused: 1\n")
    result = await shell.run("stop-copy", f"Re: stop {token}")
    assert (result.code, result.out) == (0, "Copies stopped: 1\n")
    assert "books@example.test" not in result.err
    result = await shell.run("stop-copy", token)
    assert (result.code, result.out) == (0, "Copies stopped: 0 (they were stopped before)\n")
    for wrong in ("stop", token[:-5], "1." + "0" * 64):
        result = await shell.run("stop-copy", wrong)
        assert result.code == 1
        assert result.line.startswith("odobot stop-copy: no valid token")
    async with database.read() as session:
        kinds = (await session.exec(select(Notice.kind).order_by(col(Notice.notice_id)))).all()
    await database.close()
    assert list(kinds) == [Kind.COPY_PAUSED, Kind.COPY_STOPPED]


async def test_notices_resend_shows_first_and_then_does_it(servers: Servers, shell: Shell) -> None:
    assert (await shell.run("migrate")).code == 0
    database = Database("sqlite+aiosqlite:///" + str(shell.folder / "odobot.db"), Vault([KEY]))
    async with database.write() as session:
        wanted = [NewDelivery(Channel.TELEGRAM, chat, chat, NOW) for chat in (1, 2)]
        await feed.record(session, NewNotice("e1", Kind.INVOICE_ISSUED, "a1", "212380", NOW), wanted)
        await session.change(update(Delivery).values(state=State.UNCERTAIN, settled_at=NOW, reason="NetworkError"))
    for wrong in (("--yes",), ("--resend", "--since", "yesterday")):
        result = await shell.run("notices", *wrong)
        assert (result.code, result.line[:16]) == (2, "odobot notices: ")
    assert "0 deliveries would be repeated" in (await shell.run("notices", "--resend", "--reason", "timed out")).out
    assert "2 deliveries would be repeated" in (await shell.run("notices", "--resend", "--since", str(NOW))).out
    shown = await shell.run("notices", "--resend", "--id", "2", "--id", "7", "--yes")
    assert "not uncertain, or not chosen: 7" in shown.out
    assert "1 deliveries queued" in shown.out
    async with database.read() as session:
        found = await session.exec(select(Delivery.state, Delivery.is_repetition).order_by(col(Delivery.delivery_id)))
        assert found.all() == [(State.UNCERTAIN, False), (State.QUEUED, True)]
    await database.close()


@pytest.mark.parametrize(
    "arguments",
    [(), ("--email", EMAIL, "--chat", "1"), ("--chat", "0"), ("--chat", "1", "--unreadable")],
    ids=str,
)
async def test_unlink_requires_an_address_or_a_chat(servers: Servers, shell: Shell, arguments: tuple[str, ...]) -> None:
    result = await shell.run("unlink", *arguments)
    assert (result.code, result.out) == (2, "")
    assert result.line == "odobot unlink: give one of --email ADDRESS, --chat NUMBER and --unreadable"


@pytest.mark.parametrize("address", ["x", "", " ", "nobody@", "a\udcffb@example.test"], ids=ascii)
async def test_unlink_says_what_is_no_address(servers: Servers, shell: Shell, address: str) -> None:
    result = await shell.run("unlink", "--email", address)
    assert (result.code, result.line) == (2, "odobot unlink: --email must be an email address")


async def test_new_key_prints_a_valid_and_unique_key(shell: Shell) -> None:
    keys = {(await shell.run("new-key")).out.strip() for _ in range(2)}
    assert len(keys) == 2
    Vault(sorted(keys))
