"""Checks at the last moment whether a reminder is to be sent: in its time, and if it is not obsolete."""

import datetime
from zoneinfo import ZoneInfo

from services.notices.delivery.outcomes import Cancelled, Deferred
from services.notices.reminders import reminder_day, reminder_of, reminder_time_on
from storage.chats import LinkState
from storage.database import Database
from storage.notices.outbox import ClaimedDelivery
from storage.notices.plan import mutes, rows
from storage.tables import Kind


async def check_reminder(
    database: Database,
    now: datetime.datetime,
    claimed: ClaimedDelivery,
    link: LinkState,
    due_date: datetime.date | None,
    zone: ZoneInfo,
) -> Cancelled | Deferred | None:
    """Return why a reminder of an unpaid invoice is not sent now; None if it is.

    Args:
        due_date: The invoice's, as the portal has it now.
        zone: The chat's time zone.
    """
    async with database.read() as session:
        if await mutes.is_muted(session, link.link_id, claimed.number or ""):
            return Cancelled("muted")
    if claimed.kind is not Kind.REMINDER_LATER:
        if due_date is None:
            return Cancelled("no due date")
        if claimed.day is None:
            await _plan_instead(database, now, claimed, link, due_date, zone)
            return Cancelled("in the plan")
        if reminder_day(claimed.kind, due_date) != claimed.day:
            return Cancelled("due on another day")
        if claimed.kind is Kind.REMINDER_BEFORE and now >= reminder_time_on(due_date, zone):
            return Cancelled("overtaken")
    if claimed.day is not None:
        at = reminder_time_on(claimed.day, zone)
        if now < at:
            return Deferred(at)
        if now >= rows.until_of(at):
            return Cancelled("too late")
    return None


async def _plan_instead(
    database: Database,
    now: datetime.datetime,
    claimed: ClaimedDelivery,
    link: LinkState,
    due_date: datetime.date,
    zone: ZoneInfo,
) -> None:
    """Plan a reminder that an older version queued, so that it is told once."""
    wanted = reminder_of(claimed.number or "", claimed.kind, due_date, zone)
    if wanted and wanted.due_at >= claimed.occurred_at and wanted.until > now:
        async with database.write() as session:
            await rows.plan_if_absent(session, link.link_id, wanted)
