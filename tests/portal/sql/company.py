"""A company's own tables, with the views of the skeleton on them, on each kind of database."""

import datetime
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fpdf import FPDF
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from portal.adapters.adapter import Connection
from portal.client import Reader
from portal.sql.adapter import ADAPTER
from portal.sql.database.address import Dialect
from portal.sql.portal import SqlPortal
from portal.sql.skeleton import skeleton

_TABLES = """
CREATE TABLE people (id INTEGER PRIMARY KEY, email VARCHAR(200), name VARCHAR(200), language VARCHAR(10));
CREATE TABLE customers (id INTEGER PRIMARY KEY, name VARCHAR(200));
CREATE TABLE memberships (person_id INTEGER, customer_id INTEGER, sees_orders BOOLEAN, sees_invoices BOOLEAN,
    updated_at {time});
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER, number VARCHAR(100), starts_on DATE, ends_on DATE,
    progress INTEGER, title VARCHAR(200), amount NUMERIC(12, 2), status VARCHAR(20), created_at {time},
    updated_at {time});
CREATE TABLE order_lines (order_id INTEGER, position INTEGER, quantity NUMERIC(12, 3), description VARCHAR(500));
CREATE TABLE invoices (id INTEGER PRIMARY KEY, customer_id INTEGER, order_id INTEGER, number VARCHAR(100), date DATE,
    due_date DATE, total NUMERIC(12, 2), paid NUMERIC(12, 2), paid_on DATE, status VARCHAR(20), kind VARCHAR(20),
    reference VARCHAR(50), pdf_file VARCHAR(200), issued_at {time}, created_at {time}, updated_at {time})
"""
_TIMES = {Dialect.POSTGRESQL: "TIMESTAMP", Dialect.MYSQL: "DATETIME(6)", Dialect.SQLITE: "TEXT"}
LONG_AGO = datetime.datetime(2026, 1, 5, 12, 0, tzinfo=datetime.UTC).replace(tzinfo=None)

TREMBLAY, ZED, SHARED = 10, 20, 30
"""The customers' ids."""


class Company:
    """A database that a company writes, and portals that read it.

    Args:
        address: ``//user:password@host/database``, or ``///file`` of SQLite.
        dialect: The kind of database.
    """

    def __init__(self, address: str, dialect: Dialect) -> None:
        driver = {Dialect.POSTGRESQL: "asyncpg", Dialect.MYSQL: "asyncmy", Dialect.SQLITE: "aiosqlite"}[dialect]
        self.dialect = dialect
        self.url = f"sql+{dialect.value}:{address}"
        self.engine: AsyncEngine = create_async_engine(f"{dialect.value}+{driver}:{address}")
        self._portals: list[SqlPortal] = []

    async def make(self, *, indexed: bool = True) -> None:
        """Create the tables, and what the skeleton has: views and indexes."""
        await self.run(*_TABLES.format(time=_TIMES[self.dialect]).split(";"))
        await self.run(*statements(self.dialect, indexed=indexed))

    async def run(self, *statements: str, **values: Any) -> None:
        """Execute and commit statements."""
        async with self.engine.begin() as connection:
            for statement in statements:
                await connection.execute(text(statement), values)

    async def add(self, table: str, *rows: dict[str, Any]) -> None:
        """Insert rows, which have the same columns."""
        if not rows:
            return
        names = list(rows[0])
        statement = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join(f':{name}' for name in names)})"
        async with self.engine.begin() as connection:
            await connection.execute(text(statement), [self._stored(row) for row in rows])

    def portal(self, *, url: str = "", **settings: str) -> SqlPortal:
        """Make a portal with the adapter; ``close`` closes it."""
        made = ADAPTER.open(Connection(ADAPTER.check_url(url or self.url), settings=settings))
        assert isinstance(made, SqlPortal)
        self._portals.append(made)
        return made

    async def close(self) -> None:
        """Close the connections of the company and of its portals."""
        for portal in self._portals:
            await portal.aclose()
        await self.engine.dispose()

    def _stored(self, row: dict[str, Any]) -> dict[str, Any]:
        """SQLite has no dates and no decimal numbers."""
        if self.dialect is not Dialect.SQLITE:
            return row
        return {name: _as_sqlite(value) for name, value in row.items()}


def _as_sqlite(value: Any) -> Any:
    if isinstance(value, datetime.datetime):
        return value.isoformat(" ")
    return value.isoformat() if isinstance(value, datetime.date) else value


def statements(dialect: Dialect, *, indexed: bool = True) -> Sequence[str]:
    """Return the statements of the skeleton, without its user."""
    code = re.sub(r"--.*", "", skeleton(dialect))
    kept = ("CREATE VIEW", "CREATE INDEX") if indexed else ("CREATE VIEW",)
    return [each.strip() for each in code.split(";") if each.strip().startswith(kept)]


def invoice(id_: int, customer: int, number: str, day: str, total: str, paid: str = "0", **more: Any) -> dict[str, Any]:
    """A row of ``invoices``; amounts are decimal texts."""
    row: dict[str, Any] = {
        "id": id_, "customer_id": customer, "order_id": None, "number": number,
        "date": datetime.date.fromisoformat(day),
        "due_date": None, "total": float(total), "paid": float(paid), "paid_on": None, "status": None, "kind": None,
        "reference": None, "pdf_file": None, "issued_at": LONG_AGO, "created_at": LONG_AGO, "updated_at": LONG_AGO,
    }  # fmt: skip
    for name in ("due_date", "paid_on"):
        if isinstance(more.get(name), str):
            more[name] = datetime.date.fromisoformat(more[name])
    assert set(more) <= set(row)
    return row | more


