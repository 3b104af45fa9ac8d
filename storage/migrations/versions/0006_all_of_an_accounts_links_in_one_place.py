"""all that an event asks of its account's links, in one place

They came at different times, and lie that far apart in the table: at a million links an event read a page for each.

Revision ID: 0006
Revises: 0005
"""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    # In this order: PostgreSQL lets nobody read the table from the dropping on until the migration is over.
    op.create_index("ix_links_reached", "links", ["account_id", "contact_id", "chat_id", "wishes", "link_id"])
    op.drop_index("ix_links_account", table_name="links")


def downgrade() -> None:
    op.create_index("ix_links_account", "links", ["account_id"])
    op.drop_index("ix_links_reached", table_name="links")
