# ruff: noqa: F401, F811  # fixtures are imported and asked for by name
"""The control API plays what hosts do to updates, and topics."""

import asyncio

from sandbox.telegram import Bot, Person, TelegramServer
from tests.sandbox.telegram.fixtures import Api, api, bot, camille, clock, telegram
from tests.sandbox.telegram.test_control import Control, control


async def test_webhook_of_another_process(control: Control, api: Api, bot: Bot) -> None:
    info = await control("POST", "/webhook", url="http://127.0.0.1:9/other")
    assert info["url"] == "http://127.0.0.1:9/other"
    assert (await api.ok("getWebhookInfo"))["url"] == "http://127.0.0.1:9/other"
    assert (await control("DELETE", "/webhook"))["url"] == ""
    assert await api.ok("getUpdates") == []


async def test_broken_way_to_the_webhook(control: Control, api: Api, bot: Bot, camille: Person) -> None:
    """The updates wait, and the last error is told; the URL stays."""
    url = "http://127.0.0.1:9/ours"
    await control("POST", "/webhook/outage")  # first: an update waits already, and would be refused
    await control("POST", "/webhook", url=url)
    camille.say("bonjour")
    async with asyncio.timeout(10):
        while "last_error_message" not in (info := await api.ok("getWebhookInfo")):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    assert (info["url"], info["last_error_message"]) == (url, "Connection timed out")
    assert info["pending_update_count"] >= 1
    await control("POST", "/webhook/outage", broken=False)
    await control("DELETE", "/webhook")


async def test_another_poller_ends_a_poll(control: Control, api: Api, bot: Bot) -> None:
    polling = asyncio.create_task(api("getUpdates", timeout=20))
    async with asyncio.timeout(10):
        while not polling.done():
            await control("POST", "/conflict")
            await asyncio.sleep(0.05)
    assert (await polling).status_code == 409


async def test_topics(control: Control, api: Api, camille: Person) -> None:
    chat = f"/chats/{camille.user_id}/topics"
    assert await control("POST", chat, topic=7) == {"topics": {"7": True}}
    said = await control("POST", f"/persons/{camille.user_id}/say", text="facture", topic=7)
    assert said["topic"] == 7
    assert await control("POST", chat, topic=7, is_open=False) == {"topics": {"7": False}}