def order(id_: int, customer: int, number: str, **more: Any) -> dict[str, Any]:
    """A row of ``orders``."""
    row: dict[str, Any] = {
        "id": id_, "customer_id": customer, "number": number, "starts_on": None, "ends_on": None, "progress": None,
        "title": None, "amount": None, "status": None, "created_at": LONG_AGO, "updated_at": LONG_AGO,
    }  # fmt: skip
    for name in ("starts_on", "ends_on"):
        if isinstance(more.get(name), str):
            more[name] = datetime.date.fromisoformat(more[name])
    assert set(more) <= set(row)
    return row | more


def member(person: int, customer: int, orders: bool | None = True, invoices: bool | None = True) -> dict[str, Any]:
    """A row of ``memberships``."""
    return {
        "person_id": person, "customer_id": customer, "sees_orders": orders, "sees_invoices": invoices,
        "updated_at": LONG_AGO,
    }  # fmt: skip


async def fill(company: Company) -> None:
    """Add three customers, and people with and without access to their parts."""
    await company.add(
        "people",
        {"id": 1, "email": "Client@example.test", "name": "Anne Tremblay", "language": "fr_CA"},
        {"id": 2, "email": "zed@example.test", "name": "Zed", "language": "en"},
        {"id": 3, "email": "partage@example.test", "name": "Un", "language": "fr"},
        {"id": 4, "email": "partage@example.test", "name": "Deux", "language": "fr"},
        {"id": 5, "email": "orders.only@example.test", "name": "Orders", "language": None},
    )
    await company.add(
        "customers",
        {"id": TREMBLAY, "name": "Transport Tremblay inc."},
        {"id": ZED, "name": "Zed Ltd."},
        {"id": SHARED, "name": "Partage"},
    )
    await company.add(
        "memberships", member(1, TREMBLAY), member(2, ZED), member(3, SHARED), member(4, SHARED),
        member(5, TREMBLAY, invoices=False), member(5, ZED, orders=None),
    )  # fmt: skip
    await company.add(
        "orders",
        order(1, TREMBLAY, "31450", starts_on="2026-04-01", ends_on="2029-03-31", progress=17, title="Flotte été",
              amount=4812.5, status="Active"),
        order(2, TREMBLAY, "31200", starts_on="2025-02-01", progress=60),
        order(3, TREMBLAY, "C-7/a"),
        order(4, ZED, "40001", starts_on="2026-02-01"),
    )  # fmt: skip
    await company.add(
        "order_lines",
        {"order_id": 1, "position": 2, "quantity": None, "description": "Déplacement, Saguenay – Chibougamau"},
        {"order_id": 1, "position": 1, "quantity": 34, "description": "Installation, cable OBD2 100 %"},
        {"order_id": 2, "position": 1, "quantity": 1.5, "description": "Plan Pro"},
        {"order_id": 4, "position": 1, "quantity": 1, "description": "Installation"},
    )
    await company.add(
        "invoices",
        invoice(1, TREMBLAY, "240127", "2026-07-01", "1293.08", "1293.08", due_date="2026-07-31", paid_on="2026-07-22",
                order_id=2),
        invoice(2, TREMBLAY, "240129", "2026-09-01", "1293.08", "500", due_date="2026-10-01", order_id=2),
        invoice(3, TREMBLAY, "240204", "2026-08-31", "-401.26", order_id=1, kind="Credit note", status="Paid"),
        invoice(4, TREMBLAY, "240130", "2026-10-01", "293.08", due_date="2026-10-31", order_id=1, status="open",
                reference="RF 18"),
        invoice(5, TREMBLAY, "2026/001", "2026-10-01", "10.00", "10.00", paid_on="2026-10-02"),
        invoice(6, TREMBLAY, "F-abc_1", "2026-06-01", "0.30", "0.10", due_date="2026-06-15"),
        invoice(7, ZED, "240999", "2026-07-01", "777.77"),
        invoice(8, ZED, "240129", "2026-07-02", "888.88"),
        invoice(9, SHARED, "1", "2026-07-02", "5.00"),
    )  # fmt: skip


TREMBLAYS = ("240127", "240129", "240130", "240204", "2026/001", "F-abc_1")
"""The numbers of Tremblay's invoices."""
READER = Reader("1", str(TREMBLAY))
OTHER = Reader("2", str(ZED))


def pdf_folder(folder: Path, *numbers: str) -> str:
    """Write a PDF for each number of Tremblay's, and for each invoice of Zed's. Returns the setting."""
    places = [(TREMBLAY, number) for number in numbers] + [(ZED, "240129"), (ZED, "240999")]
    for customer, number in places:
        made = FPDF()
        made.set_compression(False)
        made.add_page()
        made.set_font("helvetica")
        made.cell(text=f"Facture {number}")
        made.multi_cell(0, text=f"Client {customer} " * 200)
        (folder / str(customer)).mkdir(parents=True, exist_ok=True)
        (folder / str(customer) / f"{number.replace('/', '%2F')}.pdf").write_bytes(bytes(made.output()))
    return f"{folder}/{{account_id}}/{{number}}.pdf"
