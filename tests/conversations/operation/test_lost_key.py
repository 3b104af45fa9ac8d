"""A key is taken away: check, readiness and metrics say so, and its chats can link again."""

import asyncio
import json
import time

import httpx
import pytest
from cryptography.fernet import Fernet
from structlog.testing import capture_logs

from bot.commands.rotate_keys import rotate_keys
from sandbox.serving import free_port
from storage.database import Database
from storage.health.keys import sample_keys
from storage.inbox import Inbox
from storage.vault import Vault
from tests.scene import CLIENT, Scene

WORDS = {
    "fr": ("/factures", "ce lien ne peut plus être lu", "212380", "Bonjour"),
    "en": ("/invoices", "that link can no longer be read", "212380", "Hello"),
}


async def restart(scene: Scene, keys: str) -> None:
    await scene.stop_bot()
    scene.keys = keys
    await scene.start_bot()


async def lose_key(scene: Scene) -> str:
    """Start the bot anew with another key. Returns: the key that is gone."""
    old = scene.keys
    await restart(scene, Fernet.generate_key().decode())
    return old


async def ready(scene: Scene) -> list[str]:
    """Return the reasons of ``/readyz``, once every part has answered: on a busy machine one may take over 5 s."""
    for _ in range(6):
        scene.components.readiness.forget()
        async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
            reasons: list[str] = (await client.get(f"{scene.admin_url}/readyz")).json()["reasons"]
        if not any("no answer within" in line for line in reasons):
            break
    return reasons


async def unreadable(scene: Scene, metric: str = "odobot_unreadable_chats ") -> str:
    async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
        lines = (await client.get(f"{scene.admin_url}/metrics")).text.splitlines()
    return next(line for line in lines if line.startswith(metric))


@pytest.mark.parametrize("language", WORDS)
async def test_chat_without_its_key_can_link_again(scene: Scene, language: str) -> None:
    """No key opens the chat: it is told so, every command answers as for a chat without a link, and linking works."""
    command, sealed, number, text = WORDS[language]
    person = await scene.linked(language)
    assert not [line for line in await ready(scene) if line.startswith("keys")]
    old = await lose_key(scene)

    (line,) = [line for line in await ready(scene) if line.startswith("keys: ")]
    assert "no key of ODOBOT_SECRET_KEYS opens " in line
    assert "2 of 2 links" in line
    assert await unreadable(scene) == "odobot_unreadable_chats 1.0"
    assert (
        await unreadable(scene, 'odobot_unreadable_rows{table="links"}') == 'odobot_unreadable_rows{table="links"} 2.0'
    )
    for each in ("/start", "/aide", "/oublier", "/mesdonnees", "/parametres", "/notifications", "/delier"):
        assert "fonctionné" not in (await scene.say(person, each)).text, each
    for each in (command, "/start", text, "212380"):
        assert sealed in (await scene.say(person, each)).text, each

    scene.later(minutes=2)
    await scene.say(person, "/lier")
    sent = len(scene.mailbox.sent_to(CLIENT))
    await scene.say(person, CLIENT)
    await scene.say(person, await scene.code(count=sent + 1))
    assert number in (await scene.say(person, command)).text
    assert not [line for line in await ready(scene) if line.startswith("keys")]

    await scene.stop_bot()
    scene.keys = f"{scene.keys},{old}"
    await scene.start_bot()
    assert (await sample_keys(scene.components.database, 50)).chats == frozenset()


async def test_a_key_can_go_after_the_rotation(scene: Scene) -> None:
    """With the bot running under a new key: what the old one sealed is sealed anew, and nobody links again."""
    person = await scene.linked()
    old = scene.keys
    await scene.stop_bot()
    new = Fernet.generate_key().decode()
    scene.keys = f"{new},{old}"
    await scene.start_bot()

    first = await rotate_keys(scene.components.database)
    assert not first.unreadable
    assert first.resealed
    assert "212380" in (await scene.say(person, "/factures")).text
    again = await rotate_keys(scene.components.database)
    assert (again.resealed, again.rehashed) == (0, 0)

    await scene.stop_bot()
    scene.keys = new
    await scene.start_bot()
    assert not [line for line in await ready(scene) if line.startswith("keys")]
    assert "212380" in (await scene.say(person, "/factures")).text
    assert "Client Odotrack" in (await scene.say(person, "/compte")).text
    assert await unreadable(scene) == "odobot_unreadable_chats 0.0"


async def test_some_rows_without_a_key_degrade_only(scene: Scene) -> None:
    """One of two chats is linked anew: the process is ready, and log and metric say what no key opens."""
    await scene.linked()
    await lose_key(scene)
    assert [line for line in await ready(scene) if line.startswith("keys: ")]
    await scene.linked(email="flotte@example.test")
    with capture_logs() as logs:
        assert not [line for line in await ready(scene) if line.startswith("keys")]
    assert [each["log_level"] for each in logs if each["event"] == "keys.unreadable"] == ["warning"]
    assert (
        await unreadable(scene, 'odobot_unreadable_rows{table="links"}') == 'odobot_unreadable_rows{table="links"} 2.0'
    )
    assert await unreadable(scene) == "odobot_unreadable_chats 1.0"


async def test_wrong_key_is_logged_at_the_start(scene: Scene) -> None:
    await scene.linked()
    with capture_logs() as logs:
        await lose_key(scene)
        deadline = time.monotonic() + 10
        while not (found := [each for each in logs if each["event"] == "keys.unreadable"]):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)
    assert found[0]["log_level"] == "error"
    assert "ODOBOT_SECRET_KEYS" in found[0]["reason"]


@pytest.mark.parametrize("by_webhook", [False, True], ids=["polling", "webhook"])
async def test_stored_update_waits_for_its_key(scene: Scene, *, by_webhook: bool) -> None:
    """An update in the inbox that no key opens is not dropped: with the key, it is answered."""
    person = await scene.linked()
    await scene.stop_bot()
    who = {"id": person.user_id, "first_name": "Camille"}
    command = {"text": "/aide", "entities": [{"type": "bot_command", "offset": 0, "length": 5}]}
    message = {"message_id": 77_000, "date": 1_790_000_000, "chat": who | {"type": "private"}}
    message |= {"from": who | {"is_bot": False, "language_code": "fr"}}
    await store(scene, scene.keys, {1: json.dumps({"update_id": 1, "message": message | command})})
    old, port = scene.keys, free_port()
    listening = {"listen": f"127.0.0.1:{port}", "webhook_url": f"http://127.0.0.1:{port}"}
    scene.keys = Fernet.generate_key().decode()
    with capture_logs() as logs:
        await scene.start_bot(**(listening if by_webhook else {}))
        deadline = time.monotonic() + 10
        while "inbox.not_read" not in [each["event"] for each in logs]:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)
    since = scene.telegram.world.events.sequence
    await restart(scene, f"{scene.keys},{old}")
    await person.wait_for_message("/factures", since=since)


async def store(scene: Scene, keys: str, updates: dict[int, str]) -> None:
    """Store updates in the inbox, as a process with these keys does."""
    database = Database(scene.database_url, Vault([keys]))
    await Inbox(database).change(updates, [], scene.clock.now())
    await database.close()
