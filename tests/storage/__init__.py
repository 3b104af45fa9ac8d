"""Helpers of the storage tests: migrated databases, with given keys."""

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
    """Copy the empty, migrated database into the folder ``to``. Returns: the copy's path."""
    path = to / "odobot.db"
    shutil.copy(empty, path)
    return path


def file_of(url: str) -> Path:
    """Return the path of an SQLite database."""
    return Path(url.removeprefix("sqlite+aiosqlite:///"))


def url_of(path: Path) -> str:
    """Return the value of ``ODOBOT_DATABASE_URL`` for a file."""
    return f"sqlite+aiosqlite:///{path}"


async def rows_of(database: Database) -> dict[str, list[dict[str, Any]]]:
    """Return every stored row without decryption: by table, each as values by column."""
    async with database.engine.connect() as connection:
        tables = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
        return {
            table: [dict(row._mapping) for row in await connection.execute(text(f'SELECT * FROM "{table}"'))]
            for table in tables
        }


async def columns_of(database: Database) -> set[str]:
    """Return ``table.column`` for every column."""
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
    """Open the database with these keys, as one process does; with a new key where none are given."""
    database = Database(url, Vault(keys or [a_key()]))
    try:
        yield database
    finally:
        await database.close()


def later(**span: float) -> datetime.datetime:
    return NOW + datetime.timedelta(**span)
