"""Every query of the bot at 1,000, 100,000 and 1,000,000 links, on SQLite and on PostgreSQL.

    python -m benches.storage [--engines sqlite,postgresql] [--sizes 1000,100000,1000000] [--rounds 5] [--only PART]

What is in the databases says tests/storage/filled.py. A time is that of a whole unit of work as the bot has it, session
and BEGIN included, on a link that was not asked for before, up to the commit; then it is rolled back, so that every
repetition finds the same. Where it says "committed" it was. The databases take turns at every repetition.
"""

import argparse
import asyncio
import datetime
import itertools
import random
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from cryptography.fernet import Fernet
from sqlalchemy import text, update
from sqlmodel import col

from benches.support.measure import median, table, verdict
from storage import chats, migrations
from storage.chats import Awaiting
from storage.database import Database
from storage.notices import outbox
from storage.tables import Awaited, Delivery, State
from storage.vault import Vault
from tests.postgres.server import postgres_server
from tests.storage.filled import Size, fill
from tests.storage.queries import COUNTS, READS, WRITES, Pick, Query, picks, seal_addresses

LIMIT = 1.5
REPETITIONS = 20
"""Of each query in a round; fewer of one that would take longer than ``PATIENCE`` seconds at one size."""
PATIENCE = 3.0
PICKS = 10_000
AT_ONCE = 32
_SECOND = datetime.timedelta(seconds=1)


class _Undo(Exception):
    """Raised to roll back a unit of work."""


class Filled:
    """One database, the links that queries have not used yet, and milliseconds by query."""

    def __init__(self, database: Database, size: Size, chosen: Sequence[Pick]) -> None:
        self.size = size
        self.took: dict[str, list[float]] = {}
        self.database = database
        self._picks = itertools.cycle(chosen)

    async def read(self, query: Query) -> float:
        """Run one unit of work that reads. Returns its seconds."""
        pick, began = next(self._picks), time.perf_counter()
        async with self.database.read() as session:
            await query(session, pick)
        return time.perf_counter() - began

    async def write(self, query: Query) -> float:
        """Run one unit of work that writes, and roll it back. Returns its seconds."""
        pick, began, took = next(self._picks), time.perf_counter(), 0.0
        try:
            async with self.database.write() as session:
                await query(session, pick)
                await session.flush()
                took = time.perf_counter() - began
                raise _Undo
        except _Undo:
            return took

    async def move_on(self) -> float:
        """Commit a chat's next step."""
        pick, until = next(self._picks), self.size.now + _SECOND * random.randrange(1_000_000)
        began = time.perf_counter()
        async with self.database.write() as session:
            await chats.set_awaiting(session, pick.chat, Awaiting(Awaited.CODE, until), until)
        return time.perf_counter() - began

    async def send(self) -> float:
        """Claim, send and settle one batch of a notice's deliveries as a worker does, committed."""
        now, until, began = self.size.now, self.size.now + 60 * _SECOND, time.perf_counter()
        async with self.database.write() as session:
            claimed = await outbox.claim(session, "bench", now, until, AT_ONCE, _SECOND)
        assert len(claimed) == AT_ONCE
        for each in claimed:
            async with self.database.write() as session:
                await outbox.begin_sending(session, outbox.held_by("bench", [each.delivery_id]), now, until)
            async with self.database.write() as session:
                await outbox.settle(session, outbox.held_by("bench", [each.delivery_id]), State.SENT, now)
        took = (time.perf_counter() - began) / AT_ONCE
        again = col(Delivery.delivery_id).in_([each.delivery_id for each in claimed])
        async with self.database.write() as session:
            await session.change(update(Delivery).where(again).values(state=State.QUEUED, settled_at=None))
        return took


def asked() -> Iterator[tuple[str, Callable[[Filled], Awaitable[float]]]]:
    """Return all measured queries; those that delete many rows are last, as PostgreSQL keeps dead rows of them."""
    for name, query in {**READS, **COUNTS}.items():
        yield name, lambda filled, query=query: filled.read(query)  # type: ignore[misc]
    yield "chats.set_awaiting, committed", Filled.move_on
    yield "outbox: a notice from claim to sent, committed", Filled.send
    for name, query in sorted(WRITES.items(), key=lambda item: item[0].endswith("many")):
        yield name, lambda filled, query=query: filled.write(query)  # type: ignore[misc]


