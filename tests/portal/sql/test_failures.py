"""What a database that is away, slow, changed or wrong means, and that nothing is ever written or shown of it."""

import asyncio
import logging
import socket
from typing import Any

import pytest
import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from portal.adapters.adapter import Connection
from portal.breaker import PortalBreaker
from portal.errors import PortalAway, PortalBroken, PortalError, PortalRefused, PortalUnavailable
from portal.sql.adapter import ADAPTER
from portal.sql.database.address import Dialect
from portal.sql.portal import SqlPortal
from tests.portal.sql.company import READER, Company, statements

SECRET = "p%40ss-w0rd"
SHOWN = "p@ss-w0rd"


async def invoices(portal: SqlPortal) -> int:
    return (await portal.invoices(READER, page=1, page_size=5)).total


async def test_nothing_can_be_written(company: Company, portal: SqlPortal) -> None:
    """Not even by a statement of Odobot's own, with a user who may write."""
    await invoices(portal)
    for statement in ("DELETE FROM invoices", "CREATE TABLE x (y INTEGER)", "UPDATE people SET name = 'x'"):
        with pytest.raises(DBAPIError):
            async with portal._database._engine.begin() as connection:
                await connection.execute(text(statement))
    assert await invoices(portal) == 6


@pytest.mark.parametrize(
    ("view", "column"), [("odobot_invoices", "balance"), ("odobot_contacts", "email"), ("odobot_access", "account_id")]
)
async def test_missing_column_is_named(company: Company, view: str, column: str) -> None:
    """A required one, by the view's name and its own; with it again, the next call works."""
    await company.run(*_without(view, column))
    portal = company.portal()
    with pytest.raises(PortalBroken, match=rf"{view}\.{column}: is missing"):
        await invoices(portal)
    assert f"{view}.{column}: is missing" in await portal.findings()


async def test_missing_view_is_named(company: Company, portal: SqlPortal) -> None:
    await company.run("DROP VIEW odobot_orders", "DROP VIEW odobot_order_lines")
    with pytest.raises(PortalBroken, match="odobot_orders: the view is missing"):
        await invoices(portal)
    assert await portal.findings()
    await company.run("CREATE VIEW odobot_orders AS SELECT customer_id AS account_id, number FROM orders")
    page = await portal.orders(READER, page=1, page_size=5)
    assert {each.lines for each in page.items} == {()}, "the lines may be left out"


async def test_column_that_goes_while_running(company: Company, portal: SqlPortal) -> None:
    """The views are inspected again: an optional column is left out from then on, a required one is named."""
    assert (await portal.invoice(READER, "240130")).payment_reference == "RF 18"
    await company.run(*_without("odobot_invoices", "payment_reference"))
    assert (await portal.invoice(READER, "240130")).payment_reference is None
    await company.run(*_without("odobot_invoices", "amount"))
    with pytest.raises(PortalBroken, match=r"odobot_invoices\.amount: is missing"):
        await portal.invoice(READER, "240130")
    await company.run(*_without("odobot_invoices", ""))
    assert (await portal.invoice(READER, "240130")).payment_reference == "RF 18"


async def test_column_of_a_wrong_type_is_named(company: Company, engine: str) -> None:
    """SQLite declares no types of expressions; there the rows are looked at."""
    replaced = {"amount": "'n/a'", "date": "'soon'", "updated_at": "'now'", "number": "i.number"}
    await company.run("DROP VIEW odobot_invoices", _invoices(replaced))
    findings = await company.portal().findings()
    if engine == "sqlite":
        assert "odobot_invoices.amount: 9 of 9 rows cannot be read" in findings
        assert "odobot_invoices.date: 9 of 9 rows cannot be read" in findings
        return
    assert "odobot_invoices.amount: expected a decimal number, found text" in findings
    assert "odobot_invoices.date: expected a date, found text" in findings
    assert "odobot_invoices.updated_at: expected a date and time, found text" in findings
    with pytest.raises(PortalBroken, match="expected a decimal number, found text"):
        await invoices(company.portal())


async def test_wrong_type_of_access_opens_nothing(company: Company, engine: str) -> None:
    """A flag that is not one is refused, rather than left out, which would show everything."""
    await company.run(
        "DROP VIEW odobot_access",
        "CREATE VIEW odobot_access AS SELECT person_id AS contact_id, customer_id AS account_id,"
        " 'no' AS can_see_invoices FROM memberships",
    )
    with pytest.raises(PortalError):
        await invoices(company.portal())


