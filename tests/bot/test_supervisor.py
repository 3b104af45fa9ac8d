"""The supervisor restarts loops that end, raise or stand still, and leaves those alone that wait."""

import asyncio
import math
import time
from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from bot import supervisor
from bot.supervisor import Beat, Loop, Supervisor

SOON = 15.0
"""Seconds; generous, because the machine may be busy."""


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "_FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(supervisor, "_LONGEST_PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(supervisor, "_CANCEL_SECONDS", 0.2)


class Failing:
    """A loop that fails in one way until it is healed, and then makes turns."""

    def __init__(self, way: str) -> None:
        self.way = way
        self.starts = 0
        self.works = asyncio.Event()

    async def run(self, beat: Beat) -> None:
        self.starts += 1
        beat()
        match self.way:
            case "ends":
                return
            case "raises":
                raise OSError("away")
            case "stands still":
                await asyncio.Event().wait()
            case "ignores its end":
                while self.way != "heals":
                    try:
                        await asyncio.sleep(SOON)
                    except asyncio.CancelledError:
                        continue
        while True:
            beat()
            self.works.set()
            await asyncio.sleep(0.01)


async def until(condition: object) -> None:
    """Wait until a function returns something true."""
    assert callable(condition)
    deadline = time.monotonic() + SOON
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("way", "said"),
    [
        ("ends", "ended"),
        ("raises", "raised OSError"),
        ("stands still", "stood still for 0.1 s"),
        ("ignores its end", "stood still for 0.1 s"),
    ],
)
async def test_failing_loop_is_restarted_and_reported(way: str, said: str) -> None:
    loop, supervised = Failing(way), Supervisor()
    with capture_logs() as logs:
        async with supervised.running(Loop("feed", loop.run, 0.1)):
            await until(lambda: loop.starts >= 3)
            assert supervised.reasons() == [f"loops: feed {said} and is restarted, see loop.failed in the log"]
            assert dict(supervised.failing()) == {"feed": True}
            loop.way = "heals"
            await asyncio.wait_for(loop.works.wait(), SOON)
            await until(lambda: not supervised.reasons())
    assert supervised.restarts["feed"] >= 2
    failed = [line for line in logs if line["event"] == "loop.failed"]
    assert [(line["loop"], line["reason"]) for line in failed] == [("feed", said)], "one line, not one per restart"
    assert [line["loop"] for line in logs if line["event"] == "loop.recovered"] == ["feed"]
    assert bool([line for line in logs if line["event"] == "loop.left_behind"]) is (way == "ignores its end")


@pytest.mark.usefixtures("quick")
async def test_loop_that_waits_as_announced_is_left_alone() -> None:
    waits = asyncio.Event()

    async def run(beat: Beat) -> None:
        beat(0.6)
        await asyncio.sleep(0.5)
        beat(math.inf)
        waits.set()
        await asyncio.Event().wait()

    supervised = Supervisor()
    async with supervised.running(Loop("feed", run, 0.1)):
        await asyncio.wait_for(waits.wait(), SOON)
        await asyncio.sleep(0.3)
        assert supervised.reasons() == []
    assert supervised.restarts == {"feed": 0}


@pytest.mark.usefixtures("quick")
async def test_failure_of_the_supervisor_itself_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> float:
        raise RuntimeError("a fault of the supervisor")

    monkeypatch.setattr(supervisor, "backoff", broken)
    supervised = Supervisor()
    with capture_logs() as logs:
        async with supervised.running(Loop("feed", Failing("ends").run, 0.1)):
            await until(lambda: "has no supervisor" in "".join(supervised.reasons()))
            assert dict(supervised.failing()) == {"feed": True}
    assert [line["log_level"] for line in logs if line["event"] == "loop.supervisor_failed"] == ["critical"]


async def test_stop_cancels_the_loops() -> None:
    ended: list[str] = []

    async def run(beat: Beat) -> None:
        beat()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("feed")

    supervised = Supervisor()
    async with supervised.running(Loop("feed", run, 60)):
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert ended == ["feed"]
    assert supervised.reasons() == []


@pytest.fixture(autouse=True)
async def no_task_is_left() -> AsyncIterator[None]:
    """Every task of a test ends with it, except the one that ignores its end."""
    yield
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        if task.get_name() == "loop feed":
            task.cancel()
