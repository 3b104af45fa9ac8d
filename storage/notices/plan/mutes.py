"""Mutes and snoozes: rows of the plan that a person makes. Migration 0012 says why there is a table of mutes too."""

import datetime
from collections.abc import Collection

from sqlalchemy import delete, update
from sqlmodel import col, select

from storage.database import Session
from storage.tables import MUTE, NO_DAY, Kind, Mute, PlannedNotice, PlanState

BY_DUE_DATE = (Kind.REMINDER_BEFORE, Kind.REMINDER_DUE)
"""The reminders that come from the due date; a person asks for those of the other kind, one by one."""


async def mute(session: Session, link_id: int, number: str, now: datetime.datetime) -> None:
    """Turn off the reminders of one invoice, also those that were snoozed."""
    await session.insert_if_absent(Mute, link_id=link_id, number=number)
    await session.insert_if_absent(
        PlannedNotice, link_id=link_id, number=number, kind=MUTE, day=NO_DAY, state=PlanState.HELD, due_at=now
    )
    of_invoice = (col(PlannedNotice.link_id) == link_id, col(PlannedNotice.number) == number)
    await session.change(delete(PlannedNotice).where(*of_invoice, col(PlannedNotice.kind) == Kind.REMINDER_LATER))
    held = update(PlannedNotice).where(*of_invoice, col(PlannedNotice.kind).in_(BY_DUE_DATE))
    await session.change(held.values(state=PlanState.HELD))


async def unmute(session: Session, link_id: int, number: str, now: datetime.datetime) -> None:
    """Turn the reminders of one invoice on again: those of later days. It changes nothing for one that is not muted."""
    await session.change(delete(Mute).where(col(Mute.link_id) == link_id, col(Mute.number) == number))
    of_invoice = (col(PlannedNotice.link_id) == link_id, col(PlannedNotice.number) == number)
    if not await session.change(delete(PlannedNotice).where(*of_invoice, col(PlannedNotice.kind) == MUTE)):
        return
    held = (*of_invoice, col(PlannedNotice.state) == PlanState.HELD)
    missed = update(PlannedNotice).where(*held, col(PlannedNotice.due_at) <= now)
    await session.change(missed.values(state=PlanState.SKIPPED))
    await session.change(update(PlannedNotice).where(*held).values(state=PlanState.PLANNED))


async def is_muted(session: Session, link_id: int, number: str) -> bool:
    """Return whether the reminders of an invoice are turned off."""
    row = await session.get(PlannedNotice, (link_id, number, MUTE, NO_DAY))
    return row is not None or await session.get(Mute, (link_id, number)) is not None


async def muted_numbers(session: Session, link_id: int) -> set[str]:
    """Return the numbers of the invoices whose reminders a link turned off."""
    rows = select(PlannedNotice.number).where(col(PlannedNotice.link_id) == link_id, col(PlannedNotice.kind) == MUTE)
    older = select(Mute.number).where(col(Mute.link_id) == link_id)
    return {*(await session.exec(rows)).all(), *(await session.exec(older)).all()}


async def snooze(
    session: Session, link_id: int, number: str, day: datetime.date, due_at: datetime.datetime, now: datetime.datetime
) -> None:
    """Plan one more reminder of an invoice, and unmute it. The same day again changes nothing."""
    await unmute(session, link_id, number, now)
    row = PlannedNotice(
        link_id=link_id, number=number, kind=Kind.REMINDER_LATER, day=day, state=PlanState.PLANNED, due_at=due_at
    )
    await session.upsert(row)


async def plan_snoozes_again(session: Session, link_ids: Collection[int]) -> None:
    """Plan the snoozed reminders of links again after a block, or once reminders are off: then no sweep does it.

    The hand-over sends nothing twice, and nothing after 7 days.
    """
    of_links = (col(PlannedNotice.link_id).in_(sorted(link_ids)), col(PlannedNotice.kind) == Kind.REMINDER_LATER)
    again = update(PlannedNotice).where(*of_links, col(PlannedNotice.state) != PlanState.SKIPPED)
    await session.change(again.values(state=PlanState.PLANNED).execution_options(synchronize_session=False))
