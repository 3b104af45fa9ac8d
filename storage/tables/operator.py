"""What the operator's chat was told of each alert, and the announcements that the operator sends."""

import datetime

from sqlalchemy import BigInteger, false
from sqlmodel import Field

from storage.tables.base import NEVER_REUSED, Row, UtcTime


class OperatorAlert(Row, table=True):
    """The state of one alert, shared by all processes.

    ``is_held``: whether its condition holds, since ``since``; a process last saw it hold at ``seen_at``. ``is_told``:
    what the operator's chat was told last, at ``told_at``. One process at a time sends, until ``claimed_until``.
    """

    __tablename__ = "operator_alerts"

    alert: str = Field(primary_key=True)
    is_held: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    is_told: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    since: datetime.datetime = Field(sa_type=UtcTime)
    seen_at: datetime.datetime = Field(sa_type=UtcTime)
    told_at: datetime.datetime | None = Field(default=None, sa_type=UtcTime)
    claimed_until: datetime.datetime | None = Field(default=None, sa_type=UtcTime)


class Announcement(Row, table=True):
    """A text of the company, and how far it is queued: to every subscribed chat up to ``queued_to``, by chat id.

    ``texts`` is JSON, as ``services.announcements.as_json``; it holds nothing of a person. ``notice_id`` is that of its
    deliveries, which retention deletes before the announcement. ``completed_at`` is when the last chat was queued,
    ``cancelled_at`` when the operator stopped it.
    """

    __tablename__ = "announcements"
    __table_args__ = NEVER_REUSED

    announcement_id: int | None = Field(default=None, primary_key=True)
    texts: str
    created_at: datetime.datetime = Field(sa_type=UtcTime)
    notice_id: int
    queued_to: int | None = Field(default=None, sa_type=BigInteger)
    completed_at: datetime.datetime | None = Field(default=None, sa_type=UtcTime)
    cancelled_at: datetime.datetime | None = Field(default=None, sa_type=UtcTime)
