"""The schema's history. ``upgrade`` brings a database up to date."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, func, inspect, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

# Alembic is for walking, and takes a tenth of a second to import: a start whose database is up to date spares it.
if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0007"
"""The revision that this program was made for."""
NOT_KNOWN = "the schema is that of a newer version, run that one"
"""What an operator is told of ``Schema.UNKNOWN``."""
_LOCK = int.from_bytes(b"odobot", "big")
"""What the replicas agree to lock: any number would do."""


def _config(connection: Connection | None = None) -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    return config


async def upgrade(engine: AsyncEngine, revision: str = "head") -> None:
    """Walks up to a revision; each migration is one transaction. Of several replicas one walks, the others wait."""
    from alembic import command

    await _walk(engine, lambda connection: command.upgrade(_config(connection), revision))


async def downgrade(engine: AsyncEngine, revision: str) -> None:
    """Walks down to a revision (``base``: to nothing)."""
    from alembic import command

    await _walk(engine, lambda connection: command.downgrade(_config(connection), revision))


async def _walk(engine: AsyncEngine, walk: Callable[[Connection], None]) -> None:
    async with engine.connect() as connection, _alone(connection):
        await connection.run_sync(walk)


@asynccontextmanager
async def _alone(connection: AsyncConnection) -> AsyncIterator[None]:
    """The server's lock, held by the connection over all of the walk's transactions; SQLite has one writer anyway."""
    if connection.dialect.name != "postgresql":
        yield
        return
    await connection.execute(select(func.pg_advisory_lock(_LOCK)))
    await connection.commit()
    try:
        yield
    finally:
        await connection.rollback()
        await connection.execute(select(func.pg_advisory_unlock(_LOCK)))
        await connection.commit()


class Schema(StrEnum):
    """How a database's schema stands to this program."""

    CURRENT = "current"
    OLDER = "older"
    """None at all, or that of a version before; ``upgrade`` leads from there."""
    UNKNOWN = "unknown"
    """That of a version after this one."""


async def schema_of(engine: AsyncEngine) -> Schema:
    """Which schema a database has."""
    async with engine.connect() as connection:
        if not await connection.run_sync(lambda sync: inspect(sync).has_table("alembic_version")):
            return Schema.OLDER
        found = (await connection.execute(text("SELECT version_num FROM alembic_version"))).scalars().all()
    if list(found) == [HEAD]:
        return Schema.CURRENT
    return Schema.OLDER if set(found) <= set(revisions()) else Schema.UNKNOWN


def revisions() -> list[str]:
    """Every revision, oldest first."""
    from alembic.script import ScriptDirectory

    return [script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()][::-1]
