"""add the register of confidentiality incidents

Revision ID: 0023
Revises: 0022
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    op.create_table(
        "incidents",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("facts_sealed", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("number", "version"),
    )


def downgrade() -> None:
    op.drop_table("incidents")
