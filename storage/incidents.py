"""The register of confidentiality incidents: rows are added, never changed and never deleted."""

import datetime
import json
from collections.abc import Mapping, Sequence

from msgspec import Struct
from sqlalchemy import func
from sqlmodel import col, select

from storage.database import Session
from storage.tables import IncidentVersion


class StoredVersion(Struct, frozen=True):
    """One version of an incident's entry. ``facts``: what it sets, text by name; None where no key opens it."""

    number: int
    version: int
    recorded_at: datetime.datetime
    facts: dict[str, str] | None


async def add(session: Session, facts: Mapping[str, str], now: datetime.datetime) -> int:
    """Enter a new incident. Returns: its number."""
    await session.lock(IncidentVersion.__tablename__)
    newest = (await session.exec(select(func.max(col(IncidentVersion.number))))).one()
    number = (newest or 0) + 1
    _insert(session, number, 1, facts, now)
    return number


async def amend(session: Session, number: int, facts: Mapping[str, str], now: datetime.datetime) -> int | None:
    """Add a version that sets these facts of an incident. Returns: the version; None if there is no such incident."""
    await session.lock(IncidentVersion.__tablename__)
    versions = select(func.max(col(IncidentVersion.version))).where(col(IncidentVersion.number) == number)
    newest = (await session.exec(versions)).one()
    if newest is None:
        return None
    _insert(session, number, newest + 1, facts, now)
    return int(newest) + 1


async def load(session: Session, number: int | None = None) -> Sequence[StoredVersion]:
    """Return every version of one incident, or of all, in the order of number and version."""
    query = select(IncidentVersion).order_by(col(IncidentVersion.number), col(IncidentVersion.version))
    if number is not None:
        query = query.where(col(IncidentVersion.number) == number)
    found = (await session.exec(query)).all()
    return [
        StoredVersion(each.number, each.version, each.recorded_at, _opened(session, each.facts_sealed))
        for each in found
    ]


def _insert(session: Session, number: int, version: int, facts: Mapping[str, str], now: datetime.datetime) -> None:
    sealed = session.vault.seal(json.dumps(dict(facts), ensure_ascii=False))
    session.add(IncidentVersion(number=number, version=version, recorded_at=now, facts_sealed=sealed))


def _opened(session: Session, sealed: str) -> dict[str, str] | None:
    text = session.vault.open_or_none(sealed)
    return None if text is None else {str(name): str(value) for name, value in json.loads(text).items()}
