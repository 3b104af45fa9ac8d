"""add indexes by which a chat is erased, and empty the notices that nobody was sent

Revision ID: 0020
Revises: 0019
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"

_FOR_CHAT = sa.text("for_chat IS NOT NULL")


def upgrade() -> None:
    op.create_index("ix_documents_account_id", "documents", ["account_id"])
    op.create_index("ix_codes_revocations", "codes", ["for_chat"], sqlite_where=_FOR_CHAT, postgresql_where=_FOR_CHAT)
    op.execute(
        "UPDATE notices SET account_id = '', number = NULL "
        "WHERE NOT EXISTS (SELECT 1 FROM deliveries WHERE deliveries.notice_id = notices.notice_id)"
    )


def downgrade() -> None:
    op.drop_index("ix_codes_revocations", table_name="codes")
    op.drop_index("ix_documents_account_id", table_name="documents")
