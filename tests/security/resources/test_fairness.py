"""Waiting updates are bounded, for each chat and in all; unlinked chats do not delay linked ones."""

import asyncio
import itertools
import json
import time
from collections.abc import Set
from typing import Any

import httpx
import pytest
from telegram import Update

from bot.http.webhook import SECRET_HEADER
from bot.updates import polling
from bot.updates.ordering import MAX_WAITING, PerChatOrder
from bot.updates.slots import LinkedChats, Slots
from sandbox.portal.faults import Fault, FaultKind
from sandbox.serving import free_port
from sandbox.telegram.persons import Person
from storage import chats
from storage.database import Database
from tests.bot.updates.test_ordering import Work, a_message, settle, start
from tests.scene import Scene

SECRET = "a-secret_of_the_webhook"
UNREAD = "n’ont pas été lus"
NUMBERS = itertools.count(900_000_000)
LINKED = 7


async def only_seven(asked: Set[int]) -> Set[int]:
    return asked & {LINKED}


def answers(person: Person, words: str = "") -> int:
    return len([message for message in person.chat().visible if message.from_bot and words in message.text])


async def test_waiting_updates_of_one_chat_are_bounded() -> None:
    told: list[int] = []
    dropped: list[int] = []

    async def tell(update: Update) -> None:
        told.append(update.update_id)

    order, work = PerChatOrder(max_waiting=5, dropped=lambda: dropped.append(1), report_unread=tell), Work()
    for flood in (1, 2):
        first = start(order, a_message(1, 100 * flood), work.do(f"{flood}", waits=True))
        rest = [start(order, a_message(1, 100 * flood + n), work.do(f"{flood}:{n}")) for n in range(1, 30)]
        await settle()
        assert not told[flood - 1 :]
        assert not order.accepts(a_message(1))
        assert order.accepts(a_message(2))
        work.let(f"{flood}")
        await asyncio.gather(first, *rest)
        assert work.begun[-6:] == [f"{flood}", *(f"{flood}:{n}" for n in range(1, 6))]
        # Once, after the last answer, for each flood.
        assert told == [105, 205][:flood]
        assert len(dropped) == 24 * flood
        assert order.active_chats == 0


async def test_unlinked_chats_leave_the_last_slots_free() -> None:
    order, work = PerChatOrder(8, linked_among=only_seven), Work()
    strangers = [start(order, a_message(100 + n), work.do(f"{n}", waits=True)) for n in range(50)]
    await settle()
    assert work.running == 6, "a quarter stays free"
    await start(order, a_message(LINKED), work.do("linked"))
    assert work.ended == ["linked"]
    for n in range(50):
        work.let(f"{n}")
    await asyncio.gather(*strangers)
    assert work.begun == ["0", "1", "2", "3", "4", "5", "linked", *(f"{n}" for n in range(6, 50))]


async def test_no_lookup_while_slots_are_free() -> None:
    asked: list[int] = []

    async def look_up(chats: Set[int]) -> Set[int]:
        asked.extend(chats)
        return set()

    order, work = PerChatOrder(8, linked_among=look_up), Work()
    await asyncio.gather(*(start(order, a_message(n), work.do(f"{n}")) for n in range(6)))
    assert asked == []
    await asyncio.gather(*(start(order, a_message(n), work.do(f"{n}")) for n in range(6, 30)))
    assert len(asked) == len(set(asked)) == 18


async def test_linked_chats_have_priority() -> None:
    slots, taken = Slots(1, 0, 1), []

    async def take(name: str, *, is_linked: bool) -> None:
        async with slots.hold(is_linked=is_linked):
            taken.append(name)
            await asyncio.sleep(0)

    order = [("a", True), ("s1", False), ("s2", False), ("l1", True), ("l2", True)]
    await asyncio.gather(*(take(name, is_linked=is_linked) for name, is_linked in order))
    assert taken == ["a", "l1", "l2", "s1", "s2"]


