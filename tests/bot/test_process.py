"""The order in which a process starts and stops."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from bot.process import running
from bot.starting import StartError
from bot.worker import Worker
from tests.scene import TOKEN, Scene


async def test_occupied_port_stops_the_start_before_telegram(scene: Scene) -> None:
    """A second process on the same address stops before it calls Telegram."""
    log, taken = scene.telegram.world.log, scene.public_url.removeprefix("http://")
    asked = len(log.find(method="getMe"))
    for setting in ("listen", "admin_listen"):
        settings = scene.settings.model_copy(update={"listen": "127.0.0.1:0", "admin_listen": "127.0.0.1:0"})
        settings = settings.model_copy(update={setting: taken})
        with pytest.raises(StartError, match=rf"ODOBOT_LISTEN or ODOBOT_ADMIN_LISTEN: {taken} cannot be"):
            async with running(settings):
                raise AssertionError("it began")
    assert asked >= 1
    assert len(log.find(method="getMe")) == asked


async def test_a_failed_start_takes_no_updates(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Polling begins when everything else runs, so that the next process answers what was written meanwhile."""
    camille, log = scene.person(), scene.telegram.world.log
    await scene.stop_bot()
    camille.start()
    before = log.count

    @asynccontextmanager
    async def broken(_worker: Worker) -> AsyncIterator[None]:
        raise OSError("half an upgrade")
        yield

    with monkeypatch.context() as patch:
        patch.setattr(Worker, "working", broken)  # the last part that starts before polling
        with pytest.raises(OSError, match="half an upgrade"):
            await scene.start_bot()
    assert log.find(method="getMe", since=before)
    assert not log.find(method="getUpdates", since=before)
    await scene.start_bot()
    assert "Odotrack" in (await camille.wait_for_message(timeout=15)).text


async def test_revoked_token_stops_the_process_cleanly(scene: Scene) -> None:
    camille = await scene.linked()
    camille.say("/aide")  # ends the long poll
    scene.telegram.world.bots.pop(TOKEN)  # and the next one is refused
    async with asyncio.timeout(15), httpx.AsyncClient(trust_env=False) as client:
        while 'kind="unauthorized"} 0.0' in (await client.get(f"{scene.admin_url}/metrics")).text:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    application = scene.components.application
    await scene.stop_bot()
    assert not application.running
