"""drop the table of tallies and its triggers; a partial index counts the open deliveries by state

Revision ID: 0008
Revises: 0007
"""

import importlib

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_tallies = importlib.import_module("storage.migrations.versions.0005_tallies")
_OPEN = sa.text("state NOT IN ('sent', 'blocked', 'cancelled')")
_UNCERTAIN = sa.text("state = 'uncertain'")


def upgrade() -> None:
    op.create_index(
        "ix_deliveries_open", "deliveries", ["state", "delivery_id"], sqlite_where=_OPEN, postgresql_where=_OPEN
    )
    op.drop_index("ix_deliveries_uncertain", table_name="deliveries")
    _tallies.downgrade()


def downgrade() -> None:
    _tallies.upgrade()
    op.create_index(
        "ix_deliveries_uncertain", "deliveries", ["delivery_id"], sqlite_where=_UNCERTAIN, postgresql_where=_UNCERTAIN
    )
    op.drop_index("ix_deliveries_open", table_name="deliveries")
