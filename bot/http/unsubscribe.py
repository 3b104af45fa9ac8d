"""The page where a bookkeeper stops the copies of an account's invoices.

The page does not name the account or the address: the link ends up in logs of mail scanners and in forwarded mails, and
the mail with the link names the account already.
"""

from collections.abc import Awaitable, Callable
from html import escape

import structlog
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from bot.http.bodies import discard_body
from bot.http.pages import PRIVATE_HEADERS, language_tag, page_of
from services.clock import Clock
from services.company import Company
from services.notices import copies
from services.retries import with_retries
from services.security import SecurityEvent, SecurityLog
from storage.database import Database
from storage.health.errors import is_outage
from texts.catalogue import Texts, all_texts

_RETRY_SECONDS = 10.0
_PAUSE_SECONDS = 0.25

log = structlog.get_logger()


class Unsubscribe:
    """Serves the unsubscribe link of a bookkeeper's mails. Mail scanners open links, so a GET changes nothing.

    Args:
        company: The page shows its name, and for an invalid link its support contact, unless that is empty.
    """

    def __init__(self, database: Database, clock: Clock, security: SecurityLog, company: Company) -> None:
        self._database = database
        self._clock = clock
        self._security = security
        self._company = company

    async def ask(self, request: Request) -> Response:
        """Answer GET with a page that has one button in each language; 404 if the token is invalid."""
        token = request.path_params["token"]

        async def answer() -> Response:
            if await copies.open_stop_token(self._database, token) is None:
                return self._invalid_link()
            return self._page(lambda t: t("stop.ask"), 200, button=True)

        return await self._in_time(answer)

    async def stop(self, request: Request) -> Response:
        """Answer POST (RFC 8058): stop the copies. A repeated POST gets the same answer; an invalid token gets 404."""
        await discard_body(request)
        token = request.path_params["token"]

        async def answer() -> Response:
            stopping = await copies.open_stop_token(self._database, token)
            if stopping is None:
                return self._invalid_link()
            if stopped := await copies.stop(self._database, stopping, self._clock()):
                self._security.record(
                    SecurityEvent.COPY_STOPPED, cause="bookkeeper", email=stopping.email, count=stopped
                )
            return self._page(lambda t: t("stop.done"), 200)

        return await self._in_time(answer)

    async def _in_time(self, answer: Callable[[], Awaitable[Response]]) -> Response:
        """Answer, again for some seconds while the database is away; then 503 with words and a button to try again."""
        try:
            return await with_retries(answer, on=is_outage, seconds=_RETRY_SECONDS, wait_initial=_PAUSE_SECONDS)
        except Exception as error:
            if not is_outage(error):
                raise
            log.warning("unsubscribe.not_answered", error=type(error).__name__)
        return self._page(lambda t: t("stop.later"), 503, button=True)

    def _invalid_link(self) -> Response:
        def message(t: Texts) -> str:
            if self._company.support:
                return t("stop.unknown_support", support=self._company.support)
            return t("stop.unknown", company=self._company.name)

        return self._page(message, 404)

    def _page(self, message: Callable[[Texts], str], status: int, *, button: bool = False) -> Response:
        texts = all_texts()
        sections = "".join(_section(t, message(t), button=button) for t in texts)
        t = texts[0]
        company, title = escape(self._company.name), escape(t("stop.title"))
        page = page_of(f"{title} · {company}", f"<main><h1>{company}</h1>{sections}</main>")
        return HTMLResponse(page, status_code=status, headers=PRIVATE_HEADERS)


def _section(t: Texts, message: str, *, button: bool) -> str:
    label = escape(t("stop.button"))
    form = f'<form method="post"><button>{label}</button></form>' if button else ""
    return f'<section lang="{language_tag(t.language)}"><p>{escape(message)}</p>{form}</section>'
