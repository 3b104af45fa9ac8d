"""add what the operator's chat was told of each alert

Revision ID: 0025
Revises: 0024
"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    op.create_table(
        "operator_alerts",
        sa.Column("alert", sa.String(), primary_key=True),
        sa.Column("is_held", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("is_told", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
    )


def downgrade() -> None:
    op.drop_table("operator_alerts")
