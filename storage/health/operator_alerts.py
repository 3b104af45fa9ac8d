"""The rows of the operator's alerts. ``services.operator_alerts.board`` decides what they mean."""

from collections.abc import Collection, Sequence

from sqlalchemy import update
from sqlmodel import col, select

from storage.database import Session
from storage.tables import OperatorAlert


async def is_any_open(session: Session) -> bool:
    """Return whether an alert holds, or its end was not told yet."""
    is_open = col(OperatorAlert.is_held) | col(OperatorAlert.is_told)
    return (await session.exec(select(OperatorAlert.alert).where(is_open).limit(1))).first() is not None


async def load_and_lock(session: Session) -> Sequence[OperatorAlert]:
    """Return every row; no other transaction loads them until this one ends. It needs a session that writes."""
    await session.lock("operator alerts")
    return (await session.exec(select(OperatorAlert))).all()


async def release(session: Session, alerts: Collection[str]) -> None:
    """End the claim to tell these alerts, which were not told."""
    query = update(OperatorAlert).where(col(OperatorAlert.alert).in_(alerts))
    await session.change(query.values(claimed_until=None))
