"""chats links codes documents

Revision ID: 0001
Revises: nothing
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "chats",
        sa.Column("chat_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("language", sa.String(length=2), nullable=True),
        sa.Column("page_size", sa.Integer(), nullable=False),
        sa.Column("first_name_sealed", sa.String(), nullable=True),
        sa.Column("awaited", sa.String(), nullable=True),
        sa.Column("awaited_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("awaited_link", sa.Integer(), nullable=True),
        sa.Column("last_album", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("chat_id"),
    )
    op.create_table(
        "documents",
        sa.Column("bot_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("file_id", sa.String(), nullable=False),
        sa.Column("etag", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("bot_id", "account_id", "number", "language"),
    )
    op.create_table(
        "codes",
        sa.Column("code_id", sa.Integer(), nullable=False),
        sa.Column("chat_id", sa.BigInteger(), nullable=False),
        sa.Column("email_sealed", sa.String(), nullable=False),
        sa.Column("email_hash", sa.String(), nullable=False),
        sa.Column("code_hash", sa.String(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("is_counted", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("code_id"),
    )
    op.create_index("ix_codes_asked_at", "codes", ["asked_at"])
    op.create_index("ix_codes_chat_asked", "codes", ["chat_id", "asked_at"])
    op.create_index("ix_codes_email", "codes", ["email_hash"])

    op.create_table(
        "links",
        sa.Column("link_id", sa.Integer(), nullable=False),
        sa.Column("chat_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("account_name_sealed", sa.String(), nullable=False),
        sa.Column("access", sa.String(), nullable=False),
        sa.Column("email_sealed", sa.String(), nullable=False),
        sa.Column("email_hash", sa.String(), nullable=False),
        sa.Column("wants_invoices", sa.Boolean(), nullable=True),
        sa.Column("linked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("chosen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["chat_id"], ["chats.chat_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("link_id"),
        sa.UniqueConstraint("chat_id", "contact_id", "account_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_links_email_hash", "links", ["email_hash"])


def downgrade() -> None:
    op.drop_index("ix_links_email_hash", table_name="links")

    op.drop_table("links")
    op.drop_index("ix_codes_email", table_name="codes")
    op.drop_index("ix_codes_chat_asked", table_name="codes")
    op.drop_index("ix_codes_asked_at", table_name="codes")

    op.drop_table("codes")
    op.drop_table("documents")
    op.drop_table("chats")
