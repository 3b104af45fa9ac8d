"""Polling never goes deaf, confirms only what is handled or stored, and a stop loses and repeats nothing."""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from bot.bot_api.answer import MAX_UPDATES_BYTES
from bot.updates import poll_health
from sandbox.portal.faults import Fault, FaultKind
from sandbox.telegram.persons import Person
from storage.inbox import Inbox
from tests.scene import Scene
from tests.storage import opened

CONFLICT = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
UNREADABLE = {"update_id": 1, "message": {"message_id": "x", "chat": 5}}
FAULTS: dict[str, dict[str, Any]] = {
    "unauthorized": {"kind": "error", "status": 401, "description": "Unauthorized"},
    "not_found": {"kind": "error", "status": 404, "description": "Not Found"},
    "another_poller": {"kind": "error", "status": 409, "description": CONFLICT},
    "too_many": {"kind": "retry_after", "retry_after": 1},
    "refused": {"kind": "error", "status": 403, "description": "Forbidden"},
    "server": {"kind": "error", "status": 500, "description": "Internal Server Error"},
    "gateway": {"kind": "gateway"},
    "network": {"kind": "reset_before"},
    "nonsense": {"kind": "body"},
    "too_long": {"kind": "body", "body": " " * (MAX_UPDATES_BYTES + 1)},
}
NONSENSE: dict[str, object] = {
    "numbers": [1, 2],
    "an id as text": [{"update_id": "7"}],
    "an id out of range": [{"update_id": 2**63}],
    "an id that is negative": [{"update_id": -1}],
    "an object": {"update_id": 7},
    "a text": "updates",
}


async def metrics(scene: Scene) -> str:
    async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
        return (await client.get(f"{scene.admin_url}/metrics")).text


async def reasons(scene: Scene) -> list[str]:
    async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
        return list((await client.get(f"{scene.admin_url}/readyz")).json()["reasons"])


def typed(person: Person, update_id: int, text: str = "/aide") -> dict[str, Any]:
    """Return the update of a command that a person types."""
    who = {"id": person.user_id, "first_name": person.first_name}
    entities = [{"type": "bot_command", "offset": 0, "length": len(text)}]
    chat = {"chat": who | {"type": "private"}, "from": who | {"is_bot": False, "language_code": "fr"}}
    message = {"message_id": 77_000, "date": 1_790_000_000, "text": text, "entities": entities}
    return {"update_id": update_id, "message": message | chat}


async def until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def until_it_polls(scene: Scene) -> None:
    """Wait until a long poll runs, which the next update ends."""
    updates = scene.telegram.world.bot().updates
    await until(lambda: updates._poll is not None and not updates.waiting)


@pytest.mark.parametrize("kind", FAULTS)
async def test_polling_goes_on_after_a_failure(scene: Scene, kind: str) -> None:
    camille, faults = scene.person(), scene.telegram.world.faults
    with capture_logs() as logs:
        met = faults.add(method="getUpdates", count=2, **FAULTS[kind])
        camille.say("/aide")  # ends the long poll that runs
        await camille.wait_for_message(timeout=30)
        camille.say("/aide")
        await camille.wait_for_message(timeout=30)
        await scene.telegram.world.log.changed.until(lambda: met.met == 2 or None, 30)
        camille.say("/aide")
        await camille.wait_for_message(timeout=30)
    assert met.met == 2
    failed = [line for line in logs if line["event"] == "telegram.poll_failed"]
    assert [line["kind"] for line in failed] == [kind], "once, not per attempt"
    assert [line["kind"] for line in logs if line["event"] == "telegram.poll_recovered"] == [kind]
    assert f'odobot_poll_failures_total{{kind="{kind}"}} 2.0' in await metrics(scene)


