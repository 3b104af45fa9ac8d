"""What the operator's chat was told of each alert."""

import datetime

from sqlalchemy import false
from sqlmodel import Field

from storage.tables.base import Row, UtcTime


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
