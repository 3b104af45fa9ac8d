"""The sweeps: when each link's plan is compared with the portal again, and which worker does it."""

import datetime
from collections.abc import Collection, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import and_, delete, func, select as select_columns, update
from sqlmodel import col, select

from storage.database import Session
from storage.notices.cancellation import cancel_for_link_and_kinds
from storage.notices.plan import mutes, rows
from storage.tables import Chat, Kind, Link, Sweep

REMINDER_KINDS = (*mutes.BY_DUE_DATE, Kind.REMINDER_LATER)
ENDING_KINDS = (Kind.ORDER_ENDING,)
_DAY_SECONDS = 86_400
_SPREAD = 40_503
"""Odd and no divisor of a day: consecutive links are swept at times that are far apart."""


class SweptLink(Struct, frozen=True):
    """A link whose plan is compared with the portal. ``due_at`` is the token of ``finish``."""

    link_id: int
    chat_id: int
    contact_id: str
    account_id: str
    wishes: frozenset[str]
    timezone: str | None
    is_blocked: bool
    due_at: datetime.datetime
    reminders_since: datetime.datetime | None
    endings_since: datetime.datetime | None


def next_slot(link_id: int, now: datetime.datetime) -> datetime.datetime:
    """Return the next time of a link's daily sweep: the same second of each day (UTC)."""
    midnight = now.astimezone(datetime.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    at = midnight + datetime.timedelta(seconds=link_id * _SPREAD % _DAY_SECONDS)
    return at if at > now else at + datetime.timedelta(days=1)


async def follow(session: Session, link_ids: Collection[int], now: datetime.datetime, *, is_due: bool = True) -> None:
    """Make the sweep of each of these links follow its subscriptions; call it after they were changed.

    Turning one on makes a sweep due at once. Turning one off deletes its rows, and cancels what waits in the outbox;
    snoozed reminders stay, because the person asked for each of them.

    Args:
        is_due: False gives a new sweep the link's own time of the day.
    """
    query = select(Link).where(col(Link.link_id).in_(sorted(link_ids))).order_by(col(Link.link_id)).with_for_update()
    for link in (await session.exec(query)).all():
        assert link.link_id is not None
        wishes = (link.wishes or "").split()
        sweep = await session.get(Sweep, link.link_id)
        parts = (("reminder", "reminders_since", mutes.BY_DUE_DATE), (Kind.ORDER_ENDING, "endings_since", ENDING_KINDS))
        ends = {name: getattr(sweep, name, None) for _, name, _ in parts}
        new = dict(ends)
        for subscription, name, kinds in parts:
            if subscription in wishes:
                new[name] = ends[name] or now
                continue
            new[name] = None
            if ends[name] is not None:
                await rows.forget(session, link.link_id, kinds)
                await cancel_for_link_and_kinds(session, link.link_id, kinds, now, "no longer wished for")
                await mutes.plan_snoozes_again(session, [link.link_id])
        if not any(new.values()):
            await session.change(delete(Sweep).where(col(Sweep.link_id) == link.link_id))
        elif sweep is None:
            due_at = now if is_due else next_slot(link.link_id, now)
            await session.insert_if_absent(Sweep, link_id=link.link_id, due_at=due_at, **new)
        elif new != ends:
            sweep.reminders_since, sweep.endings_since = new["reminders_since"], new["endings_since"]
            sweep.due_at = min(sweep.due_at, now)


async def follow_range(session: Session, after: int, limit: int, now: datetime.datetime) -> int | None:
    """Make the missing sweeps of the links with ids from ``after + 1`` to ``after + limit``.

    Links have none that subscribed before migration 0012, or through a worker of the version before.

    Returns:
        The next ``after``; ``None`` after the last link.
    """
    newest = (await session.exec(select(func.max(Link.link_id)))).first()
    if newest is None or newest <= after:
        return None
    query = (
        select(Link.link_id, Link.wishes)
        .outerjoin(
            Sweep,
            and_(col(Sweep.link_id) == Link.link_id, col(Sweep.link_id) > after, col(Sweep.link_id) <= after + limit),
        )
        .where(col(Link.link_id) > after, col(Link.link_id) <= after + limit, col(Sweep.link_id).is_(None))
    )
    found = (await session.exec(query)).all()
    missing = [link_id for link_id, wishes in found if {"reminder", Kind.ORDER_ENDING} & set((wishes or "").split())]
    await follow(session, [link_id for link_id in missing if link_id is not None], now, is_due=False)
    return after + limit


async def request(session: Session, link_ids: Collection[int], now: datetime.datetime) -> int:
    """Make the sweeps of links due now, because an event or the chat changed something. Returns: how many."""
    if not link_ids:
        return 0
    query = update(Sweep).where(col(Sweep.link_id).in_(sorted(link_ids)), col(Sweep.due_at) > now)
    return await session.change(query.values(due_at=now).execution_options(synchronize_session=False))


async def request_for_chat(session: Session, chat_id: int, now: datetime.datetime) -> int:
    """Make the sweeps of a chat's links due now, and plan its snoozed reminders again. Returns: how many sweeps."""
    found = (await session.exec(select(col(Link.link_id)).where(col(Link.chat_id) == chat_id))).all()
    link_ids = [link_id for link_id in found if link_id is not None]
    await mutes.plan_snoozes_again(session, link_ids)
    return await request(session, link_ids, now)


async def next_due(session: Session) -> datetime.datetime | None:
    """Return when the next sweep is due; ``None`` where no link has one."""
    return (await session.exec(select(Sweep.due_at).order_by(col(Sweep.due_at)).limit(1))).first()


_COLUMNS = (
    *(col(of) for of in (Link.link_id, Link.chat_id, Link.contact_id, Link.account_id, Link.wishes)),
    *(col(of) for of in (Chat.timezone, Chat.blocked_at, Sweep.due_at, Sweep.reminders_since, Sweep.endings_since)),
)
_SWEPT = (
    select_columns(*_COLUMNS)
    .join(Link, col(Link.link_id) == Sweep.link_id)
    .join(Chat, col(Chat.chat_id) == Link.chat_id)
)


async def claim(session: Session, now: datetime.datetime, until: datetime.datetime, limit: int) -> list[SweptLink]:
    """Take up to ``limit`` due sweeps. Until ``until`` no other worker takes them, and then they are due again."""
    due = select(Sweep).where(col(Sweep.due_at) <= now).order_by(col(Sweep.due_at)).limit(limit)
    taken = (await session.exec(due.with_for_update(skip_locked=True))).all()
    for sweep in taken:
        sweep.due_at = until
    await session.flush()
    return await _load(session, [sweep.link_id for sweep in taken])


async def load(session: Session, link_id: int) -> SweptLink | None:
    """Return the sweep of one link; ``None`` where it has none."""
    found = await _load(session, [link_id])
    return found[0] if found else None


async def lock(session: Session, link_id: int) -> SweptLink | None:
    """Return the sweep of one link as it is now, and keep its subscriptions until the transaction ends."""
    await session.exec(select(Link.link_id).where(col(Link.link_id) == link_id).with_for_update())
    return await load(session, link_id)


async def _load(session: Session, link_ids: Sequence[int]) -> list[SweptLink]:
    query = _SWEPT.where(col(Sweep.link_id).in_(link_ids))
    found: Sequence[Any] = (await session.exec(query)).all() if link_ids else ()  # type: ignore[call-overload]
    return [
        SweptLink(
            link_id=each.link_id,
            chat_id=each.chat_id,
            contact_id=each.contact_id,
            account_id=each.account_id,
            wishes=frozenset((each.wishes or "").split()),
            timezone=each.timezone,
            is_blocked=each.blocked_at is not None,
            due_at=each.due_at,
            reminders_since=each.reminders_since,
            endings_since=each.endings_since,
        )
        for each in found
    ]


async def finish(session: Session, swept: SweptLink, due_at: datetime.datetime) -> bool:
    """Record when a link is swept again. Returns: False where a sweep was requested meanwhile: it stays due."""
    mine = (col(Sweep.link_id) == swept.link_id, col(Sweep.due_at) == swept.due_at)
    return bool(await session.change(update(Sweep).where(*mine).values(due_at=due_at)))