@pytest.mark.parametrize("name", NONSENSE)
async def test_answer_of_nonsense_is_asked_again(scene: Scene, name: str) -> None:
    camille = scene.person()
    body = json.dumps({"ok": True, "result": NONSENSE[name]})
    met = scene.telegram.world.faults.add("body", method="getUpdates", body=body)
    camille.say("/aide")
    await camille.wait_for_message(timeout=20)
    camille.say("/aide")
    await camille.wait_for_message(timeout=20)
    assert met.met == 1
    assert 'odobot_poll_failures_total{kind="nonsense"} 1.0' in await metrics(scene)


async def test_bad_updates_are_skipped_one_by_one(scene: Scene) -> None:
    camille = scene.person()
    await scene.say(camille, "/aide")
    await until_it_polls(scene)
    first = scene.telegram.world.bot().updates.next_id - 50  # no id of the sandbox's own
    deep: Any = []
    for _ in range(200):
        deep = [deep]
    bad = [None, {"update_id": "9"}, UNREADABLE | {"update_id": first}, typed(camille, first + 1) | {"x": deep}]
    foreign = typed(camille, first + 3)
    foreign["message"]["chat"]["id"] = 2**70
    answer = [*bad, typed(camille, first + 2), foreign, {"update_id": first + 4, "unheard_of": {}}]
    body = json.dumps({"ok": True, "result": answer})
    since = scene.telegram.world.events.sequence
    with capture_logs() as logs:
        scene.telegram.world.faults.add("body", method="getUpdates", body=body)
        camille.say("/langue")  # ends the long poll that runs
        await camille.wait_for_message(since=since, count=2, timeout=20)
    assert [line for line in logs if line["event"] == "telegram.update_not_read"]
    assert "odobot_updates_unreadable_total 5.0" in await metrics(scene)


@pytest.mark.parametrize("half", ["\\ud83d", "\\ude00Zo\\ud800"])
async def test_half_a_surrogate_is_answered(scene: Scene, half: str) -> None:
    """In the text and in the name of a person: the number is found, and the chat is stored."""
    camille = await scene.linked()
    await until_it_polls(scene)
    update = typed(camille, scene.telegram.world.bot().updates.next_id - 50, "212380 HALF")
    update["message"] |= {"entities": [], "from": update["message"]["from"] | {"first_name": "HALF"}}
    body = json.dumps({"ok": True, "result": [update]}).replace("HALF", half)
    since = scene.telegram.world.events.sequence
    rule = scene.telegram.world.faults.add("body", method="getUpdates", body=body)
    camille.say("/langue")  # ends the long poll that runs
    await camille.wait_for_message("Facture nº\u00a0212380", since=since, timeout=20)
    assert rule.met == 1
    assert "odobot_updates_unreadable_total 0.0" in await metrics(scene)


async def test_readiness_tells_that_polling_fails(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poll_health, "_FAILING_SECONDS", 0.2)
    camille = scene.person()
    assert not [line for line in await reasons(scene) if line.startswith("updates")]
    met = scene.telegram.world.faults.add(method="getUpdates", count=None, **FAULTS["unauthorized"])
    camille.say("/aide")
    await scene.telegram.world.log.changed.until(lambda: met.met >= 2 or None, 20)
    assert any(
        line.startswith("updates: getUpdates fails for") and "unauthorized" in line for line in await reasons(scene)
    )
    began = time.monotonic()
    scene.telegram.world.faults.clear()
    camille.say("/aide")
    await camille.wait_for_message(timeout=30)
    assert time.monotonic() - began < 20
    assert not [line for line in await reasons(scene) if line.startswith("updates")]


async def test_webhook_that_was_set_before_is_deleted(scene: Scene) -> None:
    camille = scene.person()
    await scene.stop_bot()
    bot = scene.telegram.world.bot()
    await bot.webhook.set("http://127.0.0.1:9/telegram", "", 40, "")
    camille.say("/aide")
    with capture_logs() as logs:
        await scene.start_bot()
        await camille.wait_for_message(timeout=30)
    assert "telegram.webhook_deleted" in [line["event"] for line in logs]
    assert bot.webhook.url == ""


