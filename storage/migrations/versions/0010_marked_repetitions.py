"""add what the marked repetition of an uncertain delivery needs

Deliveries that are uncertain already have no ``repeat_at``: they are not repeated.

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

_TO_REPEAT = sa.text("repeat_at IS NOT NULL")


def upgrade() -> None:
    op.add_column("deliveries", sa.Column("repeat_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("deliveries", sa.Column("is_repetition", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("deliveries", sa.Column("is_seen", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index(
        "ix_deliveries_to_repeat",
        "deliveries",
        ["channel", "recipient"],
        sqlite_where=_TO_REPEAT,
        postgresql_where=_TO_REPEAT,
    )


def downgrade() -> None:
    op.drop_index("ix_deliveries_to_repeat", table_name="deliveries")
    for column in ("is_seen", "is_repetition", "repeat_at"):
        op.drop_column("deliveries", column)
