"""Taps on a PDF that piled up reach two replicas at once: the chat gets one file."""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox.portal.faults import Fault, FaultKind
from sandbox.telegram.model import Message
from sandbox.telegram.persons import Person
from tests.postgres.server import PostgresServer
from tests.replicas.fleet import Fleet, Replica

pytestmark = [pytest.mark.load, pytest.mark.timeout(120)]
SLOW_SECONDS = 3.0
FIRST_UPDATE = 2**40 + 7


@pytest.fixture
async def fleet(postgres: PostgresServer, tmp_path: Path) -> AsyncIterator[Fleet]:
    async with Fleet(postgres.create(), tmp_path, web=2, workers=1) as fleet:
        yield fleet


async def deliver(fleet: Fleet, replica: Replica, person: Person, invoice: Message, update_id: int) -> int:
    """Post a tap on the PDF's button to one replica. Returns the status, or 0 if the replica was killed."""
    who = {"id": person.user_id, "first_name": person.first_name}
    bot = {"id": 123456789, "first_name": "Odobot", "is_bot": True}
    tapped = next(button for row in invoice.buttons for button in row if "PDF" in button.label)
    message = {"message_id": invoice.message_id, "date": 1_790_000_000, "chat": who | {"type": "private"}, "from": bot}
    tap = {"id": str(update_id), "from": who | {"is_bot": False, "language_code": "fr"}, "chat_instance": "1"}
    update = {"update_id": update_id, "callback_query": tap | {"message": message, "data": tapped.callback_data}}
    return await fleet.post(replica, update)


def files(person: Person) -> int:
    return sum(bool(message.file) and message.from_bot for message in person.chat().visible)


async def test_taps_at_two_replicas_send_one_pdf(fleet: Fleet) -> None:
    camille = await fleet.linked()
    invoice = await fleet.say(camille, "212380")
    fleet.portal.faults.set(Fault(FaultKind.SLOW, "*/pdf", seconds=SLOW_SECONDS))
    webs = [each for each in fleet.replicas if each.role == "web"]
    taps = (deliver(fleet, webs[each % 2], camille, invoice, FIRST_UPDATE + each) for each in range(6))
    statuses = await asyncio.gather(*taps)
    assert set(statuses) <= {200, 503}
    await asyncio.sleep(SLOW_SECONDS + 2)
    assert files(camille) == 1
    for each in range(2):  # later ones are known from the database
        await deliver(fleet, webs[each], camille, invoice, FIRST_UPDATE + 10 + each)
    await asyncio.sleep(SLOW_SECONDS + 2)
    assert files(camille) == 1


async def test_killed_replica_does_not_keep_the_pdf(fleet: Fleet) -> None:
    """The tap that it was handling is delivered again, to the other one, which sends the file."""
    camille = await fleet.linked()
    invoice = await fleet.say(camille, "212380")
    fleet.portal.faults.set(Fault(FaultKind.SLOW, "*/pdf", seconds=SLOW_SECONDS))
    first, second = (each for each in fleet.replicas if each.role == "web")
    before = asyncio.create_task(deliver(fleet, first, camille, invoice, FIRST_UPDATE))
    await asyncio.sleep(1)
    await first.end(signal.SIGKILL)
    await before
    await deliver(fleet, second, camille, invoice, FIRST_UPDATE)
    await asyncio.sleep(SLOW_SECONDS + 2)
    assert files(camille) == 1
