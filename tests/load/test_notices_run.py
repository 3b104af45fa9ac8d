"""5,000 notices with faults and kills, and the rates that Telegram allows, on either engine."""

import asyncio
import itertools
import os
import random
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import text

from storage.tables import State
from tests.load.stage import LoadStage, check_rate, load_stage
from tests.pace import most_in_a_second, watched_loop

pytestmark = [pytest.mark.load, pytest.mark.timeout(1200)]
NOTICES = int(os.environ.get("ODOBOT_LOAD_NOTICES", "5000"))
KILLS = 5
UNKNOWN = {"hang_before", "hang_after", "close_before", "close_after", "reset_before", "reset_after", "gateway"}
ONE = ("c-1001", "a-2001")


def say(capsys: pytest.CaptureFixture[str], line: str) -> None:
    """Print a line, also if the test passes."""
    with capsys.disabled():
        sys.stdout.write(f"\n{line}")


@pytest.fixture
def workers(request: pytest.FixtureRequest, engine: str) -> int:
    """The number of worker processes; 0 is one process with every role, the only choice on SQLite."""
    number: int = request.param
    if number and engine == "sqlite":
        pytest.skip("several workers need PostgreSQL")
    return number


@pytest.mark.parametrize("workers", [0, 3], indirect=True, ids=["one process", "three workers"])
async def test_five_thousand_notices_with_faults_and_kills(
    tmp_path: Path, database_url: str, workers: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """No notice is lost or sent twice, with Telegram's faults and five ``kill -9``."""
    seed = int(os.environ.get("ODOBOT_LOAD_SEED") or random.SystemRandom().randrange(10**6))
    chance = random.Random(seed)
    say(capsys, f"seed {seed} (again: ODOBOT_LOAD_SEED={seed})")
    async with load_stage(tmp_path, database_url, workers=workers, bulk_rate="1000") as stage:
        stage.portal.portal.generate(NOTICES, months=1)
        with stage.portal.portal.database.session() as session:
            session.execute(text("UPDATE portal_access SET invoices = 1"))
            session.commit()
        people = await stage.people([(f"gen-c-{n:06d}", f"gen-a-{n:06d}") for n in range(NOTICES)])
        faults, bot = stage.telegram.world.faults, stage.telegram.world.bot()
        faults.seed(seed)
        blocked = chance.sample(people, NOTICES // 100)
        for person in blocked:
            person.blocked.add(bot)
        often = 5000 / NOTICES
        rules = [
            faults.add("retry_after", method="sendMessage", count=10, probability=0.005 * often, retry_after=1),
            faults.add("error", method="sendMessage", count=NOTICES // 100, probability=0.012, status=500),
        ]
        unknown = [(kind, 10) for kind in ("hang_before", "hang_after")]
        unknown += [(kind, 3) for kind in ("close_before", "close_after", "reset_before", "reset_after", "gateway")]
        rules += [
            faults.add(kind, method="sendMessage", count=count, probability=0.004 * often) for kind, count in unknown
        ]
        await stage.start_and_wait_for_cursor()

        began = time.monotonic()
        stage.portal.portal.issue_monthly()
        dying = await killed_five_times(stage, chance)
        counts = await stage.settled(NOTICES, 900)
        took = time.monotonic() - began

        doubted = {int(call.params["chat_id"]) for call in stage.messages if call.fault in UNKNOWN}
        told = stage.messages_by_chat()
        states = {state: await stage.in_state(state) for state in State}
        met = " ".join(f"{rule.kind}:{rule.met}" for rule in rules)
        say(capsys, f"{NOTICES} notices in {took:.0f} s with {KILLS} kills: {NOTICES / took:.0f}/s, best second")
        say(capsys, f"{steady(stage)}, {sum(bot.cpu for bot in stage.bots) / NOTICES * 1000:.1f} ms of processor each")
        say(capsys, f"{ {str(state): n for state, n in counts.items()} }; faults met {met}")
        say(capsys, f"being sent at the kills: {[len(each) for each in dying]}")
        everybody = {person.user_id for person in people}
        assert set().union(*states.values()) == everybody  # none lost
        assert {chat for chat, count in told.items() if count > 1} == set()  # none twice
        assert {chat for chat in states[State.SENT] if told[chat] != 1} == set()
        assert {chat for chat in states[State.BLOCKED] if told[chat] != 0} == set()
        assert states[State.BLOCKED] <= {person.user_id for person in blocked}
        assert states[State.UNCERTAIN] <= doubted.union(*dying)  # each can be uncertain
        assert states[State.SENT] | states[State.BLOCKED] | states[State.UNCERTAIN] == everybody
        assert rules[0].met == 10
        assert len(states[State.SENT]) >= NOTICES - len(blocked) - len(doubted.union(*dying))
        assert stage.telegram.world.log.lint == []


async def killed_five_times(stage: LoadStage, chance: random.Random) -> list[set[int]]:
    """Kill one of the bots five times at random. Returns the recipients in state ``sending`` at each kill."""
    dying = []
    now = stage.telegram.world.log.count
    moments = sorted(now + chance.randrange(NOTICES * 9 // 10) for _ in range(KILLS - 1))
    for moment in [now, *moments]:
        await stage.sent(moment)
        await asyncio.sleep(chance.random() * (1.5 if moment == now else 0.1))
        victim = chance.choice(stage.bots)
        await victim.kill()
        dying.append(await stage.in_state(State.SENDING))
        await victim.begin()
    return dying


def steady(stage: LoadStage) -> int:
    """Return the most messages in a second."""
    return most_in_a_second([call.at for call in stage.messages])


@pytest.mark.parametrize(("rate", "notices"), [(28, 224), (100, 600)])
async def test_global_rate_is_kept_in_any_second(
    tmp_path: Path, database_url: str, capsys: pytest.CaptureFixture[str], rate: int, notices: int
) -> None:
    async with load_stage(tmp_path, database_url, bulk_rate=str(rate), chat_rate="1000") as stage:
        await stage.people([ONE] * notices)
        await stage.start_and_wait_for_cursor()
        say(capsys, await check_rate(stage, rate, notices, 60))


async def test_rate_per_chat_is_kept(tmp_path: Path, database_url: str) -> None:
    """A call that Telegram's process receives late, after a stall, is nearer to the next one by as much."""
    async with load_stage(tmp_path, database_url, bulk_rate="1000") as stage, watched_loop() as longest_stall:
        people = await stage.people([ONE] * 10)
        await stage.start_and_wait_for_cursor()
        for number in range(3):
            stage.portal.portal.issue_invoice("a-2001", amount="40.19", number=f"99000{number}")
        # Two more invoices while the first are being sent.
        while len(stage.messages) < 15:
            await stage.sent(stage.telegram.world.log.count + 1)
        for number in range(3, 5):
            stage.portal.portal.issue_invoice("a-2001", amount="40.19", number=f"99000{number}")
        await stage.settled(50, 180)
        for person in people:
            times = [call.at for call in stage.messages if call.params["chat_id"] == person.user_id]
            assert len(times) == 5
            gaps = [(after - before).total_seconds() for before, after in itertools.pairwise(times)]
            assert min(gaps) >= 0.9 - longest_stall()
            assert max(gaps) <= 4


async def test_429s_of_three_chats_halt_all_notices(tmp_path: Path, database_url: str) -> None:
    """Calls that are under way when Telegram answers the third 429 arrive within a second; the next after the halt."""
    async with load_stage(tmp_path, database_url, bulk_rate="100") as stage, watched_loop() as longest_stall:
        await stage.people([ONE] * 500)
        await stage.start_and_wait_for_cursor()
        stage.portal.portal.issue_invoice("a-2001", amount="40.19", number="990001")
        await stage.sent(stage.telegram.world.log.count + 100)
        stage.telegram.world.faults.add("retry_after", method="sendMessage", count=3, retry_after=4)
        await stage.sent(stage.telegram.world.log.count + 4)
        await stage.settled(500, 180)
        *_, refused = all_refused = [call for call in stage.messages if call.error_code == 429]
        assert len(all_refused) == 3
        later = [(call.at - refused.at).total_seconds() for call in stage.messages if call.at > refused.at]
        under_way = 1.0 + longest_stall()
        assert [at for at in later if under_way < at < 3.9] == []
        assert len([at for at in later if at <= under_way]) <= 32
        assert {count for chat, count in stage.messages_by_chat().items()} == {1}
