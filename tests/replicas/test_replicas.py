"""Two web replicas and two workers on one PostgreSQL, behind nginx: served, killed, restarted."""

import asyncio
import os
import random
import signal
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from sandbox.telegram.persons import Person
from storage.notices import feed
from storage.tables import State
from tests.load.stage import LoadStage, check_rate
from tests.postgres.server import PostgresServer
from tests.replicas.fleet import Fleet

pytestmark = [pytest.mark.load, pytest.mark.timeout(400)]
PATIENCE = 60.0
SETTLING = 150.0


@pytest.fixture
def url(postgres: PostgresServer) -> str:
    return postgres.create()


@pytest.fixture
def chance(capsys: pytest.CaptureFixture[str]) -> random.Random:
    seed = int(os.environ.get("ODOBOT_LOAD_SEED") or random.SystemRandom().randrange(10**6))
    say(capsys, f"seed {seed} (again: ODOBOT_LOAD_SEED={seed})")
    return random.Random(seed)


def say(capsys: pytest.CaptureFixture[str], line: str) -> None:
    """Print a line, also if the test passes."""
    with capsys.disabled():
        sys.stdout.write(f"\n{line}\n")


async def test_conversation_through_the_load_balancer(url: str, tmp_path: Path) -> None:
    async with Fleet(url, tmp_path, web=2, workers=2) as fleet:
        camille = await fleet.linked(notices=True)
        assert "26387" in (await fleet.say(camille, "/commandes")).text
        assert "212380" in (await fleet.say(camille, "/factures")).text
        assert "Payée le" in (await fleet.tap(camille, "212380")).text
        camille.tap("PDF")
        pdf = await camille.wait_for_message(timeout=15)
        assert pdf.file is not None
        number = fleet.portal.portal.issue_invoice("a-2001", amount="293.08")
        await camille.wait_for_message(number, new=True, timeout=15)
        served = [each for each in fleet.replicas if each.role == "web"]
        assert len(served) == 2
        # One of the two stops, as in an upgrade; the other serves the conversation.
        for replica in served:
            talking = asyncio.create_task(talk(fleet, camille, 10))
            await replica.end(signal.SIGTERM)
            await talking
            await replica.begin()


async def talk(fleet: Fleet, person: Person, rounds: int) -> None:
    """Send texts one after the other, and wait for each answer."""
    for each in range(rounds):
        number = f"{900_000 + each}"
        since = fleet.telegram.world.events.sequence
        person.say(number)
        await person.wait_for_message(number, since=since, timeout=PATIENCE)


async def test_random_kills_lose_no_update_and_no_notice(
    url: str, tmp_path: Path, chance: random.Random, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each update is answered, and no notice is lost or sent twice, whichever replica is killed."""
    async with Fleet(url, tmp_path, web=2, workers=2, bulk_rate="15") as fleet:
        people = [await fleet.linked(first_name="P0", notices=True)]
        stage = LoadStage(fleet.telegram, fleet.portal, fleet.database)
        told = await stage.people([("c-1001", "a-2001")] * 150)
        people += told[:7]
        await position(fleet)
        number = fleet.portal.portal.issue_invoice("a-2001", amount="40.19")
        talking = [asyncio.create_task(talk(fleet, person, 25)) for person in people]
        kills: list[str] = []
        while not all(task.done() for task in talking) or len(kills) < 6:
            await asyncio.sleep(chance.random() * 1.5)
            victim = chance.choice(fleet.replicas)
            kills.append(victim.role)
            await victim.end(signal.SIGKILL)
            await asyncio.sleep(chance.random())
            await victim.begin()
        await asyncio.gather(*talking)
        await stage.settled(151, SETTLING)
        states = await stage.states()
        copies = Counter(
            chat_id
            for chat_id, chat in fleet.telegram.world.bot().private.items()
            for message in chat.visible
            if message.from_bot and number in message.text and "Nouvelle" in message.text
        )
        say(capsys, f"killed {Counter(kills)}; notices {Counter(states.values())}; 8 people x 25 texts answered")
        assert len(states) == 151
        assert max(copies.values()) == 1
        assert all(copies[chat_id] == 1 for chat_id, state in states.items() if state is State.SENT)
        assert set(states.values()) <= {State.SENT, State.UNCERTAIN}


async def test_two_workers_share_the_rate(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rate, notices = 28, 224
    async with Fleet(url, tmp_path, workers=2, bulk_rate=str(rate), chat_rate="1000") as fleet:
        stage = LoadStage(fleet.telegram, fleet.portal, fleet.database)
        await stage.people([("c-1001", "a-2001")] * notices)
        await position(fleet)
        say(capsys, await check_rate(stage, rate, notices, SETTLING))
        assert all('"error"' not in replica.log_end() for replica in fleet.replicas)


async def position(fleet: Fleet) -> None:
    """Wait until the feed has a cursor: earlier events give no notices."""
    deadline = time.monotonic() + PATIENCE
    while True:
        async with fleet.database.read() as session:
            if await feed.position(session) is not None:
                return
        assert time.monotonic() < deadline, [each.log_end() for each in fleet.replicas]
        await asyncio.sleep(0.1)
