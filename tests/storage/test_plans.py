"""The plans of every query of the bot: none scans a large table."""

import json
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import event

from storage.database import Database, Session
from tests.storage import opened
from tests.storage.filled import Size, fill
from tests.storage.queries import QUERIES, Pick, Query, seal_addresses

SIZE = Size(40_000)
A_LINK = Pick(SIZE, 8)
LARGE = {
    "chats",
    "links",
    "codes",
    "documents",
    "copies",
    "mutes",
    "notices",
    "deliveries",
    "handled_updates",
    "sweeps",
    "planned_notices",
    "visits",
    "pdf_messages",
}
FEW = (
    "ix_planned_notices_due_at",
    "ix_sweeps_due_at",
    "ix_deliveries_waiting",
    "ix_deliveries_in_hand",
    "ix_deliveries_open",
    "ix_deliveries_to_repeat",
    "ix_codes_revocations",
)
"""Partial indexes of open deliveries and of the few codes of revocations,
which may be read from end to end or in their order up to a limit."""

TOGETHER = "ix_links_reached"
"""An account's links lie together in this index, and far apart in the table, which is not to be read then.

A change that asks whether there is one reads one row of the table on PostgreSQL, which locks it.
"""


class Plans:
    """Runs queries on one filled database, rolls each back, and reads their plans."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, query: Query) -> list[tuple[str, list[str]]]:
        """Return each statement of a query, with the full scans in its plan."""
        said: list[tuple[str, Any]] = []

        def listen(_connection: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
            said.append((statement, parameters))

        async with Session(self._database.engine, self._database.vault) as session:
            event.listen(self._database.engine.sync_engine, "before_cursor_execute", listen)
            await query(session, A_LINK)
            await session.flush()
            event.remove(self._database.engine.sync_engine, "before_cursor_execute", listen)
            await session.rollback()
        return [(statement, await self._scans(statement, parameters)) for statement, parameters in said]

    async def _scans(self, statement: str, parameters: Any) -> list[str]:
        if not statement.lstrip().startswith(("SELECT", "UPDATE", "DELETE", "INSERT")):
            return []
        if isinstance(parameters, list):  # many rows at once: the plan of each is the same
            parameters = parameters[0]
        async with self._database.engine.connect() as connection:
            if self._database.is_sqlite:
                found = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
                plan = [row[3] for row in found]
                # An index has this order: a sort would sort the whole backlog at each claim.
                walks = "ORDER BY deliveries.due_at" in statement
                sorts = [step for step in plan if walks and "USE TEMP B-TREE FOR ORDER BY" in step]
                leaves = [step for step in plan if f"USING INDEX {TOGETHER}" in step]
                return [step for step in plan if re.match(rf"SCAN ({'|'.join(LARGE)})(_\d)?\b", step)] + sorts + leaves
            found = await connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", parameters)
            plan = found.scalar_one()
            scans = _whole(json.loads(plan)[0]["Plan"] if isinstance(plan, str) else plan[0]["Plan"])
            return [scan for scan in scans if statement.startswith("SELECT") or scan != f"Index Scan {TOGETHER}"]


def _whole(node: dict[str, Any]) -> list[str]:
    """Return the full scans in a plan of PostgreSQL: of a table, or of an index without a condition."""
    found = [line for child in node.get("Plans", []) for line in _whole(child)]
    if node.get("Index Name") == TOGETHER and node["Node Type"] != "Index Only Scan":
        found.append(f"{node['Node Type']} {TOGETHER}")
    if node.get("Relation Name") in LARGE and "Scan" in node["Node Type"]:
        by = node.get("Index Name", "")
        if node["Node Type"] == "Seq Scan" or (by and "Index Cond" not in node):
            found.append(f"SCAN {node['Relation Name']}{f' USING INDEX {by}' if by else ''}")
    return found


@pytest.fixture
async def plans(database_url: str) -> AsyncIterator[Plans]:
    async with opened(database_url) as database:
        await fill(database, SIZE)
        await seal_addresses(database, [A_LINK])
        yield Plans(database)


async def test_no_query_scans_a_large_table(plans: Plans) -> None:
    found: list[str] = []
    for name, query in QUERIES.items():
        for statement, scans in await plans.of(query):
            bad = [scan for scan in scans if not scan.endswith(FEW)]
            if bad:
                found.append(f"{name}: {bad}\n{statement}\n")
    assert not found, "\n".join(found)
