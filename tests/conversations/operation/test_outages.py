"""Outages: answers that Telegram does not take at once, and a portal that hangs for everybody."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from portal import breaker
from sandbox.portal.faults import Fault, FaultKind
from sandbox.serving import free_port
from sandbox.telegram.persons import Person
from storage.linking.links import NewLink, add_links
from storage.tables import Delivery, State
from tests.scene import CLIENT, Scene

SOON = 8.0
"""Seconds within which somebody is answered whom an outage does not concern; generous, the machine may be busy."""
RECOVERED = 20.0
"""Seconds after the end of an outage: the longest pause between two attempts is 5 s."""
AWAY = "Le portail a été essayé pour la dernière fois à "


async def linked_people(scene: Scene, count: int) -> list[Person]:
    """Create people who are linked without a conversation, to save time."""
    people = [scene.person(first_name=f"P{number}") for number in range(count)]
    link = NewLink("c-1001", "a-2001", "Client Odotrack", frozenset({"orders", "invoices"}), CLIENT)
    async with scene.components.database.write() as session:
        for person in people:
            await add_links(session, person.user_id, person.first_name, [link], scene.clock.now())
    return people


async def metrics(scene: Scene) -> str:
    async with httpx.AsyncClient(trust_env=False) as client:
        return (await client.get(f"{scene.admin_url}/metrics")).text


async def until(condition: Callable[[], bool], seconds: float = SOON) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


# Telegram does not take an answer.

PASSING: dict[str, dict[str, Any]] = {
    "429": {"kind": "retry_after", "retry_after": 1},
    "500": {"kind": "error", "status": 500, "description": "Internal Server Error"},
    "401": {"kind": "error", "status": 401, "description": "Unauthorized"},
    "502 page": {"kind": "gateway", "status": 502},
    "503 page": {"kind": "gateway", "status": 503},
    "504 page": {"kind": "gateway", "status": 504},
    "403 page": {"kind": "gateway", "status": 403},
    "reset": {"kind": "reset_before"},
    "closed": {"kind": "close_before"},
    "hangs": {"kind": "hang_before"},
}


@pytest.mark.parametrize("fault", PASSING)
@pytest.mark.parametrize("method", ["sendMessage", "editMessageText"])
async def test_answer_arrives_after_an_outage(scene: Scene, fault: str, method: str) -> None:
    camille = await scene.linked()
    await scene.say(camille, "/factures")
    rule = scene.telegram.world.faults.add(method=method, count=None, **PASSING[fault])
    if method == "sendMessage":
        camille.say("212380")
    else:
        camille.tap("212380")
    await until(lambda: rule.met >= (1 if fault == "hangs" else 2))
    scene.telegram.world.faults.clear()
    assert "Payée le 28 septembre 2020" in (await camille.wait_for_message("Payée", timeout=RECOVERED)).text


async def test_answers_arrive_after_refused_connections(scene: Scene) -> None:
    people = await linked_people(scene, 5)
    for person in people:
        await scene.say(person, "/aide")
    scene.portal.faults.set(Fault(FaultKind.SLOW, seconds=0.5))
    scene.portal.log.clear()
    since = scene.telegram.world.events.sequence
    for person in people:
        person.say("/factures")
    await asyncio.sleep(0.3)  # the updates are fetched, and the answers come while Telegram is away
    await scene.telegram.stop()
    await until(lambda: len(scene.portal.log.entries) == len(people))
    await asyncio.sleep(1)
    await scene.telegram.start()
    for person in people:
        assert "212380" in (await person.wait_for_message(since=since, timeout=RECOVERED)).text


async def test_edit_that_was_done_but_not_answered_is_a_success(scene: Scene) -> None:
    """Telegram says of the second attempt that the message is not modified."""
    camille = await scene.linked()
    listed = await scene.say(camille, "/factures")
    rule = scene.telegram.world.faults.add("close_after", method="editMessageText")
    log = scene.telegram.world.log
    before = len(log.find(method="editMessageText"))
    assert (await scene.tap(camille, "212380")) is listed
    await until(lambda: len(log.find(method="editMessageText")) == before + 2)
    await scene.say(camille, "/aide")
    assert (rule.met, listed.edits) == (1, 1)
    assert not [message for message in camille.chat().visible if "fonctionné" in message.text]


async def test_spinner_is_stopped_by_a_second_attempt(scene: Scene) -> None:
    camille = await scene.linked()
    await scene.say(camille, "/factures")
    scene.telegram.world.faults.add("gateway", method="answerCallbackQuery", count=2)
    tap = camille.tap("212380")
    await camille.wait_for_answer(tap, timeout=RECOVERED)


async def test_undelivered_answer_is_counted(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handlers.telegram.reply.ANSWER_SECONDS", 0.5)
    camille = await scene.linked()
    assert 'odobot_answers_undelivered_total{kind="unclear"} 0.0' in await metrics(scene)
    scene.telegram.world.faults.add("gateway", method="sendMessage", count=None)
    camille.say("/factures")
    undelivered = scene.components.application.bot_data.undelivered
    await until(lambda: bool(undelivered))
    scene.telegram.world.faults.clear()
    assert 'odobot_answers_undelivered_total{kind="unclear"} 1.0' in await metrics(scene)
    assert "26387" in (await scene.say(camille, "/commandes")).text, "the chat goes on"


@pytest.mark.parametrize(
    ("language", "said", "tapped", "words"),
    [
        ("fr", "/factures", "212380", ("Telegram refusait mes messages", "de nouveau votre demande", "Réessayer")),
        ("en", "/invoices", "212380", ("Telegram refused my messages", "write your request again", "Try again")),
    ],
)
async def test_answer_that_telegram_refused_for_long_is_told_later(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, language: str, said: str, tapped: str, words: tuple[str, str, str]
) -> None:
    monkeypatch.setattr("handlers.telegram.reply.ANSWER_SECONDS", 0.5)
    monkeypatch.setattr("handlers.late_answers.FIRST_PAUSE_SECONDS", 1.0)
    camille = await scene.linked(language)
    listed = await scene.say(camille, said)
    undelivered = scene.components.application.bot_data.undelivered
    for is_tap in (False, True):
        undelivered.clear()
        for method in ("sendMessage", "editMessageText"):
            scene.telegram.world.faults.add("gateway", method=method, count=None)
        if is_tap:
            camille.tap(tapped, message=listed)
        else:
            camille.say("/etwas")
        await until(lambda: bool(undelivered))
        scene.telegram.world.faults.clear()
        told = await camille.wait_for_message(words[0], timeout=RECOVERED)
        if is_tap:
            assert "212380" in (await scene.tap(camille, words[2])).text
        else:
            assert words[1] in told.text


async def test_answer_that_came_meanwhile_needs_no_later_word(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handlers.telegram.reply.ANSWER_SECONDS", 0.5)
    monkeypatch.setattr("handlers.late_answers.FIRST_PAUSE_SECONDS", 2.0)
    camille = await scene.linked()
    services = scene.components.application.bot_data
    scene.telegram.world.faults.add("gateway", method="sendMessage", count=None)
    camille.say("/factures")
    await until(lambda: bool(services.recent.unanswered))
    scene.telegram.world.faults.clear()
    assert "26387" in (await scene.say(camille, "/commandes")).text
    await asyncio.sleep(3)
    assert not any("refusait" in message.text for message in camille.chat().visible)


async def test_code_is_mailed_though_its_question_is_not_delivered(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mail says what to do, and the chat awaits the code."""
    monkeypatch.setattr("handlers.telegram.reply.ANSWER_SECONDS", 0.5)
    camille = scene.person()
    scene.telegram.world.faults.add("gateway", method="sendMessage", count=None)
    camille.say(CLIENT)
    code = await scene.code()
    await until(lambda: bool(scene.components.application.bot_data.undelivered))
    scene.telegram.world.faults.clear()
    assert "Connexion réussie" in (await scene.say(camille, code)).text


