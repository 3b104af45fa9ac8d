"""What the tables share: the base class, the type of a time, and the option for ids that are never reused."""

import datetime
from collections.abc import Sequence
from enum import StrEnum

from sqlalchemy import BigInteger, BindParameter, ColumnElement, DateTime, bindparam, literal
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator
from sqlmodel import SQLModel

# SQLite gives the id of a deleted newest row to the next row. A stored button would then act on another row.
NEVER_REUSED = {"sqlite_autoincrement": True}


class UtcTime(TypeDecorator[datetime.datetime]):
    """A timezone-aware time in UTC. SQLite stores no zone: the value is converted to UTC and the zone dropped."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime.datetime | None, dialect: Dialect) -> datetime.datetime | None:
        """Convert a value for the database."""
        if value is None:
            return None
        utc = value.astimezone(datetime.UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime.datetime | None, _dialect: Dialect) -> datetime.datetime | None:
        """Convert a value from the database."""
        return value.replace(tzinfo=datetime.UTC) if value is not None and value.tzinfo is None else value


class Row(SQLModel):
    """The base class of every table. Rows are not validated, so pydantic builds no validators at start-up."""

    model_config = {"defer_build": True}


def row_id(value: int) -> ColumnElement[int]:
    """Return the id of a row that a button carried, for a condition: a forged one may not fit PostgreSQL's integer."""
    return literal(value, BigInteger)


def literal_states(states: Sequence[StrEnum]) -> BindParameter[Sequence[StrEnum]]:
    """Return states as SQL literals: an engine uses a partial index only when the query repeats its condition."""
    return bindparam(None, states, expanding=True, literal_execute=True)
