"""The page where a bookkeeper stops the copies of an account's invoices.

The page does not name the account or the address: the link ends up in logs of mail scanners and in forwarded mails, and
the mail with the link names the account already.
"""

import base64
import hashlib
from collections.abc import Callable
from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from bot.http.bodies import discard_body
from services.clock import Clock
from services.company import Company
from services.notices import copies
from services.security import SecurityEvent, SecurityLog
from storage.database import Database
from texts.catalogue import Texts, bilingual_texts
from texts.language import Language

_STYLE = """
:root { color-scheme: light dark; --ink: #1c1c1e; --paper: #fff; --line: #d1d1d6; --act: #0a58ca; --on-act: #fff }
@media (prefers-color-scheme: dark) {
  :root { --ink: #f2f2f7; --paper: #1c1c1e; --line: #48484a; --act: #9ec5fe; --on-act: #10233f }
}
body { margin: 0; background: var(--paper); color: var(--ink); font: 1.0625rem/1.5 Helvetica, Arial, sans-serif }
main { max-width: 34em; margin: 0 auto; padding: 1.5rem 1.25rem }
h1 { font-size: 1.375rem; margin: 0 0 1rem; overflow-wrap: anywhere }
p { overflow-wrap: anywhere }
section + section { border-top: 1px solid var(--line); margin-top: 1.75rem; padding-top: .75rem }
button { font: inherit; font-weight: bold; border: 0; border-radius: .5rem; padding: .75rem 1.25rem;
  min-height: 2.75rem; background: var(--act); color: var(--on-act); cursor: pointer }
button:focus-visible { outline: 3px solid var(--ink); outline-offset: 2px }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
    "Cache-Control": "no-store",
}


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
        if await copies.open_stop_token(self._database, request.path_params["token"]) is None:
            return self._invalid_link()
        return self._page(lambda t: t("stop.ask"), 200, button=True)

    async def stop(self, request: Request) -> Response:
        """Answer POST (RFC 8058): stop the copies. A repeated POST gets the same answer; an invalid token gets 404."""
        await discard_body(request)
        stopping = await copies.open_stop_token(self._database, request.path_params["token"])
        if stopping is None:
            return self._invalid_link()
        if stopped := await copies.stop(self._database, stopping, self._clock()):
            self._security.record(SecurityEvent.COPY_STOPPED, cause="bookkeeper", email=stopping.email, count=stopped)
        return self._page(lambda t: t("stop.done"), 200)

    def _invalid_link(self) -> Response:
        def message(t: Texts) -> str:
            if self._company.support:
                return t("stop.unknown_support", support=self._company.support)
            return t("stop.unknown", company=self._company.name)

        return self._page(message, 404)

    def _page(self, message: Callable[[Texts], str], status: int, *, button: bool = False) -> Response:
        texts = bilingual_texts(Language.FR)
        sections = "".join(_section(t, message(t), button=button) for t in texts)
        t = texts[0]
        company, title = escape(self._company.name), escape(t("stop.title"))
        page = (
            '<!doctype html><html lang="fr-CA"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>{title} · {company}</title><style>{_STYLE}</style></head>"
            f"<body><main><h1>{company}</h1>{sections}</main></body></html>"
        )
        return HTMLResponse(page, status_code=status, headers=_HEADERS)


def _section(t: Texts, message: str, *, button: bool) -> str:
    label = escape(t("stop.button"))
    form = f'<form method="post"><button>{label}</button></form>' if button else ""
    return f'<section lang="{t.language.locale.replace("_", "-")}"><p>{escape(message)}</p>{form}</section>'
