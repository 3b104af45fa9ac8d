"""The skeleton of the views that ``odobot portal-sql`` prints: to be changed to the company's own tables."""

from portal.sql.database.address import Dialect
from portal.sql.views import VIEWS, Column, ViewSpec

_HEAD = """\
-- The views that Odobot reads ({dialect}). Put your own tables and columns into them. A line with "optional" may be
-- left out. What a view does not show, Odobot cannot read. Times without a zone have to be in UTC.
"""

_INDEXES = """\
-- Indexes for these queries: a customer's newest documents, one number, a person's address, and what changed.
CREATE INDEX odobot_email ON people ({email});
CREATE INDEX odobot_membership ON memberships (person_id, customer_id);
CREATE INDEX odobot_orders_of ON orders (customer_id, number);
CREATE INDEX odobot_lines_of ON order_lines (order_id);
CREATE INDEX odobot_invoices_of ON invoices (customer_id, date, number, order_id);
CREATE INDEX odobot_invoice ON invoices (customer_id, number);
CREATE INDEX odobot_invoices_changed ON invoices (updated_at);
CREATE INDEX odobot_orders_changed ON orders (updated_at);
CREATE INDEX odobot_memberships_changed ON memberships (updated_at);
"""

_GRANTS = {
    Dialect.POSTGRESQL: """\
-- A user that can read these views and nothing else.
CREATE ROLE odobot LOGIN PASSWORD 'change me' CONNECTION LIMIT 20;
ALTER ROLE odobot SET default_transaction_read_only = on;
GRANT SELECT ON {views} TO odobot;
""",
    Dialect.MYSQL: """\
-- A user that can read these views and nothing else; 'REQUIRE SSL' where the database is on another machine.
CREATE USER 'odobot'@'%' IDENTIFIED BY 'change me';
{grants}
""",
    Dialect.SQLITE: """\
-- SQLite has no users: give the user of Odobot's process permission to read the file. Odobot opens it to read only.
""",
}


def skeleton(dialect: Dialect) -> str:
    """Return the statements that make the views, their indexes and a user who reads them, with comments."""
    names = [view.name for view in VIEWS]
    grants = "\n".join(f"GRANT SELECT ON {name} TO 'odobot'@'%';" for name in names)
    user = _GRANTS[dialect].format(views=", ".join(names), grants=grants)
    return "\n".join(
        [_HEAD.format(dialect=dialect.value), *(_view(each, dialect) for each in VIEWS), _indexes(dialect), user]
    )


def _indexes(dialect: Dialect) -> str:
    # MySQL's usual collations ignore case by themselves.
    return _INDEXES.format(email="email" if dialect is Dialect.MYSQL else "lower(email)")


def _view(view: ViewSpec, dialect: Dialect) -> str:
    lines = []
    for column in view.columns:
        comma = "" if column is view.columns[-1] else ","
        lines.append((f"    {_example(column, dialect)} AS {column.name}{comma}", _comment(column)))
    width = max(len(code) for code, _ in lines)
    shown = "\n".join(f"{code:<{width}}  -- {comment}" for code, comment in lines)
    optional = "" if view.is_required else "-- Optional: without it, an order has no lines.\n"
    return f"{optional}CREATE VIEW {view.name} AS\nSELECT\n{shown}\nFROM {view.tables};\n"


def _comment(column: Column) -> str:
    need = f"optional ({column.without})" if column.without else "required"
    return f"{column.type.value}, {need}: {column.meaning}"


def _example(column: Column, dialect: Dialect) -> str:
    """Return the expression; MySQL takes ``||`` for "or"."""
    parts = column.example.split(" || ")
    return f"concat({', '.join(parts)})" if dialect is Dialect.MYSQL and len(parts) > 1 else column.example