@pytest.fixture(params=["polling", "webhook"])
async def either_scene(request: pytest.FixtureRequest, database_url: str) -> AsyncIterator[Scene]:
    """A scene whose bot polls, or gets updates by webhook, at most 40 at once."""
    address = f"127.0.0.1:{free_port()}"
    settings = {"listen": address, "webhook_url": f"http://{address}"} if request.param == "webhook" else {}
    async with Scene(database_url, **settings) as scene:
        yield scene
        scene.telegram.world.faults.clear()


async def test_chats_that_wait_for_telegram_delay_no_other(either_scene: Scene) -> None:
    """One 429 of 25 s in each of 150 chats, which are more than there are slots."""
    scene = either_scene
    *people, luc = await linked_people(scene, 151)
    for person in people:
        scene.telegram.world.faults.add(
            "retry_after", method="sendMessage", chat_id=person.user_id, retry_after=25, count=None
        )
        person.say("/aide")
    log = scene.telegram.world.log
    await until(lambda: len(log.find(method="sendMessage")) >= len(people), seconds=20)
    began = time.monotonic()
    luc.say("/aide")
    await luc.wait_for_message(timeout=30)
    assert time.monotonic() - began < SOON


async def test_waiting_texts_of_one_chat_keep_their_order(scene: Scene) -> None:
    camille = await scene.linked()
    since = scene.telegram.world.events.sequence
    rule = scene.telegram.world.faults.add("gateway", method="sendMessage", count=None)
    numbers = ["900001", "900002", "900003"]
    for number in numbers:
        camille.say(number)
    await until(lambda: rule.met >= 2)
    scene.telegram.world.faults.clear()
    await camille.wait_for_message(since=since, count=3, timeout=RECOVERED)
    texts = [message.text for message in camille.chat().visible if message.from_bot]
    assert [number for text in texts for number in numbers if number in text] == numbers


# The portal hangs for everybody.


