"""The mailbox pane: received mail, newest first."""

import re
from typing import Any

from starlette.responses import HTMLResponse, Response

from sandbox.mail.received import Received
from sandbox.web.calls import Call, NotFound, Routes
from sandbox.web.page import Page

SHOWN = 50
CODE = re.compile(r"^\d{6}$", re.MULTILINE)
# No scripts, nothing loaded, no origin; only this page may frame it.
HARMLESS = {
    "Content-Security-Policy": "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
    "frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
}


def letters_values(page: Page) -> dict[str, Any]:
    """Return the template values of the mailbox pane."""
    newest = page.mailbox.messages[: -SHOWN - 1 : -1]
    return {"letters": [letter_values(letter) for letter in newest]}


def letter_values(letter: Received) -> dict[str, Any]:
    """Return the template values of one mail, with the code in it; empty without a code."""
    found = CODE.search(letter.text)
    return {"letter": letter, "code": found.group() if found else ""}


async def html(call: Call) -> Response:
    """Show the HTML part of a mail, for a frame without permissions."""
    letter = call.page.mailbox.message(call.request.path_params["letter"])
    if letter is None:
        raise NotFound
    return HTMLResponse(letter.html, headers=HARMLESS)


LETTER_ROUTES: Routes = [("GET", "/letters/{letter:int}/html", html)]
