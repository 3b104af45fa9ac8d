"""Polling loses no text over ``kill -9`` and over stops, on either engine."""

import asyncio
import os
import random
import re
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from bot.updates.ordering import SLOTS
from sandbox.portal.faults import Fault, FaultKind
from sandbox.telegram.persons import Person
from tests.load.stage import LoadStage, load_stage

pytestmark = [pytest.mark.load, pytest.mark.timeout(300)]
ONE = ("c-1001", "a-2001")
KILLS = 5
STOP_SECONDS = 10.0
AT_THE_PORTAL = 32
"""More than the portal's client asks at once, so that no more are being answered at any moment."""
PATIENCE = 90.0


def say(capsys: pytest.CaptureFixture[str], line: str) -> None:
    """Print a line, also if the test passes."""
    with capsys.disabled():
        sys.stdout.write(f"\n{line}")


class Texts:
    """Texts that people type, each a number of its own, and the answers to them."""

    def __init__(self, stage: LoadStage, people: list[Person], each: int) -> None:
        self._stage = stage
        self._numbers = {
            person.user_id: [f"{900_000 + at * len(people) + n}" for at in range(each)]
            for n, person in enumerate(people)
        }
        for at in range(each):
            for person in people:
                person.say(self._numbers[person.user_id][at])

    def answers(self) -> dict[int, list[str]]:
        """Return the numbers that were answered, by chat, in the order of the answers.

        An excuse names no number; it is the answer to the first text of its chat that has no other one.
        """
        chats = self._stage.telegram.world.bot().private
        found = {}
        for chat_id, numbers in self._numbers.items():
            texts = [message.text for message in chats[chat_id].visible if message.from_bot]
            named = [match[0] if (match := re.search(r"\b9\d{5}\b", text)) else None for text in texts]
            without = iter([number for number in numbers if number not in named])
            found[chat_id] = [number or next(without, numbers[0]) for number in named]
        return found

    def count(self) -> int:
        """Return how many texts have an answer."""
        return sum(len(set(numbers)) for numbers in self.answers().values())

    def counts(self) -> Counter[int]:
        """Return how many texts have how many answers; 0 for those without one."""
        answers = self.answers()
        return Counter(answers[chat].count(number) for chat, numbers in self._numbers.items() for number in numbers)

    def wrong_order(self) -> int:
        """Return the number of chats whose first answers are in another order than their texts."""
        return sum(list(dict.fromkeys(self.answers()[chat])) != numbers for chat, numbers in self._numbers.items())

    async def until(self, count: int) -> None:
        """Wait until ``count`` texts have an answer."""
        deadline = time.monotonic() + PATIENCE
        while self.count() < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.counts()}\n{self._stage.bots[0].log_end()}")
            await asyncio.sleep(0.05)


async def test_kills_lose_no_text(tmp_path: Path, database_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """500 texts at once and five kills: each is answered, twice at most those in progress at a kill, in order."""
    seed = int(os.environ.get("ODOBOT_LOAD_SEED") or random.SystemRandom().randrange(10**6))
    chance = random.Random(seed)
    async with load_stage(tmp_path, database_url) as stage:
        people = await stage.people([ONE] * 100)
        await stage.start_and_wait_for_cursor()
        (bot,) = stage.bots
        texts = Texts(stage, people, 5)
        for moment in sorted(chance.randrange(480) for _ in range(KILLS)):
            await texts.until(moment)
            await bot.kill()
            await bot.begin()
        await texts.until(500)
        await bot.stop()
        counts = texts.counts()
        say(capsys, f"seed {seed}: 500 texts, {KILLS} kills: answers of a text {dict(counts)}")
        assert counts[0] == 0
        assert texts.wrong_order() == 0
        assert counts[2] + 2 * counts[3] <= KILLS * SLOTS
        assert stage.telegram.world.log.lint == []


@pytest.mark.parametrize(
    ("people", "each", "fault"),
    [
        (200, 3, Fault(FaultKind.SLOW, seconds=1.0)),
        (1, 60, Fault(FaultKind.SLOW, seconds=1.0)),
        (100, 1, Fault(FaultKind.SLOW, seconds=60.0)),
    ],
    ids=["600 texts of 200 chats", "60 texts of one chat", "a portal that hangs"],
)
async def test_stop_loses_no_text(
    tmp_path: Path, database_url: str, capsys: pytest.CaptureFixture[str], people: int, each: int, fault: Fault
) -> None:
    """SIGTERM in a burst: the process ends within ten seconds, and the next one answers the rest.

    Twice is answered at most what was being sent when the drain was cut short.
    """
    async with load_stage(tmp_path, database_url) as stage:
        chats = await stage.people([ONE] * people)
        await stage.start_and_wait_for_cursor()
        asked = stage.portal.faults.set(fault)
        (bot,) = stage.bots
        texts = Texts(stage, chats, each)
        while not asked.met:  # noqa: ASYNC110  # the portal's log has a request only when it ends
            await asyncio.sleep(0.05)
        await asyncio.sleep(1.0)
        begun = time.monotonic()
        await bot.stop()
        took, answered = time.monotonic() - begun, texts.count()
        stage.portal.faults.clear()
        await bot.begin()
        await texts.until(people * each)
        await bot.stop()
        counts = texts.counts()
        say(
            capsys,
            f"{people} x {each} texts: {answered} answered by the end of the stop after {took:.1f} s, "
            f"then all; answers of a text {dict(counts)}",
        )
        assert counts[0] == 0
        assert texts.wrong_order() == 0
        assert set(counts) <= {1, 2}
        assert counts[2] <= AT_THE_PORTAL
        assert took < STOP_SECONDS + 1.0
