"""Runs the whole sandbox: Telegram, portal and mailbox in this process, the real bot in its own."""

import asyncio
import os
import secrets
import shutil
import sys
from base64 import b64encode, urlsafe_b64encode
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sandbox.mail.control import control_app
from sandbox.mail.imap import ImapMailbox
from sandbox.mail.mailbox import Mailbox
from sandbox.operated_bot import OperatedBot
from sandbox.portal.server import PortalServer
from sandbox.serving import free_port, serve
from sandbox.shared_clock import FILE_VARIABLE, SharedClock
from sandbox.telegram.clock import SandboxClock
from sandbox.telegram.model.groups import Group
from sandbox.telegram.server import TelegramServer
from sandbox.web.app import open_page

ROOT = Path(__file__).parents[1]
BOT_TOKEN = "123456789:AAsandbox-sandbox-sandbox-sandbox-0"
WEBHOOK_SECRET = "whsec_" + b64encode(b"the sandbox's own secret").decode()
STAFF_ID = 40_001
"""The user id of the staff's member, below those that people get."""
SQLITE = "sqlite+aiosqlite:///"
START_SECONDS = 30.0
STOP_SECONDS = 15.0


class StageError(Exception):
    """The sandbox or the bot did not start, or the bot exited. The message gives the reason."""


@dataclass(slots=True)
class Stage:
    """The running parts and the folder of their files."""

    folder: Path
    telegram: TelegramServer
    portal: PortalServer
    mailbox: Mailbox
    mail_url: str
    page_url: str
    bot: "BotProcess"
    public_url: str
    """The base URL of the bot's public endpoint."""


class BotProcess:
    """The process ``odobot run``, with optional further arguments."""

    def __init__(self, folder: Path, settings: dict[str, str], *arguments: str) -> None:
        self.log = folder / "odobot.log"
        self._arguments = arguments
        self._folder = folder
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("ODOBOT_")}
        self._environment = inherited | settings
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start the process. Raises StageError when the program is not installed."""
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command(), cwd=self._folder, env=self._environment, stderr=log, stdout=log
            )

    def _command(self) -> list[str | Path]:
        if FILE_VARIABLE in self._environment:
            return [sys.executable, "-m", "sandbox.bot_process"]
        program = Path(sys.executable).with_name("odobot")
        if not program.exists():
            raise StageError(f"{program} is missing: run make setup")
        return [program, "run", *self._arguments]

    def as_operated(self, operator_chat: int) -> OperatedBot:
        """Return the process as its operator sees it."""
        name = self._environment["ODOBOT_DATABASE_URL"].partition(SQLITE)[2]
        database = self._folder / name if name else None
        environment = self._environment | {"PYTHONPATH": str(ROOT)}
        admin_url = f"http://{self._environment['ODOBOT_ADMIN_LISTEN']}"
        return OperatedBot(admin_url, self._folder, environment, database, operator_chat)

    async def ended(self) -> str:
        """Wait until the process exits by itself. Returns the exit code and the last line of its log."""
        assert self._process is not None
        code = await self._process.wait()
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return f"odobot ended with {code}: {lines[-1] if lines else 'it said nothing'}"

    async def stop(self) -> None:
        """Send SIGTERM and wait until the process has drained. Kill it after `STOP_SECONDS`."""
        if self._process is None or self._process.returncode is not None:
            return
        self._process.terminate()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


@asynccontextmanager
async def set_stage(
    folder: Path, page_port: int = 0, settings: Mapping[str, str] | None = None, *, has_movable_clock: bool = False
) -> AsyncIterator[Stage]:
    """Start everything in an empty folder, wait until the bot polls, and stop everything at the end.

    Args:
        page_port: The port of the web page; 0 means a free port.
        settings: Settings of the bot that add to the default ones or replace them.
        has_movable_clock: Run the bot by the sandbox's clock. Without it, the bot is `odobot run` as it is installed.
    """
    async with AsyncExitStack() as stack:
        stack.enter_context(own_folder(folder))
        clock = SharedClock(folder / "clock") if has_movable_clock else SandboxClock()
        telegram = await stack.enter_async_context(TelegramServer(clock=clock))
        portal = await stack.enter_async_context(PortalServer(secrets.token_urlsafe(16), clock=clock))
        mailbox = await stack.enter_async_context(Mailbox(clock=clock.now))
        stop_mails = await stack.enter_async_context(ImapMailbox())
        mail_url = await stack.enter_async_context(serve(control_app(mailbox, stop_mails)))
        telegram.world.create_bot(BOT_TOKEN, username="odobot", first_name="Odobot")
        staff = create_staff(telegram)
        operator = telegram.world.create_group("Exploitation", staff.members)
        public_port, admin_port = free_port(), free_port()
        portal.portal.webhook.configure(f"http://127.0.0.1:{public_port}/portal/events", WEBHOOK_SECRET)
        shared = {FILE_VARIABLE: str(folder / "clock"), "PYTHONPATH": str(ROOT)} if has_movable_clock else {}
        own = {
            "ODOBOT_ADMIN_LISTEN": f"127.0.0.1:{admin_port}",
            "ODOBOT_OPERATOR_CHAT": str(operator.chat.chat_id),
        }
        usual = _settings(telegram, portal, mailbox, stop_mails, public_port, staff)
        bot = BotProcess(folder, usual | own | shared | dict(settings or {}))
        page_url = await stack.enter_async_context(
            open_page(telegram.world, portal, mailbox, page_port, bot.as_operated(operator.chat.chat_id))
        )
        await bot.start()
        stack.push_async_callback(bot.stop)
        await _until_it_polls(telegram, bot)
        public_url = f"http://127.0.0.1:{public_port}"
        yield Stage(folder, telegram, portal, mailbox, mail_url, page_url, bot, public_url)


@contextmanager
def own_folder(folder: Path) -> Iterator[None]:
    """Empty the folder, and keep it for this process. Raise ``StageError`` if another sandbox runs in it."""
    folder.mkdir(parents=True, exist_ok=True)
    if sys.platform == "win32":  # no lock on a folder
        raise StageError("the sandbox needs Linux or macOS")
    import fcntl

    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StageError(f"another sandbox runs in {folder}: end it, or choose another with --folder") from None
        for each in folder.iterdir():
            shutil.rmtree(each) if each.is_dir() else each.unlink()
        yield
    finally:
        os.close(descriptor)


async def _until_it_polls(telegram: TelegramServer, bot: BotProcess) -> None:
    """Wait for the first setMyCommands, which the bot calls when its polling has begun."""
    ended = asyncio.create_task(bot.ended())
    polls = asyncio.create_task(telegram.world.log.wait("setMyCommands", timeout=START_SECONDS))
    done, waiting = await asyncio.wait({ended, polls}, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
    if ended in done:
        raise StageError(ended.result())
    if not polls.result():
        raise StageError(f"odobot did not poll within {START_SECONDS:g} s, see {bot.log}")


def create_staff(telegram: TelegramServer) -> Group:
    """Create the staff's forum with one member, Marie; the bot manages its topics."""
    marie = telegram.world.create_person(STAFF_ID, first_name="Marie", language_code="fr")
    forum = telegram.world.create_group("Équipe Odotrack", [marie], bots=[], forum=True)
    forum.promote(telegram.world.bot(), marie)
    return forum


