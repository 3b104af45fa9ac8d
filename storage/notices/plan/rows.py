"""The rows of the plan: corrected from what the portal shows, and removed with the subscription or after their time."""

import datetime
from collections.abc import Collection, Sequence

from msgspec import Struct
from sqlalchemy import delete, func
from sqlmodel import col, select

from storage.database import Session
from storage.notices.plan.mutes import muted_numbers
from storage.tables import Kind, Notice, PlannedNotice, PlanState

LATEST = datetime.timedelta(days=7)
"""How late a notice of the plan may still be sent, after an outage or while the person blocks the bot."""


def until_of(due_at: datetime.datetime) -> datetime.datetime:
    """Return until when a notice of the plan may be sent."""
    return due_at + LATEST


class Wanted(Struct, frozen=True):
    """What a link is to be told: on ``day``, at ``due_at``, and not after ``until``."""

    number: str
    kind: Kind
    day: datetime.date
    due_at: datetime.datetime
    until: datetime.datetime


async def rows_of(session: Session, link_id: int, kinds: Collection[Kind]) -> list[PlannedNotice]:
    """Return the rows of a link of some kinds."""
    query = select(PlannedNotice).where(col(PlannedNotice.link_id) == link_id, col(PlannedNotice.kind).in_(kinds))
    return list((await session.exec(query)).all())


class Part(Struct, frozen=True):
    """The reminders or the order endings of one link.

    ``since``: when it was turned on. ``is_whole``: whether the portal's whole list was read.
    """

    link_id: int
    account_id: str
    kinds: Collection[Kind]
    since: datetime.datetime
    is_whole: bool = True


async def correct(session: Session, part: Part, wanted: Sequence[Wanted], now: datetime.datetime) -> list[Wanted]:
    """Make the rows of a part agree with what is wanted; hold its other rows if the whole list was read.

    A new row whose time is over is made only if that time fell after ``part.since``, and after the invoice was issued.
    A row that was queued is planned again until its time ends: the hand-over sends nothing twice, and repeats what was
    cancelled or blocked.

    Returns:
        What is planned now, without muted invoices.
    """
    link_id, since = part.link_id, min(part.since, now)
    muted = await muted_numbers(session, link_id)
    rows = {(row.number, row.kind, row.day): row for row in await rows_of(session, link_id, part.kinds)}
    allowed = [each for each in wanted if each.until > now]
    late = {each.number for each in allowed if each.due_at <= now}
    issued = await _issued_at(session, part.account_id, late) if late else {}
    planned: list[Wanted] = []
    for each in allowed:
        row = rows.pop((each.number, each.kind, each.day), None)
        state = PlanState.HELD if each.number in muted else PlanState.PLANNED
        if row is None:
            if each.due_at <= now and each.due_at < max(since, issued.get(each.number, since)):
                continue
            await session.upsert(_row(link_id, each, state))
        elif row.state == PlanState.SKIPPED and each.due_at <= now:
            continue
        else:
            row.state, row.due_at = state, each.due_at
        if state is PlanState.PLANNED:
            planned.append(each)
    for row in rows.values() if part.is_whole else ():
        if row.state != PlanState.SKIPPED:
            row.state = PlanState.HELD
    return planned


async def _issued_at(session: Session, account_id: str, numbers: Collection[str]) -> dict[str, datetime.datetime]:
    """Return when invoices were issued, as far as the feed said it."""
    about = (col(Notice.number).in_(sorted(numbers)), col(Notice.account_id) == account_id)
    query = select(col(Notice.number), func.max(col(Notice.occurred_at))).where(
        *about, col(Notice.kind) == Kind.INVOICE_ISSUED
    )
    found = (await session.exec(query.group_by(col(Notice.number)))).all()
    return {number: at for number, at in found if number is not None}


async def plan_if_absent(session: Session, link_id: int, wanted: Wanted) -> None:
    """Plan a notice, unless the plan has it in any state."""
    await session.insert_if_absent(PlannedNotice, **_row(link_id, wanted, PlanState.PLANNED).model_dump())


def _row(link_id: int, wanted: Wanted, state: PlanState) -> PlannedNotice:
    return PlannedNotice(
        link_id=link_id,
        number=wanted.number,
        kind=wanted.kind,
        day=wanted.day,
        state=state,
        due_at=wanted.due_at,
    )


async def forget(session: Session, link_id: int, kinds: Collection[Kind]) -> None:
    """Delete the rows of kinds that a link no longer wishes. What was told stays known to the outbox."""
    of_link = (col(PlannedNotice.link_id) == link_id, col(PlannedNotice.kind).in_(kinds))
    await session.change(delete(PlannedNotice).where(*of_link))


async def purge(session: Session, before: datetime.date, limit: int) -> int:
    """Delete up to ``limit`` rows of days before a date. Mutes stay. Returns: the number of deleted rows."""
    old = select(PlannedNotice).where(col(PlannedNotice.day) < before)  # a mute has the last day of the calendar
    found = (await session.exec(old.order_by(col(PlannedNotice.day)).limit(limit))).all()
    for row in found:
        await session.delete(row)
    return len(found)
