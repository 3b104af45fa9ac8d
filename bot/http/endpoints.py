"""The HTTP applications: one for Telegram, the portal and mail clients, and one for the operator."""

from collections import OrderedDict
from collections.abc import Callable

import structlog
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from bot.http.bodies import (
    BodyMemory,
    BodyMemoryFull,
    BodyTooLong,
    body_memory_full,
    body_too_long,
    client_disconnected,
)
from bot.http.metrics import Metrics
from bot.http.readiness import Readiness
from bot.http.unsubscribe import Unsubscribe
from bot.http.webhook import TelegramWebhook
from bot.logs import ThrottledWarning

_MAX_SEEN = 1_000
"""Ids of portal webhooks that are remembered to ignore repetitions."""

log = structlog.get_logger()


def public_app(
    *,
    telegram: TelegramWebhook | None,
    unsubscribe: Unsubscribe,
    read_now: Callable[[], None],
    portal_secret: str,
) -> Starlette:
    """Make the public application.

    Args:
        telegram: None leaves out ``POST /telegram``: updates are polled.
        read_now: Called for each new event of the portal.
        portal_secret: The Standard Webhooks secret; empty refuses the portal's webhook.
    """
    portal = PortalEvents(read_now, portal_secret, BodyMemory())
    updates = [Route("/telegram", telegram.receive, methods=["POST"])] if telegram else []
    app = Starlette(
        routes=[
            *updates,
            Route("/portal/events", portal.receive, methods=["POST"]),
            Route("/unsubscribe/{token}", unsubscribe.ask, methods=["GET"]),
            Route("/unsubscribe/{token}", unsubscribe.stop, methods=["POST"]),
        ],
        exception_handlers={
            BodyTooLong: body_too_long,
            BodyMemoryFull: body_memory_full,
            ClientDisconnect: client_disconnected,
        },
    )
    app.router.redirect_slashes = False  # it would redirect to the host that the request names
    return app


def admin_app(*, readiness: Readiness, metrics: Metrics) -> Starlette:
    """Make the operator's application, which must not be public."""

    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(_: Request) -> Response:
        reasons = await readiness.reasons()
        return JSONResponse({"ready": not reasons, "reasons": reasons}, status_code=503 if reasons else 200)

    async def show_metrics(_: Request) -> Response:
        return Response(await metrics.text(), media_type=metrics.media_type)

    app = Starlette(routes=[Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", show_metrics)])
    app.router.redirect_slashes = False
    return app


class PortalEvents:
    """The portal's signed webhook (Standard Webhooks). A valid request makes the worker read the feed."""

    def __init__(self, read_now: Callable[[], None], secret: str, memory: BodyMemory) -> None:
        self._read_now = read_now
        self._memory = memory
        self._refused = ThrottledWarning(log, "webhook.refused")
        self._webhook = Webhook(secret) if secret else None
        self._seen: OrderedDict[str, None] = OrderedDict()

    async def receive(self, request: Request) -> Response:
        """Answer 204; 401 for a wrong signature or a timestamp over five minutes off; 404 if no secret is set."""
        body = await self._memory.read(request)
        if self._webhook is None:
            return PlainTextResponse("the portal's webhook is not configured\n", status_code=404)
        try:
            self._webhook.verify(body, dict(request.headers), json_parse=False)
        except (WebhookVerificationError, ValueError):  # the library raises ValueError for a malformed signature
            self._refused.count()
            return PlainTextResponse("the signature is wrong\n", status_code=401)
        if self._is_new(request.headers.get("webhook-id", "")):
            self._read_now()
        return Response(status_code=204)

    def _is_new(self, message_id: str) -> bool:
        if message_id in self._seen:
            return False
        self._seen[message_id] = None
        while len(self._seen) > _MAX_SEEN:
            self._seen.popitem(last=False)
        return True
