"""``odobot notices``: show the state of the outbox in a terminal, counted over the whole table, and resend."""

import asyncio
import datetime
from collections.abc import Sequence

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from services.clock import Clock, utc_now
from storage.database import Database
from storage.notices import feed, outbox_report, repetitions
from storage.notices.outbox_report import UncertainDelivery
from storage.notices.repetitions import ResendChoice
from storage.tables import State

_LISTED = 20
"""Uncertain deliveries shown, and repeated ones."""
_REFRESH_SECONDS = 1.0
_OPEN = (State.QUEUED, State.RETRY, State.LEASED, State.SENDING)


async def show(database: Database) -> None:
    """Print the counts by state, the age of the feed, and the newest uncertain and repeated deliveries."""
    async with database.read() as session:
        counts = await outbox_report.count_all(session)
        position = await feed.position(session)
        uncertain = await outbox_report.list_uncertain(session, _LISTED)
        repeated = await outbox_report.list_repeated(session, _LISTED)
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
    database: Database, choice: ResendChoice, *, is_confirmed: bool, clock: Clock = utc_now
) -> None:
    """Print the uncertain deliveries that were chosen and, if that is confirmed, queue their repetitions."""
    console = Console()
    async with database.read() as session:
        chosen = await repetitions.list_resendable(session, choice)
    if chosen:
        console.print(_table("to be repeated", chosen))
    missing = sorted(set(choice.ids) - {each.delivery_id for each in chosen})
    if missing:
        console.print(f"not uncertain, or not chosen: {', '.join(map(str, missing))}")
    if not is_confirmed:
        console.print(f"{len(chosen)} deliveries would be repeated; --yes does it")
        return
    async with database.write() as session:
        queued = await repetitions.resend(session, [each.delivery_id for each in chosen], clock())
    console.print(f"{queued} deliveries queued: each message says that it may have been received before")


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
    """Return a time in ISO 8601, which is in UTC unless it says otherwise; None for no text. Raises ``ValueError``."""
    if not text:
        return None
    given = datetime.datetime.fromisoformat(text)
    return given if given.tzinfo else given.replace(tzinfo=datetime.UTC)
