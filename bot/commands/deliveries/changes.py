"""What ``odobot deliveries retry`` and ``odobot deliveries cancel`` do."""

import datetime
from collections.abc import Awaitable, Callable, Sequence

import typer
from msgspec import Struct

from bot.commands.common import loaded_settings, on_database, print_facts, record_change
from bot.commands.deliveries import words
from services.clock import utc_now
from services.security import SecurityEvent
from storage.database import Database, Session
from storage.operator import deliveries as stored
from storage.operator.deliveries import StoredDelivery


class Change(Struct, frozen=True):
    """A change of a delivery.

    Args:
        done: What is printed of a changed one.
        why_not: Returns why a delivery is refused, or None.
        run: Changes a delivery as it was read; returns False where a worker was faster.
        sends: Whether the delivery is sent afterwards, so that an obstacle is worth a note.
    """

    done: str
    event: SecurityEvent
    why_not: Callable[[StoredDelivery], str | None]
    run: Callable[[Session, StoredDelivery, datetime.datetime], Awaitable[bool]]
    sends: bool


RETRY = Change("queued again", SecurityEvent.DELIVERIES_RETRIED, words.why_not_retried, stored.queue_again, True)
CANCEL = Change("cancelled", SecurityEvent.DELIVERIES_CANCELLED, words.why_not_cancelled, stored.cancel, False)


def change(wanted: Change, ids: Sequence[int], *, as_json: bool) -> None:
    """Change each delivery that may be changed, and say why the others are not; exit 1 if one is refused."""
    settings = loaded_settings()
    changed: list[int] = []
    refused: list[tuple[int, str]] = []
    notes: list[tuple[int, str]] = []

    async def change_each(database: Database) -> None:
        async with database.write() as session:
            for delivery_id in dict.fromkeys(ids):
                found = await stored.find_delivery(session, delivery_id)
                reason = wanted.why_not(found) if found else "there is no such delivery"
                if found is None or reason is not None:
                    refused.append((delivery_id, str(reason)))
                elif not await wanted.run(session, found, utc_now()):
                    refused.append((delivery_id, "a worker changed it meanwhile: look at it again"))
                else:
                    changed.append(delivery_id)
                    note = words.obstacle(found, await stored.recipient_facts(session, found)) if wanted.sends else ""
                    notes.extend([(delivery_id, note)] if note else [])
        if changed:
            record_change(database, wanted.event, len(changed))

    on_database(settings, change_each)
    lines = [f"{each}: {wanted.done}" for each in changed]
    lines += [f"{each}: {note}" for each, note in notes]
    lines += [f"{each}: not {wanted.done}: {reason}" for each, reason in refused]
    facts = {
        "changed": changed,
        "refused": [{"delivery": each, "reason": reason} for each, reason in refused],
        "notes": [{"delivery": each, "note": note} for each, note in notes],
    }
    print_facts(facts, lines, as_json=as_json)
    if refused:
        raise typer.Exit(1)
