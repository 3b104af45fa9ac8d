"""Growth of the bot's memory over time: the RSS of ``odobot run`` under steady traffic.

    python -m benches.soak [--minutes 10]

Four people browse all the time. Every two seconds somebody new links and browses once; every half second somebody new
looks in and never comes back; two notices a second go to those who linked. So there are ever more chats, links and
documents. Telegram, portal and mailbox run here and are not measured.
"""

import argparse
import asyncio
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from sqlalchemy import text

from benches.support.measure import bot_process, median, resident, table, verdict
from benches.support.people import Visitor, every
from sandbox.portal.seed.generator import generated_account_id, generated_email
from sandbox.stage import Stage, set_stage

LIMIT_PERCENT = 5.0
SAMPLE_SECONDS = 2.0
LONGEST_WARM_UP = 60.0
ACCOUNTS = 20_000
REGULARS = 4
SETTINGS = {"ODOBOT_CHAT_RATE": "28", "ODOBOT_LOG_LEVEL": "WARNING"}


class Traffic:
    """The simulated people, and counts of what they did."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._told: list[str] = []
        self._visitors: list[Visitor] = []
        self._chance = random.Random(1)
        self.issued = 0

    @property
    def acts(self) -> int:
        """The number of answers read."""
        return sum(visitor.acts for visitor in self._visitors)

    @property
    def chats(self) -> int:
        """The number of chats."""
        return len(self._visitors)

    def prepare(self) -> None:
        """Create one account with full access for each visitor."""
        self._stage.portal.portal.generate(ACCOUNTS, months=12)
        with self._stage.portal.portal.database.session() as session:
            session.execute(text("UPDATE portal_access SET invoices = 1"))
            session.commit()

    async def run(self) -> None:
        """Run until cancelled; a missing answer ends it."""
        async with asyncio.TaskGroup() as group:
            for number in range(REGULARS):
                group.create_task(self._stay(number))
            group.create_task(every(2.0, self._come))
            group.create_task(every(0.5, lambda _: self._visitor().look_in()))
            group.create_task(every(0.5, self._issue))

    async def _stay(self, number: int) -> None:
        visitor = self._visitor()
        await visitor.link(self._stage.mailbox, generated_email(number))
        while True:
            await visitor.browse()

    async def _come(self, number: int) -> None:
        visitor, index = self._visitor(), REGULARS + number
        await visitor.link(self._stage.mailbox, generated_email(index))
        await visitor.browse()
        self._told.append(generated_account_id(index))

    async def _issue(self, _number: int) -> None:
        if self._told:
            cents = self._chance.randrange(1_000, 1_000_000)
            self._stage.portal.portal.issue_invoice(self._chance.choice(self._told), amount=f"{cents / 100:.2f}")
            self.issued += 1

    def _visitor(self) -> Visitor:
        visitor = Visitor(self._stage.telegram.world.create_person(language_code="fr"), pause=0.5)
        self._visitors.append(visitor)
        return visitor


async def soak(minutes: float) -> bool:
    """Print the memory over time and the verdict. Returns whether the limit is kept."""
    samples: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        async with set_stage(Path(folder) / "soak", settings=SETTINGS) as stage:
            traffic, pid = Traffic(stage), bot_process()
            traffic.prepare()
            running = asyncio.create_task(traffic.run())
            began = time.monotonic()
            while (at := time.monotonic() - began) < minutes * 60 and not running.done():
                samples.append((at, resident(pid)))
                await asyncio.sleep(SAMPLE_SECONDS)
            running.cancel()
            try:
                with suppress(asyncio.CancelledError):
                    await running
            except BaseException:
                print(stage.bot.log.read_text()[-3000:], file=sys.stderr)
                raise
            print(f"{traffic.acts} answers in {traffic.chats} chats, {traffic.issued} invoices issued")
            print(f"lines in the bot's log, warnings and worse: {len(stage.bot.log.read_text().splitlines())}\n")
    return _report(samples, minutes * 60)


def _report(samples: Sequence[tuple[float, float]], seconds: float) -> bool:
    tenth = seconds / 10
    parts = [[rss for at, rss in samples if n * tenth <= at < (n + 1) * tenth] for n in range(10)]
    print(table(
        ["up to minute", "median MB", "most MB"],
        [[f"{(n + 1) * tenth / 60:.1f}", median(part), max(part)] for n, part in enumerate(parts)],
    ))  # fmt: skip
    warm = [(at, rss) for at, rss in samples if at >= max(tenth, min(LONGEST_WARM_UP, seconds / 4))]
    quarter = len(warm) // 4
    first, last = median([rss for _, rss in warm[:quarter]]), median([rss for _, rss in warm[-quarter:]])
    print(f"\nafter the warm-up: {_slope(warm) * 3600:.1f} MB an hour by least squares")
    return verdict("growth from the first to the last quarter, %", (last / first - 1) * 100, LIMIT_PERCENT)


def _slope(samples: Sequence[tuple[float, float]]) -> float:
    """Return the growth in megabytes a second."""
    return statistics.linear_regression(*zip(*samples, strict=True)).slope


def main() -> int:
    """Return 0 if the growth is within the limit."""
    parser = argparse.ArgumentParser(prog="python -m benches.soak", description="memory over time")
    parser.add_argument("--minutes", type=float, default=10.0)
    return 0 if asyncio.run(soak(parser.parse_args().minutes)) else 1


if __name__ == "__main__":
    sys.exit(main())
