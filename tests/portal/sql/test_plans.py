"""The queries use the indexes that the skeleton has, also where a customer has many invoices."""

import re
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import event

from portal.client import Reader
from portal.sql.portal import SqlPortal
from tests.portal.sql.company import TREMBLAY, Company
from tests.portal.sql.many import fill_many

READER = Reader(str(TREMBLAY), str(TREMBLAY))
CALLS: dict[str, tuple[Callable[[SqlPortal], Awaitable[object]], str]] = {
    "list": (lambda portal: portal.invoices(READER, page=1, page_size=8), "odobot_invoices_of"),
    "search": (lambda portal: portal.invoices(READER, page=1, page_size=8, query="zzz"), "odobot_invoice"),
    "number": (lambda portal: portal.invoice(READER, "F-1000010"), "odobot_invoice"),
    "email": (lambda portal: portal.find_contacts("Person1500@example.test"), "odobot_email"),
    "contact": (lambda portal: portal.contact(str(TREMBLAY)), "odobot_membership"),
    "feed": (lambda portal: _feed(portal), "odobot_invoices_changed"),
}


async def _feed(portal: SqlPortal) -> object:
    return await portal.events((await portal.events(None, 100)).cursor, 100)


@pytest.mark.timeout(180)
async def test_queries_use_the_indexes(empty_company: Company) -> None:
    """No query reads a whole table of 20,000 invoices or 2,000 people."""
    company = empty_company
    await fill_many(company, 20_000, customers=2000)
    portal = company.portal()
    await portal.contact(str(TREMBLAY))
    asked: list[tuple[str, object]] = []

    def note(_connection: object, _cursor: object, statement: str, values: object, *_: object) -> None:
        asked.append((statement, values))

    engine = portal._database._engine
    event.listen(engine.sync_engine, "before_cursor_execute", note)
    for name, (call, index) in CALLS.items():
        asked.clear()
        await call(portal)
        statements = [(text, values) for text, values in asked if text.startswith("SELECT") and "FROM odobot" in text]
        assert statements, name
        plans = [await _plan(company, engine, text, values) for text, values in statements]
        assert any(index in plan for plan in plans), (name, plans)
        assert not [plan for plan in plans if _reads_all(plan)], (name, plans)


async def _plan(company: Company, engine: object, statement: str, values: object) -> str:
    words = {"sqlite": "EXPLAIN QUERY PLAN", "postgresql": "EXPLAIN", "mysql": "EXPLAIN"}[company.dialect.value]
    async with engine.connect() as connection:  # type: ignore[attr-defined]
        rows = await connection.exec_driver_sql(f"{words} {statement}", values)
        return "\n".join(" ".join(map(str, row)) for row in rows)


def _reads_all(plan: str) -> bool:
    """Whether a plan goes through all rows of a large table: ``i`` invoices, ``p`` people, ``m`` memberships."""
    lines = plan.splitlines()
    return any(re.search(r"SCAN [ipm]\b|Seq Scan on (invoices|people|memberships)| [ipm] ALL ", line) for line in lines)
