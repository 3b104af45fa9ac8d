"""Answers a Bot API call: finds the method, applies faults, checks parameters, executes and logs."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.telegram.errors import ApiError, too_many_requests
from sandbox.telegram.faults import AFTER, Fault, FaultKind
from sandbox.telegram.methods import edits, inline, messages, profile, rich, topics, updates
from sandbox.telegram.methods.call import METHODS, Call, Described
from sandbox.telegram.model.bots import Bot
from sandbox.telegram.request_log import LoggedRequest
from sandbox.telegram.spec.methods import UploadedFile, summary
from sandbox.telegram.world import TelegramWorld

IMPLEMENTED_IN = (edits, inline, messages, profile, rich, topics, updates)  # importing them registers their methods
GATEWAY_HTML = (
    "<html>\r\n<head><title>{0}</title></head>\r\n<body>\r\n<center><h1>{0}</h1></center>\r\n"
    "<hr><center>nginx/1.18.0</center>\r\n</body>\r\n</html>\r\n"
)


@dataclass(slots=True)
class Request:
    """A call as the transport received it."""

    method: str
    raw: Mapping[str, object]
    files: Mapping[str, UploadedFile] = field(default_factory=dict)
    via: str = "POST"
    client: str = ""


@dataclass(slots=True)
class Answer:
    """What the transport sends: a status with a JSON body, a text or HTML. With `cut`, it cuts the connection."""

    status: int = 200
    body: dict[str, Any] | None = None
    html: str | None = None
    text: str | None = None
    cut: FaultKind | None = None
    hang_seconds: float = 0.0

    @property
    def retry_after(self) -> int | None:
        """The value of the Retry-After header in seconds, or None."""
        return (self.body or {}).get("parameters", {}).get("retry_after") if self.status == 429 else None


async def answer(world: TelegramWorld, bot: Bot, request: Request) -> Answer:
    """Answer a call and add it to the request log."""
    started = time.perf_counter()
    spec = world.spec.find(request.method)
    entry = LoggedRequest(
        world.log.number(),
        world.clock.now(),
        bot.username,
        spec.name if spec else request.method,
        request.raw,
        summary(request.files.values()),
        request.via,
        request.client,
    )
    latency, fault = world.faults.pick(bot.username, entry.method, request.raw.get("chat_id"))
    if latency:
        await asyncio.sleep(latency)
    entry.fault = str(fault.kind) if fault else "latency" if latency else None
    reply = _fault_answer(fault)
    if reply is None:
        reply = await _execute(world, bot, request, entry)
        if fault is not None and fault.kind in AFTER:
            reply = Answer(0, cut=fault.kind, hang_seconds=fault.seconds)
    _note(entry, reply, time.perf_counter() - started)
    world.log.finished(entry)
    world.publish("request", lambda: {"request": entry.json()}, bot=bot.username)
    return reply


def _note(entry: LoggedRequest, reply: Answer, seconds: float) -> None:
    entry.status = reply.status
    entry.milliseconds = seconds * 1000
    if reply.body is not None and not reply.body["ok"]:
        entry.error_code, entry.description = reply.body["error_code"], reply.body["description"]


def _fault_answer(fault: Fault | None) -> Answer | None:
    """Return what a fault answers instead of the call's result; None when the call is executed."""
    if fault is None or fault.kind in AFTER:
        return None
    if fault.kind is FaultKind.RETRY_AFTER:
        return _refusal(too_many_requests(fault.retry_after))
    if fault.kind is FaultKind.ERROR:
        return _refusal(ApiError(fault.status, fault.description))
    if fault.kind is FaultKind.GATEWAY:
        return Answer(fault.status, html=GATEWAY_HTML.format(f"{fault.status} {fault.description}"))
    if fault.kind is FaultKind.BODY:
        return Answer(text=fault.body)
    return Answer(0, cut=fault.kind, hang_seconds=fault.seconds)


def _refusal(error: ApiError) -> Answer:
    return Answer(error.error_code, error.body())


async def _execute(world: TelegramWorld, bot: Bot, request: Request, entry: LoggedRequest) -> Answer:
    try:
        spec = world.spec.find(request.method)
        if spec is None:
            raise ApiError(404, "Not Found: method not found")
        checked = spec.check(request.raw, request.files)
        entry.lint = tuple(checked.lint)
        implementation = METHODS.get(spec.name.lower())
        if implementation is None:
            raise ApiError(501, f"Not Implemented: the sandbox does not implement {spec.name}")
        result = await implementation(Call(world, bot, checked.values, checked.files))
    except ApiError as error:
        return _refusal(error)
    if isinstance(result, Described):
        return Answer(200, {"ok": True, "result": result.result, "description": result.description})
    return Answer(200, {"ok": True, "result": result})
