"""Updates by webhook: the sandbox's Telegram delivers, retries and delivers again as Telegram does."""

import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from cryptography.fernet import Fernet

from bot.http.webhook import SECRET_HEADER
from bot.process import MAX_CONNECTIONS, Role, running
from sandbox.portal.faults import Fault, FaultKind
from sandbox.serving import free_port
from sandbox.telegram.persons import Person
from storage.vault import Vault
from tests.scene import Scene

NUMBERS = itertools.count(900_000_000)
SECRET = "a-secret_of_the_webhook"


def served(database_url: str) -> Scene:
    port = free_port()
    address = f"127.0.0.1:{port}"
    return Scene(database_url, listen=address, webhook_url=f"http://{address}", webhook_secret=SECRET)


@pytest.fixture
async def scene(database_url: str) -> AsyncIterator[Scene]:
    """A scene in which Telegram posts updates to the bot."""
    scene = served(database_url)
    scene.telegram.world.settings.webhook_retry_base = 0.1
    async with scene:
        yield scene
        assert scene.telegram.world.log.lint == []
        assert not scene.telegram.world.log.find(method="getUpdates")


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
        yield client


def update(person: Person, text: str, number: int = 0) -> dict[str, Any]:
    """Return the update that Telegram posts when a person types."""
    who = {"id": person.user_id, "first_name": person.first_name}
    message: dict[str, Any] = {"message_id": 77_000, "date": 1_790_000_000, "text": text}
    if text.startswith("/"):
        message["entities"] = [{"type": "bot_command", "offset": 0, "length": len(text)}]
    message |= {"chat": who | {"type": "private"}, "from": who | {"is_bot": False, "language_code": "fr"}}
    return {"update_id": number or next(NUMBERS), "message": message}


async def post(
    scene: Scene, client: httpx.AsyncClient, body: object, *, secret: str | None = SECRET, url: str = ""
) -> int:
    headers = {} if secret is None else {SECRET_HEADER: secret}
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return (await client.post(f"{url or scene.public_url}/telegram", content=content, headers=headers)).status_code


def answers(person: Person, words: str) -> int:
    """Return how many of the bot's messages contain the words."""
    return len([message for message in person.chat().visible if message.from_bot and words in message.text])


async def test_secret_of_any_key_is_accepted(scene: Scene, client: httpx.AsyncClient) -> None:
    """During a rotation another replica sets the webhook with the secret of its own first key."""
    old, new, foreign = (Fernet.generate_key().decode() for _ in range(3))
    await scene.stop_bot()
    scene.keys = f"{new},{old}"
    await scene.start_bot(webhook_secret="")
    person = await newcomer(scene)
    secrets = [Vault([key]).hash("webhook", "telegram") for key in (new, old, foreign)]
    assert [await post(scene, client, update(person, "/aide"), secret=each) for each in secrets] == [200, 200, 403]


async def newcomer(scene: Scene) -> Person:
    """Return a new person who has started the bot."""
    person = scene.person()
    person.start()
    await person.wait_for_message()
    return person


async def test_conversation_by_webhook(scene: Scene) -> None:
    camille = await scene.linked()
    assert "212380" in (await scene.say(camille, "/factures")).text
    assert "Payée le" in (await scene.tap(camille, "212380")).text
    webhook = scene.telegram.world.bot().webhook
    await until(lambda: webhook.info()["pending_update_count"] == 0)  # an answer comes before the acknowledgement
    info = webhook.info()
    assert info["max_connections"] == MAX_CONNECTIONS
    assert "last_error_message" not in info
    assert set(info["allowed_updates"]) == {"message", "edited_message", "callback_query", "my_chat_member"}


@pytest.mark.parametrize("secret", [None, "", "wrong", SECRET[:-1], SECRET + "x", "é"])
async def test_request_without_the_secret_is_refused(
    scene: Scene, client: httpx.AsyncClient, secret: str | None
) -> None:
    camille = await newcomer(scene)
    said = update(camille, "/aide")
    refused = None if secret is None else secret.encode()
    headers = {} if refused is None else {SECRET_HEADER.encode(): refused}
    answer = await client.post(f"{scene.public_url}/telegram", content=json.dumps(said), headers=headers)
    assert answer.status_code == 403
    assert answers(camille, "/factures") == 0
    # And the update is not remembered as handled.
    assert await post(scene, client, said) == 200
    assert answers(camille, "/factures") == 1


@pytest.mark.parametrize(
    "body",
    [
        b"", b"nonsense", b"\xff\xfe", b"[" * 5_000, b"null", b"7", b"[]", b"{}",
        b'{"update_id": 7, "message": 5}', b'{"update_id": 7, "message": {"text": "x"}}',
        b'{"update_id": null}', b'{"update_id": "7"}', b'{"update_id": 7.5}', b'{"update_id": 100000000000000000000}',
    ],
)  # fmt: skip
async def test_invalid_update_is_refused(scene: Scene, client: httpx.AsyncClient, body: bytes) -> None:
    assert await post(scene, client, body) == 400


