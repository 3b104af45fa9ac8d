"""Finds out which columns the views have, and what is wrong with them."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any

from sqlalchemy import ColumnElement, Select, TableClause, Text, cast, column, func, select, table, text
from sqlalchemy.ext.asyncio import AsyncConnection

from portal.errors import PortalBroken
from portal.sql.database.address import Dialect
from portal.sql.views import SPECS, VIEWS, Kind, Type

_POSTGRESQL = """
SELECT a.attname, t.typname, t.typcategory, '' FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
WHERE a.attrelid = to_regclass(:view) AND a.attnum > 0 AND NOT a.attisdropped
"""
_MYSQL = """
SELECT column_name, data_type, column_type, coalesce(collation_name, '') FROM information_schema.columns
WHERE table_schema = database() AND table_name = :view
"""
_SQLITE = "SELECT name, lower(type), '', '' FROM pragma_table_xinfo(:view)"
_COLUMNS = {Dialect.POSTGRESQL: _POSTGRESQL, Dialect.MYSQL: _MYSQL, Dialect.SQLITE: _SQLITE}

_NAMES = {
    Kind.TEXT: {"text", "varchar", "name", "citext", "char", "tinytext", "mediumtext", "longtext", "enum", "set"},
    Kind.PADDED: {"bpchar"},
    Kind.INTEGER: {"int2", "int4", "int8", "tinyint", "smallint", "mediumint", "int", "integer", "bigint", "year"},
    Kind.DECIMAL: {"numeric", "decimal"},
    Kind.FLOAT: {"float4", "float8", "float", "double", "real"},
    Kind.DAY: {"date"},
    Kind.TIME: {"timestamp", "datetime"},
    Kind.ZONED: {"timestamptz"},
    Kind.FLAG: {"bool", "boolean", "bit"},
    Kind.UUID: {"uuid"},
}
_KINDS = {name: kind for kind, names in _NAMES.items() for name in names}
_BY_CATEGORY = {"S": Kind.TEXT, "E": Kind.WORD, "B": Kind.FLAG}
"""PostgreSQL's categories, for domains and enumerations."""


Row = dict[str, Any]


@dataclass(frozen=True)
class View:
    """A view of the database.

    Attributes:
        name: One of ``VIEWS``.
        dialect: The database's SQL.
        kinds: What each of its known columns holds.
        ignores_case: The columns that the database compares ignoring case, by their collation.
    """

    name: str
    dialect: Dialect
    kinds: Mapping[str, Kind]
    ignores_case: frozenset[str] = field(default_factory=frozenset)

    @cached_property
    def table(self) -> TableClause:
        """The view in a statement."""
        return table(self.name, *(column(name) for name in self.kinds))

    def has(self, name: str) -> bool:
        """Whether the view has a column."""
        return name in self.kinds

    def __getitem__(self, name: str) -> ColumnElement[Any]:
        """A column in a statement; its values come as the driver reads them."""
        found = self.table.c[name]
        return func.rtrim(cast(found, Text)) if self.kinds[name] is Kind.PADDED else found

    def select(self, *names: str) -> Select[Any]:
        """Return a query of the named columns that the view has; without names, of all of them."""
        chosen = [name for name in self.kinds if not names or name in names]
        return select(*(self[name].label(name) for name in chosen)).select_from(self.table)

    def read(self, row: Mapping[str, Any]) -> Row:
        """Return a row as the models read it; what is no column of the view stays as it is."""
        spec = SPECS[self.name]
        return {name: _read(spec.column(name).type, value) if self.has(name) else value for name, value in row.items()}


def _read(type_: Type, value: Any) -> Any:
    """Return a value in a form that has the same meaning from every driver."""
    if value is None:
        return None
    if type_ in (Type.ID, Type.TEXT):
        if isinstance(value, bytes):
            return value.decode(errors="replace")
        is_whole = isinstance(value, Decimal) and value.is_finite() and value == value.to_integral_value()
        return str(int(value) if is_whole else value)
    if type_ is Type.FLAG:
        return any(value) if isinstance(value, bytes) else isinstance(value, int | float | Decimal) and value != 0
    if type_ is Type.DAY and isinstance(value, datetime.date):
        return value.isoformat()  # the model reads the date of a time
    return value


Views = Mapping[str, View]


async def inspect(connection: AsyncConnection, dialect: Dialect) -> Views:
    """Read the columns of every view that exists. Columns of no known name are left out."""
    found = {}
    for spec in VIEWS:
        rows = (await connection.execute(text(_COLUMNS[dialect]), {"view": spec.name})).all()
        known = {column.name for column in spec.columns}
        named = [(str(name).lower(), str(type_), str(more), str(collation)) for name, type_, more, collation in rows]
        kinds = {name: _kind(dialect, type_, more) for name, type_, more, _ in named if name in known}
        if named:
            ignoring = frozenset(name for name, _, _, collation in named if collation.endswith("_ci"))
            found[spec.name] = View(spec.name, dialect, kinds, ignoring)
    return found


def _kind(dialect: Dialect, name: str, more: str) -> Kind:
    """Map a declared type. SQLite's only say how values are compared, so most of them say nothing here."""
    if dialect is Dialect.SQLITE:
        name = name.partition("(")[0].strip()
        kind = _KINDS.get(name, Kind.UNKNOWN)
        return kind if kind in (Kind.TEXT, Kind.INTEGER) else Kind.UNKNOWN
    if dialect is Dialect.MYSQL and name == "timestamp":
        return Kind.TIME  # the session's zone is UTC
    return _KINDS.get(name) or _BY_CATEGORY.get(more, Kind.OTHER)


def problems(views: Views) -> list[str]:
    """Return what keeps the views from being read, one line each: a missing view or column, or one of a wrong type."""
    found = []
    for spec in VIEWS:
        view = views.get(spec.name)
        if view is None:
            found += [f"{spec.name}: the view is missing, or may not be read"] if spec.is_required else []
            continue
        for each in spec.columns:
            if not view.has(each.name):
                found += [f"{spec.name}.{each.name}: is missing"] if each.is_required else []
            elif not fits(view, each.name):
                found.append(f"{spec.name}.{each.name}: expected a {each.type.value}, found {view.kinds[each.name]}")
    return found


def fits(view: View, name: str) -> bool:
    """Whether a column's declared type is one that can be read. SQLite keeps days and times as text."""
    kind = view.kinds[name]
    return view.dialect is Dialect.SQLITE or kind in SPECS[view.name].column(name).type.kinds


def missing(views: Views) -> list[str]:
    """Return what the optional columns that a view lacks mean for the chat, one line each."""
    lines = []
    for spec in VIEWS:
        view = views.get(spec.name)
        if view is not None:
            absent = [each for each in spec.columns if not each.is_required and not view.has(each.name)]
            lines += [f"{spec.name}.{each.name}: is not there ({each.without})" for each in absent]
    return lines


def require(views: Views) -> Views:
    """Return the views; raise ``PortalBroken`` that names what is missing or of a wrong type."""
    if found := problems(views):
        raise PortalBroken("; ".join(found[:5]))
    return views
