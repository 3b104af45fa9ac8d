"""The order in which a process starts and stops."""

import asyncio
import time

import pytest

from bot import process
from bot.process import StartError, running
from tests.scene import TOKEN, Scene


async def test_a_second_process_on_the_same_address_stops_before_it_asks_telegram(scene: Scene) -> None:
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


async def test_what_was_fetched_by_a_process_that_then_cannot_start_is_answered_by_the_next(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    camille, log = scene.person(), scene.telegram.world.log
    await scene.stop_bot()
    camille.start()
    before = log.count

    def broken() -> None:
        """As after half an upgrade, and late: Telegram has handed over what Camille wrote."""
        deadline = time.monotonic() + 15
        while not log.find(method="getUpdates", since=before):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        time.sleep(0.3)
        raise ImportError

    with monkeypatch.context() as half_upgraded:
        half_upgraded.setattr(process, "_builder", broken)
        with pytest.raises(ImportError):
            await scene.start_bot()
    await scene.start_bot()
    assert "Odotrack" in (await camille.wait_for_message(timeout=15)).text


async def test_a_process_whose_token_was_revoked_meanwhile_stops_in_order(scene: Scene) -> None:
    camille = await scene.linked()
    camille.say("/aide")  # ends the long poll
    scene.telegram.world.bots.pop(TOKEN)  # and the next one is refused
    deadline = time.monotonic() + 15
    while any(task.get_name() == "Updater:start_polling:polling_task" for task in asyncio.all_tasks()):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)
    application = scene.house.application
    with pytest.raises(StartError, match="ODOBOT_TELEGRAM_TOKEN: Telegram does not know this token"):
        await scene.stop_bot()
    assert not application.running
