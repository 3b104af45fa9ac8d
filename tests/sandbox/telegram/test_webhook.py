# ruff: noqa: F401, F811  # fixtures are imported and asked for by name
"""Webhooks: the secret, order, retries and redelivery, concurrency, calls in the answer."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from sandbox.serving import serve
from sandbox.telegram import Bot, Person, TelegramServer
from sandbox.telegram.events import Signal
from tests.sandbox.telegram.fixtures import Api, api, bot, camille, clock, telegram

Reply = tuple[int, dict[str, str], bytes]


@dataclass
class Receiver:
    """A bot's webhook endpoint. It answers with `replies` in turn, then 200."""

    url: str = ""
    replies: list[Reply] = field(default_factory=list)
    got: list[tuple[float, dict[str, Any], str]] = field(default_factory=list)  # when, update, secret
    arrived: Signal = field(default_factory=Signal)
    gate: asyncio.Event | None = None
    in_flight: int = 0
    most_in_flight: int = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = {key.decode(): value.decode() for key, value in scope["headers"]}
        now = asyncio.get_running_loop().time()
        self.got.append((now, json.loads(body), headers.get("x-telegram-bot-api-secret-token", "")))
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        self.arrived.fire()
        if self.gate is not None:
            await self.gate.wait()
        self.in_flight -= 1
        status, more, content = self.replies.pop(0) if self.replies else (200, {}, b"")
        raw = [(key.encode(), value.encode()) for key, value in {**more, "content-length": str(len(content))}.items()]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": content})

    async def wait(self, count: int) -> list[str]:
        """Return the texts of the first `count` deliveries."""
        assert await self.arrived.until(lambda: len(self.got) >= count or None, 10), f"{len(self.got)} of {count}"
        return [update["message"]["text"] for _, update, _ in self.got[:count]]


@pytest.fixture
async def receiver(telegram: TelegramServer) -> AsyncIterator[Receiver]:
    telegram.world.settings.webhook_retry_base = 0.1
    receiving = Receiver()
    async with serve(receiving) as url:
        receiving.url = f"{url}/telegram"
        yield receiving
        await telegram.stop()


async def test_updates_arrive_with_the_secret(api: Api, camille: Person, receiver: Receiver) -> None:
    camille.say("avant")
    await api.ok("setWebhook", url=receiver.url, secret_token="s-1_A", drop_pending_updates=True, max_connections=3)
    camille.say("après")
    assert await receiver.wait(1) == ["après"]
    assert receiver.got[0][2] == "s-1_A"
    info = await api.ok("getWebhookInfo")
    assert (info["url"], info["max_connections"], info["pending_update_count"]) == (receiver.url, 3, 0)
    assert await api.ok("setWebhook", url="") is True
    assert (await api.ok("getWebhookInfo"))["url"] == ""


async def test_failing_updates_block_only_their_chat(
    telegram: TelegramServer, api: Api, camille: Person, receiver: Receiver
) -> None:
    """A failing update is retried at once, then after the base, then after twice the base."""
    telegram.world.settings.webhook_retry_base = 0.5
    receiver.replies = [(500, {}, b""), (503, {}, b""), (404, {}, b"")]
    await api.ok("setWebhook", url=receiver.url, drop_pending_updates=True)
    camille.say("un")
    await receiver.wait(1)
    camille.say("deux")
    assert await receiver.wait(5) == ["un", "un", "un", "un", "deux"]
    when = [at for at, _, _ in receiver.got]
    assert when[1] - when[0] < 0.45
    assert when[2] - when[1] > 0.45
    assert when[3] - when[2] > 0.95
    assert len({update["update_id"] for _, update, _ in receiver.got[:4]}) == 1
    info = await api.ok("getWebhookInfo")
    assert info["last_error_message"] == "Wrong response from the webhook: 404 Not Found"


async def test_retry_after_is_honoured(api: Api, camille: Person, receiver: Receiver) -> None:
    receiver.replies = [(429, {"retry-after": "1"}, b"")]
    await api.ok("setWebhook", url=receiver.url, drop_pending_updates=True)
    camille.say("un")
    await receiver.wait(2)
    assert receiver.got[1][0] - receiver.got[0][0] > 0.95


async def test_undelivered_updates_wait_for_a_webhook(api: Api, camille: Person, receiver: Receiver) -> None:
    await api.ok("setWebhook", url="http://127.0.0.1:9/")
    camille.say("un")
    await asyncio.sleep(0.05)
    info = await api.ok("getWebhookInfo")
    assert (info["pending_update_count"], info["last_error_message"]) == (2, "Connection refused")
    await api.ok("setWebhook", url=receiver.url)
    assert await receiver.wait(2) == ["/start", "un"]


async def test_max_connections_is_respected(
    telegram: TelegramServer, api: Api, camille: Person, receiver: Receiver
) -> None:
    receiver.gate = asyncio.Event()
    await api.ok("setWebhook", url=receiver.url, max_connections=2, drop_pending_updates=True)
    for _ in range(5):
        telegram.world.create_person().say("bonjour")
    await receiver.wait(2)
    await asyncio.sleep(0.05)
    assert len(receiver.got) == 2
    receiver.gate.set()
    await receiver.wait(5)
    assert receiver.most_in_flight == 2


@pytest.mark.parametrize(("method", "executed"), [("sendMessage", True), ("getMe", False), ("deleteWebhook", False)])
async def test_calls_in_the_answer_are_executed(
    telegram: TelegramServer, api: Api, camille: Person, receiver: Receiver, method: str, executed: bool
) -> None:
    call = json.dumps({"method": method, "chat_id": camille.user_id, "text": "réponse"}).encode()
    receiver.replies = [(200, {"content-type": "application/json"}, call)]
    await api.ok("setWebhook", url=receiver.url, drop_pending_updates=True)
    camille.say("un")
    await receiver.wait(1)
    if executed:
        await camille.wait_for_message("réponse")
    await asyncio.sleep(0.02)
    assert len([entry for entry in telegram.world.log.find(method=method) if entry.via == "webhook"]) == executed
    assert (await api.ok("getWebhookInfo"))["url"]
