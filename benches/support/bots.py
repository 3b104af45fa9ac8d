"""The bots that are measured, each as a process of its own against the stub: Odobot, and its peers."""

import asyncio
import datetime
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet
from sqlmodel import insert

from benches.stubs.portal import TOKEN as PORTAL_TOKEN
from benches.stubs.telegram import TOKEN, TelegramStub, telegram
from services.privacy.policy import TEXT_DATE
from storage import migrations
from storage.database import Database
from storage.privacy import policy_versions
from storage.tables import Chat, Link
from storage.vault import Vault
from tests.load.stage import cpu_seconds

BENCHES = Path(__file__).parents[1]
CACHE = BENCHES.parent / ".cache" / "peers"
ODOBOT = "Odobot"
PTB = "PTB as it comes"
FIRST_CHAT = 1_000_001
CHATS = 256
"""Chats that are known and linked, from ``FIRST_CHAT`` on."""

Command = Callable[[], list[str | Path]]
PEERS: dict[str, Command] = {
    PTB: lambda: [sys.executable, BENCHES / "peers" / "ptb_bot.py"],
    "aiogram": lambda: [peers_python(), BENCHES / "peers" / "aiogram_bot.py"],
    "pyTelegramBotAPI, asyncio": lambda: [peers_python(), BENCHES / "peers" / "telebot_bot.py"],
    "grammY with its runner": lambda: ["node", BENCHES / "peers" / "grammy_bot.mjs"],
}


class Missing(Exception):
    """A peer cannot be installed; the message names it and what it needs."""


@dataclass(frozen=True, slots=True)
class Process:
    """A running bot."""

    pid: int
    begun: float
    """When it was started, in seconds of ``perf_counter``."""

    @property
    def cpu(self) -> float:
        """The processor time used so far, in seconds."""
        return cpu_seconds(self.pid)


@asynccontextmanager
async def peer(name: str, stub: TelegramStub, answer: dict[str, Any], folder: Path) -> AsyncIterator[Process]:
    """Run a peer that answers every text with one message, and wait until it polls."""
    prepared = folder / "answer.json"
    prepared.write_text(json.dumps(answer))
    async with telegram(stub) as url:
        environment = {"BENCH_URL": url, "BENCH_TOKEN": TOKEN, "BENCH_ANSWER": str(prepared)}
        async with running(PEERS[name](), folder, environment | {"BENCH_MODULES": str(CACHE)}) as process:
            await stub.until_polled()
            yield process


@asynccontextmanager
async def odobot(
    stub: TelegramStub, portal_url: str, folder: Path, listen: str = "127.0.0.1:0", webhook_url: str = ""
) -> AsyncIterator[Process]:
    """Run ``odobot run`` on a database of linked chats, and wait until it polls, or has set its webhook."""
    async with telegram(stub) as url:
        environment = await odobot_environment(url, portal_url, folder)
        environment |= {"ODOBOT_LISTEN": listen, "ODOBOT_WEBHOOK_URL": webhook_url}
        async with running([Path(sys.executable).with_name("odobot"), "run"], folder, environment) as process:
            await (stub.until_webhook() if webhook_url else stub.until_polled())
            yield process


async def odobot_environment(
    telegram_url: str,
    portal_url: str,
    folder: Path,
    *,
    database_url: str | None = None,
    chats: int = CHATS,
    subscriptions: str = "",
) -> dict[str, str]:
    """Create linked chats in a database, by default one in the folder. Returns Odobot's settings for it."""
    key = Fernet.generate_key().decode()
    database = Database(database_url or f"sqlite+aiosqlite:///{folder}/odobot.db", Vault([key]))
    await migrations.upgrade(database.engine)
    await _link_everybody(database, chats, subscriptions)
    await database.close()
    return {
        "ODOBOT_COMPANY": "Odotrack",
        "ODOBOT_TELEGRAM_TOKEN": TOKEN,
        "ODOBOT_TELEGRAM_API_URL": telegram_url,
        "ODOBOT_PORTAL_URL": portal_url,
        "ODOBOT_PORTAL_TOKEN": PORTAL_TOKEN,
        "ODOBOT_LISTEN": "127.0.0.1:0",
        "ODOBOT_ADMIN_LISTEN": "127.0.0.1:0",
        "ODOBOT_DATABASE_URL": database_url or "sqlite+aiosqlite:///odobot.db",
        "ODOBOT_SMTP_URL": "smtp://127.0.0.1:9?tls=off",
        "ODOBOT_MAIL_FROM": "odobot@odotrack.test",
        "ODOBOT_SECRET_KEYS": key,
        "ODOBOT_PRIVACY_CONTACT": "vieprivee@odotrack.test",
    }