async def test_view_that_fails_shows_no_value(company: Company, portal: SqlPortal, engine: str) -> None:
    if engine == "sqlite":
        bad = "json_extract('top-secret', '$.x')"
    elif engine == "mariadb":
        bad = "(SELECT total FROM invoices UNION SELECT -1)"  # several rows where one is expected
    else:
        bad = "CAST('top-secret' || i.number AS NUMERIC)"
    await company.run("DROP VIEW odobot_invoices", _invoices({"balance": bad}))
    with pytest.raises(PortalError) as raised:
        await portal.invoices(READER, page=1, page_size=5)
    assert isinstance(raised.value, PortalBroken)
    assert "odobot_invoices" in str(raised.value)
    assert "top-secret" not in _everything(raised.value)


async def test_slow_query_is_stopped(company: Company, monkeypatch: pytest.MonkeyPatch, engine: str) -> None:
    """In the database, too, so that it does no more work."""
    monkeypatch.setattr("portal.sql.database.pool.STATEMENT_SECONDS", 1)
    if engine == "sqlite":
        slow = "(WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n)"
    elif engine == "postgresql":
        slow = "(SELECT 1.0 FROM pg_sleep(20))"
    else:
        slow = "sleep(20)"
    await company.run("DROP VIEW odobot_invoices", _invoices({"balance": slow}))
    breaker = PortalBreaker()
    portal = ADAPTER.open(Connection(company.url, breaker=breaker))
    began = asyncio.get_running_loop().time()
    try:
        with pytest.raises(PortalUnavailable) as raised:
            await portal.invoices(READER, page=1, page_size=5)
    finally:
        await portal.aclose()
    assert raised.value.is_outage
    assert asyncio.get_running_loop().time() - began < 9


async def test_breaker_opens(company: Company) -> None:
    breaker = PortalBreaker()
    await company.close()
    url = (
        company.url.replace("company.db", "none.db") if company.dialect == "sqlite" else _on_port(company.url, _free())
    )
    portal = ADAPTER.open(Connection(url, breaker=breaker))
    for _ in range(5):
        with pytest.raises(PortalUnavailable) as raised:
            await portal.contact("1")
        assert raised.value.is_outage
    with pytest.raises(PortalAway):
        await portal.contact("1")
    await portal.aclose()
    await asyncio.sleep(0.1)  # aiosqlite's thread of the last file that could not be opened ends


async def test_errors_have_no_password(company: Company, engine: str, caplog: pytest.LogCaptureFixture) -> None:
    """Whether the database refuses the login, is away, or does not exist; nor does the portal's representation."""
    if engine == "sqlite":
        pytest.skip("SQLite has no login")
    caplog.set_level(logging.DEBUG)
    host = company.url.partition("@")[2]
    scheme = company.url.partition("//")[0]
    urls = [f"{scheme}//nobody:{SECRET}@{host}", f"{scheme}//nobody:{SECRET}@127.0.0.1:{_free()}/x"]
    with structlog.testing.capture_logs() as logs:
        for url, kind in zip(urls, (PortalRefused, PortalUnavailable), strict=True):
            portal = ADAPTER.open(Connection(url))
            with pytest.raises(kind) as raised:
                await portal.find_contacts("somebody@example.test")
            said = _everything(raised.value) + repr(portal) + repr(vars(portal)) + caplog.text + repr(logs)
            for secret in (SECRET, SHOWN, "somebody"):
                assert secret not in said
            await portal.aclose()


async def test_lost_connections_are_made_anew(company: Company, portal: SqlPortal, request: Any, engine: str) -> None:
    if engine != "postgresql":
        pytest.skip("the server of the tests can only be restarted for PostgreSQL")
    assert await invoices(portal) == 6
    await company.close()
    request.getfixturevalue("postgres").restart("fast")
    assert await invoices(portal) == 6


def _without(view: str, column: str) -> list[str]:
    """Make a view anew, without a column, and without its URLs, which each database joins in its own way."""
    [made] = [each for each in statements(Dialect.SQLITE) if each.startswith(f"CREATE VIEW {view} ")]
    lines = [line.rstrip() for line in made.splitlines() if not column or f" AS {column}" not in line]
    code = "\n".join(line for line in lines if " || " not in line)
    return [f"DROP VIEW {view}", code.replace(",\nFROM", "\nFROM")]


def _invoices(replaced: dict[str, str]) -> str:
    columns = {
        "account_id": "i.customer_id", "number": "i.number", "date": "i.date", "amount": "i.total",
        "balance": "i.total - i.paid", "updated_at": "i.updated_at",
    } | replaced  # fmt: skip
    named = ", ".join(f"{code} AS {name}" for name, code in columns.items())
    return f"CREATE VIEW odobot_invoices AS SELECT {named} FROM invoices i"


def _everything(error: BaseException) -> str:
    """The text of an exception with its causes."""
    return "".join(f"{each!r} {each}" for each in (error, error.__cause__) if each is not None)


def _free() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _on_port(url: str, port: int) -> str:
    head, _, tail = url.rpartition(":")
    return f"{head}:{port}/{tail.partition('/')[2]}"
