"""The whole as one ASGI application: the Bot API, and the control API under /control."""

from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox.telegram.bots import Bot
from sandbox.telegram.control import control_app
from sandbox.telegram.dispatch import Request, answer
from sandbox.telegram.transport import BotApi
from sandbox.telegram.world import TelegramWorld


class TelegramApp:
    """An ASGI application over a world."""

    def __init__(self, world: TelegramWorld) -> None:
        self.world = world
        self._bot_api: ASGIApp = BotApi(world)
        self._control: ASGIApp = control_app(world)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        is_control = scope["path"].startswith("/control/")
        await (self._control if is_control else self._bot_api)(scope, receive, send)


def create_app(world: TelegramWorld | None = None) -> TelegramApp:
    """The application, over a world of its own where none is given.

    Under a server other than TelegramServer, faults that cut a connection show as a 500 instead.
    """
    world = world or TelegramWorld()

    async def execute(bot: Bot, method: str, parameters: dict[str, Any]) -> None:
        await answer(world, bot, Request(method, parameters, via="webhook"))

    world.execute = execute
    return TelegramApp(world)