async def test_unknown_update_type_is_acknowledged(scene: Scene, client: httpx.AsyncClient) -> None:
    assert await post(scene, client, {"update_id": next(NUMBERS)}) == 200
    assert await post(scene, client, {"update_id": next(NUMBERS), "from_the_future": {"x": 1}}) == 200


@pytest.mark.parametrize("length", [1024 * 1024 + 1, 20 * 1024 * 1024])
async def test_oversized_body_is_refused(scene: Scene, client: httpx.AsyncClient, length: int) -> None:
    assert await post(scene, client, b" " * length) == 413


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_only_post_is_accepted(scene: Scene, client: httpx.AsyncClient, method: str) -> None:
    assert (await client.request(method, f"{scene.public_url}/telegram")).status_code == 405


async def test_polling_mode_has_no_webhook_route(database_url: str, client: httpx.AsyncClient) -> None:
    async with Scene(database_url) as scene:
        assert await post(scene, client, {"update_id": 1}) == 404


async def test_update_is_acknowledged_after_it_is_handled(scene: Scene, client: httpx.AsyncClient) -> None:
    camille = await newcomer(scene)
    scene.portal.faults.set(Fault(FaultKind.SLOW, "*/links", seconds=1.0))
    began = time.monotonic()
    assert await post(scene, client, update(camille, "/portail")) == 200
    assert time.monotonic() - began >= 1.0
    assert answers(camille, "Portail") == 1


async def test_repeated_update_is_answered_once(scene: Scene, client: httpx.AsyncClient) -> None:
    camille = await newcomer(scene)
    said = update(camille, "/aide")
    for _ in range(3):
        assert await post(scene, client, said) == 200
    assert answers(camille, "/factures") == 1


async def test_repeated_update_in_progress_is_answered_once(scene: Scene, client: httpx.AsyncClient) -> None:
    """An update that is delivered again while it is being handled is answered once."""
    camille = await newcomer(scene)
    scene.portal.faults.set(Fault(FaultKind.SLOW, "*/links", seconds=0.5))
    said = update(camille, "/portail")
    assert await asyncio.gather(*(post(scene, client, said) for _ in range(4))) == [200] * 4
    assert answers(camille, "Portail") == 1


async def test_redelivery_after_a_disconnect_is_answered_once(scene: Scene, client: httpx.AsyncClient) -> None:
    camille = await newcomer(scene)
    scene.portal.faults.set(Fault(FaultKind.SLOW, "*/links", seconds=1.0))
    said = update(camille, "/portail")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.4):
            await post(scene, client, said)
    assert await post(scene, client, said) == 200
    assert answers(camille, "Portail") == 1


async def test_repeated_update_is_recognized_after_a_restart(scene: Scene, client: httpx.AsyncClient) -> None:
    camille = await newcomer(scene)
    said = update(camille, "/aide")
    assert await post(scene, client, said) == 200
    await scene.settled()
    assert await post(scene, client, said) == 200
    assert answers(camille, "/factures") == 1


@asynccontextmanager
async def another_replica(scene: Scene) -> AsyncIterator[str]:
    """Run a second bot on the same database and public URL. Gives its own URL."""
    settings = scene.settings.model_copy(update={"listen": "127.0.0.1:0"})
    async with running(settings, Role.WEB, scene.clock.now) as replica:
        yield replica.public_url


async def test_repeated_update_is_recognized_by_another_replica(scene: Scene, client: httpx.AsyncClient) -> None:
    camille = await newcomer(scene)
    async with another_replica(scene) as other:
        for each in range(4):
            said = update(camille, f"90000{each}")
            first, second = (scene.public_url, other) if each % 2 else (other, scene.public_url)
            assert await post(scene, client, said, url=first) == 200
            assert await post(scene, client, said, url=second) == 200
    since = [message for message in camille.chat().visible if message.from_bot]
    assert len(since) == 1 + 4


@pytest.mark.parametrize("name", [b"\\ud83d", b"\xff\xfe", b"\\ude00Zo\\ud800"])
async def test_bytes_that_are_no_utf8_are_answered(scene: Scene, client: httpx.AsyncClient, name: bytes) -> None:
    """Half a surrogate and invalid bytes, in the text and in the name: Telegram would post the update for ever."""
    camille = await scene.linked()
    body = json.dumps(update(camille, "212380 TEXT")).encode().replace(b"TEXT", name).replace(b"Camille", name)
    headers = {SECRET_HEADER: SECRET, "Content-Type": "application/json"}
    since = scene.telegram.world.events.sequence
    answer = await client.post(f"{scene.public_url}/telegram", content=body, headers=headers)
    assert answer.status_code == 200
    assert (await camille.wait_for_message(since=since)).labels
    stranger = scene.person()
    stranger.start()
    await stranger.wait_for_message()
    body = json.dumps(update(stranger, "/lier")).encode().replace(b"Camille", name)
    assert (await client.post(f"{scene.public_url}/telegram", content=body, headers=headers)).status_code == 200


