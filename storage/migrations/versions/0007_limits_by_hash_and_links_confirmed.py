"""add the columns and tables of limits by keyed hashes, and of links confirmed with the portal

Older codes have no hash of their chat, so the limits do not count them.

Revision ID: 0007
Revises: 0006
"""

import datetime

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_ADDRESSED = sa.text("email_sealed <> ''")
_FOR_COPY = sa.text("for_link IS NOT NULL")
_EXPIRES = sa.text("expires_at IS NOT NULL")
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("links", sa.Column("confirmed_at", _TIME, nullable=True))
    op.add_column("links", sa.Column("used_at", _TIME, nullable=True))
    # The last use of existing links is unknown: their time until they count as unused starts here.
    op.execute(sa.text("UPDATE links SET used_at = CURRENT_TIMESTAMP"))
    op.add_column("chats", sa.Column("expires_at", _TIME, nullable=True))
    strangers = (
        "UPDATE chats SET expires_at = :at WHERE NOT EXISTS (SELECT 1 FROM links WHERE links.chat_id = chats.chat_id)"
    )
    expires_at = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=30)
    op.execute(sa.text(strangers).bindparams(sa.bindparam("at", expires_at, _TIME)))
    op.create_index("ix_chats_expires_at", "chats", ["expires_at"], sqlite_where=_EXPIRES, postgresql_where=_EXPIRES)
    op.add_column("codes", sa.Column("chat_hash", sa.String(), nullable=False, server_default=""))
    op.add_column("codes", sa.Column("for_chat", sa.BigInteger(), nullable=True))
    op.add_column("codes", sa.Column("is_long", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("codes", sa.Column("is_mailed", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.add_column("codes", sa.Column("opens_until", _TIME, nullable=True))
    # Codes that were mailed before the migration stay valid.
    op.execute(sa.text("UPDATE codes SET opens_until = expires_at WHERE is_counted"))
    op.create_index("ix_codes_chat_hash", "codes", ["chat_hash", "asked_at"])
    op.create_index("ix_codes_addressed", "codes", ["expires_at"], sqlite_where=_ADDRESSED, postgresql_where=_ADDRESSED)
    op.create_index("ix_codes_copies", "codes", ["asked_at"], sqlite_where=_FOR_COPY, postgresql_where=_FOR_COPY)
    op.create_table(
        "address_guards",
        sa.Column("email_hash", sa.String(), nullable=False),
        sa.Column("wrong_codes", sa.Integer(), nullable=False),
        sa.Column("warned_at", _TIME, nullable=True),
        sa.Column("changed_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("email_hash"),
    )
    op.create_index("ix_address_guards_changed_at", "address_guards", ["changed_at"])
    op.create_table(
        "proven_addresses",
        sa.Column("chat_hash", sa.String(), nullable=False),
        sa.Column("email_hash", sa.String(), nullable=False),
        sa.Column("proven_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("chat_hash", "email_hash"),
    )
    op.create_index("ix_proven_addresses_email_hash", "proven_addresses", ["email_hash"])
    op.create_index("ix_proven_addresses_proven_at", "proven_addresses", ["proven_at"])


def downgrade() -> None:
    op.drop_table("proven_addresses")
    op.drop_table("address_guards")
    op.drop_index("ix_codes_copies", table_name="codes")
    op.drop_index("ix_codes_addressed", table_name="codes")
    op.drop_index("ix_codes_chat_hash", table_name="codes")
    for column in ("opens_until", "is_mailed", "is_long", "for_chat", "chat_hash"):
        op.drop_column("codes", column)
    for column in ("used_at", "confirmed_at"):
        op.drop_column("links", column)
    op.drop_index("ix_chats_expires_at", table_name="chats")
    op.drop_column("chats", "expires_at")
