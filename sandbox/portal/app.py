"""The portal as an ASGI application."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from sandbox.portal.company import Portal
from sandbox.portal.control import routes as control
from sandbox.portal.http import api
from sandbox.portal.http.middleware import ApiMiddleware
from sandbox.portal.http.problems import install_problem_handlers


def create_app(portal: Portal, token: str, stopping: asyncio.Event | None = None) -> FastAPI:
    """Build the API under `/v1`, which needs `token`, and the control API under `/control`, which needs none.

    Args:
        stopping: Once set, it ends the waits of slow faults.

    The caller closes the portal.
    """

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        portal.webhook.start()
        yield
        await portal.webhook.stop()

    app = FastAPI(title="Sandbox portal", openapi_url=None, redirect_slashes=False, lifespan=lifespan)
    app.state.portal = portal
    # include_router would build the routes again for every portal: 15 ms of each test's first request.
    app.router.routes += [*api.router.routes, *control.router.routes]
    install_problem_handlers(app)
    app.add_middleware(ApiMiddleware, portal=portal, token=token, stopping=stopping or asyncio.Event())
    return app
