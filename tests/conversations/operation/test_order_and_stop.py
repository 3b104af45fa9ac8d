"""Updates of one chat in order, chats concurrently, and a stop that loses nothing."""

import asyncio
import time

from sandbox.portal.faults import Fault, FaultKind
from tests.scene import Scene

BOREAL = "flotte@example.test"
CAMILLES = "*/contacts/c-1001/*"
QUICK = 3.0
"""Seconds; generous, because the machine may be busy."""


async def test_slow_portal_of_one_chat_delays_no_other(scene: Scene) -> None:
    camille, luc = await scene.linked(first_name="Camille"), await scene.linked("fr", BOREAL, first_name="Luc")
    scene.portal.faults.set(Fault(FaultKind.SLOW, CAMILLES, seconds=8))
    camille.say("/factures")
    for _ in range(3):
        assert "34" in (await scene.say(luc, "/factures")).text
    assert not [message for message in camille.chat().visible if "212380" in message.text]
    scene.portal.faults.clear()
    assert "212380" in (await camille.wait_for_message(timeout=20)).text


async def test_texts_of_one_chat_are_answered_in_order(scene: Scene) -> None:
    camille = await scene.linked()
    since = scene.telegram.world.events.sequence
    scene.portal.faults.set(Fault(FaultKind.SLOW, seconds=0.05, times=5))
    numbers = [f"{900_000 + each}" for each in range(20)]
    for number in numbers:
        camille.say(number)
    await camille.wait_for_message(since=since, count=20, timeout=15)
    answers = [m.text for m in camille.chat().visible if m.from_bot and m.date and "90" in m.text and "«" in m.text]
    assert [next(number for number in numbers if number in text) for text in answers] == numbers


async def test_last_of_twenty_taps_decides_the_screen(scene: Scene) -> None:
    camille = await scene.linked("fr", BOREAL)
    listed = await scene.say(camille, "/factures")
    taps = [camille.tap(label, message=listed) for label in ("›", "1/7") * 9]
    taps += [camille.tap("À payer", message=listed), camille.tap("›", message=listed)]
    for tap in taps:
        await camille.wait_for_answer(tap, timeout=15)
    await scene.say(camille, "/aide")  # after it everything before is done
    assert "6 à 10 de 34" in listed.text
    edits = [change for change in camille.chat().since(taps[0].seq) if change.kind == "edit"]
    assert len(edits) == 20, "each tap showed its page"


async def test_flooding_chat_does_not_delay_others(scene: Scene) -> None:
    camille, luc = await scene.linked(first_name="Camille"), await scene.linked("fr", BOREAL, first_name="Luc")
    scene.portal.faults.set(Fault(FaultKind.SLOW, CAMILLES, seconds=0.05))
    since = scene.telegram.world.events.sequence
    for each in range(60):
        camille.say(f"{900_000 + each}")
    slowest = 0.0
    for _ in range(3):
        began = time.monotonic()
        await scene.say(luc, "/factures")
        slowest = max(slowest, time.monotonic() - began)
    assert slowest < QUICK
    scene.portal.faults.clear()
    await camille.wait_for_message(since=since, count=60, timeout=30)


async def test_many_chats_are_served_concurrently(scene: Scene) -> None:
    people = [scene.person("fr", f"P{each}") for each in range(40)]
    scene.portal.faults.set(Fault(FaultKind.SLOW, "*/links", seconds=1))
    began = time.monotonic()
    for person in people:
        person.say("/portail")
    await asyncio.gather(*(person.wait_for_message("Portail", timeout=30) for person in people))
    assert time.monotonic() - began < 20, "one by one they would take 40 s"


async def test_stop_answers_updates_in_progress(scene: Scene) -> None:
    camille = await scene.linked()
    listed = await scene.say(camille, "/factures")
    scene.portal.faults.set(Fault(FaultKind.SLOW, seconds=0.7))
    scene.portal.log.clear()
    tap = camille.tap("212380")
    await camille.wait_for_answer(tap)
    await scene.stop_bot()
    assert "Payée le" in listed.text
    assert listed.edits == 1

    await scene.start_bot()
    scene.portal.faults.clear()
    assert "26387" in (await scene.say(camille, "/commandes")).text
    assert listed.edits == 1, "what was answered is not answered again"


async def test_stop_answers_each_waiting_text_once(scene: Scene) -> None:
    camille = await scene.linked()
    scene.portal.faults.set(Fault(FaultKind.SLOW, seconds=0.3))
    since = scene.telegram.world.events.sequence
    for number in ("900001", "900002", "900003"):
        camille.say(number)
    await camille.wait_for_message("900001", since=since)
    await scene.stop_bot()
    await scene.start_bot()
    await camille.wait_for_message("900003", since=since, timeout=10)
    for number in ("900001", "900002", "900003"):
        answers = [m for m in camille.chat().visible if m.from_bot and number in m.text]
        assert len(answers) == 1, number


async def test_messages_sent_while_stopped_are_answered_after_start(scene: Scene) -> None:
    camille = await scene.linked()
    await scene.say(camille, "/factures")
    await scene.tap(camille, "Rechercher")
    await scene.stop_bot()
    camille.say("Plan")
    await scene.start_bot()
    found = await camille.wait_for_message(timeout=10)
    assert "212380" in found.text, "a restart forgets nothing: the text is searched for"


async def test_idle_chat_keeps_no_state_in_memory(scene: Scene) -> None:
    camille = await scene.linked()
    await scene.say(camille, "/commandes")
    await scene.stop_bot()
    assert scene.components.application.update_processor.active_chats == 0
    await scene.start_bot()
