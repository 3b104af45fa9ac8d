"""The peers of ``benches.same_work``: what each does, its database, and how it is run."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from benches.stubs.portal import TOKEN as PORTAL_TOKEN
from benches.stubs.telegram import TOKEN, TelegramStub, telegram
from benches.support.bots import BENCHES, CACHE, CHATS, FIRST_CHAT, Process, peers_python, running

SECRET = "bench-secret"
_TABLES = """
CREATE TABLE chats (chat_id INTEGER PRIMARY KEY, language TEXT NOT NULL, page_size INTEGER NOT NULL);
CREATE TABLE links (
    link_id INTEGER PRIMARY KEY, chat_id INTEGER NOT NULL REFERENCES chats, contact_id TEXT NOT NULL,
    account_id TEXT NOT NULL, account_name TEXT NOT NULL
);
CREATE INDEX ix_links_chat_id ON links (chat_id);
"""


@dataclass(frozen=True, slots=True)
class Peer:
    """A bot that does Odobot's work.

    Attributes:
        file: Its file in ``benches/peers``.
        at_least: How many times its updates a second Odobot must handle.
        what: What it does, in one line.
    """

    file: str
    at_least: float
    what: str


PEERS = {
    "PTB, httpx, SQLModel": Peer(
        "ptb_invoices.py",
        1.5,
        "PTB as it comes, one update after the other; SQLModel session on aiosqlite (one SELECT with a join); "
        "httpx client; Babel; Tornado for the webhook, which acknowledges an update before it is handled",
    ),
    "aiogram, aiohttp, SQLAlchemy": Peer(
        "aiogram_invoices.py",
        1.5,
        "aiogram 3, updates at once; SQLAlchemy session on aiosqlite (one SELECT with a join); aiohttp client; Babel; "
        "aiohttp for the webhook, which acknowledges an update before it is handled",
    ),
    "grammY, undici, better-sqlite3": Peer(
        "grammy_invoices.mjs",
        0.8,
        "grammY with its runner, updates at once; prepared statement of better-sqlite3, in the event loop; undici; "
        "Intl; node:http for the webhook, without the runner, which acknowledges an update after it is handled",
    ),
}
ODOBOT_DOES = (
    "PTB with its own request class and update order, uvloop; SQLModel on aiosqlite, names and addresses encrypted at "
    "rest; aiohttp; Babel. Besides: limits, metrics, the portal's answers saved for an outage, loops for notices. "
    "A chat is cached until anybody commits. Polling: received updates are stored first. Webhook: each update is "
    "looked up and marked as handled in the database, and acknowledged after that"
)


@asynccontextmanager
async def same_work_peer(
    name: str, stub: TelegramStub, portal_url: str, folder: Path, webhook_port: int
) -> AsyncIterator[Process]:
    """Run a peer on a database of linked chats, and wait until it polls, or has set its webhook.

    Args:
        webhook_port: Where it listens for updates; 0 makes it poll.
    """
    database = folder / "peer.db"
    _make_database(database)
    file = BENCHES / "peers" / PEERS[name].file
    async with telegram(stub) as url:
        environment = {
            "BENCH_URL": url,
            "BENCH_TOKEN": TOKEN,
            "BENCH_SECRET": SECRET,
            "BENCH_WEBHOOK_PORT": str(webhook_port),
            "BENCH_PORTAL_URL": portal_url,
            "BENCH_PORTAL_TOKEN": PORTAL_TOKEN,
            "BENCH_DATABASE": str(database),
            "BENCH_MODULES": str(CACHE),
        }
        program = peers_python() if file.suffix == ".py" else "node"
        async with running([program, file], folder, environment) as process:
            await (stub.until_webhook() if webhook_port else stub.until_polled())
            yield process


def _make_database(path: Path) -> None:
    """Create the chats that Odobot's database has, each with its link, in WAL mode like Odobot's."""
    ids = range(FIRST_CHAT, FIRST_CHAT + CHATS)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(_TABLES)
        connection.executemany("INSERT INTO chats VALUES (?, 'fr', 5)", [(each,) for each in ids])
        connection.executemany(
            "INSERT INTO links (chat_id, contact_id, account_id, account_name) VALUES (?, ?, ?, ?)",
            [(each, f"c-{each}", f"a-{each}", "Transport Boréal inc.") for each in ids],
        )
    connection.close()
