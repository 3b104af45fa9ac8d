"""Runs queries that only read, each within limits of time and rows, and turns a database's errors into the portal's."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Select, event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from portal.breaker import PortalBreaker
from portal.errors import PortalBroken
from portal.http_client import with_retries
from portal.sql.conditions import folded
from portal.sql.database.address import Dialect, SqlAddress
from portal.sql.database.failures import Outdated, failure
from portal.sql.inspection import Row, View, Views, inspect, require

STATEMENT_SECONDS = 5
"""The longest that a query may take in the database."""
_CONNECTIONS = 5
_IDLE_SECONDS = 600
_PROGRESS_STEPS = 10_000
"""Steps of SQLite's machine between two looks at the clock: about 1 ms."""

ResultT = TypeVar("ResultT")


@dataclass(slots=True)
class Reading:
    """A connection for the queries of one call.

    Attributes:
        views: The views as they were found.
        about: The view that is being read, for the message of a failure.
    """

    _connection: AsyncConnection
    views: Views
    about: str = ""

    def view(self, name: str) -> View:
        """Return a required view."""
        return self.views[name]

    async def rows(self, view: View, statement: Select[Any], most: int) -> list[Row]:
        """Return the first ``most`` rows of a query."""
        self.about = view.name
        result = await self._connection.execute(statement.limit(most))
        return [view.read(row) for row in result.mappings()]

    async def value(self, view: View, statement: Select[Any]) -> Any:
        """Return the one value of a query."""
        self.about = view.name
        return (await self._connection.execute(statement)).scalar()


class SqlDatabase:
    """A pool of connections to one database, none of which can write.

    Args:
        address: The database.
        breaker: Refuses calls while the database does not answer; None lets every call through.
    """

    def __init__(self, address: SqlAddress, breaker: PortalBreaker | None = None) -> None:
        self.dialect = address.dialect
        self.name = address.database
        self._breaker = breaker
        self._engine = _engine(address)
        self._views: Views | None = None

    async def aclose(self) -> None:
        """Close the connections."""
        await self._engine.dispose()

    async def read(self, call: str, work: Callable[[Reading], Awaitable[ResultT]]) -> ResultT:
        """Run the queries of one call, with retries.

        Raises:
            PortalError: ``work``'s own.
            PortalUnavailable: the database does not answer.
            PortalBroken: a view or a column is missing, or cannot be read; the message names it.
            PortalRefused: the database refuses the login, or the reading of a view.
        """

        async def attempt() -> ResultT:
            try:
                return await self._once(call, work)
            except Outdated:  # the views may be others since they were inspected
                self._views = None
            try:
                return await self._once(call, work)
            except Outdated as error:
                raise PortalBroken(str(error)) from None

        return await with_retries(call, attempt, self._breaker)

    async def inspected(self) -> Views:
        """Return the views as they are now, also where something is missing."""

        async def attempt() -> Views:
            try:
                async with self._engine.connect() as connection:
                    _restart_clock(connection)
                    return await inspect(connection, self.dialect)
            except (SQLAlchemyError, OSError, TimeoutError) as error:
                raise failure("views", error, "") from None

        return await with_retries("views", attempt, self._breaker)

    async def _once(self, call: str, work: Callable[[Reading], Awaitable[ResultT]]) -> ResultT:
        reading = None
        try:
            async with self._engine.connect() as connection:
                _restart_clock(connection)
                if self._views is None:
                    self._views = require(await inspect(connection, self.dialect))
                reading = Reading(connection, self._views)
                return await work(reading)
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            raise failure(call, error, reading.about if reading else "") from None


def _engine(address: SqlAddress) -> AsyncEngine:
    arguments = dict(address.arguments)
    options: dict[str, Any] = {}
    if address.dialect is Dialect.POSTGRESQL:
        arguments["server_settings"] = {
            "application_name": "odobot",
            "default_transaction_read_only": "on",
            "statement_timeout": str(STATEMENT_SECONDS * 1000),
            "jit": "off",  # compiling takes longer than these queries
        }
        options["execution_options"] = {"postgresql_readonly": True}
    try:
        engine = create_async_engine(
            address.url,
            connect_args=arguments,
            hide_parameters=True,
            pool_size=_CONNECTIONS,
            max_overflow=0,
            pool_timeout=3,
            pool_recycle=_IDLE_SECONDS,
            pool_use_lifo=True,
            **options,
        )
    except ModuleNotFoundError:
        raise ValueError(
            "expected the extra sql-mysql, which is not installed: pip install 'odobot[sql-mysql]'"
        ) from None
    if address.dialect is Dialect.SQLITE:
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    elif address.dialect is Dialect.MYSQL:
        event.listen(engine.sync_engine, "connect", _prepare_mysql)
    return engine


def _prepare_sqlite(connection: Any, record: Any) -> None:
    deadline = record.info["deadline"] = [float("inf")]
    _execute(connection, "PRAGMA query_only = ON")
    connection.create_function("odobot_fold", 1, folded, deterministic=True)
    connection.run_async(
        lambda sqlite: sqlite.set_progress_handler(lambda: time.monotonic() > deadline[0], _PROGRESS_STEPS)
    )


def _prepare_mysql(connection: Any, _record: Any) -> None:
    version = _execute(connection, "SELECT VERSION()")
    is_mariadb = "mariadb" in str(version).lower()
    limit = (
        f"max_statement_time = {STATEMENT_SECONDS}" if is_mariadb else f"max_execution_time = {STATEMENT_SECONDS}000"
    )
    for statement in (f"SET SESSION {limit}", "SET SESSION time_zone = '+00:00'", "SET SESSION TRANSACTION READ ONLY"):
        _execute(connection, statement)
    connection.commit()


def _execute(connection: Any, statement: str) -> Any:
    cursor = connection.cursor()
    try:
        cursor.execute(statement)
        row = cursor.fetchone() if statement.startswith("SELECT") else None
        return row[0] if row else None
    finally:
        cursor.close()


def _restart_clock(connection: AsyncConnection) -> None:
    """Give the queries of a call on SQLite their time; the other databases have a setting for it."""
    deadline = connection.sync_connection.info.get("deadline") if connection.sync_connection else None
    if deadline is not None:
        deadline[0] = time.monotonic() + STATEMENT_SECONDS
