"""The public page of the privacy policy: French, then English, then the languages that the company added."""

import re
from functools import cached_property
from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from bot.http.pages import HEADERS, language_tag, page_of
from services.company import Company
from services.privacy.policy import Policy
from texts.catalogue import Texts, all_texts

_CACHED = {"Cache-Control": "public, max-age=300"}
_ADDRESS = re.compile(r"https://[^\s<>&\"]*[^\s<>&\".,;)]")


class PolicyPage:
    """Serves the privacy policy. The page is made once, at the first request: it depends on the settings only."""

    def __init__(self, company: Company, policy: Policy) -> None:
        self._company = company
        self._policy = policy

    async def get(self, _request: Request) -> Response:
        """Answer GET with the page."""
        return HTMLResponse(self._page, headers=HEADERS | _CACHED)

    @cached_property
    def _page(self) -> str:
        texts = all_texts()
        name, title = escape(self._company.name), " · ".join(escape(t("policy.title")) for t in texts)
        links = " · ".join(
            f'<a href="#{t.language}" lang="{language_tag(t.language)}">{escape(t("language.name"))}</a>' for t in texts
        )
        parts = "".join(_in_language(t, self._policy) for t in texts)
        return page_of(f"{title} · {name}", f"<main><h1>{name}</h1><nav>{links}</nav>{parts}</main>")


def _in_language(t: Texts, policy: Policy) -> str:
    sections = "".join(
        f"<h3>{escape(section.heading)}</h3>" + "".join(f"<p>{_linked(each)}</p>" for each in section.paragraphs)
        for section in policy.sections(t)
    )
    heading = escape(t("policy.dated_title", date=policy.date(t)))
    return f'<section id="{t.language}" lang="{language_tag(t.language)}"><h2>{heading}</h2>{sections}</section>'


def _linked(text: str) -> str:
    """Return a text as HTML, with its ``https`` addresses as links."""
    return _ADDRESS.sub(r'<a href="\g<0>">\g<0></a>', escape(text))
