"""The control API: lets programs act as people and as the operator over HTTP. README.md lists the routes."""

import json
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from sandbox.telegram.control.lookup import Body, Handler, NotFound
from sandbox.telegram.control.operator import OPERATOR_ROUTES
from sandbox.telegram.control.people import PEOPLE_ROUTES
from sandbox.telegram.errors import SandboxMisuse
from sandbox.telegram.world import TelegramWorld


def control_app(world: TelegramWorld) -> Starlette:
    """Build the control API's application."""
    routes: list[BaseRoute] = [
        Route(f"/control{path}", _endpoint(world, handler), methods=[verb])
        for verb, path, handler in (*PEOPLE_ROUTES, *OPERATOR_ROUTES)
    ]
    return Starlette(routes=routes)


def _endpoint(world: TelegramWorld, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            result = await handler(world, request, await _body(request))
        except NotFound as error:
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
