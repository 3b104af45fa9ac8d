"""Databases to try storage on: a file of its own, up to date, with keys of one's choice."""

import datetime
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet
from sqlalchemy import inspect, text

from storage.database import Database
from storage.vault import Vault

NOW = datetime.datetime(2026, 10, 15, 18, 0, tzinfo=datetime.UTC)
EMAIL = "client@example.test"


def a_key() -> str:
    return Fernet.generate_key().decode()


def copied(empty: Path, to: Path) -> Path:
    """A database of one's own, beside the empty one."""
    path = to / "odobot.db"
    shutil.copy(empty, path)
    return path


def file_of(url: str) -> Path:
    """Where SQLite keeps a database."""
    return Path(url.removeprefix("sqlite+aiosqlite:///"))


def url_of(path: Path) -> str:
    """The file as ``ODOBOT_DATABASE_URL`` names it."""
    return f"sqlite+aiosqlite:///{path}"


async def rows_of(database: Database) -> dict[str, list[dict[str, Any]]]:
    """All that is kept, as the engine itself gives it: table, then rows by column."""
    async with database.engine.connect() as connection:
        tables = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
        return {
            table: [dict(row._mapping) for row in await connection.execute(text(f'SELECT * FROM "{table}"'))]
            for table in tables
        }


async def columns_of(database: Database) -> set[str]:
    """``table.column`` of every column."""
    async with database.engine.connect() as connection:
        return await connection.run_sync(
            lambda sync: {
                f"{table}.{column['name']}"
                for table in inspect(sync).get_table_names()
                for column in inspect(sync).get_columns(table)
            }
        )


@asynccontextmanager
async def opened(url: str, keys: Sequence[str] | None = None) -> AsyncIterator[Database]:
    """The database under these keys, as one process has it; new keys where none are given."""
    database = Database(url, Vault(keys or [a_key()]))
    try:
        yield database
    finally:
        await database.close()


def later(**span: float) -> datetime.datetime:
    return NOW + datetime.timedelta(**span)
