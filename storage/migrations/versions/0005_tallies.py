"""count the deliveries of each state in a table that triggers write; counting the deliveries read all of them

SQLite has one writer, so one row per state is updated. On PostgreSQL every worker would wait for such a row, so each
statement inserts a row, and a state's count is the sum of its rows. Migration 0008 drops both.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_SQLITE = (
    "CREATE TRIGGER deliveries_added AFTER INSERT ON deliveries BEGIN"
    " UPDATE tallies SET deliveries = deliveries + 1 WHERE state = NEW.state; END",
    "CREATE TRIGGER deliveries_removed AFTER DELETE ON deliveries BEGIN"
    " UPDATE tallies SET deliveries = deliveries - 1 WHERE state = OLD.state; END",
    "CREATE TRIGGER deliveries_moved AFTER UPDATE OF state ON deliveries WHEN OLD.state <> NEW.state BEGIN"
    " UPDATE tallies SET deliveries = deliveries - 1 WHERE state = OLD.state;"
    " UPDATE tallies SET deliveries = deliveries + 1 WHERE state = NEW.state; END",
)
_POSTGRESQL = (
    """
    CREATE FUNCTION tally_deliveries() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF TG_OP = 'INSERT' THEN
        INSERT INTO tallies (state, deliveries) SELECT state, count(*) FROM new_rows GROUP BY state;
      ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO tallies (state, deliveries) SELECT state, -count(*) FROM old_rows GROUP BY state;
      ELSE
        INSERT INTO tallies (state, deliveries)
        SELECT state, sum(n) FROM (SELECT state, -1 AS n FROM old_rows UNION ALL SELECT state, 1 FROM new_rows) AS moved
        GROUP BY state HAVING sum(n) <> 0;
      END IF;
      RETURN NULL;
    END $$
    """,
    "CREATE TRIGGER deliveries_added AFTER INSERT ON deliveries REFERENCING NEW TABLE AS new_rows"
    " FOR EACH STATEMENT EXECUTE FUNCTION tally_deliveries()",
    "CREATE TRIGGER deliveries_removed AFTER DELETE ON deliveries REFERENCING OLD TABLE AS old_rows"
    " FOR EACH STATEMENT EXECUTE FUNCTION tally_deliveries()",
    "CREATE TRIGGER deliveries_moved AFTER UPDATE ON deliveries REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows"
    " FOR EACH STATEMENT EXECUTE FUNCTION tally_deliveries()",
)
_STATES = ("queued", "leased", "sending", "retry", "sent", "blocked", "cancelled", "uncertain")


def upgrade() -> None:
    tallies = op.create_table(
        "tallies",
        sa.Column("tally_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("deliveries", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tally_id"),
    )
    op.bulk_insert(tallies, [{"state": state, "deliveries": 0} for state in _STATES])
    op.execute(
        "UPDATE tallies SET deliveries = (SELECT count(*) FROM deliveries WHERE deliveries.state = tallies.state)"
    )
    for statement in _SQLITE if op.get_bind().dialect.name == "sqlite" else _POSTGRESQL:
        op.execute(statement)


def downgrade() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    for name in ("added", "removed", "moved"):
        op.execute(f"DROP TRIGGER deliveries_{name}" + ("" if is_sqlite else " ON deliveries"))
    if not is_sqlite:
        op.execute("DROP FUNCTION tally_deliveries")
    op.drop_table("tallies")
