"""The web endpoints: what the portal and mail clients call, and, on another address, what the operator asks."""

import html
from collections import OrderedDict
from collections.abc import Callable

import structlog
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from bot.body_limit import TooLong, limited_body
from bot.mail_carrier import is_stop_token
from bot.metrics import Metrics
from bot.readiness import Readiness
from bot.webhook import TelegramWebhook
from storage import wishes
from storage.database import Database
from texts.catalogue import Texts, both
from texts.language import Language

_REMEMBERED = 1_000

log = structlog.get_logger()


def public_app(
    *,
    telegram: TelegramWebhook | None,
    database: Database,
    read_now: Callable[[], None],
    portal_secret: str,
    language: Language,
) -> Starlette:
    """What the public reaches; without a Telegram webhook there is no place to post updates to."""
    portal = PortalEvents(read_now, portal_secret)
    stop = Unsubscribe(database, language)
    updates = [Route("/telegram", telegram.receive, methods=["POST"])] if telegram else []
    return Starlette(
        routes=[
            *updates,
            Route("/portal/events", portal.receive, methods=["POST"]),
            Route("/unsubscribe/{token}", stop.ask, methods=["GET"]),
            Route("/unsubscribe/{token}", stop.stop, methods=["POST"]),
        ],
        exception_handlers={TooLong: _too_long},
    )


def admin_app(*, readiness: Readiness, metrics: Metrics) -> Starlette:
    """What the operator asks; never public."""

    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(_: Request) -> Response:
        reasons = await readiness.reasons()
        return JSONResponse({"ready": not reasons, "reasons": reasons}, status_code=503 if reasons else 200)

    async def show(_: Request) -> Response:
        return Response(await metrics.text(), media_type=metrics.media_type)

    return Starlette(routes=[Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", show)])


async def _too_long(_request: Request, _error: Exception) -> Response:
    return PlainTextResponse("the body is over 1 MiB\n", status_code=413)


class PortalEvents:
    """The portal's signed webhook (Standard Webhooks). It carries no truth: it says "read the feed now"."""

    def __init__(self, read_now: Callable[[], None], secret: str) -> None:
        self._read_now = read_now
        self._webhook = Webhook(secret) if secret else None
        self._seen: OrderedDict[str, None] = OrderedDict()

    async def receive(self, request: Request) -> Response:
        """204; 401 for a bad signature or a time-stamp five minutes off; 404 where no secret is set."""
        body = await limited_body(request)
        if self._webhook is None:
            return PlainTextResponse("no webhook is set up here\n", status_code=404)
        try:
            self._webhook.verify(body, dict(request.headers), json_parse=False)
        except (WebhookVerificationError, ValueError):  # the library lets a signature that is none end in a ValueError
            log.warning("webhook.refused")
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


class Unsubscribe:
    """Stops a bookkeeper's copies. Mail scanners open links, so opening one only asks; one click of a client posts."""

    def __init__(self, database: Database, language: Language) -> None:
        self._database = database
        self._language = language

    async def ask(self, request: Request) -> Response:
        """A page with one button."""
        if await self._copy(request) is None:
            return self._page(lambda t: t("stop.unknown"), 404)
        return self._page(lambda t: t("stop.ask"), 200, button=True)

    async def stop(self, request: Request) -> Response:
        """RFC 8058: a POST stops at once, without asking; stopping twice is no error."""
        await limited_body(request)
        link_id = await self._copy(request)
        if link_id is not None:
            async with self._database.write() as session:
                await wishes.stop_copy(session, link_id)
        return self._page(lambda t: t("stop.done"), 200)

    async def _copy(self, request: Request) -> int | None:
        token = request.path_params["token"]
        number = token.partition(".")[0]
        if not number.isascii() or not number.isdigit() or len(number) > 15:
            return None
        async with self._database.read() as session:
            copy = await wishes.copy(session, int(number))
        return copy.link_id if copy and is_stop_token(self._database.vault, copy, token) else None

    def _page(self, say: Callable[[Texts], str], status: int, *, button: bool = False) -> Response:
        words = [(str(t.language), say(t), t("stop.button")) for t in both(self._language)]
        parts = "".join(
            f'<p lang="{language}">{html.escape(said)}</p>'
            + (f'<form method="post"><button>{html.escape(label)}</button></form>' if button else "")
            for language, said, label in words
        )
        page = (
            '<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
            f"<title>{html.escape(words[0][1])}</title>{parts}"
        )
        headers = {
            "Content-Security-Policy": "default-src 'none'; form-action 'self'",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
        }
        return HTMLResponse(page, status_code=status, headers=headers)
