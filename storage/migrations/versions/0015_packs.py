"""add the packs of invoices

Revision ID: 0015
Revises: 0014
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

_OPEN = sa.text("state IN ('queued', 'running', 'ended')")
_SETTLED = sa.text("settled_at IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "packs",
        sa.Column("pack_id", sa.Integer(), nullable=False),
        sa.Column("chat_id", sa.BigInteger(), sa.ForeignKey("chats.chat_id", ondelete="CASCADE"), nullable=False),
        sa.Column("link_id", sa.Integer(), nullable=False),
        sa.Column("thread_id", sa.BigInteger(), nullable=True),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("format", sa.String(), nullable=False),
        sa.Column("request_sealed", sa.String(), nullable=False),
        sa.Column("progress_sealed", sa.String(), nullable=True),
        sa.Column("fingerprint", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_owner", sa.String(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("pack_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_packs_open", "packs", ["due_at"], sqlite_where=_OPEN, postgresql_where=_OPEN)
    op.create_index("ix_packs_open_chat", "packs", ["chat_id"], unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN)
    op.create_index("ix_packs_chat", "packs", ["chat_id"])
    op.create_index("ix_packs_link", "packs", ["link_id", "fingerprint"])
    op.create_index("ix_packs_settled_at", "packs", ["settled_at"], sqlite_where=_SETTLED, postgresql_where=_SETTLED)


def downgrade() -> None:
    op.drop_table("packs")
