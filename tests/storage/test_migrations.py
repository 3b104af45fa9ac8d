"""The migrations: each runs up, down and up again, and the last one gives the schema of the models."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, text

from storage import chats, migrations
from storage.database import Database
from storage.linking import links
from storage.migrations import Schema
from storage.tables import metadata
from tests.postgres.server import PostgresServer
from tests.storage import EMAIL, NOW, opened, url_of

REVISIONS = migrations.revisions()


@pytest.fixture
def fresh_url(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of an empty database without a schema."""
    if engine == "sqlite":
        yield url_of(tmp_path / "fresh.db")
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    url = server.create(migrated=False)
    yield url
    server.drop(url)


@pytest.fixture
async def fresh(fresh_url: str) -> AsyncIterator[Database]:
    async with opened(fresh_url) as database:
        yield database


async def schema(database: Database) -> dict[str, object]:
    """Return every table with its columns, indexes and keys."""

    def read(connection: Connection) -> dict[str, object]:
        seen = inspect(connection)
        return {
            table: (
                sorted((c["name"], str(c["type"]), c["nullable"]) for c in seen.get_columns(table)),
                sorted((i["name"], tuple(i["column_names"]), i["unique"]) for i in seen.get_indexes(table)),
                seen.get_pk_constraint(table)["constrained_columns"],
                sorted(
                    (tuple(k["constrained_columns"]), k["referred_table"], str(k["options"]))
                    for k in seen.get_foreign_keys(table)
                ),
                sorted(tuple(u["column_names"]) for u in seen.get_unique_constraints(table)),
            )
            for table in seen.get_table_names()
            if table != "alembic_version"
        }

    async with database.engine.connect() as connection:
        return await connection.run_sync(read)


async def test_every_migration_up_down_and_up(fresh: Database) -> None:
    seen = [await schema(fresh)]
    for at, revision in enumerate(REVISIONS):
        await migrations.upgrade(fresh.engine, revision)
        seen.append(await schema(fresh))
        assert (await migrations.schema_of(fresh.engine) is Schema.CURRENT) is (revision == REVISIONS[-1])
        await migrations.downgrade(fresh.engine, REVISIONS[at - 1] if at else "base")
        assert await schema(fresh) == seen[at]
        await migrations.upgrade(fresh.engine, revision)
        assert await schema(fresh) == seen[at + 1]
    assert seen[0] == {}


async def test_downgrade_to_an_empty_database(fresh: Database) -> None:
    await migrations.upgrade(fresh.engine)
    await migrations.downgrade(fresh.engine, "base")
    assert await schema(fresh) == {}
    assert await migrations.schema_of(fresh.engine) is Schema.OLDER


async def test_models_match_the_migrated_schema(fresh: Database) -> None:
    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, metadata()))

    await migrations.upgrade(fresh.engine)
    async with fresh.engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    migrated = await schema(fresh)

    async with fresh.engine.begin() as connection:
        await connection.execute(text("DROP TABLE alembic_version"))
    for table in reversed(metadata().sorted_tables):
        async with fresh.engine.begin() as connection:
            await connection.execute(text(f"DROP TABLE {table.name}"))
    async with fresh.engine.begin() as connection:
        await connection.run_sync(metadata().create_all)
    assert await schema(fresh) == migrated


async def test_upgrade_twice_changes_nothing(fresh: Database) -> None:
    await migrations.upgrade(fresh.engine)
    async with fresh.write() as session:
        link = links.NewLink("c", "a", "Client Odotrack", frozenset({"orders"}), EMAIL)
        await links.add_links(session, 1, "Camille", [link], NOW)
    before = await schema(fresh)
    await migrations.upgrade(fresh.engine)
    assert await schema(fresh) == before
    async with fresh.read() as session:
        assert [link.account_name for link in (await chats.load(session, 1)).links] == ["Client Odotrack"]


async def test_unknown_revision_is_refused(fresh: Database) -> None:
    with pytest.raises(Exception, match="nowhere"):
        await migrations.upgrade(fresh.engine, "nowhere")
    assert await schema(fresh) == {}


async def test_concurrent_migrations(fresh_url: str) -> None:
    """One of them migrates; the others wait and find it done."""
    async with AsyncExitStack() as stack:
        replicas = [
            await stack.enter_async_context(opened(fresh_url)) for _ in range(1 if "sqlite" in fresh_url else 4)
        ]
        await asyncio.gather(*(migrations.upgrade(each.engine) for each in replicas))
        assert await migrations.schema_of(replicas[0].engine) is Schema.CURRENT


async def test_failed_migration_releases_the_lock(fresh_url: str) -> None:
    async with opened(fresh_url) as failing, opened(fresh_url) as next_one:
        with pytest.raises(Exception, match="nowhere"):
            await migrations.upgrade(failing.engine, "nowhere")
        async with asyncio.timeout(20):
            await migrations.upgrade(next_one.engine)
        assert await migrations.schema_of(next_one.engine) is Schema.CURRENT


def test_revisions_are_in_order() -> None:
    assert len(set(REVISIONS)) == len(REVISIONS) > 0
    assert sorted(REVISIONS) == REVISIONS


def test_head_is_the_newest_revision() -> None:
    assert migrations.revisions()[-1] == migrations.HEAD