def _settings(
    telegram: TelegramServer,
    portal: PortalServer,
    mailbox: Mailbox,
    stop_mails: ImapMailbox,
    public_port: int,
    staff: Group,
) -> dict[str, str]:
    return {
        "ODOBOT_COMPANY": "Odotrack",
        "ODOBOT_TELEGRAM_TOKEN": BOT_TOKEN,
        "ODOBOT_TELEGRAM_API_URL": telegram.url,
        "ODOBOT_PORTAL_URL": portal.url,
        "ODOBOT_PORTAL_TOKEN": portal.token,
        "ODOBOT_PORTAL_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "ODOBOT_PORTAL_POLL_SECONDS": "10",
        # Free ports: another bot on this machine may use the default ones.
        "ODOBOT_LISTEN": f"127.0.0.1:{public_port}",
        "ODOBOT_PUBLIC_URL": f"http://127.0.0.1:{public_port}",
        "ODOBOT_DATABASE_URL": "sqlite+aiosqlite:///odobot.db",
        "ODOBOT_SMTP_URL": mailbox.url,
        "ODOBOT_MAIL_FROM": "Odotrack <odobot@odotrack.test>",
        "ODOBOT_STOP_ADDRESS": "stop@odotrack.test",
        "ODOBOT_IMAP_URL": stop_mails.url,
        "ODOBOT_POSTAL_ADDRESS": "1200, rue Peel, Montréal (Québec) H3B 2T6",
        "ODOBOT_SUPPORT": "aide@odotrack.test",
        "ODOBOT_PRIVACY_CONTACT": (
            "Responsable de la protection des renseignements personnels, vieprivee@odotrack.test"
            " | Privacy officer, vieprivee@odotrack.test"
        ),
        "ODOBOT_PRIVACY_HOSTING": "cette machine, pour la démonstration | this machine, for the demonstration",
        "ODOBOT_RICH_TABLES": "true",
        "ODOBOT_SUPPORT_CHAT": str(staff.chat.chat_id),
        "ODOBOT_SECRET_KEYS": urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        **_passed_on(),
    }


def _passed_on() -> dict[str, str]:
    """Return the settings of the environment that the demo's bot gets, too: a company's words and its features."""
    texts, features = os.environ.get("ODOBOT_TEXTS", ""), os.environ.get("ODOBOT_FEATURES", "")
    return {"ODOBOT_TEXTS": str(Path(texts).absolute()) if texts else "", "ODOBOT_FEATURES": features}
