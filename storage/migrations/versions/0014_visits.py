"""add the last visit of each link's home screen

Revision ID: 0014
Revises: 0013
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.create_table(
        "visits",
        sa.Column("link_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("visited_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("papers_sealed", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["link_id"], ["links.link_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("link_id"),
    )


def downgrade() -> None:
    op.drop_table("visits")
