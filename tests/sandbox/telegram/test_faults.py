# ruff: noqa: F401, F811  # fixtures are imported and asked for by name
"""The Bot API's faults: what the client sees, and whether the message was delivered."""

import asyncio
import time
from typing import Any

import httpx
import pytest

from sandbox.telegram import Bot, Person, SandboxMisuse, TelegramServer
from tests.sandbox.telegram.fixtures import Api, api, bot, camille, clock, telegram

MESSAGE = {"chat_id": 50_001, "text": "avis"}


def delivered(camille: Person) -> int:
    return sum(message.text == "avis" for message in camille.chat().messages.values())


@pytest.mark.parametrize(
    ("kind", "error", "count"),
    [
        ("close_before", httpx.RemoteProtocolError, 0),
        ("close_after", httpx.RemoteProtocolError, 1),
        ("reset_before", httpx.ReadError, 0),
        ("reset_after", httpx.ReadError, 1),
        ("hang_before", httpx.ReadTimeout, 0),
        ("hang_after", httpx.ReadTimeout, 1),
    ],
)
async def test_cut_connections(
    telegram: TelegramServer, api: Api, camille: Person, kind: str, error: type[Exception], count: int
) -> None:
    telegram.world.faults.add(kind, method="sendmessage")
    await api.ok("getMe")
    api.client.timeout = httpx.Timeout(0.1)
    with pytest.raises(error):
        await api("sendMessage", **MESSAGE)
    assert delivered(camille) == count
    entry = telegram.world.log.entries[-1]
    assert (entry.method, entry.status, entry.fault) == ("sendMessage", 0, kind)
    await api.ok("sendMessage", **MESSAGE)


async def test_clearing_faults_ends_a_hang(telegram: TelegramServer, api: Api, camille: Person) -> None:
    telegram.world.faults.add("hang_before")
    call = asyncio.create_task(api("getMe"))
    await asyncio.sleep(0.05)
    telegram.world.faults.clear()
    with pytest.raises(httpx.RemoteProtocolError):
        await call


async def test_server_stops_while_calls_hang(telegram: TelegramServer, api: Api, camille: Person) -> None:
    telegram.world.faults.add("hang_before")
    call = asyncio.create_task(api("getMe"))
    await asyncio.sleep(0.05)
    started = time.monotonic()
    await telegram.stop()
    assert time.monotonic() - started < 10
    with pytest.raises(httpx.TransportError):
        await call


async def test_refusals(telegram: TelegramServer, api: Api, camille: Person) -> None:
    faults = telegram.world.faults
    faults.add("retry_after", retry_after=7, chat_id=50_001)
    response = await api("sendMessage", **MESSAGE)
    assert (response.status_code, response.headers["retry-after"], response.json()["parameters"]) == (
        429,
        "7",
        {"retry_after": 7},
    )
    faults.add("error", status=500, description="Internal Server Error")
    assert await api.refused("sendMessage", **MESSAGE) == "Internal Server Error"
    faults.add("gateway", status=504, description="Gateway Time-out")
    response = await api("sendMessage", **MESSAGE)
    assert (response.status_code, response.headers["content-type"]) == (504, "text/html")
    assert "504 Gateway Time-out" in response.text
    faults.add("body", body='{"ok": true, "result": 5}')
    response = await api("sendMessage", **MESSAGE)
    assert (response.status_code, response.text) == (200, '{"ok": true, "result": 5}')
    assert delivered(camille) == 0
    assert faults.rules == []


async def test_latency_delays_the_answer(telegram: TelegramServer, api: Api) -> None:
    telegram.world.faults.add("latency", seconds=0.1, count=None)
    started = time.monotonic()
    await api.ok("getMe")
    assert time.monotonic() - started >= 0.1
    telegram.world.faults.add("error", status=502)
    assert await api.refused("getMe") == "Bad Gateway"


async def test_probabilities_are_seeded(telegram: TelegramServer, api: Api) -> None:
    async def outcomes() -> list[int]:
        telegram.world.faults.seed(5)
        return [(await api("getMe")).status_code for _ in range(12)]

    telegram.world.faults.add("error", status=502, probability=0.5, count=None)
    first = await outcomes()
    assert first == await outcomes()
    assert set(first) == {200, 502}


@pytest.mark.parametrize("rule", [{"kind": "flood"}, {"kind": "error", "colour": "red"}])
def test_unknown_rules_are_refused(telegram: TelegramServer, rule: dict[str, Any]) -> None:
    with pytest.raises(SandboxMisuse, match="no such fault"):
        telegram.world.faults.add(**rule)
