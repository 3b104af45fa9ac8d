"""An update that Telegram delivers again to another replica while the first still handles it."""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox.portal.faults import Fault, FaultKind
from sandbox.telegram.persons import Person
from tests.postgres.server import PostgresServer
from tests.replicas.fleet import Fleet, Replica

pytestmark = [pytest.mark.load, pytest.mark.timeout(120)]
SLOW_SECONDS = 4.0
UPDATE_ID = 2**40 + 7


@pytest.fixture
async def fleet(postgres: PostgresServer, tmp_path: Path) -> AsyncIterator[Fleet]:
    async with Fleet(postgres.create(), tmp_path, web=2, workers=1) as fleet:
        yield fleet


async def deliver(fleet: Fleet, replica: Replica, person: Person) -> int:
    """Post one update to one replica. Returns the status, or 0 if the replica was killed."""
    who = {"id": person.user_id, "first_name": person.first_name}
    text = {"text": "/factures", "entities": [{"type": "bot_command", "offset": 0, "length": 9}]}
    chat = {"chat": who | {"type": "private"}, "from": who | {"is_bot": False, "language_code": "fr"}}
    update = {"update_id": UPDATE_ID, "message": {"message_id": 77_000, "date": 1_790_000_000} | text | chat}
    return await fleet.post(replica, update)


def lists(person: Person) -> int:
    """Return the number of invoice lists in the chat."""
    return sum(message.from_bot and "1 à 5 de" in message.text for message in person.chat().visible)


async def delivered_twice(fleet: Fleet, person: Person, *, kill: bool) -> tuple[int, int]:
    """Post an update to the first replica, and a second later to the other. Returns both statuses."""
    first, second = (each for each in fleet.replicas if each.role == "web")
    fleet.portal.faults.set(Fault(FaultKind.SLOW, seconds=SLOW_SECONDS))
    before = asyncio.create_task(deliver(fleet, first, person))
    await asyncio.sleep(1)
    again = asyncio.create_task(deliver(fleet, second, person))
    await asyncio.sleep(1)
    if kill:
        await first.end(signal.SIGKILL)
    return await before, await again


async def test_update_redelivered_to_another_replica_is_answered_once(fleet: Fleet) -> None:
    camille = await fleet.linked(email="flotte@example.test")
    assert await delivered_twice(fleet, camille, kill=False) == (200, 200)
    assert lists(camille) == 1


async def test_update_of_a_killed_replica_is_handled_by_the_other(fleet: Fleet) -> None:
    """The replica that gets the update again handles it as soon as the first one is killed."""
    camille = await fleet.linked(email="flotte@example.test")
    assert await delivered_twice(fleet, camille, kill=True) == (0, 200)
    assert lists(camille) == 1
