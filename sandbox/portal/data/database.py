"""The portal's SQLite database."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.pool import StaticPool
from sqlmodel import Session, create_engine

from sandbox.portal.data.tables import FactRow, PortalTable


class Database:
    """One connection for the whole portal. No code awaits between the reads and writes of a transaction."""

    def __init__(self, path: Path | str | None = None) -> None:
        """Open the database. `path` is the file, created when missing; None keeps everything in memory."""
        url = f"sqlite:///{path}" if path else "sqlite://"
        self._engine: Engine = create_engine(url, poolclass=StaticPool, connect_args={"check_same_thread": False})
        event.listen(self._engine, "connect", _prepare)
        PortalTable.metadata.create_all(self._engine)

    def dump(self) -> bytes:
        """Return the whole database in SQLite's file format."""
        with self._raw() as connection:
            return connection.serialize()

    def load(self, dump: bytes) -> None:
        """Replace the content by a dump. Only for a database in memory."""
        with self._raw() as connection:
            connection.deserialize(dump)

    def session(self) -> Session:
        """Return a session for a `with` block. Rows stay readable after its commit."""
        return Session(self._engine, expire_on_commit=False)

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def _raw(self) -> Iterator[sqlite3.Connection]:
        pooled = self._engine.raw_connection()
        try:
            assert isinstance(pooled.driver_connection, sqlite3.Connection)
            yield pooled.driver_connection
        finally:
            pooled.close()


def read_fact(session: Session, key: str) -> str | None:
    """Return a value that the portal stores about itself, or None."""
    row = session.get(FactRow, key)
    return row.value if row else None


def write_fact(session: Session, key: str, value: str) -> None:
    """Store a value about the portal itself, such as the feed's epoch."""
    session.merge(FactRow(key=key, value=value))


def _prepare(connection: Any, _record: Any) -> None:
    # Durability does not matter here; tests and bulk runs need the speed.
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=OFF")
