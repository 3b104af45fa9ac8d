"""The scene of generated tests, and its people."""

from collections.abc import AsyncIterator

import httpx
import pytest

from sandbox.telegram.persons import Person
from tests.scene import Scene

INTERNAL_ERROR = "fonctionné"
"""A word of the screen for errors of the bot itself."""


class People:
    """Makes each kind of person once a scene: its examples talk to the same ones."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self.seen: dict[str, list[str]] = {}
        """What a test learned of the portal's answers, by typed text."""
        self._linked: Person | None = None
        self._started: Person | None = None

    async def linked(self) -> Person:
        """Return a person who has linked an address."""
        self._linked = self._linked or await self._scene.linked()
        return self._linked

    async def started(self) -> Person:
        """Return a person who has pressed Start and nothing else."""
        if self._started is None:
            self._started = self._scene.person()
            self._started.start()
            await self._started.wait_for_message()
        return self._started


@pytest.fixture
async def scene(database_url: str) -> AsyncIterator[Scene]:
    """A scene in which no update may fail inside the bot, and no call of the bot may break Telegram's rules."""
    async with Scene(database_url) as scene:
        yield scene
        await assert_nothing_failed(scene)


async def assert_nothing_failed(scene: Scene) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        metrics = (await http.get(f"{scene.admin_url}/metrics")).text
    assert [line for line in metrics.splitlines() if line.startswith("odobot_updates_failed_total{")] == []
    assert scene.telegram.world.log.lint == []


@pytest.fixture
def people(scene: Scene) -> People:
    return People(scene)
