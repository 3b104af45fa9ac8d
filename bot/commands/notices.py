"""``odobot notices``: show the state of the outbox in a terminal, counted over the whole table, and resend."""

import asyncio
import datetime
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from bot.commands.common import print_facts, record_change
from services.clock import Clock, utc_now
from services.security import SecurityEvent
from storage.database import Database
from storage.notices import feed, outbox_report, repetitions
from storage.notices.outbox_report import RepeatedDelivery, UncertainDelivery
from storage.notices.repetitions import ResendChoice
from storage.tables import State

_LISTED = 20
"""Uncertain deliveries shown, and repeated ones."""
_REFRESH_SECONDS = 1.0
_OPEN = (State.QUEUED, State.RETRY, State.LEASED, State.SENDING)


async def show(database: Database, *, as_json: bool = False) -> None:
    """Print the counts by state, the age of the feed, and the newest uncertain and repeated deliveries."""
    async with database.read() as session:
        counts = await outbox_report.count_all(session)
        position = await feed.position(session)
        uncertain = await outbox_report.list_uncertain(session, _LISTED)
        repeated = await outbox_report.list_repeated(session, _LISTED)
    if as_json:
        facts = {
            "counts": {state.value: counts.get(state, 0) for state in State},
            "feed_read_at": position.read_at if position else None,
            "uncertain": [_uncertain_facts(each) for each in uncertain],
            "repeated": [_repeated_facts(each) for each in repeated],
        }
        print_facts(facts, (), as_json=True)
        return
    console = Console()
    for state in State:
        console.print(f"{state:<10} {counts.get(state, 0)}")
    age = f"{(utc_now() - position.read_at).total_seconds():.0f} s ago" if position else "never"
    console.print(f"feed read  {age}")
    if uncertain:
        console.print(_table("uncertain", uncertain))
    if repeated:
        table = Table("delivery", "kind", "number", "channel", "to", "state", "when", "reason", title="repeated")
        for one in repeated:
            about = (str(one.delivery_id), one.kind, one.number or "", one.channel, str(one.recipient))
            table.add_row(*about, one.state, _shown(one.settled_at), one.reason or "")
        console.print(table)


async def resend_uncertain(
    database: Database, choice: ResendChoice, *, is_confirmed: bool, as_json: bool = False, clock: Clock = utc_now
) -> bool:
    """Print the uncertain deliveries that were chosen and, if that is confirmed, queue their repetitions.

    Returns:
        False where one that was named is not uncertain, or not chosen.
    """
    async with database.read() as session:
        chosen = await repetitions.list_resendable(session, choice)
    missing = sorted(set(choice.ids) - {each.delivery_id for each in chosen})
    queued = None
    if is_confirmed:
        async with database.write() as session:
            queued = await repetitions.resend(session, [each.delivery_id for each in chosen], clock())
        if queued:
            record_change(database, SecurityEvent.DELIVERIES_REPEATED, queued)
    if as_json:
        facts = {"chosen": [_uncertain_facts(each) for each in chosen], "not_chosen": missing, "queued": queued}
        print_facts(facts, (), as_json=True)
        return not missing
    console = Console()
    if chosen:
        console.print(_table("to be repeated", chosen))
    if missing:
        console.print(f"not uncertain, or not chosen: {', '.join(map(str, missing))}")
    if queued is None:
        console.print(f"{len(chosen)} deliveries would be repeated; --yes does it")
    else:
        console.print(f"{queued} deliveries queued: each message says that it may have been received before")
    return not missing


def _uncertain_facts(each: UncertainDelivery) -> dict[str, Any]:
    return {
        "delivery": each.delivery_id,
        "kind": each.kind,
        "channel": each.channel,
        "recipient": each.recipient,
        "number": each.number,
        "settled_at": each.settled_at,
        "reason": each.reason,
        "repeat_at": each.repeat_at,
        "is_repetition": each.is_repetition,
    }


def _repeated_facts(each: RepeatedDelivery) -> dict[str, Any]:
    return {
        "delivery": each.delivery_id,
        "kind": each.kind,
        "channel": each.channel,
        "recipient": each.recipient,
        "number": each.number,
        "state": each.state,
        "settled_at": each.settled_at,
        "reason": each.reason,
    }


def _table(title: str, deliveries: Sequence[UncertainDelivery]) -> Table:
    table = Table("delivery", "kind", "number", "channel", "to", "when", "reason", "repetition", title=title)
    for each in deliveries:
        about = (str(each.delivery_id), each.kind, each.number or "", each.channel, str(each.recipient))
        repetition = "sent too" if each.is_repetition else _shown(each.repeat_at) or "none"
        table.add_row(*about, _shown(each.settled_at), each.reason or "", repetition)
    return table


def _shown(at: datetime.datetime | None) -> str:
    return at.isoformat(timespec="seconds") if at else ""


async def watch_progress(database: Database) -> None:
    """Show the progress of the outbox until no delivery is due or in progress; then the counts."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns) as progress:
        task = progress.add_task("notices", total=None)
        while True:
            async with database.read() as session:
                counts = await outbox_report.count_all(session)
                due = await outbox_report.next_due(session)
            total = sum(counts.values())
            left = sum(counts.get(state, 0) for state in _OPEN)
            progress.update(task, total=total, completed=total - left)
            in_progress = counts.get(State.LEASED, 0) + counts.get(State.SENDING, 0)
            if not in_progress and (due is None or due > utc_now()):
                break
            await asyncio.sleep(_REFRESH_SECONDS)
    await show(database)


def time_of(text: str) -> datetime.datetime | None:
    """Return a time in ISO 8601, in UTC unless it says so; None for no text. Raises: ValueError, OverflowError."""
    if not text:
        return None
    given = datetime.datetime.fromisoformat(text)
    return (given if given.tzinfo else given.replace(tzinfo=datetime.UTC)).astimezone(datetime.UTC)
