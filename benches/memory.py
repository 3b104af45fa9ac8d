"""The bot's peak memory with a million links and a backlog of 100,000 notices, against that on an empty database.

    python -m benches.memory [--links 1000000] [--seconds 60]

Both times ``odobot run`` works for as long, and somebody browses; of the backlog it sends as many as it can meanwhile.
Telegram, portal and mailbox run here and are not measured. What is in the database says tests/storage/filled.py.
"""

import argparse
import asyncio
import itertools
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text

from benches.support.measure import bot_process, peak, table, verdict
from benches.support.people import Visitor
from sandbox.telegram.persons import Person
from services.clock import utc_now
from storage import chats, migrations
from storage.linking.links import NewLink, add_links
from storage.tables import State
from tests.load.stage import LoadStage, load_stage
from tests.storage.filled import Size, fill

LIMIT = 1.5
NOBODY = 0
SETTINGS = {"bulk_rate": "1000", "portal_poll_seconds": "10"}
READER = ("c-1002", "a-2003")
"""A contact with 34 invoices, and the account."""


_ONE_MORE_CONTACT = (
    "INSERT INTO portal_contact SELECT contact_id || :rank, email, email_key, name, language FROM portal_contact"
    " WHERE contact_id GLOB 'gen-c-??????'",
    "INSERT INTO portal_access SELECT contact_id || :rank, account_id, 0, 1, 1 FROM portal_access"
    " WHERE contact_id GLOB 'gen-c-??????'",
)
"""Of each generated account, who sees everything."""


@dataclass(frozen=True, slots=True)
class Found:
    """One run: peak megabytes, deliveries due at the start and sent during the run, and answers read."""

    peak: float
    due: int
    sent: int
    answers: int


async def run(links: int, seconds: float) -> Found:
    """Run a bot on a database with the given number of links; 0 is an empty one."""
    with tempfile.TemporaryDirectory() as name:
        async with load_stage(Path(name), f"sqlite+aiosqlite:///{name}/odobot.db", **SETTINGS) as stage:
            await migrations.upgrade(stage.database.engine)
            due = await fill_with(stage, Size(links, utc_now())) if links else 0
            visitor = Visitor(await reader(stage, links), pause=0.2)
            sent_before = (await stage.counts()).get(State.SENT, 0)
            await stage.start_and_wait_for_cursor()
            try:
                async with asyncio.timeout(seconds) as limit:
                    await browse(visitor)
            except TimeoutError:
                if not limit.expired():  # an answer that did not come
                    raise
            most = peak(bot_process())
            sent = (await stage.counts()).get(State.SENT, 0) - sent_before
            return Found(most, due, sent, visitor.acts)


async def fill_with(stage: LoadStage, size: Size) -> int:
    """Fill the database with links and due deliveries. Returns the number that are due."""
    await fill(stage.database, size)
    portal, world = stage.portal.portal, stage.telegram.world
    portal.generate(size.quarter, months=2)
    with portal.database.session() as session:
        for statement, rank in itertools.product(_ONE_MORE_CONTACT, range(4)):
            session.execute(text(statement), {"rank": f"-{rank}"})
        session.commit()
    bot = world.bot()
    for notice, rank in itertools.product((*size.in_hand, *size.due), range(4)):
        bot.chat_with(world.create_person((notice - 1) % size.quarter + 1 + rank * size.quarter))
    return len(size.due) * 4


async def reader(stage: LoadStage, links: int) -> Person:
    """Return a linked person without subscriptions."""
    person, (contact, account), now = stage.telegram.world.create_person(links + 1), READER, utc_now()
    stage.telegram.world.bot().chat_with(person)
    new = NewLink(contact, account, "Transport Boréal inc.", frozenset({"orders", "invoices"}), "flotte@example.test")
    async with stage.database.write() as session:
        await chats.set_language(session, person.user_id, "fr", now)
        await add_links(session, person.user_id, "Camille", [new], now)
    return person


async def browse(visitor: Visitor) -> None:
    """Browse until cancelled."""
    while True:
        await visitor.browse()


async def measure(links: int, seconds: float) -> bool:
    """Do both runs and print the verdict."""
    runs = [await run(NOBODY, seconds), await run(links, seconds)]
    columns = ["database", "peak MB", "due at the start", "sent", "answers read meanwhile"]
    names = ["empty", f"{links:,} links"]
    print(table(columns, [[name, f.peak, f.due, f.sent, f.answers] for name, f in zip(names, runs, strict=True)]))
    print()
    return verdict("peak, against that of an empty database", runs[1].peak / runs[0].peak, LIMIT)


def main() -> int:
    """Return 0 if the limit is kept."""
    parser = argparse.ArgumentParser(prog="python -m benches.memory", description="peak memory under a backlog")
    parser.add_argument("--links", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=60.0)
    given = parser.parse_args()
    return 0 if asyncio.run(measure(given.links, given.seconds)) else 1


if __name__ == "__main__":
    sys.exit(main())
