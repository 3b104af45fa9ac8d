"""The HTTP applications: one for Telegram, the portal and mail clients, and one for the operator."""

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from bot.http.admin.metrics import Metrics
from bot.http.admin.readiness import Readiness
from bot.http.bodies import (
    BodyMemoryFull,
    BodyTooLong,
    body_memory_full,
    body_too_long,
    client_disconnected,
)
from bot.http.calendar import CalendarEndpoint
from bot.http.policy import PolicyPage
from bot.http.portal_requests import PortalRequests
from bot.http.unsubscribe import Unsubscribe
from bot.http.webhook import TelegramWebhook
from services.privacy.policy import PATH


def public_app(
    *,
    telegram: TelegramWebhook | None,
    unsubscribe: Unsubscribe,
    portal: PortalRequests,
    calendar: CalendarEndpoint | None = None,
    policy: PolicyPage,
) -> Starlette:
    """Make the public application.

    Args:
        telegram: None leaves out ``POST /telegram``: updates are polled.
        calendar: None leaves out the calendar feeds, whose addresses need a public URL.
    """
    updates = [Route("/telegram", telegram.receive, methods=["POST"])] if telegram else []
    feeds = [Route("/calendar/{name:path}", calendar.get, methods=["GET"])] if calendar else []
    app = Starlette(
        routes=[
            *updates,
            *feeds,
            Route(PATH, policy.get, methods=["GET"]),
            Route("/portal/events", portal.receive_event, methods=["POST"]),
            Route("/portal/links", portal.make_link, methods=["POST"]),
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
