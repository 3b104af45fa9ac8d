"""Fixtures: a company's database on the chosen engine, filled or empty."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from portal.sql.database.address import Dialect
from portal.sql.portal import SqlPortal
from tests.mariadb.server import MariaServer, maria_server
from tests.portal.sql.company import Company, fill


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaServer]:
    """A MariaDB server for the session, started when the first test asks for it."""
    with maria_server() as server:
        yield server


@pytest.fixture
def new_address(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], str]]:
    """A function that creates an empty database on the chosen engine and returns its address without a scheme."""
    made: list[str] = []
    server = None if engine == "sqlite" else request.getfixturevalue("postgres" if engine == "postgresql" else engine)

    def make() -> str:
        if server is None:
            return f"///{tmp_path}/company.db"
        made.append(server.create(migrated=False))
        return made[-1].partition(":")[2]

    yield make
    for address in made:
        server.drop(address)


@pytest.fixture
async def empty_company(engine: str, new_address: Callable[[], str]) -> AsyncIterator[Company]:
    """A company with tables and views, and no customer."""
    dialect = Dialect.MYSQL if engine == "mariadb" else Dialect(engine)
    company = Company(new_address(), dialect)
    try:
        await company.make()
        yield company
    finally:
        await company.close()


@pytest.fixture
async def company(empty_company: Company) -> Company:
    """A company with customers."""
    await fill(empty_company)
    return empty_company


@pytest.fixture
def portal(company: Company) -> SqlPortal:
    """A portal of the company, without PDFs."""
    return company.portal()