async def test_stopping_replica_keeps_the_webhook_registered(scene: Scene) -> None:
    camille = await newcomer(scene)
    async with another_replica(scene):
        pass
    assert "/factures" in (await scene.say(camille, "/aide")).text


async def test_updates_of_one_chat_are_handled_in_order(scene: Scene, client: httpx.AsyncClient) -> None:
    camille = await scene.linked()
    since = scene.telegram.world.events.sequence
    scene.portal.faults.set(Fault(FaultKind.SLOW, seconds=0.05, times=5))
    numbers = [f"{900_000 + each}" for each in range(20)]
    for number in numbers:
        camille.say(number)
    await camille.wait_for_message(since=since, count=20, timeout=20)
    said = [m.text for m in camille.chat().visible if m.from_bot and "«\u00a090" in m.text]
    assert [next(number for number in numbers if number in text) for text in said] == numbers


async def test_updates_over_two_connections_are_serialized_by_chat(scene: Scene, client: httpx.AsyncClient) -> None:
    """Updates of one chat that arrive over two connections are handled one after the other."""
    camille, luc = await newcomer(scene), await newcomer(scene)
    scene.portal.faults.set(Fault(FaultKind.SLOW, "*/links", seconds=0.4))
    began = time.monotonic()
    both = [post(scene, client, update(camille, "/portail")) for _ in range(3)]
    assert await asyncio.gather(*both, post(scene, client, update(luc, "/portail"))) == [200] * 4
    assert time.monotonic() - began >= 1.2
    assert (answers(camille, "Portail"), answers(luc, "Portail")) == (3, 1)


async def test_stop_finishes_updates_in_progress(scene: Scene) -> None:
    """A stop answers and acknowledges the updates that are being handled."""
    camille = await scene.linked()
    await scene.settled()
    scene.portal.faults.set(Fault(FaultKind.SLOW, "*/orders*", seconds=0.7, times=1))
    since = scene.telegram.world.events.sequence
    camille.say("/commandes")
    await until(lambda: not scene.portal.faults.all())  # the portal was asked
    await scene.stop_bot()
    await scene.start_bot()
    await camille.wait_for_message("26387", since=since)
    await until(lambda: not scene.telegram.world.bot().updates.waiting)
    assert answers(camille, "26387") == 1


async def test_update_during_shutdown_is_refused_and_redelivered(scene: Scene, client: httpx.AsyncClient) -> None:
    camille = await newcomer(scene)
    await scene.components.application.stop()
    assert await post(scene, client, update(camille, "/aide")) == 503
    camille.say("/portail")
    await until(lambda: scene.telegram.world.bot().webhook.last_error is not None)
    assert "503" in scene.telegram.world.bot().webhook.info()["last_error_message"]
    assert answers(camille, "Portail") == 0
    await scene.components.application.start()
    await camille.wait_for_message("Portail", timeout=15)
    assert answers(camille, "Portail") == 1


async def test_no_update_is_accepted_during_the_drain(scene: Scene, client: httpx.AsyncClient) -> None:
    """While a stop waits for updates in progress, it accepts no others."""
    camille = await newcomer(scene)
    scene.portal.faults.set(Fault(FaultKind.SLOW, "*/links", seconds=1.0, times=1))
    in_hand = asyncio.create_task(post(scene, client, update(camille, "/portail")))
    await until(lambda: not scene.portal.faults.all())  # the portal was asked
    stopping = asyncio.create_task(scene.stop_bot())
    await asyncio.sleep(0.1)
    assert await post(scene, client, update(camille, "/aide")) == 503
    assert await in_hand == 200
    await stopping
    assert (answers(camille, "Portail"), answers(camille, "/factures")) == (1, 0)


async def test_messages_sent_while_stopped_are_answered_after_start(scene: Scene) -> None:
    people = [await newcomer(scene) for _ in range(3)]
    await scene.stop_bot()
    for person in people:
        person.say("/aide")
        person.say("/portail")
    await until(lambda: scene.telegram.world.bot().webhook.last_error is not None)
    await scene.start_bot()
    for person in people:
        await person.wait_for_message("Portail", timeout=20)
        assert (answers(person, "/factures"), answers(person, "Portail")) == (1, 1)


async def until(look: Callable[[], bool]) -> None:
    """Poll until a condition holds."""
    deadline = time.monotonic() + 15
    while not look():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)
