"""The address of a database, the adapter, and what the skeleton and ``findings`` say."""

import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from bot.commands.portal_sql import portal_sql
from portal.adapters.adapter import Connection
from portal.conformance.check import Outcome, Subject, run_checks
from portal.conformance.report import CHECKS
from portal.errors import PortalBroken, PortalRefused, PortalUnavailable
from portal.sql.adapter import ADAPTER
from portal.sql.database.address import Dialect, parse_address
from portal.sql.skeleton import skeleton
from portal.sql.views import VIEWS
from tests.portal.sql.company import READER, TREMBLAYS, Company, pdf_folder

PG = "sql+postgresql://u:secret@"


@pytest.mark.parametrize(
    "url",
    [
        f"{PG}127.0.0.1/db", f"{PG}localhost:5433/db?sslmode=disable", f"{PG}db.example.com/db", f"{PG}[::1]:5432/db",
        f"{PG}10.0.0.5/db?sslmode=require", f"{PG}db.example.com/db?sslmode=verify-ca", "sql+postgresql://u@127.0.0.1/db",
        f"{PG}/db?host=/run/postgresql", "sql+mysql://u:secret@127.0.0.1/db", "sql+mariadb://u:secret@db.example.com/db",
        "sql+mysql://u:secret@/db?unix_socket=/run/mysqld/mysqld.sock", "sql+sqlite:///company.db",
        "sql+sqlite:////var/lib/company db.sqlite",
    ],
)  # fmt: skip
def test_addresses(url: str) -> None:
    assert ADAPTER.check_url(url) == url
    assert "secret" not in repr(parse_address(url))


@pytest.mark.parametrize(
    "url",
    [
        "", "sql+", "postgresql://u:secret@127.0.0.1/db", "sql+oracle://u:secret@127.0.0.1/db", f"{PG}127.0.0.1",
        f"{PG}127.0.0.1/", f"{PG}/db", f"{PG}127.0.0.1:x/db", f"{PG}db.example.com/db?sslmode=disable",
        f"{PG}10.0.0.5/db?sslmode=prefer", f"{PG}127.0.0.1/db?sslmode=x", f"{PG}127.0.0.1/db?option=x",
        f"{PG}/db?host=db.example.com", f"{PG}127.0.0.1/db?host=/run/postgresql",
        f"{PG}10.0.0.5/db?host=/run/postgresql",
        "sql+postgresql://127.0.0.1/db", f"{PG}db.example.com/db?sslrootcert=/none.pem", "sql+sqlite://", "sql+sqlite:///",
        "sql+sqlite:///:memory:", "sql+sqlite:///file:x?mode=rwc", "sql+sqlite:///x.db?mode=rwc", "sql+sqlite://host/x.db",
        "sql+mysql://u:secret@db.example.com/db?ssl=false", "sql+mysql://u:secret@127.0.0.1/db?local_infile=1",
        f"{PG}127.0.0.1.example.com/db?sslmode=disable", "sql+mysql://u:secret@0.0.0.0/db?sslmode=disable",
    ],
)  # fmt: skip
def test_addresses_that_are_refused(url: str) -> None:
    """In one line that says what is expected, without the password."""
    with pytest.raises(ValueError, match=r"^expected ") as refused:
        ADAPTER.check_url(url)
    assert "secret" not in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("query", "hostname", "certificate"),
    [("", True, True), ("?sslmode=verify-full", True, True), ("?sslmode=verify-ca", False, True),
     ("?sslmode=require", False, False)],
)  # fmt: skip
def test_tls_of_another_machine(query: str, hostname: bool, certificate: bool) -> None:
    """It is used unless asked otherwise, and checks the server unless asked otherwise."""
    for scheme in ("postgresql", "mysql", "mariadb"):
        context = parse_address(f"sql+{scheme}://u:p@db.example.com/db{query}").arguments["ssl"]
        assert context.check_hostname is hostname
        assert bool(context.verify_mode) is certificate


async def test_server_without_tls_is_not_spoken_to(company: Company, engine: str) -> None:
    """Where TLS is asked for, a server that offers none gets no login."""
    if engine == "sqlite":
        pytest.skip("SQLite has no network")
    portal = company.portal(url=f"{company.url}?sslmode=require")
    with pytest.raises(PortalUnavailable):
        await portal.contact("1")


def test_password_of_the_token() -> None:
    """``ODOBOT_PORTAL_TOKEN`` is the password where the URL has none."""
    assert parse_address("sql+postgresql://u@127.0.0.1/db", "from-file").url.password == "from-file"
    assert parse_address(f"{PG}127.0.0.1/db", "from-file").url.password == "secret"


@pytest.mark.parametrize(
    "setting", [{"ODOBOT_PORTAL_PDF": "x"}, {"ODOBOT_PORTAL_PDF": "/a/{number}", "ODOBOT_PORTAL_PDF_TOKEN": "t"}]
)
def test_settings_that_do_not_fit(setting: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="expected"):
        ADAPTER.open(Connection("sql+sqlite:///x.db", settings=setting))


def test_driver_of_mysql_is_optional() -> None:
    """It is imported for its URLs only, and its absence is one line."""
    code = (
        "import sys; sys.modules['asyncmy'] = None\n"
        "from portal.adapters.adapter import Connection\n"
        "from portal.sql.adapter import ADAPTER\n"
        "ADAPTER.open(Connection('sql+sqlite:///x.db'))\n"
        "try: ADAPTER.open(Connection('sql+mysql://u:p@127.0.0.1/x'))\n"
        "except ValueError as error: print(error)\n"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False)
    assert done.stdout == "expected the extra sql-mysql, which is not installed: pip install 'odobot[sql-mysql]'\n", (
        done.stderr
    )


