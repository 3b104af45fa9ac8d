"""The metrics count what fails: updates, calls of Telegram and of the portal, and mail."""

import asyncio
import re
import tomllib
from pathlib import Path

import httpx
import pytest

from bot.http.admin.metrics import _COUNTERS
from sandbox.mail.faults import Fault as MailFault, Stage
from sandbox.portal.faults import Fault, FaultKind
from tests.scene import CLIENT, Scene


async def text_of(scene: Scene) -> str:
    async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
        return (await client.get(f"{scene.admin_url}/metrics")).text


def value(text: str, name: str, **labels: str) -> float:
    """Return the sum of the samples that have these labels."""
    total = 0.0
    for found in re.finditer(rf"^{name}(?:{{(.*)}})? (\S+)$", text, re.MULTILINE):
        if all(f'{label}="{wanted}"' in (found[1] or "") for label, wanted in labels.items()):
            total += float(found[2])
    return total


async def test_telegram_calls_are_counted_by_method(scene: Scene) -> None:
    person = scene.person()
    person.start()
    await person.wait_for_message()
    before = await text_of(scene)
    assert value(before, "odobot_telegram_calls_total", outcome="ok") >= 2
    scene.telegram.world.faults.add("retry_after", method="sendMessage", retry_after=1)
    await scene.say(person, "/aide")
    scene.telegram.world.faults.add("gateway", method="sendMessage", status=502)
    await scene.say(person, "/aide")
    scene.telegram.world.faults.add("error", method="sendMessage", status=500, description="Internal")
    await scene.say(person, "/aide")
    after = await text_of(scene)
    for outcome in ("too_many", "gateway", "server"):
        assert value(after, "odobot_telegram_calls_total", method="sendMessage", outcome=outcome) == 1, outcome
    assert value(after, "odobot_telegram_calls_total", method="setMyCommands", outcome="ok") >= 1
    assert "# TYPE odobot_telegram_calls_total counter" in after


async def test_portal_calls_are_counted_by_name_and_outcome(scene: Scene) -> None:
    person = await scene.linked()
    assert value(await text_of(scene), "odobot_portal_calls_total", call="v1/contacts/search", outcome="ok") >= 1
    scene.portal.faults.set(Fault(FaultKind.SERVER_ERROR, "*/invoices"))
    await scene.say(person, "/factures")
    after = await text_of(scene)
    assert (
        value(after, "odobot_portal_calls_total", call="v1/contacts/accounts/invoices", outcome="PortalUnavailable")
        >= 1
    )
    assert "c-1001" not in after


async def test_mail_is_counted_by_kind_and_outcome(scene: Scene) -> None:
    await scene.linked()
    before = await text_of(scene)
    assert value(before, "odobot_mail_total", kind="code", outcome="ok") == 1
    assert value(before, "odobot_mail_total", kind="alert", outcome="ok") >= 1
    scene.mailbox.fail(MailFault(Stage.RCPT, code=550))
    other = scene.person(first_name="Luc")
    await scene.say(other, "flotte@example.test")
    async with asyncio.timeout(20):
        while not value(await text_of(scene), "odobot_mail_total", kind="code", outcome="recipient"):  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def test_failed_updates_are_counted_by_error(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    person = await scene.linked()

    async def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(scene.components.portal, "invoices", broken)
    assert "fonctionné" in (await scene.say(person, "/factures")).text
    assert value(await text_of(scene), "odobot_updates_failed_total", error="ZeroDivisionError") == 1


async def test_counts_have_the_type_counter(scene: Scene) -> None:
    """Also those whose names are older than the rule that a counter's name ends in ``_total``."""
    text = await text_of(scene)
    for name in _COUNTERS:
        assert f"# TYPE odobot_{name} counter" in text
    assert re.findall(r"^# TYPE odobot_\w+_total gauge", text, re.MULTILINE) == []


async def test_mail_server_away_is_a_reason(scene: Scene) -> None:
    async def reasons() -> list[str]:
        scene.components.readiness.forget()
        async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
            found: list[str] = (await client.get(f"{scene.admin_url}/readyz")).json()["reasons"]
        return [line for line in found if line.startswith("mail: ")]

    assert await reasons() == []
    await scene.mailbox.go_down()
    await asyncio.sleep(5.1)  # the mailer keeps a good result for 5 s
    (line,) = await reasons()
    assert line.startswith("mail: MailUnavailable: ")
    assert "ODOBOT_SMTP_URL" in line
    assert CLIENT not in line
    await scene.mailbox.heal()
    assert await reasons() == []


async def test_deliveries_are_counted_with_their_delay(scene: Scene) -> None:
    """What is sent 115 s after its event is in the bucket of 120 s; what a 502 leaves uncertain is in none."""
    await scene.linked(email="flotte@example.test", notices=True)
    await scene.stop_bot()
    scene.portal.portal.issue_invoice("a-2003", amount="40.19", number="990001")
    scene.later(seconds=115)
    await scene.start_bot()
    async with asyncio.timeout(20):
        while not value(await text_of(scene), "odobot_delivery_outcomes_total", outcome="sent"):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    text = await text_of(scene)
    assert value(text, "odobot_delivery_outcomes_total", channel="telegram", outcome="sent") == 1
    assert value(text, "odobot_delivery_delay_seconds_bucket", channel="telegram", le="60") == 0
    assert value(text, "odobot_delivery_delay_seconds_bucket", channel="telegram", le="120") == 1
    assert value(text, "odobot_delivery_delay_seconds_count", channel="email") == 0
    assert value(text, "odobot_delivery_delay_seconds_sum", channel="telegram") == pytest.approx(115, abs=4)

    scene.telegram.world.faults.add("gateway", method="sendMessage", status=502)
    scene.portal.portal.issue_invoice("a-2003", amount="40.19", number="990002")
    async with asyncio.timeout(20):
        while not value(await text_of(scene), "odobot_delivery_outcomes_total", outcome="uncertain"):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    assert value(await text_of(scene), "odobot_delivery_delay_seconds_count", channel="telegram") == 1


async def test_linked_chats_are_counted_every_ten_minutes(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    await scene.linked()
    scene.person().start()
    assert value(await text_of(scene), "odobot_linked_chats") == 1
    await scene.linked(email="flotte@example.test")
    assert value(await text_of(scene), "odobot_linked_chats") == 1
    monkeypatch.setattr("bot.http.admin.linked_chats.INTERVAL_SECONDS", 0.0)
    assert value(await text_of(scene), "odobot_linked_chats") == 2


async def test_version_is_exported(scene: Scene) -> None:
    version = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]["version"]
    engine = "sqlite" if scene.components.database.is_sqlite else "postgresql"
    assert value(await text_of(scene), "odobot_build_info", version=version, database=engine) == 1
