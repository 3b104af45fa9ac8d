"""Packs of 500 PDFs of 1 MB: time, peak memory, and how long others' taps take meanwhile.

    python -m benches.packing [--invoices 500] [--packs 4]

The bot is a process of its own; Telegram, portal and mailbox run here, and are not measured. First one pack of each
kind, then a flood: several people ask for everything at once, and another one turns pages.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

from benches.support.measure import bot_process, median, peak, percentile, resident, table, verdict
from benches.taps_under_notices import linked, reader_at_list, taps
from sandbox.portal.faults import Fault, FaultKind
from sandbox.stage import Stage, set_stage
from sandbox.telegram.persons import Person
from tests.load.stage import cpu_seconds

MEMORY_LIMIT = 1.5
TAPS_LIMIT = 2.0
ACCOUNT = "a-2003"
PACK_SECONDS = 1800.0
KINDS = ("Un seul PDF", "PDF en zip")


async def main(invoices: int, packs: int) -> bool:
    """Measure, and print tables. Returns whether the limits were kept."""
    with tempfile.TemporaryDirectory() as folder:
        settings = {"ODOBOT_CHAT_RATE": "28"}
        async with set_stage(Path(folder) / "bench", settings=settings) as stage:
            for number in range(invoices):
                stage.portal.portal.issue_invoice(ACCOUNT, amount="40.19", number=f"9{number:05}")
            stage.portal.portal.faults.set(Fault(FaultKind.PDF_LARGE, "*/pdf", megabytes=1))
            people = [await linked(stage, f"Camille {number}") for number in range(packs + 1)]
            reader, takers = people[0], people[1:]
            forgetting = asyncio.create_task(forget_contents(people))
            await reader_at_list(reader)
            await taps(reader)
            idle_memory, before = resident(bot_process()), await taps(reader)
            rows = [await one_pack(stage, takers[0], kind, idle_memory) for kind in reversed(KINDS)]
            print(table(("one pack", "files", "MB", "seconds", "CPU s", "peak MB", "peak / idle"), rows))
            loaded, seconds = await flood(takers, reader)
            after = await taps(reader)
            most = peak(bot_process())
            forgetting.cancel()
    figures = (("idle", [*before, *after]), (f"{packs} packs asked for at once", loaded))
    print(
        table(("taps", "median ms", "p95 ms"), [(name, median(each), percentile(each, 95)) for name, each in figures])
    )
    print(f"{packs} packs: {seconds:.0f} s")
    return all(
        (
            verdict("peak memory of one zip, as a multiple of idle", float(rows[0][-1]), MEMORY_LIMIT),
            verdict("peak memory in all, as a multiple of idle", most / idle_memory, MEMORY_LIMIT),
            verdict("median of taps under a flood of packs, as a multiple of idle",
                    median(loaded) / median([*before, *after]), TAPS_LIMIT),
        )
    )  # fmt: skip


async def one_pack(stage: Stage, person: Person, kind: str, idle: float) -> tuple[str, int, int, *tuple[float, ...]]:
    """Ask for all invoices in one format. Returns a row of the table."""
    began, before, used = time.perf_counter(), len(files(person)), cpu_seconds(bot_process())
    await ask(person, kind)
    await person.wait_for_message("envoyées", timeout=PACK_SECONDS)
    sent = files(person)[before:]
    most = peak(bot_process())
    assert stage.telegram.world.log.lint == []
    cpu = cpu_seconds(bot_process()) - used
    return kind, len(sent), sum(sent) // 1_000_000, time.perf_counter() - began, cpu, most, most / idle


async def flood(takers: list[Person], reader: Person) -> tuple[list[float], float]:
    """Let everybody ask for a pack at once. Returns the reader's taps in milliseconds, and the seconds of it all."""
    began = time.perf_counter()
    for person in takers:
        await ask(person, "PDF en zip")
    await asyncio.sleep(3)
    found = await taps(reader)
    for person in takers:
        await person.wait_for_message("envoyées", timeout=PACK_SECONDS)
    return found, time.perf_counter() - began


async def forget_contents(people: list[Person]) -> None:
    """Drop what the sandbox keeps of each file but its size: gigabytes otherwise."""
    while True:
        for person in people:
            for message in person.chat().visible:
                if message.file is not None:
                    message.file.content = b""
        await asyncio.sleep(0.5)


async def ask(person: Person, kind: str) -> None:
    """Ask for everything in a format."""
    person.say("/releve")
    screen = await person.wait_for_message(label="Toutes", timeout=60)
    person.tap("Toutes", message=screen)
    screen = await person.wait_for_message("Toutes les factures", timeout=60)
    person.tap(kind, message=screen)


def files(person: Person) -> list[int]:
    """Return the sizes of the files that a person got."""
    return [message.file.size for message in person.chat().visible if message.file is not None]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--invoices", type=int, default=500)
    parser.add_argument("--packs", type=int, default=4)
    given = parser.parse_args()
    sys.exit(not asyncio.run(main(given.invoices, given.packs)))
