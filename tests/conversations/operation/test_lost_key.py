"""A key is taken away: check, readiness and metrics say so, and its chats can link again."""

import httpx
import pytest
from cryptography.fernet import Fernet

from bot.commands.rotate_keys import rotate_keys
from storage.health.keys import try_keys
from tests.scene import CLIENT, Scene

WORDS = {"fr": ("/factures", "pas encore liée", "212380"), "en": ("/invoices", "not linked", "212380")}


async def ready(scene: Scene) -> list[str]:
    scene.components.readiness.forget()
    async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
        reasons: list[str] = (await client.get(f"{scene.admin_url}/readyz")).json()["reasons"]
        return reasons


async def unreadable(scene: Scene) -> str:
    async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
        lines = (await client.get(f"{scene.admin_url}/metrics")).text.splitlines()
    return next(line for line in lines if line.startswith("odobot_unreadable_chats "))


@pytest.mark.parametrize("language", WORDS)
async def test_chat_without_its_key_can_link_again(scene: Scene, language: str) -> None:
    """No key opens the chat: every command answers as for a chat that is not linked, and linking works."""
    command, not_linked, number = WORDS[language]
    person = await scene.linked(language)
    assert not [line for line in await ready(scene) if line.startswith("keys")]
    old = scene.keys
    await scene.stop_bot()
    scene.keys = Fernet.generate_key().decode()
    await scene.start_bot()

    (line,) = [line for line in await ready(scene) if line.startswith("keys: ")]
    assert "ODOBOT_SECRET_KEYS opens 1 of 1 chats" in line
    assert await unreadable(scene) == "odobot_unreadable_chats 1.0"
    for each in ("/start", "/aide", "/oublier", "/mesdonnees", "/parametres", "/notifications", "/delier"):
        assert "fonctionné" not in (await scene.say(person, each)).text, each
    assert not_linked in (await scene.say(person, command)).text

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
    trial = await try_keys(scene.components.database)
    assert (trial.tried, trial.unreadable) == (1, frozenset())


async def test_a_key_can_go_after_the_rotation(scene: Scene) -> None:
    """With the bot running under a new key: what the old one sealed is sealed anew, and nobody links again."""
    person = await scene.linked()
    old = scene.keys
    await scene.stop_bot()
    new = Fernet.generate_key().decode()
    scene.keys = f"{new},{old}"
    await scene.start_bot()

    first = await rotate_keys(scene.components.database)
    assert "no key opens: 0" in first
    assert "Sealed anew: 0;" not in first
    assert "212380" in (await scene.say(person, "/factures")).text
    assert "Sealed anew: 0; hashed anew: 0;" in await rotate_keys(scene.components.database)

    await scene.stop_bot()
    scene.keys = new
    await scene.start_bot()
    assert not [line for line in await ready(scene) if line.startswith("keys")]
    assert "212380" in (await scene.say(person, "/factures")).text
    assert "Client Odotrack" in (await scene.say(person, "/compte")).text
    assert await unreadable(scene) == "odobot_unreadable_chats 0.0"
