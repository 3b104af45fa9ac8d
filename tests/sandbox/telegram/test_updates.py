# ruff: noqa: F401, F811  # fixtures are imported and asked for by name
"""getUpdates: offsets, confirmation, allowed_updates, long polls and their conflicts, expiry."""

import asyncio
import time
from datetime import timedelta
from typing import Any

import pytest
from telegram import Update

from sandbox.telegram import Bot, Person, SandboxClock, TelegramServer
from sandbox.telegram.errors import POLLING_WHILE_WEBHOOK, TERMINATED_BY_POLL, TERMINATED_BY_WEBHOOK
from tests.sandbox.telegram.fixtures import Api, api, bot, camille, clock, telegram


def texts(updates: list[dict[str, Any]]) -> list[str]:
    return [update["message"]["text"] for update in updates]


async def test_offsets_confirm_earlier_updates(api: Api, camille: Person) -> None:
    camille.say("un")
    camille.say("deux")
    first = await api.ok("getUpdates")
    assert texts(first) == ["/start", "un", "deux"]
    assert texts(await api.ok("getUpdates", limit=2)) == ["/start", "un"]
    assert texts(await api.ok("getUpdates", offset=first[1]["update_id"])) == ["un", "deux"]
    assert texts(await api.ok("getUpdates")) == ["un", "deux"]
    assert await api.ok("getUpdates", offset=first[2]["update_id"] + 1) == []
    assert await api.ok("getUpdates") == []


async def test_negative_offsets_count_from_the_end(api: Api, camille: Person) -> None:
    """A negative offset counts from the end, and confirms the updates before it."""
    camille.say("un")
    camille.say("deux")
    assert texts(await api.ok("getUpdates", offset=-1)) == ["deux"]
    assert texts(await api.ok("getUpdates")) == ["deux"]


async def test_offsets_far_ahead_confirm_nothing(api: Api, camille: Person) -> None:
    assert texts(await api.ok("getUpdates", offset=2_000_000_000)) == ["/start"]


async def test_allowed_updates_stay_set(api: Api, camille: Person) -> None:
    await api.ok("getUpdates", allowed_updates=["message"])
    camille.block()
    assert [*(await api.ok("getUpdates"))[-1]] == ["update_id", "message"]
    await api.ok("getUpdates", allowed_updates=[])
    camille.unblock()
    update = (await api.ok("getUpdates"))[-1]["my_chat_member"]
    assert (update["old_chat_member"]["status"], update["new_chat_member"]["status"]) == ("kicked", "member")


async def test_long_polls_end_with_the_first_update(api: Api, camille: Person) -> None:
    offset = (await api.ok("getUpdates"))[-1]["update_id"] + 1
    poll = asyncio.create_task(api.ok("getUpdates", offset=offset, timeout=50))
    await asyncio.sleep(0.05)
    camille.say("enfin")
    assert texts(await poll) == ["enfin"]
    started = time.monotonic()
    assert await api.ok("getUpdates", offset=offset + 1, timeout=1) == []
    assert 0.9 < time.monotonic() - started < 10


async def test_conflicts(api: Api, camille: Person) -> None:
    offset = (await api.ok("getUpdates"))[-1]["update_id"] + 1
    first = asyncio.create_task(api("getUpdates", offset=offset, timeout=50))
    await asyncio.sleep(0.05)
    second = asyncio.create_task(api("getUpdates", offset=offset, timeout=50))
    assert (await first).json()["description"] == TERMINATED_BY_POLL
    await api.ok("setWebhook", url="http://127.0.0.1:9/hook")
    ended = await second
    assert (ended.status_code, ended.json()["description"]) == (409, TERMINATED_BY_WEBHOOK)
    assert await api.refused("getUpdates") == POLLING_WHILE_WEBHOOK
    await api.ok("deleteWebhook")
    assert await api.ok("getUpdates", offset=offset) == []


async def test_updates_expire(api: Api, camille: Person, clock: SandboxClock) -> None:
    await api.ok(
        "sendMessage",
        chat_id=50_001,
        text="x",
        reply_markup={"inline_keyboard": [[{"text": "x", "callback_data": "y"}]]},
    )
    camille.tap("x")
    clock.advance(timedelta(seconds=151))
    assert [*(await api.ok("getUpdates"))[-1]] == ["update_id", "message"]
    clock.advance(timedelta(hours=24))
    assert await api.ok("getUpdates") == []


async def test_stop_ends_polls_and_start_resumes(telegram: TelegramServer, api: Api, camille: Person) -> None:
    offset = (await api.ok("getUpdates"))[-1]["update_id"] + 1
    poll = asyncio.create_task(api("getUpdates", offset=offset, timeout=50))
    await asyncio.sleep(0.05)
    started = time.monotonic()
    await telegram.stop()
    assert time.monotonic() - started < 10, "the poll itself would last 50 s"
    await asyncio.gather(poll, return_exceptions=True)
    camille.say("pendant la panne")
    await telegram.start()
    assert texts(await api.ok("getUpdates", offset=offset)) == ["pendant la panne"]


async def test_ptb_knows_every_kind_of_update(telegram: TelegramServer, bot: Bot, api: Api, camille: Person) -> None:
    await api.ok(
        "sendMessage",
        chat_id=50_001,
        text="x",
        reply_markup={"inline_keyboard": [[{"text": "x", "callback_data": "y"}]]},
    )
    camille.tap("x")
    camille.edit(camille.say("faute"), "sans faute")
    camille.send_document("a.pdf", b"%PDF", caption="voici")
    for send in (
        camille.send_photo,
        camille.send_voice,
        camille.send_sticker,
        camille.send_location,
        camille.send_contact,
    ):
        send()
    camille.send_album(2)
    group = telegram.world.create_group("Équipe", [camille])
    camille.say("/facture@odobot", group=group)
    group.migrate()
    camille.block()
    kinds = []
    for raw in await api.ok("getUpdates"):
        update = Update.de_json(raw, None)
        assert update is not None
        assert not update.api_kwargs
        assert update.effective_chat is not None
        kinds.append(next(key for key in raw if key != "update_id"))
    assert set(kinds) == {"message", "edited_message", "callback_query", "my_chat_member"}


@pytest.mark.parametrize("timeout", [-1, 0])
async def test_no_timeout_answers_at_once(api: Api, camille: Person, timeout: int) -> None:
    offset = (await api.ok("getUpdates"))[-1]["update_id"] + 1
    assert await api.ok("getUpdates", offset=offset, timeout=timeout) == []
