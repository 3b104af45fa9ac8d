"""A simulated Telegram with one bot and one person, and a bare client of the Bot API."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from sandbox.telegram import Bot, Person, SandboxClock, TelegramServer

TOKEN = "123456789:AAtest-token_1"
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@dataclass
class Api:
    """A client of the Bot API. Values other than text go as JSON, as PTB sends them."""

    client: httpx.AsyncClient
    base: str

    async def __call__(self, method: str, **parameters: Any) -> httpx.Response:
        return await self.client.post(f"{self.base}/{method}", json=parameters)

    async def ok(self, method: str, **parameters: Any) -> Any:
        """Return the result of a call that must succeed."""
        response = await self(method, **parameters)
        body = response.json()
        assert body["ok"], body
        assert response.status_code == 200
        return body["result"]

    async def refused(self, method: str, **parameters: Any) -> str:
        """Return the description of a call that must be refused. Status and error code must agree."""
        response = await self(method, **parameters)
        body = response.json()
        assert body["ok"] is False, body
        assert response.status_code == body["error_code"]
        description: str = body["description"]
        return description


@pytest.fixture
async def telegram() -> AsyncIterator[TelegramServer]:
    """A server whose clock stands still until a test moves it."""
    async with TelegramServer(clock=SandboxClock(NOON, frozen=True)) as server:
        yield server


@pytest.fixture
def clock(telegram: TelegramServer) -> SandboxClock:
    """The server's clock."""
    assert isinstance(telegram.world.clock, SandboxClock)
    return telegram.world.clock


@pytest.fixture
def bot(telegram: TelegramServer) -> Bot:
    """The only bot."""
    return telegram.world.create_bot(TOKEN, "odobot", "Odobot")


@pytest.fixture
def camille(telegram: TelegramServer, bot: Bot) -> Person:
    """A person who has started the bot."""
    person = telegram.world.create_person(50_001, "Camille", username="camille")
    person.start()
    return person


@pytest.fixture
async def api(telegram: TelegramServer, bot: Bot) -> AsyncIterator[Api]:
    """The bot's client."""
    async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
        yield Api(client, telegram.api_url(bot))
