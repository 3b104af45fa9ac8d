"""The plan of a run: steps with their times, all of them chosen by a seed before the run starts."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sandbox.portal.faults import FaultKind

PEOPLE = 24
"""Chats with an account of their own."""
SHARED = 6
"""Further chats that share one account."""
SILENT = 4
COPIES = 5
FIRST_REMOVED = 20
"""The chats from this one on may lose their link; they subscribe to nothing."""
HOUR = 3600.0

TELEGRAM_FAULTS = (
    ("gateway", "*", {}),
    ("gateway", "sendMessage", {}),
    ("gateway", "getUpdates", {}),
    ("error", "*", {"status": 500, "description": "Internal Server Error"}),
    ("error", "sendMessage", {"status": 500, "description": "Internal Server Error"}),
    ("retry_after", "*", {"retry_after": 2}),
    ("retry_after", "sendMessage", {"retry_after": 5}),
    ("retry_after", "sendMessage", {"retry_after": 5, "one_chat": True}),
    ("reset_before", "*", {}),
    ("reset_before", "sendMessage", {}),
    ("reset_after", "sendMessage", {}),
    ("close_after", "sendMessage", {}),
    ("close_after", "editMessageText", {}),
    ("close_after", "getUpdates", {}),
    ("hang_before", "sendMessage", {"hang": 12.0}),
    ("hang_after", "sendMessage", {"hang": 12.0}),
    ("hang_before", "getUpdates", {"hang": 12.0}),
    ("latency", "*", {"hang": 1.5}),
    ("error", "getUpdates", {"status": 401, "description": "Unauthorized"}),
    ("error", "getUpdates", {"status": 404, "description": "Not Found"}),
    ("error", "getUpdates", {"status": 409, "description": "Conflict: terminated by other getUpdates request"}),
    ("refused", "", {}),
)
PORTAL_FAULTS = (
    "unavailable", "server_error", "slow", "stall", "drip", "drop", "reset", "cut", "malformed_json", "gateway",
    "refused",
)  # fmt: skip
MAIL_FAULTS = ("busy", "refuses", "drops_content", "drops_reply", "silent", "refused")
POISON_FAULTS = ("far_future", "nul_character", "unknown_type", "empty_number", "long_number")
"""Events that stay in the feed."""
FEED_FAULTS = tuple(
    kind
    for kind in (
        "bad_events",
        "numeric_events",
        "events_twice",
        "no_event_page",
        "empty_pages",
        "same_cursor",
        "cursor_cycle",
    )
    if kind in set(FaultKind)
)
"""What the feed says for some seconds."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a plan.

    Args:
        at: Seconds after the start of the run.
        what: ``person.…``, ``portal.…`` (what the company does), ``fault.telegram|portal|feed|mail|database.…``,
            ``process.kill|stop`` or ``clock``.
        who: The number of the customer; -1 for none.
        seconds: How long a fault lasts, or the pause until the process is started again.
        options: Further values, by name.
    """

    at: float
    what: str
    who: int = -1
    seconds: float = 0.0
    options: dict[str, object] = field(default_factory=dict)


def make_plan(
    seed: int, seconds: float, database_faults: Sequence[str], *, is_polling: bool, can_step_clock: bool
) -> list[Step]:
    """Return the steps of a run in order of time. The same arguments give the same plan."""
    chance = random.Random(seed)
    parts = (
        _people(chance, seconds),
        _company(chance, seconds),
        _telegram(chance, seconds, is_polling=is_polling),
        _portal(chance, seconds),
        _mail(chance, seconds),
        _database(chance, seconds, database_faults),
        _process(chance, seconds),
        _clock(chance, seconds) if can_step_clock else (),
    )
    return sorted((step for part in parts for step in part), key=lambda step: step.at)


def _times(chance: random.Random, seconds: float, pause: float, first: float = 0.0) -> Iterator[float]:
    """Yield times with random pauses, ``pause`` seconds on average."""
    at = first + chance.uniform(0, pause)
    while at < seconds:
        yield at
        at += chance.uniform(0.2, 1.8) * pause


def _people(chance: random.Random, seconds: float) -> Iterator[Step]:
    """Texts with numbers that occur once, some several at a time; commands and taps in between."""
    number = 9_000_000
    for at in _times(chance, seconds, 0.35):
        who = chance.randrange(PEOPLE + SHARED)
        match chance.random():
            case luck if luck < 0.15:
                yield Step(at, "person.command", who)
            case luck if luck < 0.35:
                yield Step(at, "person.tap", who, options={"choice": chance.randrange(1000)})
            case luck:
                texts = 1 if luck < 0.9 else chance.randrange(2, 6)
                yield Step(at, "person.types", who, options={"numbers": range(number, number + texts)})
                number += texts


def _company(chance: random.Random, seconds: float) -> Iterator[Step]:
    """Invoices and orders, also for the account that several chats share; payments; a contact who is removed."""
    number = 500_001
    for at in _times(chance, seconds, 0.8):
        who = PEOPLE if chance.random() < 0.2 else chance.randrange(FIRST_REMOVED)
        what = chance.choice(("invoice", "invoice", "invoice", "order", "pay", "ending"))
        yield Step(at, f"portal.{what}", who, options={"number": str(number)})
        number += 1
    removed = list(range(FIRST_REMOVED, PEOPLE))
    for at in _times(chance, seconds, 25.0, first=5.0):
        if removed:
            yield Step(at, "portal.remove", removed.pop(0))


def _telegram(chance: random.Random, seconds: float, *, is_polling: bool) -> Iterator[Step]:
    faults = [each for each in TELEGRAM_FAULTS if is_polling or each[1] != "getUpdates"]
    for at in _times(chance, seconds, 5.0, first=1.0):
        kind, method, more = chance.choice(faults)
        options = {"method": method} | more
        yield Step(at, f"fault.telegram.{kind}", chance.randrange(PEOPLE), chance.uniform(0.5, 5.0), options)


def _portal(chance: random.Random, seconds: float) -> Iterator[Step]:
    for at in _times(chance, seconds, 8.0, first=1.0):
        yield Step(at, f"fault.portal.{chance.choice(PORTAL_FAULTS)}", seconds=chance.uniform(0.5, 5.0))
    for at in _times(chance, seconds, 8.0, first=1.0):
        kind = chance.choice((*POISON_FAULTS, *FEED_FAULTS))
        yield Step(at, f"fault.feed.{kind}", seconds=chance.uniform(1.0, 5.0))


def _mail(chance: random.Random, seconds: float) -> Iterator[Step]:
    for at in _times(chance, seconds, 12.0, first=1.0):
        yield Step(at, f"fault.mail.{chance.choice(MAIL_FAULTS)}", seconds=chance.uniform(0.5, 5.0))


def _database(chance: random.Random, seconds: float, faults: Sequence[str]) -> Iterator[Step]:
    for at in _times(chance, seconds, 16.0, first=3.0):
        yield Step(at, f"fault.database.{chance.choice(faults)}", seconds=chance.uniform(1.0, 5.0))


def _process(chance: random.Random, seconds: float) -> Iterator[Step]:
    """Kills and stops, also shortly after a start (``again`` seconds) and during a stop (``cut`` seconds)."""
    for at in _times(chance, seconds, 14.0, first=3.0):
        pause, luck = chance.uniform(0.0, 2.0), chance.random()
        if luck < 0.55:
            again = chance.uniform(0.1, 1.5) if chance.random() < 0.25 else 0.0
            yield Step(at, "process.kill", seconds=pause, options={"again": again})
        else:
            cut = chance.uniform(0.1, 2.0) if chance.random() < 0.25 else 0.0
            yield Step(at, "process.stop", seconds=pause, options={"cut": cut})


def _clock(chance: random.Random, seconds: float) -> Iterator[Step]:
    """Steps of two hours, forward and back; each way at least half a minute apart."""
    for at in _times(chance, seconds, 25.0, first=4.0):
        yield Step(at, "clock", options={"offset": chance.choice((-2 * HOUR, 0.0, 2 * HOUR))})
