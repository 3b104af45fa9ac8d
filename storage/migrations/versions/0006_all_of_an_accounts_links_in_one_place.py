"""add a covering index for the links of an account

The rows of one account are far apart in the table: at a million links an event read one page for each link.

Revision ID: 0006
Revises: 0005
"""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    # Drop last: on PostgreSQL nobody can read the table between the drop and the end of the migration.
    op.create_index("ix_links_reached", "links", ["account_id", "contact_id", "chat_id", "wishes", "link_id"])
    op.drop_index("ix_links_account", table_name="links")


def downgrade() -> None:
    op.create_index("ix_links_account", "links", ["account_id"])
    op.drop_index("ix_links_reached", table_name="links")