async def test_webhook_that_is_set_later_is_left(scene: Scene) -> None:
    """The next version of the bot may have set it; the state says so."""
    camille = scene.person()
    await scene.say(camille, "/aide")
    bot = scene.telegram.world.bot()
    with capture_logs() as logs:
        bot.updates.end_poll_for_webhook()
        await bot.webhook.set("http://127.0.0.1:9/telegram", "", 40, "")
        await until(lambda: any(line["event"] == "telegram.poll_failed" for line in logs))
    assert {line["kind"] for line in logs if line["event"] == "telegram.poll_failed"} == {"webhook"}
    assert bot.webhook.url
    await bot.webhook.close()
    camille.say("/aide")
    await camille.wait_for_message(timeout=30)


async def test_stop_confirms_what_was_handled(scene: Scene) -> None:
    camille = scene.person()
    await scene.say(camille, "/aide")
    await scene.stop_bot()
    assert scene.telegram.world.bot().updates.waiting == {}
    async with opened(scene.database_url, [scene.keys]) as database:
        assert await Inbox(database).load() == []


async def test_unconfirmed_update_is_not_answered_again(scene: Scene) -> None:
    """Telegram does not answer at the stop, and delivers what was handled to the next process."""
    camille = scene.person()
    await until_it_polls(scene)
    met = scene.telegram.world.faults.add(method="getUpdates", count=None, **FAULTS["server"])
    since = scene.telegram.world.events.sequence
    camille.say("/aide")  # ends the long poll that runs; no later one confirms it
    await camille.wait_for_message(since=since)
    await scene.stop_bot()
    assert met.met >= 1
    assert len(scene.telegram.world.bot().updates.waiting) == 1
    scene.telegram.world.faults.clear()
    await scene.start_bot()
    camille.say("/langue")
    await camille.wait_for_message(timeout=20)
    assert len([message for message in camille.chat().visible if message.from_bot]) == 2
    await scene.say(camille, "/aide")  # ends the poll that confirms the others
    async with asyncio.timeout(10):
        while await Inbox(scene.components.database).load():  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_cut_drain_leaves_texts_for_the_next_start(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.process.DRAIN_SECONDS", 0.3)
    camille = await scene.linked()
    scene.portal.faults.set(Fault(FaultKind.SLOW, seconds=30))
    since = scene.telegram.world.events.sequence
    numbers = [f"{900_000 + each}" for each in range(20)]
    for number in numbers:
        camille.say(number)
    await until(lambda: not scene.telegram.world.bot().updates.waiting)
    with capture_logs() as logs:
        await scene.stop_bot()
    (cut,) = [line for line in logs if line["event"] == "odobot.drain_cut_short"]
    assert cut["left_for_the_next_start"] + len(scene.telegram.world.bot().updates.waiting) == 20
    scene.portal.faults.clear()
    await scene.start_bot()
    await camille.wait_for_message(since=since, count=20, timeout=30)
    answers = [m.text for m in camille.chat().visible if m.from_bot and "«\u00a090" in m.text]
    assert [next(number for number in numbers if number in text) for text in answers] == numbers


async def test_process_with_a_webhook_handles_what_polling_left(scene: Scene) -> None:
    camille = await scene.linked()
    await scene.stop_bot()
    raw = json.dumps(typed(camille, 5))
    async with opened(scene.database_url, [scene.keys]) as database:
        inbox = Inbox(database)
        await inbox.change({5: raw}, (), scene.clock.now())
        since = scene.telegram.world.events.sequence
        await scene.start_bot(webhook_url="http://127.0.0.1:9")
        await camille.wait_for_message(since=since, timeout=20)
        await scene.stop_bot()
        assert await inbox.load() == []
    await scene.start_bot(webhook_url="")
