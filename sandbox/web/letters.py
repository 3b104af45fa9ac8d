"""The mailbox: what arrived, newest first."""

import re
from typing import Any

from starlette.responses import HTMLResponse, Response

from sandbox.mail.received import Received
from sandbox.web.calls import Call, NotHere, Routes
from sandbox.web.page import Page

SHOWN = 50
CODE = re.compile(r"^\d{6}$", re.MULTILINE)
# No script, nothing loaded, no address of its own: only this page may frame it.
HARMLESS = {
    "Content-Security-Policy": "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
    "frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
}


def letters_values(page: Page) -> dict[str, Any]:
    """What the mailbox pane needs."""
    newest = page.mailbox.messages[: -SHOWN - 1 : -1]
    return {"letters": [letter_values(letter) for letter in newest]}


def letter_values(letter: Received) -> dict[str, Any]:
    """One letter, and the code in it where there is one."""
    found = CODE.search(letter.text)
    return {"letter": letter, "code": found.group() if found else ""}


async def html(call: Call) -> Response:
    """The HTML part, for a frame that can do nothing."""
    letter = call.page.mailbox.message(call.request.path_params["letter"])
    if letter is None:
        raise NotHere
    return HTMLResponse(letter.html, headers=HARMLESS)


LETTER_ROUTES: Routes = [("GET", "/letters/{letter:int}/html", html)]
