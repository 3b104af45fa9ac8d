"""What ``odobot deliveries`` and ``odobot deliveries explain`` show."""

import datetime
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

import typer

from bot.commands.common import (
    aligned,
    checked_text,
    failure,
    loaded_settings,
    on_database,
    print_facts,
    shown,
    usage_error,
)
from bot.commands.deliveries import words
from services.clock import utc_now
from storage.database import Database
from storage.operator import deliveries as stored
from storage.operator.deliveries import DeliveryChoice, RecipientFacts, StoredDelivery
from storage.tables import State

_NAME = "odobot deliveries"
_HEADINGS = ("id", "state", "kind", "number", "account", "channel", "to", "when", "attempts", "reason")


def show_list(states: Sequence[State], account: str, number: str, day: str, limit: int, *, as_json: bool) -> None:
    """Print the newest deliveries of a choice; exit 1 if something was chosen and there are none."""
    account, number = checked_text(account, f"{_NAME}: --account"), checked_text(number, f"{_NAME}: --number")
    wanted = _day(day)
    settings = loaded_settings()
    since, until = _bounds(wanted, settings.zone) if wanted else (None, None)
    choice = DeliveryChoice(states, account, number, since, until)

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
        "is_postponed": d.is_postponed,
        "means": words.meaning(d),
    }


def show_explained(delivery_id: int, *, as_json: bool) -> None:
    """Print all that is stored about a delivery; exit 1 if there is none."""
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
        "claimed_until": delivery.lease_until,
        "is_seen": delivery.is_seen,
        "blocked_since": recipient.blocked_at,
        "copy_paused_since": recipient.paused_at,
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
        ("bot blocked", facts["blocked_since"] or "no"),
        ("means", facts["means"]),
        ("next", facts["next"]),
    ]
    return [f"delivery {facts['delivery']}: {facts['state']}", *(f"  {line}" for line in aligned(rows))]