@pytest.mark.parametrize("is_linked", [True, False])
async def test_cancelled_update_returns_its_slot(is_linked: bool) -> None:
    slots = Slots(1, 0, 1)

    async def hold(gate: asyncio.Event) -> None:
        async with slots.hold(is_linked=is_linked):
            await gate.wait()

    gate = asyncio.Event()
    first = asyncio.create_task(hold(gate))
    waiting = [asyncio.create_task(hold(gate)) for _ in range(3)]
    await settle()
    waiting[0].cancel()
    first.cancel()  # hands its slot to the next in the same moment
    await asyncio.sleep(0)
    waiting[1].cancel()
    await settle()
    gate.set()
    await asyncio.wait_for(waiting[2], 5)
    assert not slots.is_contended or slots._free == 1


async def test_failed_lookup_counts_as_linked() -> None:
    async def fails(_: Set[int]) -> Set[int]:
        raise OSError

    assert await LinkedChats(fails).is_linked(1)


async def test_lookups_are_batched() -> None:
    asked: list[int] = []

    async def look_up(chats: Set[int]) -> Set[int]:
        asked.append(len(chats))
        return chats & {LINKED}

    chats_ = LinkedChats(look_up)
    found = await asyncio.gather(*(chats_.is_linked(n) for n in range(1_200)))
    assert [n for n, is_linked in enumerate(found) if is_linked] == [LINKED]
    assert sum(asked) == 1_200
    assert len(asked) <= 4


async def test_updates_of_unlinked_chats_are_bounded() -> None:
    order, work = PerChatOrder(8, overload=40, max_in_progress=50, linked_among=only_seven), Work()
    strangers = [start(order, a_message(100 + n), work.do(f"{n}", waits=True)) for n in range(200)]
    await settle()
    assert sum(not task.done() for task in strangers) <= 41
    assert not order.accepts(a_message(150)), "a stranger that is known as one"
    assert order.accepts(a_message(LINKED))
    await start(order, a_message(LINKED), work.do("linked"))
    for n in range(200):
        work.let(f"{n}")
    await asyncio.gather(*strangers)
    assert "linked" in work.ended
    assert order.active_chats == 0


