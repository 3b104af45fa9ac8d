"""The operator's routes of the control API: request log, faults, clock, settings, events."""

import json
from collections.abc import AsyncIterator
from dataclasses import asdict, fields
from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import StreamingResponse

from sandbox.telegram.clock import SandboxClock
from sandbox.telegram.control.lookup import Body, Handler, seconds
from sandbox.telegram.errors import TERMINATED_BY_POLL, SandboxMisuse
from sandbox.telegram.settings import Settings
from sandbox.telegram.world import TelegramWorld


async def requests(world: TelegramWorld, request: Request, _body: Body) -> object:
    """List the request log by bot and method, after number `since`. Wait up to `wait` seconds for `count` requests."""
    query = request.query_params
    bot = world.bot(query["bot"]).username if "bot" in query else None
    method, since, count = query.get("method"), int(query.get("since", 0)), int(query.get("count", 1))
    if seconds(request):
        found = await world.log.wait(method, bot=bot, since=since, count=count, timeout=seconds(request))
    else:
        found = world.log.find(bot=bot, method=method, since=since)
    return {"number": world.log.count, "requests": [entry.json() for entry in found]}


async def lint(world: TelegramWorld, _request: Request, _body: Body) -> object:
    """List the parameters and fields that Telegram would ignore without an error."""
    return {"lint": world.log.lint}


async def list_faults(world: TelegramWorld, _request: Request, _body: Body) -> object:
    """List the active fault rules."""
    return {"faults": [fault.json() for fault in world.faults.rules]}


async def add_fault(world: TelegramWorld, _request: Request, body: Body) -> object:
    """Add a fault rule. `seed` restarts the random numbers."""
    seed = body.pop("seed", None)
    if seed is not None:
        world.faults.seed(int(seed))
    return world.faults.add(str(body.pop("kind", "")), **body).json()


async def clear_faults(world: TelegramWorld, _request: Request, _body: Body) -> object:
    """Remove all fault rules."""
    world.faults.clear()
    return {"faults": []}


async def set_webhook(world: TelegramWorld, _request: Request, body: Body) -> object:
    """Set a webhook as another process with the same token does; the bot's polls then end with a 409."""
    bot = world.bot(body.get("bot"))
    bot.updates.end_poll_for_webhook()
    await bot.webhook.set(str(body.get("url", "http://127.0.0.1:9/elsewhere")), "", 40, "")
    return bot.webhook.info()


async def delete_webhook(world: TelegramWorld, _request: Request, body: Body) -> object:
    """Delete the webhook as another process with the same token does."""
    bot = world.bot(body.get("bot"))
    await bot.webhook.close()
    return bot.webhook.info()


async def break_webhook(world: TelegramWorld, _request: Request, body: Body) -> object:
    """Break the way to the webhook, whose URL stays; with `"broken": false` mend it."""
    bot = world.bot(body.get("bot"))
    bot.webhook.is_unreachable = bool(body.get("broken", True))
    return bot.webhook.info()


async def end_poll(world: TelegramWorld, _request: Request, body: Body) -> object:
    """End the waiting getUpdates with a 409, as another process that polls does; call it again and again."""
    world.bot(body.get("bot")).updates.end_poll(TERMINATED_BY_POLL)
    return {}


async def show_clock(world: TelegramWorld, _request: Request, _body: Body) -> object:
    """Return the sandbox's time."""
    return {"now": world.clock.now().isoformat()}


async def move_clock(world: TelegramWorld, request: Request, body: Body) -> object:
    """Advance the clock by `advance` seconds, or set it to `set`, an ISO time with an offset."""
    clock = world.clock
    if not isinstance(clock, SandboxClock):
        raise SandboxMisuse("the control API cannot move this world's clock")
    if "advance" in body:
        clock.advance(timedelta(seconds=float(body["advance"])))
    if "set" in body:
        clock.set(datetime.fromisoformat(str(body["set"])))
    return await show_clock(world, request, body)


async def show_settings(world: TelegramWorld, _request: Request, _body: Body) -> object:
    """Return all settings."""
    return asdict(world.settings)


async def change_settings(world: TelegramWorld, request: Request, body: Body) -> object:
    """Change the settings in the body."""
    names = {each.name for each in fields(Settings)}
    if unknown := body.keys() - names:
        raise SandboxMisuse(f"no such setting: {', '.join(sorted(unknown))}")
    for name, value in body.items():
        setattr(world.settings, name, value)
    return await show_settings(world, request, body)


async def events(world: TelegramWorld, request: Request, _body: Body) -> object:
    """Stream all events as server-sent events, after `since` or Last-Event-ID when given."""
    since = request.query_params.get("since", request.headers.get("last-event-id"))

    async def stream() -> AsyncIterator[str]:
        yield f": events from {world.events.sequence}\n\n"
        async for event in world.events.subscribe(None if since is None else int(since)):
            yield f"id: {event.seq}\nevent: {event.kind}\ndata: {_line(event.json())}\n\n"

    return StreamingResponse(stream(), media_type="text/event-stream", headers={"Cache-Control": "no-store"})


def _line(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False)


OPERATOR_ROUTES: list[tuple[str, str, Handler]] = [
    ("GET", "/requests", requests),
    ("GET", "/lint", lint),
    ("GET", "/faults", list_faults),
    ("POST", "/faults", add_fault),
    ("DELETE", "/faults", clear_faults),
    ("POST", "/webhook", set_webhook),
    ("DELETE", "/webhook", delete_webhook),
    ("POST", "/webhook/outage", break_webhook),
    ("POST", "/conflict", end_poll),
    ("GET", "/clock", show_clock),
    ("POST", "/clock", move_clock),
    ("GET", "/settings", show_settings),
    ("PATCH", "/settings", change_settings),
    ("GET", "/events", events),
]
