"""Large PDFs are in memory one at a time, and all arrive (M6)."""

import asyncio

from sandbox.portal.faults import Fault, FaultKind
from tests.scene import Scene

MEGABYTES = 12


async def test_large_pdfs_are_sent_one_at_a_time(scene: Scene) -> None:
    people = [await scene.linked(email="flotte@example.test", first_name=f"P{n}") for n in range(4)]
    for person in people:
        await scene.say(person, "/factures")
        await scene.tap(person, person.screen().labels[0])
    held, most = 0, 0
    large = scene.components.application.bot_data.large_document
    acquire, release = large.acquire, large.release

    async def counted() -> bool:
        nonlocal held, most
        await acquire()
        held += 1
        most = max(most, held)
        return True

    def given_back() -> None:
        nonlocal held
        held -= 1
        release()

    large.acquire, large.release = counted, given_back
    scene.portal.faults.set(Fault(FaultKind.PDF_HUGE, "*/pdf", megabytes=MEGABYTES))
    for person in people:
        person.tap("PDF")
    async with asyncio.timeout(40):
        while sum(any(m.file for m in p.chat().messages.values()) for p in people) < len(people):  # noqa: ASYNC110
            await asyncio.sleep(0.05)

    assert most == 1
    assert held == 0


async def test_small_pdf_does_not_wait_for_a_large_one(scene: Scene) -> None:
    camille = await scene.linked()
    await scene.say(camille, "212380")
    async with scene.components.application.bot_data.large_document:
        camille.tap("PDF")
        async with asyncio.timeout(5):
            while not any(m.file for m in camille.chat().messages.values()):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
