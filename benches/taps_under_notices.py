"""Latency of a tap while notices are sent at the rate limit, against an idle bot: the median and the 95th percentile.

The bot is a process of its own; Telegram, portal and mailbox run here. Prints tables and ratios, in a minute.

    .venv/bin/python -m benches.taps_under_notices
"""

import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from sandbox.portal.faults import Fault, FaultKind
from sandbox.script import Player
from sandbox.stage import Stage, set_stage
from sandbox.telegram.persons import Person
from sandbox.transcript import Transcript

TAPS = 60
PAUSE_SECONDS = 0.1
CHATS = 8
# Eight chats take what twenty-eight would.
SETTINGS = {"ODOBOT_CHAT_RATE": "28"}


LATENCIES = ((0.0, 0.0), (0.03, 0.05))
"""Seconds of Telegram and of the portal: none, and what a real line takes."""


async def main() -> None:
    """Measure with and without network latency."""
    for telegram, portal in LATENCIES:
        print(f"Telegram {telegram * 1000:.0f} ms, portal {portal * 1000:.0f} ms")
        await measure(telegram, portal)


async def measure(telegram: float, portal: float) -> None:
    """Measure idle, loaded, and idle again, to detect a drifting machine."""
    with tempfile.TemporaryDirectory() as folder:
        async with set_stage(Path(folder) / "bench", settings=SETTINGS) as stage:
            people = [await linked(stage, f"Camille {n}") for n in range(CHATS)]
            reader, told = people[0], people[1:]
            await reader_at_list(reader)
            if telegram:
                stage.telegram.world.faults.add("latency", count=None, seconds=telegram)
                stage.portal.faults.set(Fault(FaultKind.SLOW, seconds=portal))
            before = await taps(reader)
            issuing = asyncio.create_task(issue_for_ever(stage))
            await asyncio.sleep(2)
            sent_before, began = notices(stage, told), time.perf_counter()
            loaded = await taps(reader)
            rate = (notices(stage, told) - sent_before) / (time.perf_counter() - began)
            issuing.cancel()
            await until_quiet(stage, told)
            after = await taps(reader)
    idle = [*before, *after]
    print(f"notices a second while loaded: {rate:.1f}")
    for name, figures in (("idle before", before), ("loaded", loaded), ("idle after", after)):
        print(f"{name:<12} median {median(figures):6.1f} ms   p95 {p95(figures):6.1f} ms")
    print(f"ratio of medians {median(loaded) / median(idle):.2f}, of p95 {p95(loaded) / p95(idle):.2f}")


async def linked(stage: Stage, name: str) -> Person:
    """Return a linked person who subscribes to notices."""
    world = stage.telegram.world
    player = Player(
        stage, person := world.create_person(first_name=name, language_code="fr"), Transcript(lambda _: None)
    )
    await player.say("/start")
    await player.tap("Lier mon compte")
    # One mailbox takes five codes an hour; each person here has one of their own on the same account.
    email = f"{name.replace(' ', '').lower()}@example.test"
    stage.portal.portal.people.add_contact(f"c-{email}", email, name, "fr", {"a-2003": ["orders", "invoices"]})
    await player.link(email)
    await player.tap("Oui")
    return person


async def reader_at_list(reader: Person) -> None:
    """Return a linked person at the first page of a list, without subscriptions."""
    reader.say("/avis")
    screen = await reader.wait_for_message(label="Nouvelle facture")
    reader.tap("Nouvelle facture", message=screen)
    await reader.wait_for_message()
    reader.say("/factures")
    await reader.wait_for_message(label="›")


async def taps(reader: Person) -> list[float]:
    """Return the milliseconds from each tap to its screen."""
    found = []
    for number in range(TAPS):
        began = time.perf_counter()
        reader.tap("›" if number % 2 == 0 else "‹")
        await reader.wait_for_message(timeout=20)
        found.append((time.perf_counter() - began) * 1000)
        await asyncio.sleep(PAUSE_SECONDS)
    return found


async def issue_for_ever(stage: Stage) -> None:
    """Issue invoices faster than the rate limiter allows, for everybody's account."""
    while True:
        stage.portal.portal.issue_invoice("a-2003", amount="40.19")
        await asyncio.sleep(0.1)


def notices(_stage: Stage, told: list[Person]) -> int:
    """Return the number of messages that the subscribers got."""
    return sum(sum(message.from_bot for message in person.chat().messages.values()) for person in told)


async def until_quiet(stage: Stage, told: list[Person]) -> None:
    """Wait until all notices are sent."""
    seen = -1
    while (now := notices(stage, told)) != seen:
        seen = now
        await asyncio.sleep(2)


def median(figures: list[float]) -> float:
    """Return the median."""
    return statistics.median(figures)


def p95(figures: list[float]) -> float:
    """Return the 95th percentile."""
    return statistics.quantiles(figures, n=20)[-1]


if __name__ == "__main__":
    asyncio.run(main())
