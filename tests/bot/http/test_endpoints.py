"""The HTTP endpoints for the portal, for mail clients and for the operator."""

import asyncio
import base64
import datetime
import json
import time
from collections.abc import AsyncIterator
from datetime import UTC

import httpx
import pytest
from standardwebhooks.webhooks import Webhook

from sandbox.portal.faults import Fault, FaultKind
from storage.notices import feed
from tests.scene import PORTAL_TOKEN, TOKEN, WEBHOOK_SECRET, Scene

MEBIBYTE = 1024 * 1024
BODY = '{"type":"invoice.issued","timestamp":"2026-10-15T18:00:00Z","data":{"id":"e1"}}'


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
        yield client


def signed(
    body: str = BODY, message_id: str = "msg-1", *, age: float = 0, secret: str = WEBHOOK_SECRET
) -> dict[str, str]:
    """The three headers of Standard Webhooks, as the portal makes them."""
    at = datetime.datetime.now(UTC) - datetime.timedelta(seconds=age)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(message_id, at, body),
    }


async def post(scene: Scene, client: httpx.AsyncClient, headers: dict[str, str], body: str | bytes = BODY) -> int:
    return (await client.post(f"{scene.public_url}/portal/events", content=body, headers=headers)).status_code


def readings(scene: Scene) -> int:
    return scene.portal.log.counts["events"]


async def test_signed_webhook_is_accepted(scene: Scene, client: httpx.AsyncClient) -> None:
    assert await post(scene, client, signed()) == 204
    assert await post(scene, client, signed("not json", "msg-2"), "not json") == 204


async def test_header_case_and_several_signatures_are_accepted(scene: Scene, client: httpx.AsyncClient) -> None:
    headers = {name.title(): value for name, value in signed().items()}
    wrong = "v1," + base64.b64encode(bytes(32)).decode()
    headers["Webhook-Signature"] = f"{wrong} {headers['Webhook-Signature']}"
    assert await post(scene, client, headers) == 204


OTHER_SECRET = "whsec_" + base64.b64encode(b"a secret of somebody else").decode()
REFUSED: dict[str, dict[str, str]] = {
    "nothing": {},
    "no signature": {"webhook-signature": ""},
    "no id": {"webhook-id": ""},
    "no time": {"webhook-timestamp": ""},
    "another id": {"webhook-id": "msg-2"},
    "another time": {},  # see ``tampered``
    "no number as time": {"webhook-timestamp": "yesterday"},
    "an endless time": {"webhook-timestamp": "inf"},
    "no time at all": {"webhook-timestamp": "nan"},
    "zeros": {"webhook-signature": "v1," + base64.b64encode(bytes(32)).decode()},
    "another version": {"webhook-signature": signed()["webhook-signature"].replace("v1,", "v2,")},
    "no version": {"webhook-signature": "x"},
    "no base64": {"webhook-signature": "v1,a"},
    "three parts": {"webhook-signature": "v1,a,b"},
    "only a comma": {"webhook-signature": ","},
    "another secret": signed(secret=OTHER_SECRET),
    "too old": signed(age=301),
    "too new": signed(age=-86_400),  # made when the module is imported, which may be an hour before the test
}


def tampered(headers: dict[str, str], what: str) -> dict[str, str]:
    """Return the headers of a request that is to be refused, as ``REFUSED`` describes it."""
    changed = {} if what == "nothing" else headers | REFUSED[what]
    if what == "another time":
        changed["webhook-timestamp"] = str(int(headers["webhook-timestamp"]) + 60)
    return {name: value for name, value in changed.items() if value}


@pytest.mark.parametrize("what", REFUSED)
async def test_unsigned_webhook_is_refused(scene: Scene, client: httpx.AsyncClient, what: str) -> None:
    """A webhook that the portal did not sign is refused and starts no reading of the feed."""
    await until_read(scene, 1)  # the first reading, at the start
    before = readings(scene)
    assert await post(scene, client, tampered(signed(), what)) == 401
    assert readings(scene) == before
    # And the id is not remembered: the portal's own message with it still counts.
    assert await post(scene, client, signed()) == 204
    await until_read(scene, before + 1)


