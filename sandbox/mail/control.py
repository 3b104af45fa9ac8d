"""The mailbox over HTTP: read the received mail, set faults. The sandbox mounts it under /control/mail."""

import json
from dataclasses import replace
from email.message import EmailMessage
from typing import Any
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from sandbox.mail.answers import bounce_of, reply_to
from sandbox.mail.faults import PRESETS, Act, Fault, Stage
from sandbox.mail.imap import ImapMailbox
from sandbox.mail.mailbox import Mailbox
from sandbox.mail.received import Received

# As in a mail client: no scripts, nothing loaded, and not with the origin of this server.
_HARMLESS = {
    "Content-Security-Policy": "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
}


def control_app(mailbox: Mailbox, answered: ImapMailbox | None = None) -> Starlette:
    """Build the ASGI app of one mailbox. README.md lists its routes.

    Args:
        answered: Where replies and reports arrive; None where nobody reads them.
    """
    pages = _Pages(mailbox, answered)
    return Starlette(
        routes=[
            Route("/messages", pages.list_messages, methods=["GET"]),
            Route("/messages", pages.clear, methods=["DELETE"]),
            Route("/messages/{id:int}", pages.show),
            Route("/messages/{id:int}/html", pages.html),
            Route("/messages/{id:int}/raw", pages.raw),
            Route("/messages/{id:int}/attachments/{position:int}", pages.attachment),
            Route("/messages/{id:int}/reply", pages.reply, methods=["POST"]),
            Route("/messages/{id:int}/bounce", pages.bounce, methods=["POST"]),
            Route("/faults", pages.list_faults, methods=["GET"]),
            Route("/faults", pages.add_fault, methods=["POST"]),
            Route("/faults", pages.heal, methods=["DELETE"]),
            Route("/presets", pages.list_presets),
        ]
    )


class _Pages:
    def __init__(self, mailbox: Mailbox, answered: ImapMailbox | None) -> None:
        self._mailbox = mailbox
        self._answered = answered

    async def list_messages(self, request: Request) -> Response:
        letters = self._mailbox.sent_to(request.query_params.get("to"))
        return JSONResponse({"items": [_summary(letter) for letter in reversed(letters)]})

    async def clear(self, _: Request) -> Response:
        self._mailbox.clear()
        return Response(status_code=204)

    async def show(self, request: Request) -> Response:
        letter = self._letter(request)
        return JSONResponse(
            _summary(letter)
            | {
                "text": letter.text,
                "html": letter.html,
                "headers": [[name, str(value)] for name, value in letter.parsed.items()],
            }
        )

    async def html(self, request: Request) -> Response:
        return HTMLResponse(self._letter(request).html, headers=_HARMLESS)

    async def raw(self, request: Request) -> Response:
        return Response(self._letter(request).raw, media_type="text/plain", headers=_HARMLESS)

    async def attachment(self, request: Request) -> Response:
        attachments, position = self._letter(request).attachments, request.path_params["position"]
        if position >= len(attachments):
            raise HTTPException(404)
        found = attachments[position]
        disposition = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(found.name, safe='')}"}
        return Response(found.content, media_type=found.media_type, headers=_HARMLESS | disposition)

    async def reply(self, request: Request) -> Response:
        wanted = await _json_object(request)
        return self._deliver(reply_to(self._letter(request), str(wanted.get("text", "STOP"))))

    async def bounce(self, request: Request) -> Response:
        wanted = await _json_object(request)
        return self._deliver(
            bounce_of(self._letter(request).raw, status=str(wanted.get("status", "5.1.1")), diagnostic="")
        )

    def _deliver(self, mail: EmailMessage | bytes) -> Response:
        if self._answered is None:
            raise HTTPException(409, "no mailbox takes answers")
        return JSONResponse({"uid": self._answered.deliver(mail)}, status_code=201)

    async def list_faults(self, _: Request) -> Response:
        return JSONResponse(self._faults())

    async def list_presets(self, _: Request) -> Response:
        return JSONResponse({"items": {name: _shown(fault) for name, fault in PRESETS.items()}})

    async def add_fault(self, request: Request) -> Response:
        wanted = await _json_object(request)
        if wanted.get("down") is True:
            await self._mailbox.go_down()
        elif isinstance(wanted.get("size_limit"), int):
            self._mailbox.limit_size(wanted["size_limit"])
        else:
            self._mailbox.fail(_fault(wanted))
        return JSONResponse(self._faults(), status_code=201)

    async def heal(self, _: Request) -> Response:
        await self._mailbox.heal()
        return Response(status_code=204)

    def _letter(self, request: Request) -> Received:
        letter = self._mailbox.message(request.path_params["id"])
        if letter is None:
            raise HTTPException(404)
        return letter

    def _faults(self) -> dict[str, Any]:
        return {"down": self._mailbox.is_down, "items": [_shown(fault) for fault in self._mailbox.faults]}


def _shown(fault: Fault) -> dict[str, Any]:
    extra = {"text": fault.text, "to": fault.to, "seconds": fault.seconds}
    basic = {"at": fault.at, "act": fault.act, "code": fault.code, "times": fault.times}
    return basic | {name: value for name, value in extra.items() if value}


async def _json_object(request: Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except (json.JSONDecodeError, UnicodeDecodeError):
        body = None
    if not isinstance(body, dict):
        raise HTTPException(422, "expected a JSON object")
    return body


def _fault(wanted: dict[str, Any]) -> Fault:
    text, to, seconds = wanted.get("text", ""), wanted.get("to", ""), wanted.get("seconds")
    if "preset" in wanted:
        if wanted["preset"] not in PRESETS:
            raise HTTPException(422, f"preset is one of {', '.join(sorted(PRESETS))}")
        return replace(PRESETS[wanted["preset"]], to=str(to))
    code, times = wanted.get("code", 451), wanted.get("times")
    try:
        if (
            not isinstance(code, int)
            or not isinstance(times, int | None)
            or not isinstance(seconds, int | float | None)
        ):
            raise ValueError("code, times and seconds are numbers")
        return Fault(
            Stage(wanted.get("at", "")), Act(wanted.get("act", "reply")), code, times, str(text), str(to), seconds
        )
    except ValueError as error:
        raise HTTPException(422, str(error)) from None


def _summary(letter: Received) -> dict[str, Any]:
    return {
        "id": letter.id,
        "at": letter.at.isoformat(),
        "from": letter.sender,
        "to": list(letter.to),
        "subject": letter.subject,
        "encrypted": letter.encrypted,
        "attachments": [
            {"name": found.name, "media_type": found.media_type, "size": len(found.content)}
            for found in letter.attachments
        ],
    }
