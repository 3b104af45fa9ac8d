"""What Telegram says of the webhook, and who else takes the updates: one line in readiness, and a metric each."""

import asyncio
import datetime
import time
from collections.abc import AsyncIterator

import httpx
import pytest
from telegram import WebhookInfo

from bot.updates.poll_health import PollFailure, PollHealth
from bot.updates.webhook_state import problem_of
from sandbox.serving import free_port
from tests.scene import TOKEN, Scene

NOW = datetime.datetime(2026, 10, 15, 18, 0, tzinfo=datetime.UTC)
OURS = "https://bot.acme.test/telegram"


def info(url: str = OURS, pending: int = 0, failed: float | None = None) -> WebhookInfo:
    failed_at = None if failed is None else NOW - datetime.timedelta(seconds=failed)
    return WebhookInfo(url, False, pending, last_error_date=failed_at, last_error_message="Connection refused\n x")


CASES = [
    ("", info(""), None, ""),
    ("", info("https://other.test/secret"), None, "a webhook is set at other.test"),
    (OURS, info(), None, ""),
    (OURS, info(""), None, "no webhook is set"),
    (OURS, info("https://other.test/secret"), None, "the webhook is set elsewhere, at other.test"),
    (OURS, info(failed=10), None, ""),  # what failed was delivered since
    (
        OURS,
        info(pending=3, failed=10),
        None,
        "cannot deliver to the webhook (updates that wait: 3), last failure 10 s ago",
    ),
    (OURS, info(pending=3, failed=4000), None, ""),  # an old failure; these wait their turn
    (OURS, info(pending=3, failed=4000), 3, "last failure 4000 s ago: Connection refused x"),
    (OURS, info(pending=3, failed=4000), 5, ""),
    (OURS, info(pending=150), 120, "150 updates wait at Telegram, 30 more than before"),
    ("", info("", pending=150), 120, "150 updates wait at Telegram, 30 more than before"),
    (OURS, info(pending=150), None, ""),
    (OURS, info(pending=150), 200, ""),
    (OURS, info(pending=50), 20, ""),
]


@pytest.mark.parametrize(("url", "said", "waited", "expected"), CASES)
def test_problem_is_named_in_one_line(url: str, said: WebhookInfo, waited: int | None, expected: str) -> None:
    problem = problem_of(said, url, NOW, waited)
    assert expected in problem
    assert bool(expected) == bool(problem)
    assert "\n" not in problem
    assert "secret" not in problem


def test_conflicts_that_alternate_with_answers_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes interrupt each other; each poll succeeds at times."""
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    health = PollHealth()
    for _ in range(3):
        assert health.reason() == ""
        health.failed(PollFailure.ANOTHER_POLLER, "Conflict")
        now += 1
        health.answered()
    assert "another process polls with this token" in health.reason()
    now += 150
    health.answered()
    assert health.reason() == ""


async def reasons(scene: Scene) -> list[str]:
    scene.components.readiness.forget()
    async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
        found: list[str] = (await client.get(f"{scene.admin_url}/readyz")).json()["reasons"]
    return [line for line in found if not line.startswith("feed")]


async def metric(scene: Scene, name: str) -> float:
    async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
        text = (await client.get(f"{scene.admin_url}/metrics")).text
    (line,) = [line for line in text.splitlines() if line.startswith(name + " ")]
    return float(line.rpartition(" ")[2])


async def until_said(scene: Scene, words: str) -> str:
    """Return the reason with the words, as soon as readiness has it."""
    async with asyncio.timeout(30):
        while not (found := [line for line in await reasons(scene) if words in line]):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    return found[0]


@pytest.fixture
async def posted(database_url: str) -> AsyncIterator[Scene]:
    """A scene with a webhook."""
    address = f"127.0.0.1:{free_port()}"
    scene = Scene(database_url, listen=address, webhook_url=f"http://{address}", webhook_secret="a-secret")
    scene.telegram.world.settings.webhook_retry_base = 0.1
    async with scene:
        yield scene


async def test_dead_webhook_is_reported_and_recovers(posted: Scene) -> None:
    webhook = posted.telegram.world.bots[TOKEN].webhook
    assert await reasons(posted) == []
    person = posted.person()
    webhook.is_unreachable = True
    person.start()
    assert "cannot deliver to the webhook (updates that wait: 1)" in await until_said(posted, "webhook: ")
    assert await metric(posted, "odobot_webhook_pending_updates") == 1
    assert 0 <= await metric(posted, "odobot_webhook_last_error_age_seconds") < 60
    webhook.is_unreachable = False
    await person.wait_for_message(timeout=30)
    async with asyncio.timeout(30):
        while await reasons(posted):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    assert await metric(posted, "odobot_webhook_pending_updates") == 0


async def test_webhook_set_elsewhere_is_reported(posted: Scene) -> None:
    webhook = posted.telegram.world.bots[TOKEN].webhook
    await webhook.set("http://127.0.0.1:9/other", "", 40, "")
    assert "set elsewhere, at 127.0.0.1" in await until_said(posted, "webhook: ")
    await webhook.close()
    assert "no webhook is set" in await until_said(posted, "webhook: no")


async def test_webhook_beside_polling_is_reported(scene: Scene) -> None:
    assert await reasons(scene) == []
    await scene.telegram.world.bots[TOKEN].webhook.set("http://127.0.0.1:9/other", "", 40, "")
    assert "a webhook is set at 127.0.0.1" in await until_said(scene, "webhook: ")


async def test_two_pollers_are_reported(scene: Scene) -> None:
    """Another process polls with the same token: readiness and the metric say so."""
    updates = scene.telegram.world.bots[TOKEN].updates

    async def interrupt() -> None:
        while True:
            updates.end_poll("Conflict: terminated by other getUpdates request")
            await asyncio.sleep(0.1)

    other = asyncio.create_task(interrupt())
    assert "another process polls with this token" in await until_said(scene, "updates: ")
    other.cancel()
    async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
        text = (await client.get(f"{scene.admin_url}/metrics")).text
    (line,) = [
        each for each in text.splitlines() if each.startswith('odobot_poll_failures_total{kind="another_poller"}')
    ]
    assert float(line.rpartition(" ")[2]) >= 3


async def test_hanging_answer_delays_readiness_by_a_second(scene: Scene) -> None:
    """Telegram does not answer getWebhookInfo: the probe does not wait for it, and asks once a minute."""
    assert await reasons(scene) == []
    scene.telegram.world.faults.add("hang_before", method="getWebhookInfo", count=None)
    began = time.monotonic()
    assert await reasons(scene) == []
    assert time.monotonic() - began < 4
    scene.telegram.world.faults.clear()
    asked = len(scene.telegram.world.log.find(method="getWebhookInfo"))
    for _ in range(3):
        async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
            await client.get(f"{scene.admin_url}/readyz")
            await client.get(f"{scene.admin_url}/metrics")
    assert len(scene.telegram.world.log.find(method="getWebhookInfo")) == asked
