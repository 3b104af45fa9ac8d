"""The security log records events without personal data (M8)."""

import io
import json

import pytest

from bot.logs import set_up_logs
from services.security import SecurityEvent, SecurityLog
from storage.vault import Vault
from tests.bot import logging_as_it_was
from tests.conversations.notices.test_copies import BOOKS, copied
from tests.scene import CLIENT, Scene
from tests.storage import a_key


def test_log_hash_is_stable_and_used_only_in_the_log() -> None:
    vault = Vault([a_key()])
    log = SecurityLog(vault)
    assert log._hash("email", CLIENT) == log._hash("email", CLIENT)
    assert log._hash("email", CLIENT) != SecurityLog(Vault([a_key()]))._hash("email", CLIENT)
    assert vault.hash("email", CLIENT)[:16] != log._hash("email", CLIENT)


async def test_security_log_has_no_personal_data(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Linking, wrong codes, revoking, a copy, unlinking and forgetting: each event once, each line without a name."""
    written = io.StringIO()
    with logging_as_it_was():
        monkeypatch.setattr("sys.stderr", written)
        set_up_logs("json", "ERROR", [])
        await scene.stop_bot()
        await scene.start_bot()
        person = await scene.asked()
        await scene.code()
        await scene.say(person, "000000")
        owner = await scene.linked(first_name="Zénobie")
        scene.later(minutes=2)
        other = await scene.linked(first_name="Aline")
        screen = await scene.say(owner, "/compte")
        await scene.tap(owner, next(label for label in screen.labels if label.startswith("Retirer")))
        await scene.tap(owner, "Oui")
        keeper = await copied(scene)
        await scene.say(owner, "/delier")
        await scene.tap(owner, "Oui")
        await scene.say(keeper, "/oublier")
        await scene.tap(keeper, "Oui")
        await scene.settled()
    lines = [json.loads(line) for line in written.getvalue().splitlines() if '"security.' in line]
    told = {line["event"] for line in lines}

    assert told >= {
        f"security.{event}"
        for event in (
            SecurityEvent.CODE_REQUESTED, SecurityEvent.CODE_WRONG, SecurityEvent.LINKED, SecurityEvent.REVOKED,
            SecurityEvent.COPY_SET, SecurityEvent.UNLINKED, SecurityEvent.FORGOTTEN,
        )
    }  # fmt: skip
    people = (person, owner, other, keeper)
    facts = (CLIENT, BOOKS, "example.test", "Zénobie", "Aline", *(str(each.user_id) for each in people))
    assert [fact for fact in facts if fact in written.getvalue()] == []
    assert set().union(*lines) <= {
        "event", "logger", "level", "timestamp", "cause", "chat", "other_chat", "address", "count",
    }  # fmt: skip


async def test_metric_counts_security_log_events(scene: Scene) -> None:
    import httpx

    await scene.linked()
    async with httpx.AsyncClient(trust_env=False) as client:
        text = (await client.get(f"{scene.admin_url}/metrics")).text

    assert "# TYPE odobot_security_events_total counter" in text or "# TYPE odobot_security_events counter" in text
    assert 'odobot_security_events_total{cause="new",event="linked"} 1.0' in text
    assert 'odobot_security_events_total{cause="",event="revoked"} 0.0' in text