async def test_polling_leaves_updates_at_telegram_in_overload(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is dropped while polling pauses: what is fetched is bounded, and Telegram keeps the rest."""
    monkeypatch.setattr(polling, "_LIMIT", 2)
    monkeypatch.setattr(polling, "_PAUSE_AT", 4)
    people = [scene.person("fr", f"P{number}") for number in range(12)]
    await scene.say(scene.person(), "/aide")  # the next poll has the new limit
    scene.portal.faults.set(Fault(FaultKind.SLOW, "*/links", seconds=0.5))
    loop = scene.components.polling
    assert loop is not None
    loop._limit = 2
    for person in people:
        person.say("/portail")
    most = 0
    async with asyncio.timeout(40):
        while not all(answers(person) for person in people):
            most = max(most, len(loop._tasks))
            await asyncio.sleep(0.01)
    assert 4 <= most <= 5
    assert not any(answers(person, UNREAD) for person in people)


async def test_flood_is_bounded_and_reported_once(scene: Scene) -> None:
    camille, luc = await scene.linked(), await scene.linked("fr", "flotte@example.test", first_name="Luc")
    scene.telegram.world.faults.add("hang_before", method="sendMessage", count=1)
    since = scene.telegram.world.events.sequence
    for _ in range(MAX_WAITING + 150):
        camille.say("/aide")
    began = time.monotonic()
    assert "34" in (await scene.say(luc, "/factures")).text
    assert time.monotonic() - began < 10
    await camille.wait_for_message(UNREAD, since=since, timeout=45)
    assert answers(camille, UNREAD) == 1
    last = [message for message in camille.chat().visible if message.from_bot][-1]
    assert UNREAD in last.text, "after the last answer"
    assert "212380" in (await scene.say(camille, "/factures")).text
    assert answers(camille, UNREAD) == 1


async def test_linked_among_returns_linked_chats(database: Database, scene: Scene) -> None:
    camille, stranger = await scene.linked(), scene.person()
    stranger.start()
    await stranger.wait_for_message()
    async with scene.components.database.read() as session:
        assert await chats.linked_among(session, {camille.user_id, stranger.user_id, 5}) == {camille.user_id}
        assert await chats.linked_among(session, set()) == set()


async def test_unlinked_chats_do_not_delay_a_linked_chat(scene: Scene) -> None:
    camille = await scene.linked()
    strangers = [scene.person("fr", f"P{number}") for number in range(400)]
    # The first strangers take every free slot for 2 s, so that the others, and then Camille, have to wait for one.
    scene.telegram.world.faults.add("latency", method="sendMessage", seconds=2.0, count=None)
    for stranger in strangers:
        stranger.start()
    began = time.monotonic()
    assert "212380" in (await scene.say(camille, "/factures")).text
    took = time.monotonic() - began
    served = sum(answers(stranger) > 0 for stranger in strangers)
    assert served < 300, "it went ahead of most of them"
    assert took < 10
    scene.telegram.world.faults.clear()
    for stranger in strangers:
        if not answers(stranger):
            await stranger.wait_for_message(timeout=45)


def posted(chat_id: int, text: str = "/aide") -> dict[str, Any]:
    who = {"id": chat_id, "first_name": "x"}
    message = {"message_id": 1, "date": 1_790_000_000, "text": text, "chat": who | {"type": "private"}}
    message["entities"] = [{"type": "bot_command", "offset": 0, "length": len(text)}]
    return {"update_id": next(NUMBERS), "message": message | {"from": who | {"is_bot": False, "language_code": "fr"}}}


async def test_webhook_refuses_excess_updates_for_redelivery(database_url: str) -> None:
    address = f"127.0.0.1:{free_port()}"
    settings = {"listen": address, "webhook_url": f"http://{address}", "webhook_secret": SECRET}
    async with Scene(database_url, **settings) as scene, httpx.AsyncClient(trust_env=False, timeout=30) as client:

        async def post(chat_id: int, text: str) -> httpx.Response:
            content = json.dumps(posted(chat_id, text)).encode()
            headers = {SECRET_HEADER: SECRET}
            return await client.post(f"{scene.public_url}/telegram", content=content, headers=headers)

        camille = await scene.linked()
        strangers = [scene.person() for _ in range(60)]
        for stranger in strangers:
            scene.telegram.world.bot().chat_with(stranger)
        scene.portal.faults.set(Fault(FaultKind.SLOW, "*/links", seconds=2.0))
        posting = [asyncio.create_task(post(stranger.user_id, "/portail")) for stranger in strangers]
        done, _ = await asyncio.wait(posting, return_when=asyncio.FIRST_COMPLETED)
        shed = next(iter(done)).result()
        assert (shed.status_code, shed.headers["retry-after"]) == (503, "1")
        assert (await post(camille.user_id, "/aide")).status_code == 200
        statuses = [(await task).status_code for task in posting]
        assert set(statuses) == {200, 503}
        assert statuses.count(200) >= 20
        refused = [stranger for stranger, status in zip(strangers, statuses, strict=True) if status == 503]
        assert not any(answers(stranger) for stranger in refused), "what was refused is not handled too"
        scene.portal.faults.clear()
        assert (await post(refused[0].user_id, "/portail")).status_code == 200


async def test_webhook_refuses_a_flood_for_redelivery(database_url: str) -> None:
    address = f"127.0.0.1:{free_port()}"
    settings = {"listen": address, "webhook_url": f"http://{address}", "webhook_secret": SECRET}
    limits = httpx.Limits(max_connections=300)
    async with (
        Scene(database_url, **settings) as scene,
        httpx.AsyncClient(trust_env=False, timeout=50, limits=limits) as client,
    ):
        camille = await scene.linked()
        scene.portal.faults.set(Fault(FaultKind.SLOW, "*/links", seconds=3.0, times=1))

        async def post() -> int:
            content, headers = json.dumps(posted(camille.user_id, "/portail")).encode(), {SECRET_HEADER: SECRET}
            return (await client.post(f"{scene.public_url}/telegram", content=content, headers=headers)).status_code

        statuses = await asyncio.gather(*(post() for _ in range(MAX_WAITING + 40)))
        assert set(statuses) == {200, 503}
        assert answers(camille, "Portail") == statuses.count(200)
        assert answers(camille, UNREAD) == 0, "nothing was lost"
