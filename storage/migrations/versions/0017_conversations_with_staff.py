"""add conversations with the staff, and which message was relayed as which

Revision ID: 0017
Revises: 0016
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

_OPEN = sa.text("ended_at IS NULL")
_TO_CLOSE = sa.text("close_at IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "support_conversations",
        sa.Column("conversation_id", sa.Integer(), nullable=False),
        sa.Column("chat_id", sa.BigInteger(), nullable=True),
        sa.Column("staff_chat", sa.BigInteger(), nullable=False),
        sa.Column("topic_id", sa.BigInteger(), nullable=True),
        sa.Column("link_id", sa.Integer(), nullable=True),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("subject_sealed", sa.String(), nullable=True),
        sa.Column("is_subject_told", sa.Boolean(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("active_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("end_reason", sa.String(), nullable=True),
        sa.Column("close_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("conversation_id"),
        sqlite_autoincrement=True,
    )
    _add_index("ix_support_conversations_open", "chat_id", _OPEN, unique=True)
    _add_index("ix_support_conversations_link", "link_id", _OPEN)
    _add_index("ix_support_conversations_active_at", "active_at", _OPEN)
    _add_index("ix_support_conversations_close_at", "close_at", _TO_CLOSE)
    op.create_index("ix_support_conversations_topic", "support_conversations", ["staff_chat", "topic_id"])
    op.create_index("ix_support_conversations_ended_at", "support_conversations", ["ended_at"])
    op.create_table(
        "support_messages",
        sa.Column(
            "conversation_id",
            sa.Integer(),
            sa.ForeignKey("support_conversations.conversation_id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("person_message", sa.BigInteger(), nullable=False),
        sa.Column("staff_message", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("conversation_id", "person_message"),
    )
    op.create_index("ix_support_messages_staff", "support_messages", ["conversation_id", "staff_message"])
    op.create_index("ix_support_messages_sent_at", "support_messages", ["sent_at"])


def _add_index(name: str, column: str, where: sa.TextClause, *, unique: bool = False) -> None:
    op.create_index(name, "support_conversations", [column], unique=unique, sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    op.drop_table("support_messages")
    op.drop_table("support_conversations")
