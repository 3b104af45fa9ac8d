"""The portal's own SQLite."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.pool import StaticPool
from sqlmodel import Session, create_engine

from sandbox.portal.tables import FactRow, PortalTable


class Database:
    """One connection for the whole portal: it reads and writes only between two awaits of one event loop."""

    def __init__(self, path: Path | str | None = None) -> None:
        """`path` is the file, made when missing; None keeps everything in memory."""
        url = f"sqlite:///{path}" if path else "sqlite://"
        self._engine: Engine = create_engine(url, poolclass=StaticPool, connect_args={"check_same_thread": False})
        event.listen(self._engine, "connect", _prepare)
        PortalTable.metadata.create_all(self._engine)

    def image(self) -> bytes:
        """The whole database, as its file would be."""
        with self._raw() as connection:
            return connection.serialize()

    def become(self, image: bytes) -> None:
        """Replaces everything by another database's image; for one in memory only."""
        with self._raw() as connection:
            connection.deserialize(image)

    def session(self) -> Session:
        """A session to use in a `with`; rows stay readable after its commit."""
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
    row = session.get(FactRow, key)
    return row.value if row else None


def write_fact(session: Session, key: str, value: str) -> None:
    session.merge(FactRow(key=key, value=value))


def _prepare(connection: Any, _record: Any) -> None:
    # A sandbox may lose its last second in a power cut; tests and bulk runs want the speed.
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=OFF")
