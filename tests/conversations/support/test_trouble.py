# ruff: noqa: F401, F811  # the fixture is imported and asked for by name
"""Messages to the staff and back while things fail: nothing is lost, nothing goes to somebody else."""

import asyncio
import random

import httpx
import pytest
from structlog.testing import capture_logs

from sandbox.telegram.model import forums
from sandbox.telegram.persons import Person
from storage import support
from tests.conversations.support.desk import SUPPORT, Desk, desk
from tests.scene import Scene


async def metrics(scene: Scene) -> str:
    async with httpx.AsyncClient(trust_env=False) as client:
        return (await client.get(f"{scene.admin_url}/metrics")).text


FAULTS = {
    "429": {"kind": "retry_after", "retry_after": 1},
    "5xx": {"kind": "error", "status": 500, "description": "Internal Server Error"},
    "gateway": {"kind": "gateway", "status": 502},
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("method", ["createForumTopic", "copyMessage"])
async def test_message_to_the_staff_waits_for_telegram(desk: Desk, fault: str, method: str) -> None:
    camille = await desk.scene.linked()
    await desk.scene.say(camille, "/parler")
    desk.world.faults.add(method=method, count=2, **FAULTS[fault])
    camille.say("un")
    camille.say("deux")
    await desk.reads("deux")
    texts = [each.text for each in desk.seen() if each.text in ("un", "deux")]
    assert texts == ["un", "deux"]


@pytest.mark.parametrize("fault", FAULTS)
async def test_answer_of_the_staff_waits_for_telegram(desk: Desk, fault: str) -> None:
    camille = await desk.scene.linked()
    await desk.talking(camille)
    desk.world.faults.add(method="sendMessage", count=2, **FAULTS[fault])
    desk.says("un")
    desk.says("deux")
    await camille.wait_for_message("deux")
    assert [each.text for each in camille.chat().visible if each.text.startswith("Marie")] == [
        "Marie\nun", "Marie\ndeux",
    ]  # fmt: skip


async def test_limit_of_a_group_loses_nothing(desk: Desk) -> None:
    """Telegram takes about 20 messages a minute in a group."""
    camille = await desk.scene.linked()
    await desk.talking(camille)
    desk.world.settings.per_chat_per_second = 1
    for number in range(4):
        camille.say(f"message {number}")
    await desk.reads("message 3")
    assert [each.text for each in desk.seen() if each.text.startswith("message ")] == [f"message {n}" for n in range(4)]
    desk.world.settings.per_chat_per_second = None


async def test_message_survives_a_restart(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.process.DRAIN_SECONDS", 0.5)
    scene = desk.scene
    camille = await scene.linked()
    topic = await desk.talking(camille)
    desk.world.faults.add(method="copyMessage", count=None, **FAULTS["5xx"])
    camille.say("avant l'arrêt")
    await desk.world.log.changed.until(lambda: desk.world.log.find(method="copyMessage")[-1:] or None, 20)
    await scene.stop_bot()
    camille.say("pendant l'arrêt")
    desk.says("réponse pendant l'arrêt", topic)
    desk.world.faults.clear()
    await scene.start_bot()
    await desk.reads("pendant l'arrêt", topic)
    await camille.wait_for_message("réponse pendant")
    texts = [each.text for each in desk.seen(topic) if "arrêt" in each.text]
    assert texts == ["avant l'arrêt", "pendant l'arrêt"]
    assert len(desk.topics()) == 1


async def test_deleted_topic_is_created_again(desk: Desk) -> None:
    scene = desk.scene
    camille = await scene.linked()
    first = await desk.talking(camille)
    asked = camille.say("Combien?")
    await desk.remembers(await desk.reads("Combien?", first))
    desk.marie.manage_topic(desk.forum, first, "delete")
    camille.say("Êtes-vous là?")
    await desk.reads("Êtes-vous là?")
    second = desk.topic()
    assert second != first
    assert "n’existe plus" in desk.seen(second)[1].text
    assert "Client Odotrack" in desk.seen(second)[1].text
    camille.edit(asked, "Combien exactement?")
    await desk.reads("Combien exactement?", second)
    desk.says("Oui", second)
    await camille.wait_for_message("Marie\nOui")
    assert 'odobot_support_messages_total{outcome="topic_recreated"} 1.0' in await metrics(scene)


async def test_topic_closed_without_the_bot_is_reopened(desk: Desk) -> None:
    """The bot was away while it was closed, and Telegram has forgotten the update."""
    scene = desk.scene
    camille = await scene.linked()
    topic = await desk.talking(camille)
    desk.forum.chat.open_topic(topic, is_open=False)
    desk.world.faults.add("error", method="copyMessage", status=400, description="Bad Request: TOPIC_CLOSED")
    camille.say("Toujours là?")
    await desk.reads("Toujours là?", topic)
    assert desk.forum.chat.topics[topic]


@pytest.mark.parametrize(("language", "words"), [("fr", "n’a pas pu être transmis"), ("en", "could not be relayed")])
@pytest.mark.parametrize("how", ["demoted", "removed", "no forum"])
async def test_staff_that_cannot_be_reached(desk: Desk, language: str, words: str, how: str) -> None:
    """The person is told, with the contact; an operator has a metric and a log line."""
    scene = desk.scene
    camille = await scene.linked(language)
    await scene.say(camille, "/talk")
    if how == "removed":
        desk.forum.remove_bot(desk.world.bot(), desk.marie)
    elif how == "demoted":
        desk.forum.demote(desk.world.bot(), desk.marie)
    else:
        desk.forum.is_forum = False
    with capture_logs() as logs:
        told = await scene.say(camille, "Bonjour à tous")
    assert words in told.text
    assert SUPPORT in told.text
    (line,) = [each for each in logs if each["event"] == "support.not_relayed"]
    assert (line["outcome"], line["log_level"]) == ("unreachable", "error")
    assert 'odobot_support_messages_total{outcome="unreachable"} 1.0' in await metrics(scene)
    assert "26387" in (await scene.say(camille, "26387")).text, "the bot answers again"


async def test_person_who_blocked_the_bot(desk: Desk) -> None:
    scene = desk.scene
    camille = await scene.linked()
    topic = await desk.talking(camille)
    camille.block()
    desk.says("Alors?", topic)
    await desk.reads("a bloqué l’assistant", topic)
    camille.unblock()
    camille.say("Je suis de retour")
    await desk.reads("de retour", topic)
    desk.says("Bien", topic)
    await camille.wait_for_message("Marie\nBien")


async def test_end_while_telegram_fails_is_told_later(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.support._CLOSE_LEASE", __import__("datetime").timedelta(seconds=0.2))
    monkeypatch.setattr("bot.worker._SUPPORT_SECONDS", 0.1)
    await desk.open()
    scene = desk.scene
    camille = await scene.linked()
    topic = await desk.talking(camille)
    desk.world.faults.add(method="closeForumTopic", count=2, **FAULTS["5xx"])
    await scene.say(camille, "/fin")
    scene.later(seconds=1)
    await desk.world.log.changed.until(lambda: len(desk.world.log.find(method="closeForumTopic")) > 1 or None, 20)
    scene.later(seconds=1)
    await desk.is_closed(topic)
    assert len([each for each in camille.chat().visible if "terminée" in each.text]) == 1


async def test_other_account_gets_another_topic(desk: Desk) -> None:
    """The staff of the first topic are told, and its answers no longer reach the person."""
    scene = desk.scene
    camille = await scene.linked()
    names = (await scene.say(camille, "/compte")).labels
    first = await desk.talking(camille)
    other = next(name for name in names if name not in ("Client Odotrack",) and not name.startswith(("Retirer", "✓")))
    await scene.say(camille, "/compte")
    await scene.tap(camille, other)
    second = await desk.talking(camille, "Pour l'autre compte")
    assert first != second
    await desk.reads("dans un autre sujet", first)
    desk.says("Réponse au premier", first)
    await desk.reads("Non transmis", first)
    desk.says("Réponse au second", second)
    await camille.wait_for_message("au second")
    assert not [each for each in camille.chat().visible if "au premier" in each.text]


async def test_conversations_of_several_customers_never_cross(desk: Desk) -> None:
    """Eight people at once, strangers among them; topics are deleted and edits made in between."""
    scene, random_ = desk.scene, random.Random(7)
    people = [scene.person("fr" if n % 2 else "en", f"P{n}") for n in range(8)]
    await asyncio.gather(*(scene.say(each, "/parler") for each in people))
    for number in range(6):
        for n, person in enumerate(people):
            person.say(f"p{n} m{number}")
    for n in range(8):
        await desk.reads(f"p{n} m5")
    topics = {n: (await desk.reads(f"p{n} m5")).topic or 0 for n in range(8)}
    assert len(set(topics.values())) == 8
    desk.marie.manage_topic(desk.forum, topics[3], "delete")
    order = [(n, number) for number in range(5) for n in topics if n != 3]
    random_.shuffle(order)
    sent = {(n, number): desk.says(f"r{n} {number}", topics[n]) for n, number in order}
    people[3].say("p3 encore")
    topics[3] = (await desk.reads("p3 encore")).topic or 0
    desk.says("r3 0", topics[3])
    for (n, number), message in sent.items():
        if number == 2:
            await people[n].wait_for_message(f"r{n} 2", since=0)
            await desk.remembers(message)
            desk.marie.edit(message, f"r{n} 2 corrigé")
    for n, person in enumerate(people):
        await person.wait_for_message("r3 0" if n == 3 else f"r{n} 2 corrigé", since=0)
    for n, number in sent:
        await people[n].wait_for_message(f"r{n} {number}", since=0)
    for n, person in enumerate(people):
        answers = [each.text for each in person.chat().visible if each.text.startswith("Marie")]
        assert len(answers) == (1 if n == 3 else 5)
        assert all(each.startswith(f"Marie\nr{n} ") for each in answers), (n, answers)
    for n, topic in topics.items():
        texts = [each.text for each in desk.seen(topic) if each.text.startswith("p")]
        assert all(each.startswith(f"p{n} ") for each in texts), (n, texts)
        assert n == 3 or texts == [f"p{n} m{number}" for number in range(6)]


async def test_topic_that_another_process_made_is_used(desk: Desk) -> None:
    """Two replicas create it at once: the slower one deletes its own."""
    scene = desk.scene
    camille = await scene.linked()
    await scene.say(camille, "/parler")
    slow = desk.world.faults.add("latency", method="createForumTopic", seconds=3.0)
    camille.say("Bonjour")
    camille.say("Encore")
    async with asyncio.timeout(20):
        while not slow.met:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    other = forums.create_topic(desk.world, desk.forum.chat, desk.world.bot().user(), "de l'autre").message_id
    database = scene.components.database
    async with database.write() as session:
        found = await support.find_open(session, camille.user_id)
        assert found is not None
        assert await support.set_topic(session, found.conversation_id, None, other)
    await desk.reads("Encore", other)
    assert [each.text for each in desk.seen(other)[-2:]] == ["Bonjour", "Encore"]
    assert list(desk.topics()) == [other]
