"""The operator's chat: what fails is told once with what to do, and once when it is over."""

import asyncio
import re
from collections.abc import AsyncIterator

import httpx
import pytest
from structlog.testing import capture_logs

from bot.alerts.conditions import Conditions
from bot.process import Role, running
from sandbox.portal.faults import Fault, FaultKind
from sandbox.telegram.persons import Person
from services.operator_alerts.alerts import Alert
from tests.scene import CLIENT, Scene

PATIENCE = 20.0


class Looks:
    """What each process has seen at each look."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.seen: list[set[Alert]] = []
        holding = Conditions.holding

        async def noted(conditions: Conditions) -> set[Alert]:
            found = await holding(conditions)
            self.seen.append(found)
            return found

        patch.setattr(Conditions, "holding", noted)

    async def some(self) -> None:
        """Wait until each of up to two processes has looked at least once from the beginning to the end."""
        count = len(self.seen)
        async with asyncio.timeout(PATIENCE):
            while len(self.seen) < count + 5:  # noqa: ASYNC110
                await asyncio.sleep(0.02)


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Looks:
    return Looks(monkeypatch)


@pytest.fixture
async def operator(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Person]:
    """A person whose private chat gets the alerts; the bot looks ten times a second, and asks each part anew."""
    monkeypatch.setattr("bot.alerts.watch.INTERVAL_SECONDS", 0.1)
    monkeypatch.setattr("bot.http.admin.readiness.CACHE_SECONDS", 0.0)
    monkeypatch.setattr("bot.http.admin.readiness.MAIL_SECONDS", 0.0)
    person = scene.person(first_name="Ann")
    person.start()
    await person.wait_for_message()
    await scene.stop_bot()
    await scene.start_bot(operator_chat=str(person.chat().chat_id))
    yield person
    scene.telegram.world.faults.clear()
    scene.portal.faults.clear()


async def noticed(event: str, logs: list[object], alert: str) -> None:
    """Wait until the log has an event about an alert."""
    async with asyncio.timeout(PATIENCE):
        while not any(  # noqa: ASYNC110
            isinstance(line, dict) and line["event"] == event and alert in (line.get("alert"), *line.get("alerts", ()))
            for line in logs
        ):
            await asyncio.sleep(0.02)


async def test_portal_away_and_back(scene: Scene, operator: Person, looks: Looks) -> None:
    with capture_logs() as logs:
        scene.portal.faults.set(Fault(FaultKind.UNAVAILABLE, "*"))
        await noticed("operator_alert.begun", logs, "portal")
        await looks.some()
        assert await operator.hears_nothing(0.2)
        scene.later(minutes=5, seconds=1)
        told = await operator.wait_for_message("Le portail ne répond pas depuis cinq minutes", new=True)
        assert told.text.startswith("Exploitation\u00a0: Odotrack")
        assert "odobot check" in told.text
        assert await operator.hears_nothing(1.0)

        # A restart does not repeat it.
        await scene.stop_bot()
        await scene.start_bot()
        await looks.some()
        scene.later(minutes=15)
        await looks.some()
        assert await operator.hears_nothing(0.5)

        scene.portal.faults.clear()
        await looks.some()
        scene.later(minutes=2)
        back = await operator.wait_for_message("Le portail répond de nouveau", new=True)
        assert re.search(r"après 2\d\u00a0min", back.text)
        assert await operator.hears_nothing(1.0)


async def test_alert_waits_for_telegram(scene: Scene, operator: Person) -> None:
    """Said once in the log; sent when Telegram is back, because it still holds."""
    scene.telegram.world.faults.add("error", method="sendMessage", status=500, description="Internal", count=None)
    with capture_logs() as logs:
        await scene.mailbox.go_down()
        await noticed("operator_alert.begun", logs, "mail")
        scene.later(minutes=3)
        await noticed("operator_alert.not_sent", logs, "mail")
        await asyncio.sleep(1.0)
        assert len([line for line in logs if line["event"] == "operator_alert.not_sent"]) == 1
        scene.telegram.world.faults.clear()
        told = await operator.wait_for_message("Le serveur de courriel refuse les envois", new=True)
        assert "ODOBOT_SMTP_URL" in told.text
    await scene.mailbox.heal()
    async with httpx.AsyncClient(trust_env=False) as client:
        text = (await client.get(f"{scene.admin_url}/metrics")).text
    assert 'odobot_operator_messages_total{outcome="sent"} 1.0' in text
    assert re.search(r'odobot_operator_messages_total{outcome="failed"} [1-9]', text)


async def test_errors_of_people_are_told_without_them(
    scene: Scene, operator: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await scene.linked()

    async def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(scene.components.portal, "invoices", broken)
    for _ in range(5):
        await scene.say(person, "/factures")
    told = await operator.wait_for_message("au moins 5 en une minute", new=True)
    assert "update.failed" in told.text
    assert not [fact for fact in ("Camille", CLIENT, str(person.chat().chat_id)) if fact in told.text]


async def test_another_poller_is_told(scene: Scene, operator: Person) -> None:
    scene.telegram.world.faults.add(
        "error", method="getUpdates", status=409, count=5,
        description="Conflict: terminated by other getUpdates request",
    )  # fmt: skip
    told = await operator.wait_for_message("le même jeton", new=True, timeout=45)
    assert "Arrêtez l’autre processus" in told.text


async def test_alerts_follow_the_default_language(scene: Scene, operator: Person) -> None:
    await scene.stop_bot()
    await scene.start_bot(default_language="en")
    with capture_logs() as logs:
        scene.portal.faults.set(Fault(FaultKind.UNAVAILABLE, "*"))
        await noticed("operator_alert.begun", logs, "portal")
        scene.later(minutes=6)
        told = await operator.wait_for_message("The portal has not answered for five minutes", new=True)
    assert told.text.startswith("Operations: Odotrack")


async def test_moved_group_still_gets_alerts(scene: Scene, operator: Person) -> None:
    world = scene.telegram.world
    group = world.create_group("Exploitation", [operator])
    await scene.stop_bot()
    await scene.start_bot(operator_chat=str(group.chat.chat_id))
    new = group.migrate()
    with capture_logs() as logs:
        scene.portal.faults.set(Fault(FaultKind.UNAVAILABLE, "*"))
        await noticed("operator_alert.begun", logs, "portal")
        scene.later(minutes=6)
        await noticed("operator_alert.sent", logs, "portal")
    moved = [line for line in logs if line["event"] == "operator_alert.chat_moved"]
    assert [line["chat"] for line in moved] == [new.chat.chat_id]


async def test_two_processes_tell_once(scene: Scene, operator: Person, looks: Looks) -> None:
    """A worker runs beside the bot; both see the portal fail and return."""
    async with running(scene.settings, Role.WORKER, scene.clock.now):
        with capture_logs() as logs:
            scene.portal.faults.set(Fault(FaultKind.UNAVAILABLE, "*"))
            await noticed("operator_alert.begun", logs, "portal")
            scene.later(minutes=6)
            await operator.wait_for_message("Le portail ne répond pas", new=True)
            assert await operator.hears_nothing(1.0)
            scene.later(minutes=1)
            scene.portal.faults.clear()
            await looks.some()
            scene.later(minutes=2)
            await operator.wait_for_message("Le portail répond de nouveau", new=True)
            assert await operator.hears_nothing(1.0)
    assert len([line for line in logs if line["event"] == "operator_alert.sent"]) == 2
