"""Per-chat order: updates of one chat are serialized, chats run concurrently, and a flood waits in its own queue."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from telegram import Update

from bot.updates.ordering import MAX_IN_PROGRESS, OVERLOAD, SLOTS, PerChatOrder
from bot.updates.slots import give_back_slot

CHAT = {"type": "private", "first_name": "x"}


def a_message(chat_id: int, number: int = 1, kind: str = "message") -> Update:
    """An update as Telegram sends it."""
    user = {"id": chat_id, "is_bot": False, "first_name": "x"}
    message = {"message_id": number, "date": 1, "chat": {"id": chat_id, **CHAT}, "from": user, "text": "x"}
    bodies: dict[str, Any] = {
        "message": message,
        "edited_message": message,
        "callback_query": {"id": "1", "from": user, "chat_instance": "1", "data": "x", "message": message},
        "inline_query": {"id": "1", "from": user, "query": "", "offset": ""},
        "poll_answer_of_nobody": {},
    }  # fmt: skip
    update = Update.de_json({"update_id": number, kind: bodies[kind]}, None)
    assert update is not None
    return update


class Work:
    """Handlers that record when they begin and end, and that wait until the test releases them."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.ended: list[str] = []
        self.running = 0
        self.most = 0
        self._gates: dict[str, asyncio.Event] = {}

    async def do(self, name: str, *, waits: bool = False, fails: bool = False) -> None:
        self.begun.append(name)
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            if waits:
                await self._gates.setdefault(name, asyncio.Event()).wait()
            await asyncio.sleep(0)
            if fails:
                raise RuntimeError(name)
        finally:
            self.running -= 1
            self.ended.append(name)

    def let(self, name: str) -> None:
        self._gates.setdefault(name, asyncio.Event()).set()


async def settle() -> None:
    """Run the event loop until every task that can continue has continued."""
    for _ in range(50):
        await asyncio.sleep(0)


