"""add saved answers of the portal, and the private addresses of calendar feeds

Revision ID: 0018
Revises: 0017
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.create_table(
        "saved_answers",
        sa.Column("link_id", sa.Integer(), sa.ForeignKey("links.link_id", ondelete="CASCADE"), nullable=False),
        sa.Column("key_hash", sa.String(), nullable=False),
        sa.Column("call", sa.String(), nullable=False),
        sa.Column("answer_sealed", sa.String(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("link_id", "key_hash"),
    )
    op.create_index("ix_saved_answers_read_at", "saved_answers", ["read_at"])
    op.create_table(
        "calendar_feeds",
        sa.Column("link_id", sa.Integer(), sa.ForeignKey("links.link_id", ondelete="CASCADE"), nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("link_id"),
        sa.UniqueConstraint("token_hash"),
    )


def downgrade() -> None:
    op.drop_table("calendar_feeds")
    op.drop_table("saved_answers")
