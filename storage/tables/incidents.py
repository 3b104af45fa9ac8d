"""The register of confidentiality incidents."""

import datetime

from sqlmodel import Field

from storage.tables.base import Row, UtcTime


class IncidentVersion(Row, table=True):
    """What was entered about an incident at one time. Version 1 makes the incident, later ones complete or correct it.

    No row is changed, and no code deletes one: the register is kept for five years at least.
    """

    __tablename__ = "incidents"

    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    """Counted from 1 without gaps, so that a missing incident shows."""
    version: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    recorded_at: datetime.datetime = Field(sa_type=UtcTime)
    facts_sealed: str
    """JSON: text by the name of the fact, only the facts that this version sets."""