async def measure(databases: Sequence[Filled], rounds: int, names: Collection[str]) -> None:
    """Measure the queries and add the times to ``took`` of each database."""
    for number in range(rounds + 1):
        for name, ask in asked():
            if name not in names:
                continue
            left = dict.fromkeys(databases, PATIENCE)
            for repetition in range(REPETITIONS if number else 2):  # the first round warms up
                turn = repetition % len(databases)
                for filled in (*databases[turn:], *databases[:turn]):
                    if left[filled] > 0:
                        seconds = await ask(filled)
                        left[filled] -= seconds
                        if number:
                            filled.took.setdefault(name, []).append(seconds * 1000)
        for filled in databases:
            await tidy(filled.database)


def ratios_of(databases: Sequence[Filled]) -> dict[str, float]:
    """Return, for each query, the median at the last size divided by the median at the first."""
    first, last = databases[0].took, databases[-1].took
    return {name: median(last[name]) / median(took) for name, took in first.items()}


async def tidy(database: Database) -> None:
    """Vacuum PostgreSQL: rolled-back work leaves dead rows, many in proportion to a small table."""
    if not database.is_sqlite:
        async with database.engine.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            await connection.execute(text("VACUUM"))


async def run(engine: str, urls: Sequence[str], sizes: Sequence[int], rounds: int, only: str) -> float:
    """Fill and measure the databases of an engine, and print the table. Returns the worst ratio of the sizes."""
    names = [name for name, _ in asked() if any(part in name for part in only.split(","))]
    async with AsyncExitStack() as stack:
        databases = []
        for url, links in zip(urls, sizes, strict=True):
            database, size, began = (
                Database(url, Vault([Fernet.generate_key().decode()])),
                Size(links),
                time.monotonic(),
            )
            stack.push_async_callback(database.close)
            await migrations.upgrade(database.engine)
            await fill(database, size)
            chosen = picks(size, min(PICKS, size.quarter))
            await seal_addresses(database, chosen)
            databases.append(Filled(database, size, chosen))
            print(f"{engine}, {links:,} links: filled in {time.monotonic() - began:.0f} s", file=sys.stderr)
        await measure(databases, rounds, names)
        # On a shared machine, a figure at the limit is measured again with three times as many rounds.
        await measure(databases, 2 * rounds, [name for name, ratio in ratios_of(databases).items() if ratio > LIMIT])
    ratios = ratios_of(databases)
    print(f"\n{engine}: medians in milliseconds\n")
    print(table(
        ["query", *(f"{links:,}" for links in sizes), "last/first"],
        [[name, *(median(each.took[name]) for each in databases), ratio] for name, ratio in ratios.items()],
    ))  # fmt: skip
    missed = [f"{name} {ratio:.2f}" for name, ratio in ratios.items() if ratio > LIMIT]
    print(f"\nover the limit: {'; '.join(missed) or 'none'}")
    return max(ratios.values())


def main() -> int:
    """Measure both engines. Returns 0 if every query keeps the limit."""
    parser = argparse.ArgumentParser(prog="python -m benches.storage", description="every query at growing sizes")
    parser.add_argument("--engines", default="sqlite,postgresql")
    parser.add_argument("--sizes", default="1000,100000,1000000", help="numbers of links, the smallest first")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="parts of the names of queries, with commas between")
    given = parser.parse_args()
    sizes = [int(size) for size in given.sizes.split(",")]
    worst: dict[str, float] = {}
    if "sqlite" in given.engines:
        with tempfile.TemporaryDirectory() as folder:
            urls = [f"sqlite+aiosqlite:///{Path(folder)}/{size}.db" for size in sizes]
            worst["SQLite"] = asyncio.run(run("SQLite", urls, sizes, given.rounds, given.only))
    if "postgresql" in given.engines:
        with postgres_server() as server:
            urls = [server.create(migrated=False) for _ in sizes]
            worst["PostgreSQL"] = asyncio.run(run("PostgreSQL", urls, sizes, given.rounds, given.only))
    print()
    kept = [verdict(f"{engine}, the worst ratio", ratio, LIMIT) for engine, ratio in worst.items()]
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
