"""The portal as an ASGI application."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from sandbox.portal import api, control
from sandbox.portal.company import Portal
from sandbox.portal.gate import Gate
from sandbox.portal.problems import install_problem_handlers


def create_app(portal: Portal, token: str, stopping: asyncio.Event | None = None) -> FastAPI:
    """The API under `/v1`, for who bears `token`, and the control API under `/control`, for everybody.

    `stopping`, once set, cuts short the waits of slow faults. The portal stays the caller's to close.
    """

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        portal.webhook.start()
        yield
        await portal.webhook.stop()

    app = FastAPI(title="Sandbox portal", openapi_url=None, redirect_slashes=False, lifespan=lifespan)
    app.state.portal = portal
    # Including a router would build its routes again for every portal: 15 ms of each test's first request.
    app.router.routes += [*api.router.routes, *control.router.routes]
    install_problem_handlers(app)
    app.add_middleware(Gate, portal=portal, token=token, stopping=stopping or asyncio.Event())
    return app
