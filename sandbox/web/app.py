"""The page's server on loopback."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from sandbox.mail.mailbox import Mailbox
from sandbox.operated_bot import OperatedBot
from sandbox.portal.records.journal import UnknownRow
from sandbox.portal.server import PortalServer
from sandbox.serving import serve
from sandbox.telegram.errors import SandboxMisuse
from sandbox.telegram.world import TelegramWorld
from sandbox.web.calls import Call, Handler, NotFound, Routes
from sandbox.web.guard import Guard
from sandbox.web.live import LIVE_ROUTES
from sandbox.web.page import SHOWN_CALLS, Page
from sandbox.web.panes.chat import CHAT_ROUTES, chat_values, default_person, people_values
from sandbox.web.panes.health import HEALTH_ROUTES, health_values
from sandbox.web.panes.letters import LETTER_ROUTES, letters_values
from sandbox.web.panes.office import OFFICE_ROUTES, account_of, office_values
from sandbox.web.panes.operations import OPERATIONS_ROUTES
from sandbox.web.panes.staff import STAFF_ROUTES, staff_values
from sandbox.web.rendering.views import HERE, Views

PANES = ("chat", "mailbox", "office", "staff", "faults", "operations", "log")


@asynccontextmanager
async def open_page(
    world: TelegramWorld, portal: PortalServer, mailbox: Mailbox, port: int = 0, operated: OperatedBot | None = None
) -> AsyncIterator[str]:
    """Serve the page until the block ends, and yield its URL. Port 0 means a free port.

    Args:
        operated: The bot whose metrics, deliveries and alerts are shown; None shows none.
    """
    page = Page(world, portal, mailbox, operated)
    portal.portal.log.on_add = page.log_portal_call
    watching = [asyncio.create_task(page.publish_letters()), asyncio.create_task(page.watch_changes())]
    try:
        async with serve(create_app(page), port) as url:
            try:
                yield f"{url}/"
            finally:
                page.close()
    finally:
        for task in watching:
            task.cancel()


def create_app(page: Page) -> ASGIApp:
    """Build the page's application, behind its guard."""
    views = Views()
    table: Routes = [("GET", "/", home)]
    table += CHAT_ROUTES + LETTER_ROUTES + OFFICE_ROUTES + STAFF_ROUTES + HEALTH_ROUTES + LIVE_ROUTES
    table += OPERATIONS_ROUTES
    routes: list[BaseRoute] = [
        Route(path, _endpoint(page, views, handler), methods=[verb]) for verb, path, handler in table
    ]
    routes.append(Mount("/static", StaticFiles(directory=HERE / "static")))
    return Guard(Starlette(routes=routes))


def _endpoint(page: Page, views: Views, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        form = await request.form() if request.method == "POST" else FormData()
        try:
            return await handler(Call(page, views, request, form))
        except (NotFound, UnknownRow) as error:
            raise HTTPException(404) from error
        except SandboxMisuse as error:
            return PlainTextResponse(str(error), 409)
        except ValueError as error:
            return PlainTextResponse(str(error), 422)

    return endpoint


async def home(call: Call) -> Response:
    """Show the whole page. The query selects `person`, `pane` and `account`."""
    page, query = call.page, call.request.query_params
    asked = query.get("person", "")
    person = page.world.persons.get(int(asked)) if asked.isdecimal() else None
    person = person or default_person(page)
    theme = call.request.cookies.get("theme", "")
    values: dict[str, Any] = {
        "theme": theme if theme in ("light", "dark") else "",
        "pane": query.get("pane") if query.get("pane") in PANES else PANES[0],
        "panes": PANES,
        "since": page.world.events.sequence,
        "run": page.run_id,
        "calls": [entry.json() for entry in list(page.world.log.entries)[: -SHOWN_CALLS - 1 : -1]],
        "portal_calls": list(page.portal_calls)[::-1],
        "person": person,
        **people_values(page, person.user_id if person else None),
        **letters_values(page),
        **office_values(page, query.get("account") or account_of(page, person)),
        **staff_values(page),
        **health_values(page, call.language),
        "operations": None,  # the script reads it when the pane is shown
    }
    if person is not None:
        page.read[person.user_id] = page.world.events.sequence
        values |= chat_values(page, person)
    return call.show("page", **values)
