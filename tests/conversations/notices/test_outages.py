"""Outages of Telegram during a run of notices: everybody is told, or told again with the mark."""

import asyncio
import time
from collections import Counter

import pytest
from sqlmodel import select

from sandbox.telegram.persons import Person
from storage.tables import Delivery, State
from tests.conversations.notices.test_notices import many, notices
from tests.scene import Scene

MARK = "Vous avez peut-être déjà reçu cet avis."
NUMBER = "212381"
FEW = 24
"""Deliveries of an outage that may become uncertain: 16 places, and the probes of some seconds."""


async def states(scene: Scene) -> Counter[State]:
    """Count the deliveries by state."""
    async with scene.components.database.read() as session:
        return Counter(State(state) for state in (await session.exec(select(Delivery.state))).all())


async def until_quiet(scene: Scene, count: int, timeout: float) -> Counter[State]:
    """Wait until ``count`` deliveries are sent or uncertain. Returns: the counts."""
    deadline = time.monotonic() + timeout
    while (found := await states(scene))[State.SENT] + found[State.UNCERTAIN] < count:
        if found[State.RETRY]:  # the pause of those that Telegram certainly did not get
            scene.later(seconds=1)
        assert time.monotonic() < deadline, found
        await asyncio.sleep(0.1)
    return found


async def outage(scene: Scene, people: int, lasts: float, **fault: object) -> tuple[list[Person], int]:
    """Let Telegram fail some way into a run of notices, and come back.

    Returns:
        The people, and how many deliveries were uncertain after the run.
    """
    recipients = await many(scene, people)
    log, faults = scene.telegram.world.log, scene.telegram.world.faults
    before = len(log.find(method="sendMessage"))
    scene.portal.portal.issue_invoice("a-2001", amount="40.19", number=NUMBER)
    await log.wait("sendMessage", count=before + 10, timeout=30)
    faults.add(method="sendMessage", count=None, **fault)
    await asyncio.sleep(lasts)
    faults.clear()
    return recipients, (await until_quiet(scene, people, 60 + people))[State.UNCERTAIN]


async def repeat(scene: Scene, people: int) -> None:
    """Move the clock to the repetitions, and wait until they are sent."""
    scene.later(minutes=16)
    await scene.settled()
    async with asyncio.timeout(60):
        while (await states(scene))[State.SENT] < people:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "gateway", "status": 502},
        {"kind": "reset_before"},
        {"kind": "hang_before"},
        {"kind": "hang_after"},
        {"kind": "close_after"},
        {"kind": "error", "status": 500},
    ],
    ids=lambda fault: str(fault["kind"]),
)
async def test_everybody_is_told_after_an_outage(scene: Scene, fault: dict[str, object]) -> None:
    """Few become uncertain, and each of them is followed by its mark; nobody is told twice without it."""
    recipients, uncertain = await outage(scene, 80, 6.0, **fault)
    assert uncertain <= FEW
    if fault["kind"] == "error":
        assert uncertain == 0
    await repeat(scene, len(recipients))
    told = [notices(each, NUMBER) for each in recipients]
    assert all(told)
    assert all(sum(MARK not in text for text in texts) <= 1 for texts in told)
    marked = [texts for texts in told if any(MARK in text for text in texts)]
    assert len(marked) == uncertain
    assert all(texts[-1].startswith(MARK) for texts in marked)