def start(order: PerChatOrder, update: object, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    return asyncio.create_task(order.process_update(update, coroutine))


async def test_updates_of_one_chat_run_in_order_one_at_a_time() -> None:
    order, work = PerChatOrder(), Work()
    names = [str(number) for number in range(30)]
    await asyncio.gather(*(start(order, a_message(1, int(name)), work.do(name)) for name in names))
    assert work.begun == work.ended == names
    assert work.most == 1


def in_topic(topic: int, number: int, kind: str = "supergroup") -> Update:
    """A message in a topic of one chat."""
    message = {
        "message_id": number, "date": 1, "chat": {"id": -1001, "type": kind, "title": "x"}, "text": "x",
        "from": {"id": 7, "is_bot": False, "first_name": "x"}, "message_thread_id": topic, "is_topic_message": True,
    }  # fmt: skip
    update = Update.de_json({"update_id": number, "message": message}, None)
    assert update is not None
    return update


@pytest.mark.parametrize(("kind", "at_once"), [("supergroup", 2), ("private", 1)])
async def test_topics_of_a_group_do_not_wait_for_each_other(kind: str, at_once: int) -> None:
    """Those of a private chat do: the person has one conversation with the bot."""
    order, work = PerChatOrder(), Work()
    first = start(order, in_topic(1, 1, kind), work.do("first", waits=True))
    same = start(order, in_topic(1, 2, kind), work.do("same"))
    other = start(order, in_topic(2, 3, kind), work.do("other", waits=True))
    await settle()
    assert len(work.begun) == at_once
    assert "same" not in work.begun
    work.let("first")
    work.let("other")
    await asyncio.gather(first, same, other)
    assert order.active_chats == 0


async def test_slot_given_back_is_free_for_others() -> None:
    """The update goes on, still before its chat's next one; a second call frees no second slot."""
    order, work = PerChatOrder(slots=1), Work()

    async def waits() -> None:
        give_back_slot()
        give_back_slot()
        await work.do("waits", waits=True)

    tasks = [start(order, a_message(1), waits()), start(order, a_message(1), work.do("after it"))]
    tasks += [start(order, a_message(chat), work.do(str(chat), waits=True)) for chat in (2, 3)]
    await settle()
    assert work.begun == ["waits", "2"]
    for name in ("2", "3", "waits"):
        work.let(name)
        await settle()
    await asyncio.gather(*tasks)
    assert work.begun == ["waits", "2", "3", "after it"]
    give_back_slot()  # outside of an update it does nothing


async def test_updates_of_different_chats_run_concurrently() -> None:
    order, work = PerChatOrder(), Work()
    slow = start(order, a_message(1), work.do("slow", waits=True))
    await start(order, a_message(2), work.do("fast"))
    assert (work.begun, work.ended) == (["slow", "fast"], ["fast"])
    work.let("slow")
    await slow


@pytest.mark.parametrize("slots", [1, 2, 5])
async def test_flooding_chat_takes_only_one_slot(slots: int) -> None:
    """The updates of a flooding chat wait in that chat's queue and leave the other slots free."""
    order, work = PerChatOrder(slots), Work()
    flood = [start(order, a_message(1, n), work.do(f"flood {n}", waits=True)) for n in range(100)]
    await settle()
    assert work.begun == ["flood 0"]
    assert order.active_chats == 1
    if slots > 1:
        others = [start(order, a_message(chat), work.do(f"chat {chat}")) for chat in range(2, 12)]
        await asyncio.gather(*others)
        assert len(work.ended) == 10
    for n in range(100):
        work.let(f"flood {n}")
    await asyncio.gather(*flood)
    assert [name for name in work.ended if name.startswith("flood")] == [f"flood {n}" for n in range(100)]


async def test_slots_bound_concurrency_first_in_first_out() -> None:
    """At most as many updates run as there are slots; the one that waited longest runs next."""
    order, work = PerChatOrder(2), Work()
    tasks = [start(order, a_message(chat), work.do(str(chat), waits=True)) for chat in range(5)]
    await settle()
    assert work.begun == ["0", "1"]
    for name in "10234":
        work.let(name)
    await asyncio.gather(*tasks)
    assert work.begun == ["0", "1", "2", "3", "4"]
    assert work.most == 2


@pytest.mark.parametrize("kind", ["message", "edited_message", "callback_query", "inline_query"])
async def test_every_update_type_waits_for_the_persons_previous_one(kind: str) -> None:
    order, work = PerChatOrder(), Work()
    before = start(order, a_message(7), work.do("before", waits=True))
    after = start(order, a_message(7, 2, kind), work.do("after"))
    await settle()
    assert work.begun == ["before"]
    work.let("before")
    await asyncio.gather(before, after)
    assert work.begun == ["before", "after"]


@pytest.mark.parametrize(
    "update", [a_message(1, kind="poll_answer_of_nobody"), object(), None], ids=["nobody", "object", "None"]
)
async def test_updates_without_a_chat_are_bound_by_the_slots(update: object) -> None:
    order, work = PerChatOrder(1), Work()
    first = start(order, update, work.do("first", waits=True))
    second = start(order, update, work.do("second"))
    await settle()
    assert work.begun == ["first"]
    work.let("first")
    await asyncio.gather(first, second)
    assert work.ended == ["first", "second"]
    assert order.active_chats == 0


async def test_queue_of_an_idle_chat_is_removed() -> None:
    order, work = PerChatOrder(), Work()
    for chat in range(1000):
        await start(order, a_message(chat), work.do(str(chat)))
    assert order.active_chats == 0
    waiting = [start(order, a_message(chat), work.do(f"again {chat}", waits=True)) for chat in range(3)]
    await settle()
    assert order.active_chats == 3
    for chat in range(3):
        work.let(f"again {chat}")
    await asyncio.gather(*waiting)
    assert order.active_chats == 0


async def test_failing_handler_releases_its_slot() -> None:
    """A handler that fails releases its chat's queue and its slot."""
    order, work = PerChatOrder(1), Work()
    failing = [start(order, a_message(1, n), work.do(str(n), fails=True)) for n in range(3)]
    other = start(order, a_message(2), work.do("other"))
    results = await asyncio.gather(*failing, other, return_exceptions=True)
    assert [str(result) for result in results[:3]] == ["0", "1", "2"]
    assert work.begun[0] == "0"
    assert "other" in work.ended
    assert order.active_chats == 0


@pytest.mark.parametrize("waits_for", ["the chat", "a slot"])
async def test_cancelling_a_waiting_update_removes_only_that_one(waits_for: str) -> None:
    order, work = PerChatOrder(1), Work()
    first = start(order, a_message(1, 1), work.do("first", waits=True))
    chat = 1 if waits_for == "the chat" else 2
    waiting = start(order, a_message(chat, 2), work.do("cancelled"))
    behind = start(order, a_message(chat, 3), work.do("behind"))
    await settle()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert waiting.cancelled()
    work.let("first")
    await asyncio.gather(first, behind)
    assert work.begun == ["first", "behind"]
    assert order.active_chats == 0
    await start(order, a_message(chat, 4), work.do("later"))
    assert work.ended[-1] == "later"


async def test_cancelling_a_running_update_starts_the_next() -> None:
    order, work = PerChatOrder(1), Work()
    running = start(order, a_message(1, 1), work.do("running", waits=True))
    behind = start(order, a_message(1, 2), work.do("behind"))
    await settle()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await behind
    assert work.ended == ["running", "behind"]
    assert order.active_chats == 0


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.integers(1, 4), st.booleans()), max_size=40), st.integers(1, 3))
def test_order_and_slots_hold_in_any_traffic(traffic: list[tuple[int, bool]], slots: int) -> None:
    """In any traffic each chat's updates run in order, and no more run than there are slots."""

    async def run() -> None:
        order, work = PerChatOrder(slots), Work()
        tasks = [
            start(order, a_message(chat, n), work.do(f"{chat}:{n}", fails=fails))
            for n, (chat, fails) in enumerate(traffic)
        ]
        await asyncio.gather(*tasks, return_exceptions=True)
        for chat in range(1, 5):
            mine = [f"{chat}:{n}" for n, (of, _) in enumerate(traffic) if of == chat]
            assert [name for name in work.begun if name.startswith(f"{chat}:")] == mine
            assert [name for name in work.ended if name.startswith(f"{chat}:")] == mine
        assert work.most <= slots
        assert order.active_chats == 0

    asyncio.run(run())


def test_ptb_concurrency_limit_is_never_reached() -> None:
    assert SLOTS >= 32
    assert PerChatOrder().max_concurrent_updates > MAX_IN_PROGRESS > OVERLOAD > 3_000