@pytest.mark.parametrize("dialect", list(Dialect))
def test_command_prints_the_skeleton(dialect: Dialect) -> None:
    """Every view and column is there; the fixtures execute the same statements."""
    app = typer.Typer()
    app.command()(portal_sql)
    done = CliRunner().invoke(app, ["--print", "--dialect", dialect.value])
    assert (done.exit_code, done.stdout.strip()) == (0, skeleton(dialect).strip())
    for view in VIEWS:
        assert all(f" AS {column.name}" in done.stdout for column in view.columns)
    assert CliRunner().invoke(app, ["--print", "--dialect", "oracle"]).exit_code == 2
    assert CliRunner().invoke(app, []).exit_code == 2


async def test_findings_of_whole_views(company: Company) -> None:
    assert (await company.portal().findings(), await company.portal().left_out()) == ([], [])


async def test_findings_about_places_of_pdfs(company: Company) -> None:
    """One place must not be that of two customers' invoices, and a column that it names has to be there."""
    shared = "ODOBOT_PORTAL_PDF: expected {account_id}, since several customers have one number"
    assert await company.portal(ODOBOT_PORTAL_PDF="/srv/{number}.pdf").findings() == [shared]
    assert await company.portal(ODOBOT_PORTAL_PDF="/srv/{account_id}/{number}.pdf").findings() == []
    await company.run("UPDATE invoices SET number = 'Z-1' WHERE number = '240129' AND total > 1000")
    assert await company.portal(ODOBOT_PORTAL_PDF="/srv/{number}.pdf").findings() == []
    await company.run(
        "DROP VIEW odobot_invoices",
        "CREATE VIEW odobot_invoices AS SELECT customer_id AS account_id, number, date, total AS amount,"
        " total - paid AS balance FROM invoices",
    )
    missing = "odobot_invoices.pdf: is missing, and ODOBOT_PORTAL_PDF has {pdf}"
    assert await company.portal(ODOBOT_PORTAL_PDF="/srv/{pdf}").findings() == [missing]


async def test_least_that_views_need(company: Company, tmp_path: Path) -> None:
    """Only the required columns: the contract is kept, and ``left_out`` names the others with what they mean."""
    await company.run(*(f"DROP VIEW {view.name}" for view in VIEWS))
    await company.run(
        "CREATE VIEW odobot_contacts AS SELECT id AS contact_id, email FROM people",
        "CREATE VIEW odobot_access AS SELECT person_id AS contact_id, customer_id AS account_id FROM memberships",
        "CREATE VIEW odobot_orders AS SELECT customer_id AS account_id, number FROM orders",
        "CREATE VIEW odobot_invoices AS SELECT customer_id AS account_id, number, date, total AS amount,"
        " total - paid AS balance FROM invoices",
    )
    portal = company.portal(ODOBOT_PORTAL_PDF=pdf_folder(tmp_path / "pdfs", *TREMBLAYS))
    results = await run_checks(Subject(portal, "client@example.test", "zed@example.test"), CHECKS)
    broken = [each.promise for each in results if each.outcome is Outcome.BROKEN]
    assert broken == []
    assert await portal.findings() == []
    findings = await portal.left_out()
    assert "odobot_invoices.due_date: is not there (no line, no reminder)" in findings
    assert len(findings) == sum(not c.is_required for v in VIEWS for c in v.columns if v.name != "odobot_order_lines")


async def test_company_without_orders(company: Company) -> None:
    """The view of docs/portal.md that has no row."""
    await company.run(
        "DROP VIEW odobot_orders",
        "CREATE VIEW odobot_orders AS SELECT CAST(NULL AS CHAR(1)) AS account_id, CAST(NULL AS CHAR(1)) AS number"
        " FROM invoices WHERE 1 = 0",
    )
    portal = company.portal()
    assert (await portal.orders(READER, page=1, page_size=5)).total == 0
    assert (await portal.invoices(READER, page=1, page_size=5, query="31200")).total == 2


async def test_user_who_reads_only_the_views(company: Company, engine: str) -> None:
    """The grants of the skeleton suffice: also the columns are found with them."""
    if engine == "sqlite":
        pytest.skip("SQLite has no users")
    names = ", ".join(view.name for view in VIEWS)
    if engine == "postgresql":
        who = "reads_views"
        made = [f"CREATE ROLE {who} LOGIN PASSWORD 'pw'", f"GRANT SELECT ON {names} TO {who}"]
        gone = [f"DROP OWNED BY {who}", f"DROP ROLE {who}"]
    else:
        who = "'reads_views'@'127.0.0.1'"
        made = [f"CREATE USER {who} IDENTIFIED BY 'pw'", *(f"GRANT SELECT ON {v.name} TO {who}" for v in VIEWS)]
        gone = [f"DROP USER {who}"]
    await company.run(*made)
    try:
        scheme, _, rest = company.url.partition("//")
        portal = company.portal(url=f"{scheme}//reads_views:pw@{rest.partition('@')[2]}")
        assert await portal.findings() == []
        assert (await portal.invoices(READER, page=1, page_size=5)).total == 6
        await company.run(f"REVOKE SELECT ON odobot_invoices FROM {who}")
        with pytest.raises((PortalRefused, PortalBroken)):
            await portal.invoices(READER, page=1, page_size=5)
        await portal.aclose()
    finally:
        await company.run(*gone)
