"""The control API: people and operator over HTTP, a thin skin over TelegramWorld. README.md has the table."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from sandbox.telegram.bots import Bot
from sandbox.telegram.errors import SandboxMisuse
from sandbox.telegram.model import Chat, Message
from sandbox.telegram.persons import Person
from sandbox.telegram.world import TelegramWorld

Body = dict[str, Any]
Handler = Callable[[TelegramWorld, Request, Body], Awaitable[object]]
MOST_WAIT = 60.0


class NotHere(Exception):
    """The control API knows no such bot, person, chat or message: 404."""


def control_app(world: TelegramWorld) -> Starlette:
    """The control API's application."""
    from sandbox.telegram.control_operator import OPERATOR_ROUTES
    from sandbox.telegram.control_people import PEOPLE_ROUTES

    routes: list[BaseRoute] = [
        Route(f"/control{path}", _endpoint(world, handler), methods=[verb])
        for verb, path, handler in (*PEOPLE_ROUTES, *OPERATOR_ROUTES)
    ]
    return Starlette(routes=routes)


def _endpoint(world: TelegramWorld, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            result = await handler(world, request, await _body(request))
        except NotHere as error:
            return JSONResponse({"error": f"there is no {error}"}, 404)
        except SandboxMisuse as error:
            return JSONResponse({"error": str(error)}, 409)
        except (TypeError, ValueError) as error:
            return JSONResponse({"error": str(error)}, 422)
        return result if isinstance(result, Response) else JSONResponse(result)

    return endpoint


async def _body(request: Request) -> Body:
    raw = await request.body()
    value = json.loads(raw) if raw else {}
    if not isinstance(value, dict):
        raise ValueError("a JSON object is expected")
    return value


def seconds(request: Request, name: str = "wait") -> float:
    """A waiting time from the query, 0 where not given."""
    return min(MOST_WAIT, float(request.query_params.get(name, 0)))


def bot_of(world: TelegramWorld, which: str | None) -> Bot:
    """A bot by token or username, the only one where not said."""
    return world.bot(which)


def person_of(world: TelegramWorld, request: Request) -> Person:
    """The person of the path."""
    person = world.persons.get(int(request.path_params["person"]))
    if person is None:
        raise NotHere(f"person {request.path_params['person']}")
    return person


def chat_of(world: TelegramWorld, chat_id: int, bot: str | None) -> Chat:
    """A group, or a person's private chat with a bot."""
    group = world.groups.get(chat_id)
    chat = group.chat if group is not None else bot_of(world, bot).private.get(chat_id)
    if chat is None:
        raise NotHere(f"chat {chat_id}")
    return chat


def message_of(chat: Chat, message_id: object) -> Message:
    """A message of a chat, deleted ones too."""
    message = chat.messages.get(int(str(message_id)))
    if message is None:
        raise NotHere(f"message {message_id}")
    return message
