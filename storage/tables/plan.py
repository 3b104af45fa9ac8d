"""The plan of reminders and order endings: what is told of which invoice or order on which day, and its sweeps."""

import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, text
from sqlmodel import Field

from storage.tables.base import Row, UtcTime

MUTE = "mute"
"""The kind of a row that turns off the reminders of an invoice. No notice has it."""
NO_DAY = datetime.date(9999, 12, 31)
"""The day of a mute, which has none."""


class PlanState(StrEnum):
    """The state of a row of the plan.

    ``planned``: its delivery is queued at ``due_at``. ``queued``: the outbox has the delivery. ``held``: nothing is
    sent, because the invoice is paid, muted or due on another day, or the person blocked the bot. ``skipped``: its
    time fell while the invoice was muted.
    """

    PLANNED = "planned"
    QUEUED = "queued"
    HELD = "held"
    SKIPPED = "skipped"


_PLANNED = text("state = 'planned'")


class PlannedNotice(Row, table=True):
    """What a link is told of an invoice or an order on a day (in the chat's time zone), or a mute."""

    __tablename__ = "planned_notices"
    __table_args__ = (
        Index("ix_planned_notices_due_at", "due_at", sqlite_where=_PLANNED),
        Index("ix_planned_notices_day", "day"),
    )

    link_id: int = Field(
        primary_key=True,
        sa_column_args=(ForeignKey("links.link_id", ondelete="CASCADE"),),
        sa_column_kwargs={"autoincrement": False},
    )
    number: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    day: datetime.date = Field(primary_key=True)
    state: str
    due_at: datetime.datetime = Field(sa_type=UtcTime)


class Sweep(Row, table=True):
    """When the plan of a link is compared with the portal again. A link without such a subscription has no row.

    ``reminders_since``: when its reminders were turned on; ``None`` without reminders. Nothing is told whose time fell
    before. ``endings_since``: the same for notices of ends of orders.
    """

    __tablename__ = "sweeps"
    __table_args__ = (Index("ix_sweeps_due_at", "due_at"),)

    link_id: int = Field(
        primary_key=True,
        sa_column_args=(ForeignKey("links.link_id", ondelete="CASCADE"),),
        sa_column_kwargs={"autoincrement": False},
    )
    due_at: datetime.datetime = Field(sa_type=UtcTime)
    reminders_since: datetime.datetime | None = Field(default=None, sa_type=UtcTime)
    endings_since: datetime.datetime | None = Field(default=None, sa_type=UtcTime)
