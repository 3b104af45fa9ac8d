"""add the messages with PDFs that chats were sent lately

Revision ID: 0027
Revises: 0026
"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    op.create_table(
        "pdf_messages",
        sa.Column("link_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("etag", sa.String(), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["link_id"], ["links.link_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("link_id", "number", "language"),
    )
    op.create_index("ix_pdf_messages_told_at", "pdf_messages", ["told_at"])


def downgrade() -> None:
    op.drop_table("pdf_messages")
