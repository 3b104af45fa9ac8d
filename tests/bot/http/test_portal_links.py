"""``POST /portal/links``: a signed request for a link to the bot, and every refusal of one."""

import asyncio
import datetime
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.portal.faults import Fault, FaultKind
from services.linking import invitations
from tests.bot.http.test_endpoints import MEBIBYTE, REFUSED, signed, tampered
from tests.scene import WEBHOOK_SECRET, Scene

PAGE = Path(__file__).parents[3] / "docs" / "portal-http.md"
CAMILLE = {"contact_id": "c-1001", "account_id": None, "language": None}


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False, timeout=15) as client:
        yield client


async def post(
    scene: Scene, client: httpx.AsyncClient, body: Any, message_id: str = "msg-1", **headers: str
) -> httpx.Response:
    text = body if isinstance(body, str) else json.dumps(body)
    return await client.post(
        f"{scene.public_url}/portal/links", content=text, headers=signed(text, message_id) | headers
    )


async def test_link_is_made_for_15_minutes(scene: Scene, client: httpx.AsyncClient) -> None:
    answer = await post(scene, client, CAMILLE | {"unknown": "ignored"})
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    made = answer.json()
    url, _, payload = made["url"].partition("?start=")
    assert url == "https://t.me/odobot"
    assert len(payload) <= 64
    assert set(payload) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
    expires = datetime.datetime.fromisoformat(made["expires_at"])
    assert datetime.timedelta(minutes=14) < expires - scene.clock.now() <= datetime.timedelta(minutes=15)
    assert made["expires_at"].endswith("Z")


@pytest.mark.parametrize("what", REFUSED)
async def test_unsigned_request_makes_no_link(scene: Scene, client: httpx.AsyncClient, what: str) -> None:
    body = json.dumps(CAMILLE)
    headers = tampered(signed(body), what)
    answer = await client.post(f"{scene.public_url}/portal/links", content=body, headers=headers)
    assert answer.status_code == 401
    assert scene.portal.log.counts["contact"] == 0


BAD_BODIES: dict[str, Any] = {
    "an event": {"type": "invoice.issued", "timestamp": "2026-10-15T18:00:00Z", "data": {"id": "e1"}},
    "nothing": "",
    "no object": [],
    "no JSON": "contact_id=c-1001",
    "no contact": {"account_id": "a-2001"},
    "an empty contact": {"contact_id": ""},
    "a number": {"contact_id": 1001},
    "a long contact": {"contact_id": "c" * 201},
    "another path": {"contact_id": "../c-1001"},
    "a control character": {"contact_id": "c\u0000"},
    "another language": CAMILLE | {"language": "de"},
    "a list of accounts": CAMILLE | {"account_id": ["a-2001"]},
    "a lone surrogate": '{"contact_id": "\\ud800"}',
    "deep": "[" * 100_000,
}


@pytest.mark.parametrize("what", BAD_BODIES)
async def test_bad_body_is_refused(scene: Scene, client: httpx.AsyncClient, what: str) -> None:
    assert (await post(scene, client, BAD_BODIES[what])).status_code == 422


@pytest.mark.parametrize(
    "body",
    [
        {"contact_id": "c-9999"},
        {"contact_id": "c-1010"},  # without an account
        {"contact_id": "c-1001", "account_id": "a-2003"},  # another contact's
        {"contact_id": "c-1001", "account_id": "a-9999"},
    ],
)
async def test_unknown_contact_or_account(scene: Scene, client: httpx.AsyncClient, body: dict[str, str]) -> None:
    assert (await post(scene, client, body)).status_code == 404


async def test_repeated_request_makes_no_second_link(scene: Scene, client: httpx.AsyncClient) -> None:
    """Also where another body is signed under the same id: the id is what makes a request new."""
    assert (await post(scene, client, CAMILLE)).status_code == 201
    assert (await post(scene, client, CAMILLE)).status_code == 409
    assert (await post(scene, client, {"contact_id": "c-1002"})).status_code == 409
    assert (await post(scene, client, CAMILLE, "msg-2")).status_code == 201


async def test_limit_of_a_contact_and_of_all(
    scene: Scene, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invitations, "OF_CONTACT_AN_HOUR", 2)
    monkeypatch.setattr(invitations, "IN_ALL_A_MINUTE", 3)
    found = [(await post(scene, client, CAMILLE, f"msg-{n}")).status_code for n in range(3)]
    assert found == [201, 201, 429]
    assert (await post(scene, client, {"contact_id": "c-1002"}, "msg-3")).status_code == 201
    refused = await post(scene, client, {"contact_id": "c-1003"}, "msg-4")
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "60"
    scene.later(seconds=61)
    assert (await post(scene, client, {"contact_id": "c-1003"}, "msg-5")).status_code == 201
    scene.later(hours=1)
    assert (await post(scene, client, CAMILLE, "msg-6")).status_code == 201


async def test_too_long_a_body_and_no_secret(scene: Scene, client: httpx.AsyncClient) -> None:
    assert (await post(scene, client, "x" * (MEBIBYTE + 1))).status_code == 413
    await scene.stop_bot()
    await scene.start_bot(portal_webhook_secret="")
    assert (await post(scene, client, CAMILLE)).status_code == 404


async def test_portal_that_is_away_makes_no_link(scene: Scene, client: httpx.AsyncClient) -> None:
    scene.portal.faults.set(Fault(FaultKind.UNAVAILABLE))
    answer = await post(scene, client, CAMILLE)
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "10"


async def test_example_of_the_documentation_runs(scene: Scene) -> None:
    """The client in docs/portal-http.md makes a link that opens."""
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    [block] = [each for each in blocks if "def request_link" in each]
    defined: dict[str, Any] = {"__name__": "example"}
    exec(compile(block, str(PAGE), "exec"), defined)
    url = await asyncio.to_thread(defined["request_link"], scene.public_url, WEBHOOK_SECRET, "c-1002", "a-2003")
    offer = await scene.open(scene.person(), url.partition("?start=")[2])
    assert "Transport Boréal inc." in offer.text
