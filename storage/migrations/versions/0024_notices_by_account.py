"""add the index by which the notices of an account are found

Revision ID: 0024
Revises: 0023
"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"

_OF_ACCOUNT = sa.text("account_id <> ''")


def upgrade() -> None:
    op.create_index(
        "ix_notices_account", "notices", ["account_id"], sqlite_where=_OF_ACCOUNT, postgresql_where=_OF_ACCOUNT
    )


def downgrade() -> None:
    op.drop_index("ix_notices_account", table_name="notices")
