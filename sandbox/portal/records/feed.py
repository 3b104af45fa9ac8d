"""The event feed, which clients read from an opaque cursor."""

import base64
import binascii
import secrets
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import func
from sqlmodel import Session, col, delete, select

from sandbox.portal.contract import Event, Events, EventType
from sandbox.portal.data.database import read_fact, write_fact
from sandbox.portal.data.tables import EventRow, OrderRow

ENDING_NOTICE_DAYS = (90, 30, 7)

_EPOCH = "feed epoch"
_FORGOTTEN = "feed forgotten up to"
_ENDINGS_REPORTED = "endings reported up to"


class CursorTooOld(Exception):
    """The events after the cursor are deleted, or the cursor is from another database. The reader restarts at now."""


class CursorUnreadable(Exception):
    """The portal never issued this cursor."""


def open_feed(session: Session, today: date) -> None:
    """Give a new feed its epoch, so that cursors of an earlier database are too old."""
    if read_fact(session, _EPOCH) is None:
        write_fact(session, _EPOCH, secrets.token_hex(4))
        write_fact(session, _FORGOTTEN, "0")
        write_fact(session, _ENDINGS_REPORTED, today.isoformat())


def record(
    session: Session,
    type_: EventType,
    at: datetime,
    account_id: str,
    number: str | None = None,
    contact_id: str | None = None,
) -> EventRow:
    """Append an event to the feed, in the caller's transaction."""
    row = EventRow(
        type=type_,
        occurred_at=at.astimezone(UTC),
        account_id=account_id,
        contact_id=contact_id,
        number=number,
    )
    session.add(row)
    session.flush()
    return row


def read_events(session: Session, after: str, limit: int) -> Events:
    """Return up to `limit` events after the cursor, oldest first. An empty cursor returns the current cursor only.

    Raises:
        CursorTooOld: Events after the cursor are gone.
        CursorUnreadable: The portal never issued the cursor.
    """
    if not after:
        return Events(items=[], cursor=_cursor(session, _last_sequence(session)))
    position = _position(session, after)
    statement = select(EventRow).where(col(EventRow.sequence) > position).order_by(col(EventRow.sequence)).limit(limit)
    rows = session.exec(statement).all()
    reached = rows[-1].sequence or position if rows else position
    return Events(items=[_event(session, row) for row in rows], cursor=_cursor(session, reached))


def forget_events(session: Session, keep: int = 0) -> int:
    """Delete all but the newest `keep` events, so that older cursors get 410. Returns the count."""
    last_forgotten = max(0, _last_sequence(session) - keep)
    gone = session.exec(delete(EventRow).where(col(EventRow.sequence) <= last_forgotten))
    if last_forgotten > int(read_fact(session, _FORGOTTEN) or "0"):
        write_fact(session, _FORGOTTEN, str(last_forgotten))
    return gone.rowcount


def report_endings(session: Session, now: datetime, today: date) -> list[EventRow]:
    """Record `order.ending` for every notice day (90, 30, 7 days before an end) since the last call."""
    reported = date.fromisoformat(read_fact(session, _ENDINGS_REPORTED) or today.isoformat())
    if today <= reported:
        return []
    due: list[tuple[date, str, str]] = []
    for days in ENDING_NOTICE_DAYS:
        notice = timedelta(days=days)
        statement = select(col(OrderRow.end_date), OrderRow.account_id, OrderRow.number).where(
            col(OrderRow.end_date) > reported + notice, col(OrderRow.end_date) <= today + notice
        )
        due += [(end - notice, account, number) for end, account, number in session.exec(statement) if end]
    write_fact(session, _ENDINGS_REPORTED, today.isoformat())
    return [record(session, "order.ending", now, account, number) for _, account, number in sorted(due)]


def event_id(session: Session, row: EventRow) -> str:
    """Return an id that is unique across databases."""
    return f"evt-{read_fact(session, _EPOCH)}-{row.sequence}"


def _event(session: Session, row: EventRow) -> Event:
    return Event(
        id=event_id(session, row),
        type=row.type,
        occurred_at=row.occurred_at,
        account_id=row.account_id,
        contact_id=row.contact_id,
        number=row.number,
    )


def _last_sequence(session: Session) -> int:
    last = session.exec(select(func.max(EventRow.sequence))).one()
    return max(last or 0, int(read_fact(session, _FORGOTTEN) or "0"))


def _cursor(session: Session, sequence: int) -> str:
    return base64.urlsafe_b64encode(f"{read_fact(session, _EPOCH)}:{sequence}".encode()).decode().rstrip("=")


def _position(session: Session, cursor: str) -> int:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        epoch, _, sequence = base64.b64decode(padded, altchars=b"-_", validate=True).decode().partition(":")
        position = int(sequence)
    except (ValueError, binascii.Error) as error:
        raise CursorUnreadable from error
    if epoch != read_fact(session, _EPOCH) or position < int(read_fact(session, _FORGOTTEN) or "0"):
        raise CursorTooOld
    return min(position, _last_sequence(session))
