"""Each alert is told once when it begins and once when it is over, by one process, also over restarts."""

import asyncio
import datetime

import pytest

from services.operator_alerts.alerts import RULES, Alert, Change
from services.operator_alerts.board import AlertBoard
from storage.database import Database

START = datetime.datetime(2026, 10, 15, 18, 0, tzinfo=datetime.UTC)
TURN = datetime.timedelta(seconds=20)


class Processes:
    """Boards on one database, with one clock."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.now = START

    def start(self) -> AlertBoard:
        return AlertBoard(self.database, lambda: self.now)

    async def turns(self, seconds: float, *seen: tuple[AlertBoard, set[Alert]]) -> list[tuple[float, Alert, bool]]:
        """Let each process look every 20 s, and tell what it claims. Returns: when what was told, in seconds."""
        told = []
        end = self.now + datetime.timedelta(seconds=seconds)
        while self.now < end:
            for board, holding in seen:
                changes = await board.update(holding)
                told += [((self.now - START).total_seconds(), each.alert, each.is_held) for each in changes]
                if changes:
                    await board.told(changes)
            self.now += TURN
        return told


@pytest.fixture
def processes(database: Database) -> Processes:
    return Processes(database)


async def test_begin_and_end_are_told_once(processes: Processes) -> None:
    one, two = processes.start(), processes.start()
    portal = {Alert.PORTAL}
    assert await processes.turns(280, (one, portal), (two, portal)) == []
    assert await processes.turns(900, (one, portal), (two, portal)) == [(300, Alert.PORTAL, True)]
    assert await processes.turns(600, (one, set()), (two, portal)) == []
    ((_, alert, is_held),) = await processes.turns(900, (one, set()), (two, set()))
    assert (alert, is_held) == (Alert.PORTAL, False)


async def test_short_absence_is_not_told(processes: Processes) -> None:
    board = processes.start()
    assert await processes.turns(240, (board, {Alert.PORTAL})) == []
    assert await processes.turns(600, (board, set())) == []


async def test_restart_repeats_nothing(processes: Processes) -> None:
    """The process was away for ten minutes; the alert holds on, so it has neither ended nor begun."""
    keys = {Alert.KEYS}
    assert await processes.turns(100, (processes.start(), keys)) == [(0, Alert.KEYS, True)]
    processes.now += datetime.timedelta(minutes=10)
    board = processes.start()
    assert await processes.turns(20, (board, set())) == []  # the keys are not tried yet
    assert await processes.turns(600, (board, keys)) == []


async def test_end_during_a_stop_is_told_later(processes: Processes) -> None:
    assert await processes.turns(100, (processes.start(), {Alert.KEYS})) == [(0, Alert.KEYS, True)]
    processes.now += datetime.timedelta(minutes=10)
    told = await processes.turns(600, (processes.start(), set()))
    assert [(alert, is_held) for _, alert, is_held in told] == [(Alert.KEYS, False)]


async def test_what_was_not_told_is_claimed_again(processes: Processes) -> None:
    one, two = processes.start(), processes.start()
    (change,) = await one.update({Alert.KEYS})
    assert change == Change(Alert.KEYS, True, datetime.timedelta())
    assert await two.update({Alert.KEYS}) == []
    await one.not_told([change])
    assert await two.update({Alert.KEYS}) == [change]
    # The process dies while it sends.
    assert await one.update({Alert.KEYS}) == []
    processes.now += datetime.timedelta(seconds=61)
    (again,) = await one.update({Alert.KEYS})
    assert again.alert == Alert.KEYS


async def test_over_before_it_was_told_is_silent(processes: Processes) -> None:
    board = processes.start()
    await board.not_told(await board.update({Alert.KEYS}))
    processes.now += datetime.timedelta(minutes=5)
    assert await board.update(set()) == []
    assert await processes.turns(600, (board, set())) == []


async def test_flapping_is_told_twice_in_ten_minutes_at_most(processes: Processes) -> None:
    board = processes.start()
    told = []
    over = RULES[Alert.LOOPS].over_after.total_seconds()
    for _ in range(20):
        told += await processes.turns(140, (board, {Alert.LOOPS}))
        told += await processes.turns(over + 20, (board, set()))
    times = [at for at, *_ in told]
    assert len(times) > 4
    assert all(later - at >= 600 for at, later in zip(times, times[2:], strict=False))
    assert [is_held for *_, is_held in told] == [True, False] * (len(told) // 2) + [True] * (len(told) % 2)


async def test_changes_together_make_one_message(processes: Processes) -> None:
    board = processes.start()
    changes = await board.update({Alert.KEYS, Alert.ERRORS})
    assert {change.alert for change in changes} == {Alert.KEYS, Alert.ERRORS}
    await board.told(changes)
    assert await board.update({Alert.KEYS, Alert.ERRORS, Alert.POLLING}) == []
    processes.now += TURN
    assert [change.alert for change in await board.update({Alert.POLLING})] == [Alert.POLLING]


@pytest.mark.parametrize("hours", [-5, 5])
async def test_clock_step_ends_and_repeats_nothing_for_long(processes: Processes, hours: int) -> None:
    board, keys = processes.start(), {Alert.KEYS}
    assert len(await processes.turns(100, (board, keys))) == 1
    processes.now += datetime.timedelta(hours=hours)
    assert await processes.turns(400, (board, keys)) == []
    told = await processes.turns(400, (board, set()))
    assert [(alert, is_held) for _, alert, is_held in told] == [(Alert.KEYS, False)]
    assert len(await processes.turns(1200, (board, keys))) == 1


async def test_quiet_process_writes_nothing(processes: Processes) -> None:
    board = processes.start()
    before = processes.database.data_version()
    assert await processes.turns(200, (board, set())) == []
    assert processes.database.data_version() == before


async def test_processes_at_once_claim_once(processes: Processes) -> None:
    boards = [processes.start() for _ in range(6)]
    claimed = await asyncio.gather(*(board.update({Alert.KEYS, Alert.MAIL}) for board in boards))
    assert [change.alert for changes in claimed for change in changes] == [Alert.KEYS]
