"""add the row that shows when the clock was last seen, and an index of an order's or invoice's notices by account

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_table(
        "clock_readings",
        sa.Column("reading_id", sa.Integer(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("reading_id"),
    )
    op.create_index("ix_notices_paper", "notices", ["number", "account_id", "kind"])
    op.drop_index("ix_notices_number", table_name="notices")


def downgrade() -> None:
    op.create_index("ix_notices_number", "notices", ["number"])
    op.drop_index("ix_notices_paper", table_name="notices")
    op.drop_table("clock_readings")
