"""add indexes for an invoice's notices, for the retention and for uncertain deliveries

Drop ix_deliveries_state: SQLite chose it for claims, and then sorted the backlog for each claim.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_UNCERTAIN = sa.text("state = 'uncertain'")


def upgrade() -> None:
    op.create_index("ix_deliveries_settled_at", "deliveries", ["settled_at"])
    op.create_index("ix_notices_number", "notices", ["number"])
    op.create_index("ix_notices_occurred_at", "notices", ["occurred_at"])
    op.create_index(
        "ix_deliveries_uncertain",
        "deliveries",
        ["delivery_id"],
        sqlite_where=_UNCERTAIN,
        postgresql_where=_UNCERTAIN,
    )
    op.drop_index("ix_deliveries_state", table_name="deliveries")


def downgrade() -> None:
    op.create_index("ix_deliveries_state", "deliveries", ["state"])
    op.drop_index("ix_deliveries_uncertain", table_name="deliveries")
    op.drop_index("ix_notices_occurred_at", table_name="notices")
    op.drop_index("ix_notices_number", table_name="notices")
    op.drop_index("ix_deliveries_settled_at", table_name="deliveries")
