"""The hand-over of due rows of the plan to the outbox, which knows what was told: each ``event_id`` is queued once."""

import datetime
from collections.abc import Collection, Sequence
from typing import Any

from msgspec import Struct, field
from sqlalchemy import literal, select as select_columns, update
from sqlmodel import col, select

from storage.database import Session
from storage.notices import feed
from storage.notices.cancellation import cancel_deliveries
from storage.notices.feed import NewDelivery, NewNotice
from storage.notices.outbox import SEEN, WAITING
from storage.notices.plan.rows import until_of
from storage.tables import Channel, Chat, Delivery, Kind, Link, Notice, PlannedNotice, PlanState, State

ENDING_TOLD_WITHIN = datetime.timedelta(days=3)
"""The portal's own event and the plan announce the same end of an order if they are less than this apart."""
_OLDER_VERSION_SENT_WITHIN = datetime.timedelta(hours=1)
"""By how much the clock of a worker of an older version may differ."""
_EVENT_PREFIX = {Kind.REMINDER_LATER: "snooze"}
_PLANNED = literal(PlanState.PLANNED, literal_execute=True)
"""As in the partial index, which an engine uses only when the query repeats its condition."""


def event_id_of(kind: Kind, chat_id: int, account_id: str, number: str, day: datetime.date) -> str:
    """Return the id of a planned notice: one chat is told once, also through two links to one account."""
    return f"{_EVENT_PREFIX.get(kind, kind)}:{chat_id}:{account_id}:{number}:{day}"


class _Told(Struct):
    """What the outbox has about one invoice or order for one chat: deliveries by event id, and what is not planned."""

    planned: dict[str, tuple[int, str, str | None]] = field(default_factory=dict)
    others: list[tuple[int, str, datetime.datetime, datetime.datetime | None]] = field(default_factory=list)


async def next_due(session: Session) -> datetime.datetime | None:
    """Return when the next row of the plan is due; ``None`` where none is planned."""
    query = select(PlannedNotice.due_at).where(col(PlannedNotice.state) == _PLANNED)
    return (await session.exec(query.order_by(col(PlannedNotice.due_at)).limit(1))).first()


async def queue_due(session: Session, now: datetime.datetime, limit: int) -> tuple[int, int]:
    """Queue the deliveries of up to ``limit`` due rows, one worker at a time.

    A row is held where the person blocks the bot, or its time ended. One that was told, or waits in the outbox, is
    queued without a further delivery; one whose delivery was cancelled or blocked is queued again.

    Returns:
        The number of rows that it took, and of deliveries that are queued now.
    """
    await session.lock("plan")
    query = (
        select(PlannedNotice, Link.chat_id, Link.account_id, Chat.blocked_at)
        .join(Link, col(Link.link_id) == PlannedNotice.link_id)
        .join(Chat, col(Chat.chat_id) == Link.chat_id)
        .where(col(PlannedNotice.state) == _PLANNED, col(PlannedNotice.due_at) <= now)
        .order_by(col(PlannedNotice.due_at))
        .limit(limit)
        .with_for_update(of=PlannedNotice)
    )
    rows = (await session.exec(query)).all()
    if not rows:
        return 0, 0
    told = await _told(session, {row.number for row, *_ in rows}, {chat_id for _, chat_id, *_ in rows})
    new: dict[str, tuple[NewNotice, list[NewDelivery]]] = {}
    again: list[int] = []
    obsolete: list[int] = []
    for row, chat_id, account_id, blocked_at in rows:
        if blocked_at is not None or until_of(row.due_at) <= now:
            row.state = PlanState.HELD
            continue
        row.state, kind = PlanState.QUEUED, Kind(row.kind)
        event_id = event_id_of(kind, chat_id, account_id, row.number, row.day)
        about = told.get((chat_id, account_id, row.number, kind), _Told())
        if kind in (Kind.REMINDER_BEFORE, Kind.REMINDER_DUE):
            obsolete += [delivery_id for delivery_id, state, *_ in about.others if state in (*WAITING, State.LEASED)]
        if event_id in about.planned:
            delivery_id, state, reason = about.planned[event_id]
            if state in (State.CANCELLED, State.BLOCKED) and reason != SEEN:
                again.append(delivery_id)
        elif event_id not in new and not _was_told(kind, row.due_at, about):
            notice = NewNotice(event_id, kind, account_id, row.number, row.due_at, row.day)
            new[event_id] = (notice, [NewDelivery(Channel.TELEGRAM, chat_id, row.link_id, now)])
    await cancel_deliveries(session, obsolete, now, "in the plan")
    await feed.record_all(session, list(new.values()))
    return len(rows), len(new) + await _queue_again(session, again, now)


def _was_told(kind: Kind, due_at: datetime.datetime, about: _Told) -> bool:
    """Return whether the portal's own event announced the end, or an older version sent the reminder."""
    for _, state, occurred_at, settled_at in about.others:
        if kind is Kind.ORDER_ENDING:
            if state not in (State.CANCELLED, State.BLOCKED) and abs(occurred_at - due_at) < ENDING_TOLD_WITHIN:
                return True
        elif state == State.SENDING or (
            state in (State.SENT, State.UNCERTAIN)
            and settled_at is not None
            and settled_at >= due_at - _OLDER_VERSION_SENT_WITHIN
        ):
            return True
    return False


async def _told(
    session: Session, numbers: Collection[str], chat_ids: Collection[int]
) -> dict[tuple[int, str, str, Kind], _Told]:
    """Return what the outbox has about these numbers, by chat, account, number and kind."""
    columns = (Delivery.recipient, Notice.account_id, Notice.number, Notice.kind, Notice.event_id, Notice.day)
    more = (Delivery.delivery_id, Delivery.state, Delivery.reason, Notice.occurred_at, Delivery.settled_at)
    query = (
        select_columns(*(col(each) for each in (*columns, *more)))
        .join(Delivery, col(Delivery.notice_id) == Notice.notice_id)
        .where(
            col(Notice.number).in_(sorted(numbers)),
            col(Delivery.channel) == Channel.TELEGRAM,
            col(Delivery.recipient).in_(sorted(chat_ids)),
        )
    )
    rows: Sequence[Any] = (await session.exec(query)).all()  # type: ignore[call-overload]
    found: dict[tuple[int, str, str, Kind], _Told] = {}
    for row in rows:
        about = found.setdefault((row.recipient, row.account_id, row.number, row.kind), _Told())
        # A snooze that an older version queued has no day, and the same event id.
        if row.day is not None or row.kind == Kind.REMINDER_LATER:
            about.planned[row.event_id] = (row.delivery_id, row.state, row.reason)
        else:
            about.others.append((row.delivery_id, row.state, row.occurred_at, row.settled_at))
    return found


async def _queue_again(session: Session, delivery_ids: Sequence[int], now: datetime.datetime) -> int:
    if not delivery_ids:
        return 0
    values: dict[str, object] = {"state": State.QUEUED, "due_at": now, "attempts": 0, "settled_at": None}
    values |= {"reason": None, "is_postponed": False, "is_seen": False, "lease_owner": None, "lease_until": None}
    values |= {"repeat_at": None, "is_repetition": False}
    settled = col(Delivery.state).in_((State.CANCELLED, State.BLOCKED))
    query = update(Delivery).where(col(Delivery.delivery_id).in_(delivery_ids), settled).values(**values)
    return await session.change(query.execution_options(synchronize_session=False))
