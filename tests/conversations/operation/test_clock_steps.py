"""The system clock is set back or forward while the bot runs, or while it is stopped: notices go on, each told once."""

import datetime

import pytest

from sandbox.telegram.persons import Person
from storage.tables import Kind, State
from tests.conversations.notices.test_notices import notices, until, until_settled
from tests.scene import Scene

WITHIN = 40.0
"""Seconds; the promise is a minute."""
STEPS = {"2 h": 2 * 3600, "1 day": 86_400, "1 min": 60}


@pytest.fixture(autouse=True)
def _frequent_reclaim(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.worker._RECLAIM_SECONDS", 0.5)


def issue(scene: Scene, number: str) -> None:
    scene.portal.portal.issue_invoice("a-2001", amount="40.19", number=number)


async def told(person: Person, number: str) -> None:
    if not notices(person, number):
        await person.wait_for_message(number, new=True, timeout=WITHIN)


@pytest.mark.parametrize("restart", [False, True], ids=["running", "restart"])
@pytest.mark.parametrize("sign", [-1, 1], ids=["back", "forward"])
@pytest.mark.parametrize("step", STEPS)
async def test_notices_go_on(scene: Scene, step: str, sign: int, restart: bool) -> None:
    """One notice was sent, one waits for its retry, and one is issued after the step: each is told exactly once."""
    camille = await scene.linked(notices=True)
    issue(scene, "212381")
    await told(camille, "212381")
    await until_settled(scene, 1)
    scene.telegram.world.faults.add("error", method="sendMessage", status=500, count=1)
    issue(scene, "212382")
    await until(scene, lambda found: found[(Kind.INVOICE_ISSUED, State.RETRY)] == 1 or found.total() == 0)
    if restart:
        await scene.stop_bot()
    scene.later(seconds=sign * STEPS[step])
    if restart:
        await scene.start_bot()
    issue(scene, "212383")
    await told(camille, "212382")
    await told(camille, "212383")
    await until_settled(scene, 3)
    assert [len(notices(camille, number)) for number in ("212381", "212382", "212383")] == [1, 1, 1]


async def test_a_reminder_is_not_told_early(scene: Scene) -> None:
    """After a step back over its hour, a reminder that was not sent yet waits for its hour again."""
    camille = await scene.linked(notices=True)
    await scene.say(camille, "/avis")
    due = scene.clock.now().date() + datetime.timedelta(days=1)
    scene.portal.portal.issue_invoice("a-2001", amount="40.19", number="212381", due_date=due)
    await told(camille, "212381")
    scene.later(days=-1)
    issue(scene, "212382")
    await told(camille, "212382")
    assert notices(camille, "Rappel") == []


async def test_choosing_an_account_after_a_step_back(scene: Scene) -> None:
    """The account that is chosen last is the current one, also where another was chosen at a later hour."""
    camille = await scene.linked()
    await scene.say(camille, "/compte")
    await scene.tap(camille, "Client Odotrack 2016")
    scene.later(hours=-2)
    screen = await scene.say(camille, "/compte")
    other = next(label for label in screen.labels if label.strip("✓ ") == "Client Odotrack")
    await scene.tap(camille, other)
    assert "212380" in (await scene.say(camille, "/factures")).text
