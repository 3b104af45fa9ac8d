"""Migrations of the schema, with Alembic. ``upgrade`` brings a database up to date."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, func, inspect, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

# Alembic takes 0.1 s to import, so a start with an up-to-date database does not import it.
if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0027"
"""The newest revision, which this program needs."""
NOT_KNOWN = "the schema is that of a newer version, run that one"
"""The message for ``Schema.UNKNOWN``."""
_LOCK = int.from_bytes(b"odobot", "big")
"""The number of the advisory lock, the same for all replicas."""


def _config(connection: Connection | None = None) -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    return config


async def upgrade(engine: AsyncEngine, revision: str = "head") -> None:
    """Upgrade to a revision; each migration is one transaction. Of several replicas one migrates, the others wait."""
    from alembic import command

    await _migrate(engine, lambda connection: command.upgrade(_config(connection), revision))


async def downgrade(engine: AsyncEngine, revision: str) -> None:
    """Downgrade to a revision; ``base`` drops everything."""
    from alembic import command

    await _migrate(engine, lambda connection: command.downgrade(_config(connection), revision))


async def _migrate(engine: AsyncEngine, command: Callable[[Connection], None]) -> None:
    async with engine.connect() as connection, _locked(connection):
        await connection.run_sync(command)


@asynccontextmanager
async def _locked(connection: AsyncConnection) -> AsyncIterator[None]:
    """Hold PostgreSQL's advisory lock over all transactions of the connection. SQLite needs none: it has one writer."""
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
    """How the schema of a database compares with this program."""

    CURRENT = "current"
    OLDER = "older"
    """No schema, or an older one: ``upgrade`` is needed."""
    UNKNOWN = "unknown"
    """The schema of a newer version."""


async def schema_of(engine: AsyncEngine) -> Schema:
    """Compare the schema of a database with this program."""
    async with engine.connect() as connection:
        if not await connection.run_sync(lambda sync: inspect(sync).has_table("alembic_version")):
            return Schema.OLDER
        found = (await connection.execute(text("SELECT version_num FROM alembic_version"))).scalars().all()
    if list(found) == [HEAD]:
        return Schema.CURRENT
    return Schema.OLDER if set(found) <= set(revisions()) else Schema.UNKNOWN


def revisions() -> list[str]:
    """Return every revision, oldest first."""
    from alembic.script import ScriptDirectory

    return [script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()][::-1]
