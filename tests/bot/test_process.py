"""The order in which a process starts."""

import pytest

from bot.process import StartError, running
from tests.scene import Scene


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
