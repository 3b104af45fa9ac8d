"""The commands that an operator looks things up with and changes them with, each on a database of its own."""

import json
from collections.abc import Sequence
from typing import Any

from storage.database import Database, Session
from storage.notices import feed
from storage.notices.feed import NewDelivery, NewNotice
from storage.tables import Channel, Kind, State
from storage.vault import Vault
from tests.bot.test_cli import KEY, Result
from tests.storage import NOW


def facts_of(result: Result) -> Any:
    """Return what ``--json`` printed."""
    return json.loads(result.out)


def events_of(result: Result) -> list[str]:
    """Return the log events on standard error."""
    return [json.loads(line)["event"] for line in result.err.splitlines()]


def opened_as_operator(url: str) -> Database:
    """Open the database with the key of the operator's settings. The caller closes it."""
    return Database(url, Vault([KEY]))


async def queued(
    session: Session, number: str, *recipients: int, account: str = "a1", channel: Channel = Channel.TELEGRAM
) -> None:
    """Queue a notice of a new invoice to chats, each by the link of the same id, or to bookkeepers' copies."""
    wanted = [NewDelivery(channel, recipient, recipient, NOW) for recipient in recipients]
    await feed.record(session, NewNotice(f"e-{account}-{number}", Kind.INVOICE_ISSUED, account, number, NOW), wanted)


ENDED: Sequence[State] = (State.SENT, State.BLOCKED, State.CANCELLED, State.UNCERTAIN)
