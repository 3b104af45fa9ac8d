"""Times of databases: a time without a zone is in UTC, and "now" is the database's."""

import datetime
from typing import Any

from sqlalchemy import ColumnElement, Date, DateTime, String, and_, cast, func, literal, literal_column

from portal.sql.conditions import Condition
from portal.sql.database.address import Dialect
from portal.sql.inspection import View
from portal.sql.views import Kind

_SQLITE_FORMAT = "%Y-%m-%d %H:%M:%f"
_DAY = datetime.timedelta(days=1)


def now(dialect: Dialect) -> ColumnElement[Any]:
    """The present, as ``read_moment`` reads it."""
    match dialect:
        case Dialect.POSTGRESQL:
            return func.clock_timestamp()
        case Dialect.SQLITE:
            return func.strftime(_SQLITE_FORMAT, "now")
    return func.utc_timestamp(literal_column("6"))


def today(dialect: Dialect) -> ColumnElement[Any]:
    """The day at the database's server, in its own zone."""
    match dialect:
        case Dialect.POSTGRESQL:
            return func.current_date(type_=Date)
        case Dialect.SQLITE:
            return func.date("now", "localtime")
    zone: ColumnElement[Any] = literal_column("@@global.time_zone")
    return cast(func.convert_tz(func.utc_timestamp(), "+00:00", zone), Date)


def moment(view: View, name: str) -> ColumnElement[Any]:
    """A column of times, to order by. SQLite's texts are read as times in UTC, in milliseconds."""
    return func.strftime(_SQLITE_FORMAT, view[name]) if view.dialect is Dialect.SQLITE else view[name]


def moment_value(view: View, name: str, at: datetime.datetime) -> ColumnElement[Any]:
    """A time to compare ``moment`` with."""
    at = at.astimezone(datetime.UTC)
    if view.dialect is Dialect.SQLITE:
        return literal(f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03}", String)
    if view.kinds[name] is Kind.ZONED:
        return literal(at, DateTime(timezone=True))
    return literal(at.replace(tzinfo=None), DateTime)


def from_moment(view: View, name: str, at: datetime.datetime) -> Condition:
    """Whether a time is ``at`` or later, with the index of the column."""
    found = moment(view, name) >= moment_value(view, name, at)
    if view.dialect is not Dialect.SQLITE:
        return found
    # The texts may have a zone, and a space or a T: the day before is before all of them.
    return and_(view[name] >= literal(f"{at.astimezone(datetime.UTC) - _DAY:%Y-%m-%d}", String), found)


def read_moment(value: object) -> datetime.datetime | None:
    """Return a time that a database answered, in UTC; None for anything else."""
    if isinstance(value, str):
        try:
            value = datetime.datetime.fromisoformat(value)
        except ValueError:
            return None
    if not isinstance(value, datetime.datetime):
        return None
    return value.replace(tzinfo=datetime.UTC) if value.tzinfo is None else value.astimezone(datetime.UTC)
