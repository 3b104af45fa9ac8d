"""``odobot notices``: show the state of the outbox in a terminal, counted over the whole table."""

import asyncio

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from services.clock import utc_now
from storage.database import Database
from storage.notices import feed, outbox, outbox_report
from storage.tables import State

_LISTED = 20
"""Uncertain deliveries shown."""
_REFRESH_SECONDS = 1.0
_OPEN = (State.QUEUED, State.RETRY, State.LEASED, State.SENDING)


async def show(database: Database) -> None:
    """Print the counts by state, the age of the feed, and the newest uncertain deliveries."""
    async with database.read() as session:
        counts = await outbox_report.count_all(session)
        position = await feed.position(session)
        uncertain = await outbox_report.list_uncertain(session, _LISTED)
    console = Console()
    for state in State:
        console.print(f"{state:<10} {counts.get(state, 0)}")
    age = f"{(utc_now() - position.read_at).total_seconds():.0f} s ago" if position else "never"
    console.print(f"feed read  {age}")
    if uncertain:
        table = Table(
            "delivery", "kind", "number", "channel", "to", "when", "reason", title="uncertain, never sent again"
        )
        for each in uncertain:
            when = each.settled_at.isoformat(timespec="seconds") if each.settled_at else ""
            to = str(each.recipient)
            table.add_row(
                str(each.delivery_id), each.kind, each.number or "", each.channel, to, when, each.reason or ""
            )
        console.print(table)


async def watch_progress(database: Database) -> None:
    """Show the progress of the outbox until no delivery is due or in progress; then the counts."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns) as progress:
        task = progress.add_task("notices", total=None)
        while True:
            async with database.read() as session:
                counts = await outbox_report.count_all(session)
                due = await outbox.next_due(session)
            total = sum(counts.values())
            left = sum(counts.get(state, 0) for state in _OPEN)
            progress.update(task, total=total, completed=total - left)
            in_progress = counts.get(State.LEASED, 0) + counts.get(State.SENDING, 0)
            if not in_progress and (due is None or due > utc_now()):
                break
            await asyncio.sleep(_REFRESH_SECONDS)
    await show(database)
