"""The Bot API and the control API (under /control) as one ASGI application."""

from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox.telegram.control.routes import control_app
from sandbox.telegram.http.dispatch import Request, answer
from sandbox.telegram.http.transport import BotApi
from sandbox.telegram.world import TelegramWorld


class TelegramApp:
    """The ASGI application of a simulated Telegram."""

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
    """Build the application. Without `world`, it creates a new one.

    Under a server other than TelegramServer, faults that cut a connection appear as status 500.
    """
    world = world or TelegramWorld()

    async def execute(token: str, method: str, parameters: dict[str, Any]) -> None:
        await answer(world, world.bots[token], Request(method, parameters, via="webhook"))

    world.execute = execute
    return TelegramApp(world)
