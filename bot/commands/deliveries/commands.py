"""The command line of ``odobot deliveries``: list, explain, retry, cancel."""

import datetime
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from bot.commands.common import (
    AsJson,
    aligned,
    checked_text,
    failure,
    loaded_settings,
    on_database,
    print_facts,
    record_change,
    shown,
    usage_error,
)
from bot.commands.deliveries import words
from services.clock import utc_now
from services.security import SecurityEvent
from storage.database import Database, Session
from storage.operator import deliveries as stored
from storage.operator.deliveries import DeliveryChoice, RecipientFacts, StoredDelivery
from storage.tables import State

commands = typer.Typer(help="List deliveries, explain one, queue some again, or cancel some.")

_LARGEST = 2**63 - 1
_HEADINGS = ("id", "state", "kind", "number", "account", "channel", "to", "when", "attempts", "reason")
Id = Annotated[int, typer.Argument(min=1, max=_LARGEST, metavar="ID", help="The delivery's number.")]
Ids = Annotated[list[int], typer.Argument(min=1, max=_LARGEST, metavar="ID...", help="The deliveries' numbers.")]


@commands.callback(invoke_without_command=True)
def list_deliveries(
    context: typer.Context,
    state: Annotated[list[State] | None, typer.Option(help="In this state; may be given several times.")] = None,
    account: Annotated[str, typer.Option(help="Of the account with this id at the portal.")] = "",
    number: Annotated[str, typer.Option(help="About the order or invoice with this number.")] = "",
    day: Annotated[str, typer.Option(help="Settled on this day, else due on it: 2026-11-27, in ODOBOT_TIMEZONE.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="The largest number to list, the newest.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List the newest deliveries of a choice; exit 1 if there are none."""
    name = "odobot deliveries"
    if (command := context.invoked_subcommand) is not None:
        if state or account or number or day or as_json:
            raise usage_error(f"{name}: options of the list do not go with {command}, its own come behind it")
        return
    account, number = checked_text(account, f"{name}: --account"), checked_text(number, f"{name}: --number")
    wanted = _day(day)
    settings = loaded_settings()
    since, until = _bounds(wanted, settings.zone) if wanted else (None, None)
    choice = DeliveryChoice(tuple(state or ()), account, number, since, until)

    async def load(database: Database) -> tuple[list[StoredDelivery], int]:
        async with database.read() as session:
            return await stored.list_deliveries(session, choice, limit), await stored.count_deliveries(session, choice)

    found, total = on_database(settings, load)
    lines = aligned([_HEADINGS, *map(_row, found)]) if found else ["There is no such delivery."]
    if total > len(found):
        lines.append(f"the newest {len(found)} of {total}; --limit shows more")
    print_facts({"deliveries": [_facts(each) for each in found], "total": total}, lines, as_json=as_json)
    if not found and not choice.is_empty:
        raise typer.Exit(1)


def _day(text: str) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(text) if text else None
    except ValueError:
        raise usage_error("odobot deliveries: --day must be a date such as 2026-11-27") from None


def _bounds(day: datetime.date, zone: ZoneInfo) -> tuple[datetime.datetime, datetime.datetime]:
    """Return the beginning of a day, and of the next one, in UTC."""
    try:
        days = (day, day + datetime.timedelta(days=1))
        first, after = (
            datetime.datetime.combine(each, datetime.time(), zone).astimezone(datetime.UTC) for each in days
        )
    except OverflowError:  # the first and the last day that there are
        raise usage_error("odobot deliveries: --day must be a date such as 2026-11-27") from None
    return first, after


def _row(d: StoredDelivery) -> Sequence[object]:
    about = (d.delivery_id, d.state, d.kind, d.number, d.account_id, d.channel, d.recipient)
    return (*about, d.settled_at or d.due_at, d.attempts, d.reason)


def _facts(d: StoredDelivery) -> dict[str, Any]:
    return {
        "delivery": d.delivery_id,
        "state": d.state,
        "kind": d.kind,
        "number": d.number,
        "account": d.account_id or None,
        "channel": d.channel,
        "recipient": d.recipient,
        "due_at": d.due_at,
        "attempts": d.attempts,
        "settled_at": d.settled_at,
        "reason": d.reason,
        "repeat_at": d.repeat_at,
        "is_repetition": d.is_repetition,
    }


@commands.command("explain")
def explain(delivery_id: Id, as_json: AsJson = False) -> None:
    """Show all that is stored about a delivery, what its state means, and what happens next."""
    settings = loaded_settings()

    async def load(database: Database) -> tuple[StoredDelivery, RecipientFacts] | None:
        async with database.read() as session:
            found = await stored.find_delivery(session, delivery_id)
            return (found, await stored.recipient_facts(session, found)) if found else None

    loaded = on_database(settings, load)
    if loaded is None:
        raise failure(f"odobot deliveries explain: there is no delivery {delivery_id}")
    delivery, recipient = loaded
    now = utc_now()
    facts = _facts(delivery) | {
        "event": delivery.event_id,
        "day": delivery.day,
        "occurred_at": delivery.occurred_at,
        "link": delivery.link_id or None,
        "is_linked": recipient.is_linked,
        "is_postponed": delivery.is_postponed,
        "claimed_until": delivery.lease_until,
        "is_seen": delivery.is_seen,
        "blocked_since": recipient.blocked_at,
        "copy_paused_since": recipient.paused_at,
        "means": words.meaning(delivery),
        "next": words.next_step(delivery, recipient, now),
    }
    print_facts(facts, _explained(facts), as_json=as_json)


def _explained(facts: dict[str, Any]) -> list[str]:
    """Return the facts as text for a terminal, in the order in which they came about."""
    link = {True: "exists", False: "removed", None: "none"}[facts["is_linked"]]
    claim = f"until {shown(facts['claimed_until'])}" if facts["claimed_until"] else "no worker has it"
    repetition = f"due {shown(facts['repeat_at'])}" if facts["repeat_at"] else "none is due"
    rows = [
        ("event", f"{facts['kind']}, {facts['event']}"),
        ("occurred", facts["occurred_at"]),
        ("about", f"number {facts['number'] or 'none'}, account {facts['account'] or 'none'}"),
        ("day", facts["day"] or "none"),
        ("created", "not stored: after the event, in the order of the numbers"),
        ("recipient", f"{facts['channel']} {facts['recipient']}"),
        ("link", f"{facts['link'] or ''} {link}".strip()),
        ("due", f"{shown(facts['due_at'])}{', put off by quiet hours' if facts['is_postponed'] else ''}"),
        ("attempts", f"{facts['attempts']} failed and counted"),
        ("claim", claim),
        ("settled", facts["settled_at"] or "not yet"),
        ("reason", facts["reason"] or "none"),
        ("repetition", f"{repetition}{', an earlier message may have arrived' if facts['is_repetition'] else ''}"),
        ("blocked", facts["blocked_since"] or "no"),
        ("means", facts["means"]),
        ("next", facts["next"]),
    ]
    return [f"delivery {facts['delivery']}: {facts['state']}", *(f"  {line}" for line in aligned(rows))]


@commands.command("retry")
def retry(ids: Ids, as_json: AsJson = False) -> None:
    """Queue deliveries again that were blocked, given up, or wait for another attempt; exit 1 if one is refused."""

    async def queue(session: Session, delivery: StoredDelivery) -> bool:
        return await stored.queue_again(session, delivery, utc_now())

    _change("retry", ids, words.why_not_retried, queue, SecurityEvent.DELIVERIES_RETRIED, as_json=as_json)


@commands.command("cancel")
def cancel(ids: Ids, as_json: AsJson = False) -> None:
    """Cancel deliveries that wait (queued, retry); exit 1 if one is refused."""

    async def end(session: Session, delivery: StoredDelivery) -> bool:
        return await stored.cancel(session, delivery, utc_now())

    _change("cancel", ids, words.why_not_cancelled, end, SecurityEvent.DELIVERIES_CANCELLED, as_json=as_json)


def _change(
    name: str,
    ids: Sequence[int],
    why_not: Callable[[StoredDelivery], str | None],
    change: Callable[[Session, StoredDelivery], Awaitable[bool]],
    event: SecurityEvent,
    *,
    as_json: bool,
) -> None:
    """Change each delivery that may be changed, and say why the others are not."""
    settings = loaded_settings()
    changed: list[int] = []
    refused: list[tuple[int, str]] = []
    notes: list[tuple[int, str]] = []

    async def change_each(database: Database) -> None:
        async with database.write() as session:
            for delivery_id in dict.fromkeys(ids):
                found = await stored.find_delivery(session, delivery_id)
                if (reason := why_not(found) if found else "there is no such delivery") is not None:
                    refused.append((delivery_id, reason))
                elif found and await change(session, found):
                    changed.append(delivery_id)
                    if name == "retry" and (
                        note := words.obstacle(found, await stored.recipient_facts(session, found))
                    ):
                        notes.append((delivery_id, note))
                else:
                    refused.append((delivery_id, "a worker changed it meanwhile: look at it again"))
        if changed:
            record_change(database, event, len(changed))

    on_database(settings, change_each)
    done = {"retry": "queued again", "cancel": "cancelled"}[name]
    lines = [f"{each}: {done}" for each in changed]
    lines += [f"{each}: {note}" for each, note in notes]
    lines += [f"{each}: not {done}: {reason}" for each, reason in refused]
    facts = {
        "changed": changed,
        "refused": [{"delivery": each, "reason": reason} for each, reason in refused],
        "notes": [{"delivery": each, "note": note} for each, note in notes],
    }
    print_facts(facts, lines, as_json=as_json)
    if refused:
        raise typer.Exit(1)
