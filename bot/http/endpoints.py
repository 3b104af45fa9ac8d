"""The web endpoints: what the portal and mail clients call, and, on another address, what the operator asks."""

from collections import OrderedDict
from collections.abc import Callable

import structlog
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from bot.http.bodies import BodyMemory, NoMemory, TooLong, disconnected, no_memory, too_long
from bot.http.metrics import Metrics
from bot.http.readiness import Readiness
from bot.http.unsubscribe import Unsubscribe
from bot.http.webhook import TelegramWebhook
from bot.logs import ThrottledWarning

_REMEMBERED = 1_000

log = structlog.get_logger()


def public_app(
    *,
    telegram: TelegramWebhook | None,
    unsubscribe: Unsubscribe,
    read_now: Callable[[], None],
    portal_secret: str,
) -> Starlette:
    """What the public reaches; without a Telegram webhook there is no place to post updates to."""
    portal = PortalEvents(read_now, portal_secret, BodyMemory())
    updates = [Route("/telegram", telegram.receive, methods=["POST"])] if telegram else []
    app = Starlette(
        routes=[
            *updates,
            Route("/portal/events", portal.receive, methods=["POST"]),
            Route("/unsubscribe/{token}", unsubscribe.ask, methods=["GET"]),
            Route("/unsubscribe/{token}", unsubscribe.stop, methods=["POST"]),
        ],
        exception_handlers={TooLong: too_long, NoMemory: no_memory, ClientDisconnect: disconnected},
    )
    app.router.redirect_slashes = False  # it would redirect to whatever host the request names
    return app


def admin_app(*, readiness: Readiness, metrics: Metrics) -> Starlette:
    """What the operator asks; never public."""

    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(_: Request) -> Response:
        reasons = await readiness.reasons()
        return JSONResponse({"ready": not reasons, "reasons": reasons}, status_code=503 if reasons else 200)

    async def show(_: Request) -> Response:
        return Response(await metrics.text(), media_type=metrics.media_type)

    app = Starlette(routes=[Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", show)])
    app.router.redirect_slashes = False
    return app


class PortalEvents:
    """The portal's signed webhook (Standard Webhooks). It carries no truth: it says "read the feed now"."""

    def __init__(self, read_now: Callable[[], None], secret: str, memory: BodyMemory) -> None:
        self._read_now = read_now
        self._memory = memory
        self._refused = ThrottledWarning(log, "webhook.refused")
        self._webhook = Webhook(secret) if secret else None
        self._seen: OrderedDict[str, None] = OrderedDict()

    async def receive(self, request: Request) -> Response:
        """204; 401 for a bad signature or a time-stamp five minutes off; 404 where no secret is set."""
        body = await self._memory.read(request)
        if self._webhook is None:
            return PlainTextResponse("no webhook is set up here\n", status_code=404)
        try:
            self._webhook.verify(body, dict(request.headers), json_parse=False)
        except (WebhookVerificationError, ValueError):  # the library lets a signature that is none end in a ValueError
            self._refused.count()
            return PlainTextResponse("the signature does not hold\n", status_code=401)
        if self._is_new(request.headers.get("webhook-id", "")):
            self._read_now()
        return Response(status_code=204)

    def _is_new(self, message_id: str) -> bool:
        if message_id in self._seen:
            return False
        self._seen[message_id] = None
        while len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return True
