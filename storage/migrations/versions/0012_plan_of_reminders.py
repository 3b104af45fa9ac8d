"""add the plan of reminders and order endings, and the sweeps that keep it

Expand only: the deliveries of reminders that an older version queued stay. When one is due, its link is swept instead,
and the plan sends it once. The table ``mutes`` stays, and is still written, for workers of the older version.

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

_PLANNED = sa.text("state = 'planned'")


def upgrade() -> None:
    op.create_table(
        "planned_notices",
        sa.Column("link_id", sa.Integer(), sa.ForeignKey("links.link_id", ondelete="CASCADE"), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("link_id", "number", "kind", "day"),
    )
    op.create_index(
        "ix_planned_notices_due_at", "planned_notices", ["due_at"], sqlite_where=_PLANNED, postgresql_where=_PLANNED
    )
    op.create_index("ix_planned_notices_day", "planned_notices", ["day"])
    op.create_table(
        "sweeps",
        sa.Column("link_id", sa.Integer(), sa.ForeignKey("links.link_id", ondelete="CASCADE"), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reminders_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("endings_since", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("link_id"),
    )
    op.create_index("ix_sweeps_due_at", "sweeps", ["due_at"])
    op.add_column("notices", sa.Column("day", sa.Date(), nullable=True))
    op.execute(
        "INSERT INTO planned_notices (link_id, number, kind, day, state, due_at) "
        "SELECT link_id, number, 'mute', '9999-12-31', 'held', CURRENT_TIMESTAMP FROM mutes"
    )


def downgrade() -> None:
    op.drop_column("notices", "day")
    op.drop_table("sweeps")
    op.drop_table("planned_notices")