async def test_people_who_wait_for_the_portal_delay_no_other(either_scene: Scene) -> None:
    """More people wait than there are slots or connections of the webhook; all get an excuse in about 10 s."""
    scene = either_scene
    *people, luc = await linked_people(scene, 60 if scene.settings.webhook_url else 151)
    scene.portal.faults.set(Fault(FaultKind.SLOW, seconds=60))
    began = time.monotonic()
    for person in people:
        person.say("/factures")
    luc.say("/aide")
    await luc.wait_for_message(timeout=30)
    excused = [person for person in people if any("ne répond pas" in each.text for each in person.chat().visible)]
    assert excused == [], "the answer did not wait for the portal"
    await asyncio.gather(*(person.wait_for_message("ne répond pas", timeout=30) for person in people))
    assert time.monotonic() - began < 25
    assert "odobot_portal_breaker_open 1.0" in await metrics(scene)
    scene.portal.faults.clear()


FAILING = {
    "hangs": Fault(FaultKind.SLOW, seconds=60),
    "hangs after the head": Fault(FaultKind.STALL, seconds=60),
    "drips": Fault(FaultKind.DRIP, seconds=1),
    "500": Fault(FaultKind.SERVER_ERROR),
    "503": Fault(FaultKind.UNAVAILABLE),
    "drops": Fault(FaultKind.DROP),
    "refuses": None,
}


@pytest.mark.parametrize("failing", FAILING)
async def test_excuse_comes_at_once_until_the_portal_returns(
    scene: Scene, failing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says when the portal was last tried, and a retry shows what was asked for once the portal is back."""
    monkeypatch.setattr("portal.http_client.TOTAL_SECONDS", 3.0)
    camille, *people = await linked_people(scene, 1 + breaker.FAILURES)
    fault = FAILING[failing]
    if fault is None:
        await scene.portal.stop()
    else:
        scene.portal.faults.set(Fault(fault.kind, seconds=fault.seconds))
    for person in people:
        person.say("/factures")
    await asyncio.gather(*(person.wait_for_message("ne répond pas", timeout=20) for person in people))
    began = time.monotonic()
    trouble = await scene.say(camille, "/factures")
    assert time.monotonic() - began < 2.0
    assert AWAY in trouble.text
    assert trouble.labels == ["Réessayer"]
    scene.portal.faults.clear()
    if fault is None:
        await scene.portal.start()
    async with asyncio.timeout(SOON + breaker.LONGEST_PAUSE_SECONDS):
        while "212380" not in trouble.text:
            await asyncio.sleep(1.1)  # the screen shows seconds
            camille.tap("Réessayer", message=trouble)
            await camille.wait_for_message()
    assert "odobot_portal_breaker_open 0.0" in await metrics(scene)


async def test_slow_account_does_not_close_the_portal_for_others(scene: Scene) -> None:
    people = await linked_people(scene, 2 * breaker.SILENT_CALLS)
    luc = await scene.linked("fr", "flotte@example.test", first_name="Luc")
    scene.portal.faults.set(Fault(FaultKind.SLOW, "*/contacts/c-1001/*", seconds=5))
    for person in people:
        person.say("/factures")
    for _ in range(12):
        assert "34" in (await scene.say(luc, "/factures")).text
        await asyncio.sleep(0.4)
    await asyncio.gather(*(person.wait_for_message("212380", timeout=20) for person in people))


async def test_notices_wait_for_the_portal_without_an_attempt(scene: Scene) -> None:
    """While the breaker is open a delivery is put back as it was, and it is sent once the portal is back."""
    camille, *people = [await scene.linked(notices=True), *await linked_people(scene, breaker.FAILURES)]
    scene.portal.portal.issue_invoice("a-2001", amount="40.19", number="212381")
    await camille.wait_for_message("212381", new=True, timeout=RECOVERED)
    scene.portal.faults.set(Fault(FaultKind.SERVER_ERROR))
    for person in people:
        person.say("/factures")
    await asyncio.gather(*(person.wait_for_message("ne répond pas", timeout=20) for person in people))
    async with scene.components.database.write() as session:
        first = await session.get_one(Delivery, 1)
        first.state, first.attempts = State.QUEUED, 0
        session.add(first)
    await asyncio.sleep(3)
    async with scene.components.database.read() as session:
        first = await session.get_one(Delivery, 1)
    assert first.state in (State.QUEUED, State.RETRY)
    assert first.attempts <= 2, "only a probe counts"
    scene.portal.faults.clear()
    scene.later(minutes=1)
    await camille.wait_for_message("212381", new=True, count=2, since=0, timeout=RECOVERED)


async def test_one_chat_with_429_does_not_halt_notices(scene: Scene) -> None:
    camille, luc = await scene.linked(notices=True), await scene.linked("fr", "flotte@example.test", first_name="Luc")
    scene.telegram.world.faults.add("retry_after", method="sendMessage", chat_id=luc.user_id, retry_after=60, count=2)
    luc.say("/factures")
    await scene.telegram.world.log.wait("sendMessage", count=1)
    scene.portal.portal.issue_invoice("a-2001", amount="40.19", number="212381")
    await camille.wait_for_message("212381", new=True, timeout=SOON)