@pytest.mark.parametrize("body", [b"\xff\xfe", b"\x80" * 10, BODY.encode() + b" "])
async def test_body_that_differs_from_the_signed_one_is_refused(
    scene: Scene, client: httpx.AsyncClient, body: bytes
) -> None:
    assert await post(scene, client, signed(), body) == 401


@pytest.mark.parametrize("age", [0, 290, -290])
async def test_timestamp_tolerance_is_five_minutes(scene: Scene, client: httpx.AsyncClient, age: float) -> None:
    assert await post(scene, client, signed(age=age)) == 204


async def until_read(scene: Scene, count: int) -> None:
    """Poll until the feed was read ``count`` times and the result is stored."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        async with scene.components.database.read() as session:
            is_written = await feed.position(session) is not None
        if readings(scene) >= count and is_written:
            return
        await asyncio.sleep(0.02)
    pytest.fail(f"the feed was read {readings(scene)} times, not {count}")


async def test_replayed_webhook_does_not_read_the_feed(scene: Scene, client: httpx.AsyncClient) -> None:
    """A webhook starts one reading of the feed; its replay starts none."""
    await until_read(scene, 1)  # the first reading, at the start
    before = readings(scene)
    headers = signed()
    assert await post(scene, client, headers) == 204
    await until_read(scene, before + 1)
    for _ in range(3):
        assert await post(scene, client, headers) == 204
    assert await post(scene, client, signed(message_id="msg-2")) == 204
    await until_read(scene, before + 2)
    assert readings(scene) == before + 2


async def test_no_webhook_route_without_a_secret(scene: Scene, client: httpx.AsyncClient) -> None:
    await scene.stop_bot()
    await scene.start_bot(portal_webhook_secret="")
    assert await post(scene, client, signed()) == 404


@pytest.mark.parametrize("path", ["portal/events", "unsubscribe/1.a"])
async def test_body_over_one_mebibyte_is_refused(scene: Scene, client: httpx.AsyncClient, path: str) -> None:
    answer = await client.post(f"{scene.public_url}/{path}", content=b"x" * (MEBIBYTE + 1))
    assert answer.status_code == 413


async def test_body_of_one_mebibyte_is_accepted(scene: Scene, client: httpx.AsyncClient) -> None:
    body = json.dumps({"x": "y" * (MEBIBYTE - 9)})
    assert len(body) == MEBIBYTE
    assert await post(scene, client, signed(body), body) == 204


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/portal/events", 405),
        ("GET", "/", 404),
        ("GET", "/metrics", 404),
        ("GET", "/readyz", 404),
        ("GET", "/healthz", 404),
        ("GET", "/unsubscribe/", 404),
        ("GET", "/unsubscribe/1/2", 404),
        ("PUT", "/unsubscribe/1.a", 405),
        ("POST", "/telegram", 404),  # while polling there is no webhook of Telegram's
        ("GET", "/docs", 404),
    ],
)
async def test_public_port_serves_no_other_path(
    scene: Scene, client: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    assert (await client.request(method, f"{scene.public_url}{path}")).status_code == status


async def test_livez_answers_ok(scene: Scene, client: httpx.AsyncClient) -> None:
    await scene.portal.stop()
    await scene.telegram.stop()
    answer = await client.get(f"{scene.admin_url}/healthz")
    assert (answer.status_code, answer.text) == (200, "ok\n")
    await scene.telegram.start()
    await scene.portal.start()


async def ready(scene: Scene, client: httpx.AsyncClient) -> tuple[int, list[str]]:
    """Return the answer of ``/readyz``, not one that is cached."""
    scene.components.readiness.forget()
    answer = await client.get(f"{scene.admin_url}/readyz")
    assert answer.json()["ready"] == (answer.status_code == 200)
    return answer.status_code, answer.json()["reasons"]


async def test_readyz_names_the_failing_dependency(scene: Scene, client: httpx.AsyncClient) -> None:
    """Readiness names the dependency that fails, and recovers with it."""
    await until_read(scene, 1)
    assert await ready(scene, client) == (200, [])

    await scene.portal.stop()
    status, reasons = await ready(scene, client)
    assert (status, [reason.partition(":")[0] for reason in reasons]) == (503, ["portal"])
    await scene.portal.start()
    assert await ready(scene, client) == (200, [])

    scene.telegram.world.faults.add("error", method="getMe", status=502, count=None)
    status, reasons = await ready(scene, client)
    assert (status, [reason.partition(":")[0] for reason in reasons]) == (503, ["telegram"])
    scene.telegram.world.faults.clear()
    assert await ready(scene, client) == (200, [])


async def test_readyz_reports_a_stale_feed(scene: Scene, client: httpx.AsyncClient) -> None:
    """Readiness reports a feed that is not read; the next reading ends that."""
    await until_read(scene, 1)
    scene.portal.faults.set(Fault(FaultKind.SERVER_ERROR, path="*/events"))
    scene.later(minutes=10)
    status, reasons = await ready(scene, client)
    assert status == 503
    assert [reason for reason in reasons if reason.startswith("feed: not read for 6")]
    lag = await metric(scene, client, "odobot_feed_lag_seconds")
    assert 600 <= lag <= 700
    scene.portal.faults.clear()
    assert await post(scene, client, signed()) == 204
    person = scene.person()
    for _ in range(50):
        if await ready(scene, client) == (200, []):
            break
        person.start()
        await person.wait_for_message()
    else:
        pytest.fail("the feed is still not read")
    assert await metric(scene, client, "odobot_feed_lag_seconds") < 60


async def test_readyz_answer_is_cached_briefly(scene: Scene, client: httpx.AsyncClient) -> None:
    await ready(scene, client)
    asked = scene.portal.log.counts["links"]
    for _ in range(5):
        await client.get(f"{scene.admin_url}/readyz")
    assert scene.portal.log.counts["links"] == asked


async def metric(scene: Scene, client: httpx.AsyncClient, name: str) -> float:
    answer = await client.get(f"{scene.admin_url}/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    (line,) = [line for line in answer.text.splitlines() if line.startswith(name + " ")]
    return float(line.rpartition(" ")[2])


async def test_metrics_contain_no_personal_data(scene: Scene, client: httpx.AsyncClient) -> None:
    """The metrics count updates and deliveries and name no person."""
    camille = await scene.linked(notices=True)
    scene.portal.portal.issue_invoice("a-2001", amount="40.19", number="212381")
    await camille.wait_for_message("212381", new=True, timeout=10)
    text = (await client.get(f"{scene.admin_url}/metrics")).text
    assert await metric(scene, client, "odobot_update_seconds_count") >= 5
    assert await metric(scene, client, "odobot_feed_events") == 1
    assert await metric(scene, client, "odobot_feed_failures") == 0
    for state in ("queued", "leased", "sending", "retry", "sent", "blocked", "cancelled", "uncertain"):
        assert f'odobot_deliveries{{state="{state}"}}' in text
    private = (
        TOKEN, TOKEN.partition(":")[2], PORTAL_TOKEN, WEBHOOK_SECRET, scene.keys, str(camille.user_id), "212381",
        "a-2001", "c-1001", "client@example.test", "Camille", "Odotrack",
    )  # fmt: skip
    assert [secret for secret in private if secret in text] == []


@pytest.mark.parametrize("path", ["portal/events", "unsubscribe/1.a", "telegram", "other"])
async def test_admin_port_serves_no_public_route(scene: Scene, client: httpx.AsyncClient, path: str) -> None:
    assert (await client.post(f"{scene.admin_url}/{path}")).status_code == 404
