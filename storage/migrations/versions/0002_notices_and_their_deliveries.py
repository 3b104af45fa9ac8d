"""notices and their deliveries

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


_WAITING = sa.text("state IN ('queued', 'retry')")
_IN_HAND = sa.text("state IN ('leased', 'sending')")


def upgrade() -> None:
    op.create_table(
        "feed",
        sa.Column("feed_id", sa.Integer(), nullable=False),
        sa.Column("cursor", sa.String(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("feed_id"),
    )
    op.create_table(
        "notices",
        sa.Column("notice_id", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("notice_id"),
        sa.UniqueConstraint("event_id"),
    )
    op.create_table(
        "pace",
        sa.Column("pace_id", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("halted_until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("pace_id"),
    )
    op.create_table(
        "deliveries",
        sa.Column("delivery_id", sa.Integer(), nullable=False),
        sa.Column("notice_id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("recipient", sa.BigInteger(), nullable=False),
        sa.Column("link_id", sa.Integer(), nullable=False),
        sa.Column("account_sealed", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("is_postponed", sa.Boolean(), nullable=False),
        sa.Column("lease_owner", sa.String(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["notice_id"],
            ["notices.notice_id"],
        ),
        sa.PrimaryKeyConstraint("delivery_id"),
        sa.UniqueConstraint("notice_id", "channel", "recipient"),
    )
    op.create_index(
        "ix_deliveries_in_hand",
        "deliveries",
        ["channel", "recipient"],
        sqlite_where=_IN_HAND,
        postgresql_where=_IN_HAND,
    )
    op.create_index("ix_deliveries_link", "deliveries", ["link_id", "state"])
    op.create_index("ix_deliveries_recipient", "deliveries", ["channel", "recipient", "settled_at"])
    op.create_index("ix_deliveries_state", "deliveries", ["state"])
    op.create_index(
        "ix_deliveries_waiting",
        "deliveries",
        ["due_at", "delivery_id"],
        sqlite_where=_WAITING,
        postgresql_where=_WAITING,
    )

    op.create_table(
        "copies",
        sa.Column("copy_id", sa.Integer(), nullable=False),
        sa.Column("link_id", sa.Integer(), nullable=False),
        sa.Column("email_sealed", sa.String(), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["link_id"], ["links.link_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("copy_id"),
        sa.UniqueConstraint("link_id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "mutes",
        sa.Column("link_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["link_id"], ["links.link_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("link_id", "number"),
    )
    # Column by column: a batch would drop and remake the table, and with foreign keys on its links would go with it.
    op.add_column("chats", sa.Column("timezone", sa.String(), nullable=True))
    op.add_column("chats", sa.Column("quiet_from", sa.Integer(), nullable=True))
    op.add_column("chats", sa.Column("quiet_to", sa.Integer(), nullable=True))
    op.add_column("chats", sa.Column("blocked_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("codes", sa.Column("for_link", sa.Integer(), nullable=True))
    op.add_column("links", sa.Column("wishes", sa.String(), nullable=True))
    op.add_column("links", sa.Column("attaches_pdf", sa.Boolean(), nullable=False, server_default=sa.false()))
    links = sa.table("links", sa.column("wishes"), sa.column("wants_invoices"))
    op.execute(links.update().where(links.c.wants_invoices == sa.true()).values(wishes="invoice.issued"))
    op.execute(links.update().where(links.c.wants_invoices == sa.false()).values(wishes=""))
    op.drop_column("links", "wants_invoices")
    op.create_index("ix_links_account", "links", ["account_id"])


def downgrade() -> None:
    op.drop_index("ix_links_account", table_name="links")
    op.add_column("links", sa.Column("wants_invoices", sa.Boolean(), nullable=True))
    links = sa.table("links", sa.column("wishes"), sa.column("wants_invoices"))
    op.execute(links.update().where(links.c.wishes.like("%invoice.issued%")).values(wants_invoices=sa.true()))
    op.execute(links.update().where(links.c.wishes.not_like("%invoice.issued%")).values(wants_invoices=sa.false()))
    op.drop_column("links", "attaches_pdf")
    op.drop_column("links", "wishes")
    op.drop_column("codes", "for_link")
    for column in ("blocked_at", "quiet_to", "quiet_from", "timezone"):
        op.drop_column("chats", column)
    op.drop_table("mutes")
    op.drop_table("copies")
    op.drop_index("ix_deliveries_waiting", table_name="deliveries")
    op.drop_index("ix_deliveries_state", table_name="deliveries")
    op.drop_index("ix_deliveries_recipient", table_name="deliveries")
    op.drop_index("ix_deliveries_link", table_name="deliveries")
    op.drop_index("ix_deliveries_in_hand", table_name="deliveries")

    op.drop_table("deliveries")
    op.drop_table("pace")
    op.drop_table("notices")
    op.drop_table("feed")