async def _link_everybody(database: Database, chats: int, subscriptions: str) -> None:
    now = datetime.datetime.now(datetime.UTC)
    name, email = database.vault.seal("Transport Boréal inc."), database.vault.seal("client@example.test")
    ids = range(FIRST_CHAT, FIRST_CHAT + chats)
    links = [
        Link(
            chat_id=chat_id, contact_id=f"c-{chat_id}", account_id=f"a-{chat_id}", account_name_sealed=name,
            access="invoices orders", email_sealed=email, email_hash="0", wishes=subscriptions, linked_at=now,
            chosen_at=now,
            confirmed_at=now, used_at=now,  # as of a chat that has asked today: the portal is asked once a day
        ).model_dump(exclude={"link_id"})
        for chat_id in ids
    ]  # fmt: skip
    async with database.write() as session:
        await policy_versions.record_version(session, TEXT_DATE, now)  # else everybody would be told of it
        await session.exec(insert(Chat), params=[Chat(chat_id=each, created_at=now).model_dump() for each in ids])
        await session.exec(insert(Link), params=links)


@asynccontextmanager
async def running(command: list[str | Path], folder: Path, environment: dict[str, str]) -> AsyncIterator[Process]:
    """Run a command in a folder; at the end SIGTERM, and SIGKILL after 5 s."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ODOBOT_")}
    # A program that is installed has its bytecode; a developer's machine may keep its own sources' from being written.
    inherited.pop("PYTHONDONTWRITEBYTECODE", None)
    begun = time.perf_counter()
    with (folder / "log").open("ab") as log:
        started = await asyncio.create_subprocess_exec(
            *command, cwd=folder, env=inherited | environment, stdout=log, stderr=log
        )
    try:
        yield Process(started.pid, begun)
    except TimeoutError:
        print((folder / "log").read_text(errors="replace")[-2000:], file=sys.stderr)
        raise
    finally:
        with suppress(ProcessLookupError):  # it ended before
            started.terminate()
        try:
            async with asyncio.timeout(5):
                await started.wait()
        except TimeoutError:
            started.kill()
            await started.wait()


def install() -> None:
    """Install the peers once, into their own folder because of their own pins; raises Missing."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        raise Missing("grammY needs node and npm; on Debian, as root: apt-get install nodejs npm")
    CACHE.mkdir(parents=True, exist_ok=True)
    needed, installed = BENCHES / "peers" / "requirements.txt", CACHE / "venv" / ".ready"
    if not _same(needed, installed):
        subprocess.run([sys.executable, "-m", "venv", CACHE / "venv"], check=True)
        subprocess.run([peers_python(), "-m", "pip", "install", "-q", "-q", "-r", needed], check=True)
        shutil.copy(needed, installed)
    needed, installed = BENCHES / "peers" / "package.json", CACHE / "node_modules" / ".ready"
    if not _same(needed, installed):
        shutil.copy(needed, CACHE)
        subprocess.run(["npm", "install", "--silent", "--no-package-lock", "--no-audit"], cwd=CACHE, check=True)
        shutil.copy(needed, installed)


def _same(needed: Path, installed: Path) -> bool:
    return installed.exists() and installed.read_text() == needed.read_text()


def peers_python() -> Path:
    """Return the Python in which the peers' libraries are installed."""
    return CACHE / "venv" / "bin" / "python"
