"""A portal of SQL views with 100,000 invoices, a tenth of them of one customer, who is the one that reads.

    python -m benches.sql_portal [--engines sqlite,postgresql,mariadb] [--invoices 100000] [--repetitions 30]

The views and the indexes are those of ``odobot portal-sql``. A time is that of a whole call of the portal, in
milliseconds, the median of its repetitions. MariaDB needs the extra sql-mysql.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benches.support.measure import median, table, verdict
from portal.client import Reader
from portal.models import Status
from portal.sql.database.address import Dialect
from portal.sql.portal import SqlPortal
from tests.mariadb.server import maria_server
from tests.portal.sql.company import TREMBLAY, Company
from tests.portal.sql.many import fill_many
from tests.postgres.server import postgres_server

LIMIT = 50.0
"""Milliseconds, of a list's page and of a search."""
CUSTOMERS = 1000
READER = Reader(str(TREMBLAY), str(TREMBLAY))

Call = Callable[[SqlPortal], Awaitable[object]]


def _invoices(**asked: object) -> Call:
    return lambda portal: portal.invoices(READER, page_size=8, **{"page": 1, **asked})  # type: ignore[arg-type]


CALLS: dict[str, Call] = {
    "invoices, first page": _invoices(),
    "invoices, page 1000": _invoices(page=1000),
    "invoices, unpaid": _invoices(status=Status.UNPAID),
    "invoices, search by number": _invoices(query="F-1099990"),
    "invoices, search by a part": _invoices(query="9999"),
    "invoices, search by amount": _invoices(query="293,50 $"),
    "invoices, search by date": _invoices(query="2024-03-01"),
    "invoices, nothing found": _invoices(query="zzz"),
    "invoice by number": lambda portal: portal.invoice(READER, "F-1099990"),
    "invoice by number in another case": lambda portal: portal.invoice(READER, "f-1099990"),
    "summary": lambda portal: portal.invoice_summary(READER),
    "orders, first page": lambda portal: portal.orders(READER, page=1, page_size=8),
    "contacts by email": lambda portal: portal.find_contacts("Person1500@example.test"),
    "feed, nothing new": lambda portal: _feed(portal),
}
LIMITED = [name for name in CALLS if name.startswith("invoices")]


async def _feed(portal: SqlPortal) -> object:
    return await portal.events((await portal.events(None, 100)).cursor, 100)


@contextmanager
def addresses(engines: list[str]) -> Iterator[dict[str, tuple[Dialect, str]]]:
    """Start the servers of the engines. Yields a database's address for each."""
    with ExitStack() as stack:
        found = {}
        if "sqlite" in engines:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            found["SQLite"] = (Dialect.SQLITE, f"///{Path(folder)}/company.db")
        if "postgresql" in engines:
            server = stack.enter_context(postgres_server())
            found["PostgreSQL"] = (Dialect.POSTGRESQL, server.create(migrated=False).partition(":")[2])
        if "mariadb" in engines:
            found["MariaDB"] = (Dialect.MYSQL, stack.enter_context(maria_server()).create().partition(":")[2])
        yield found


async def measure(address: str, dialect: Dialect, invoices: int, repetitions: int) -> dict[str, float]:
    """Fill a database and measure each call. Returns medians by name, in milliseconds."""
    company = Company(address, dialect)
    try:
        await company.make()
        await fill_many(company, invoices, customers=CUSTOMERS)
        portal = company.portal()
        took: dict[str, list[float]] = {name: [] for name in CALLS}
        for repetition in range(repetitions + 2):
            for name, call in CALLS.items():
                began = time.perf_counter()
                await call(portal)
                if repetition >= 2:
                    took[name].append((time.perf_counter() - began) * 1000)
        return {name: median(figures) for name, figures in took.items()}
    finally:
        await company.close()


def main() -> int:
    """Measure the engines. Returns 0 if lists and searches keep the limit on each."""
    parser = argparse.ArgumentParser(prog="python -m benches.sql_portal", description="a portal of SQL views")
    parser.add_argument("--engines", default="sqlite,postgresql,mariadb")
    parser.add_argument("--invoices", type=int, default=100_000)
    parser.add_argument("--repetitions", type=int, default=30)
    given = parser.parse_args()
    with addresses(given.engines.split(",")) as found:
        results = {
            name: asyncio.run(measure(address, dialect, given.invoices, given.repetitions))
            for name, (dialect, address) in found.items()
        }
    print(f"{given.invoices:,} invoices, {given.invoices // 10:,} of them the reader's; medians in milliseconds\n")
    print(table(["call", *results], [[name, *(each[name] for each in results.values())] for name in CALLS]))
    print()
    kept = [verdict(f"{e}, the slowest list or search", max(t[n] for n in LIMITED), LIMIT) for e, t in results.items()]
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
