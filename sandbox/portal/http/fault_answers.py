"""The answers of each fault."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import parse_qs

from fastapi.responses import Response, StreamingResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.portal.faults import Fault, FaultKind
from sandbox.portal.http.feed_tampering import (
    CURSOR_EDITS,
    bad_events,
    events_reversed,
    events_twice,
    huge_page,
    numeric_events,
)
from sandbox.portal.http.problems import problem_response
from sandbox.portal.http.tampering import (
    Edit,
    another_account,
    another_number,
    bad_row,
    deep_json,
    edited,
    endless_json,
    gzip_bomb,
    no_additions,
    odd_contact,
    odd_fields,
    proxy_page,
    replaced,
    unclean_address,
    unreadable_contact,
    wrong_shape,
)
from sandbox.portal.pdf.scan import scanned_page

Close = Callable[[bool], Awaitable[bool]]
"""Closes the connection, with RST if True. Returns False where that is impossible."""
Wait = Callable[[float], Awaitable[None]]

_PDF = "application/pdf"
_CHUNK = b"%PDF-1.7 sandbox\n" + b"0" * (64 * 1024 - 17)
_EDITS: dict[FaultKind, Edit] = {
    FaultKind.ODD_CONTACT: odd_contact,
    FaultKind.UNREADABLE_CONTACT: unreadable_contact,
    FaultKind.ODD_FIELDS: odd_fields,
    FaultKind.BAD_ROW: bad_row,
    FaultKind.UNCLEAN_ADDRESS: unclean_address,
    FaultKind.NO_ADDITIONS: no_additions,
    FaultKind.ANOTHER_NUMBER: another_number,
    FaultKind.ANOTHER_ACCOUNT: another_account,
    FaultKind.BAD_EVENTS: bad_events,
    FaultKind.NUMERIC_EVENTS: numeric_events,
    FaultKind.EVENTS_TWICE: events_twice,
    FaultKind.EVENTS_REVERSED: events_reversed,
    FaultKind.HUGE_PAGE: huge_page,
}
_SIGN_IN_PAGE = "<!doctype html><html><title>Connexion</title><form>Votre session a expiré.</form></html>"


def faulty_answer(fault: Fault, answer: ASGIApp, close: Close, wait: Wait) -> ASGIApp:
    """Return the application that replaces `answer` under a fault.

    `close` closes the connection; `wait` sleeps for seconds, or until the server stops.
    """
    retry = {"Retry-After": str(fault.retry_after)} if fault.retry_after is not None else {}
    match fault.kind:
        case FaultKind.DROP:
            return _dropping(close)
        case FaultKind.RESET:
            return _dropping(close, reset=True)
        case FaultKind.CUT:
            return _cutting(answer, close)
        case FaultKind.STALL:
            return _dripping(answer, wait, fault.seconds, at_once=None)
        case FaultKind.DRIP:
            return _dripping(answer, wait, fault.seconds, at_once=1)
        case FaultKind.WRONG_TYPE:
            return _mislabelling(answer, fault.content_type)
        case FaultKind.PDF_TRUNCATED:
            return _halving(answer)
        case FaultKind.UNAVAILABLE:
            return problem_response(503, "The portal is closed for maintenance.")
        case FaultKind.SERVER_ERROR:
            return problem_response(500, "The portal failed.")
        case FaultKind.TOO_MANY:
            return problem_response(429, "Too many requests.", retry)
        case FaultKind.UNAUTHORISED:
            return problem_response(401, "A valid bearer token is needed.", {"WWW-Authenticate": "Bearer"})
        case FaultKind.NOT_READY:
            return problem_response(409, "The PDF is not ready yet.", retry)
        case FaultKind.MALFORMED_JSON:
            return Response('{"items": [{"number": "2123', media_type="application/json")
        case FaultKind.PDF_EMPTY:
            return Response(b"", media_type=_PDF)
        case FaultKind.PDF_CORRUPT:
            return Response(b"\x00\x01 no portable document \xff" * 40, media_type=_PDF)
        case FaultKind.PDF_HTML | FaultKind.LOGIN_PAGE:
            return Response(_SIGN_IN_PAGE, media_type="text/html")
        case FaultKind.REDIRECT:
            return Response(status_code=302, headers={"Location": "/connexion"})
        case FaultKind.NOT_FOUND:
            return problem_response(404, "The contact has no such object.")
        case FaultKind.FORBIDDEN:
            return problem_response(403, "The contact has no access to this part of the account.")
        case FaultKind.WRONG_SHAPE:
            return wrong_shape()
        case FaultKind.PDF_BYTES_AROUND:
            return _surrounding(answer)
        case FaultKind.PDF_LARGE:
            return Response(scanned_page(fault.megabytes), media_type=_PDF)
        case FaultKind.PDF_HUGE:
            return _huge(fault)
        case FaultKind.GZIP_BOMB:
            return gzip_bomb(fault.megabytes)
        case FaultKind.JSON_ENDLESS:
            return endless_json(fault.megabytes)
        case FaultKind.JSON_DEEP:
            return deep_json()
        case FaultKind.PROXY_PAGE:
            return proxy_page(fault.status)
        case FaultKind.NO_EVENT_PAGE:
            return Response(fault.body, media_type="application/json")
        case FaultKind.REPLACED:
            return _replacing(answer, fault)
        case FaultKind.CURSOR_GONE:
            return _refusing_cursors(answer)
        case FaultKind.SLOW:
            return answer
    if fault.kind in CURSOR_EDITS:
        return _editing_cursor(answer, fault)
    return _editing(answer, _EDITS[fault.kind])


def _huge(fault: Fault) -> Response:
    chunks = fault.megabytes * 16
    headers = {"Content-Length": str(chunks * len(_CHUNK))} if fault.declared_length else {}

    async def body() -> AsyncIterator[bytes]:
        start, end = b"%PDF-1.7\n", b"\n%%EOF\n"
        yield start + _CHUNK[len(start) :]
        for _ in range(chunks - 2):
            yield _CHUNK
        yield _CHUNK[len(end) :] + end

    return StreamingResponse(body(), media_type=_PDF, headers=headers)


def _dropping(close: Close, *, reset: bool = False) -> ASGIApp:
    async def drop(scope: Scope, receive: Receive, send: Send) -> None:
        if await close(reset):
            return
        await problem_response(503, "The portal is down.")(scope, receive, send)

    return drop


def _cutting(answer: ASGIApp, close: Close) -> ASGIApp:
    async def cut(scope: Scope, receive: Receive, send: Send) -> None:
        start, body = await _collect(answer, scope, receive)
        start["headers"] = _with_header(start, b"content-length", str(len(body)).encode())
        await send(start)
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        await close(False)

    return cut


def _dripping(answer: ASGIApp, wait: Wait, seconds: float, *, at_once: int | None) -> ASGIApp:
    """Send the head, then every `seconds` as many bytes as `at_once`; None sends the whole body."""

    async def drip(scope: Scope, receive: Receive, send: Send) -> None:
        start, body = await _collect(answer, scope, receive)
        await send(start)
        step = at_once or len(body) or 1
        for first in range(0, len(body), step):
            await wait(seconds)
            await send({"type": "http.response.body", "body": body[first : first + step], "more_body": True})
        await send({"type": "http.response.body"})

    return drip


def _halving(answer: ASGIApp) -> ASGIApp:
    async def halve(scope: Scope, receive: Receive, send: Send) -> None:
        start, body = await _collect(answer, scope, receive)
        half = body[: len(body) // 2]
        start["headers"] = _with_header(start, b"content-length", str(len(half)).encode())
        await send(start)
        await send({"type": "http.response.body", "body": half})

    return halve


def _surrounding(answer: ASGIApp) -> ASGIApp:
    async def surround(scope: Scope, receive: Receive, send: Send) -> None:
        start, body = await _collect(answer, scope, receive)
        around = b"\xef\xbb\xbfWarning: mktime() in pdf.php on line 7\r\n" + body + b"\r\n<!-- 0.21 s -->\n"
        start["headers"] = _with_header(start, b"content-length", str(len(around)).encode())
        await send(start)
        await send({"type": "http.response.body", "body": around})

    return surround


def _editing(answer: ASGIApp, edit: Edit) -> ASGIApp:
    return _changing(answer, lambda content: edited(content, edit))


def _replacing(answer: ASGIApp, fault: Fault) -> ASGIApp:
    def replace(content: bytes) -> bytes:
        try:
            return json.dumps(replaced(json.loads(content), fault.pointer, fault.body)).encode()
        except ValueError:
            return content

    return _changing(answer, replace)


def _changing(answer: ASGIApp, change: Callable[[bytes], bytes]) -> ASGIApp:
    """Change the body of a successful answer."""

    async def edit_it(scope: Scope, receive: Receive, send: Send) -> None:
        start, body = await _collect(answer, scope, receive)
        if start["status"] == 200:
            body = change(body)
            start["headers"] = _with_header(start, b"content-length", str(len(body)).encode())
        await send(start)
        await send({"type": "http.response.body", "body": body})

    return edit_it


def _editing_cursor(answer: ASGIApp, fault: Fault) -> ASGIApp:
    async def edit_it(scope: Scope, receive: Receive, send: Send) -> None:
        after, edit = _cursor_of(scope), CURSOR_EDITS[fault.kind]
        await _editing(answer, lambda body: edit(body, after, fault.met))(scope, receive, send)

    return edit_it


def _refusing_cursors(answer: ASGIApp) -> ASGIApp:
    async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
        gone = problem_response(410, "The cursor is too old: start again without one.")
        await (gone if _cursor_of(scope) else answer)(scope, receive, send)

    return refuse


def _cursor_of(scope: Scope) -> str:
    """Return the cursor of a request for events; empty where it has none."""
    query: bytes = scope["query_string"]
    return parse_qs(query.decode("latin-1")).get("after", [""])[0]


def _mislabelling(answer: ASGIApp, content_type: str) -> ASGIApp:
    async def mislabel(scope: Scope, receive: Receive, send: Send) -> None:
        async def relabelled(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = _with_header(message, b"content-type", content_type.encode("latin-1"))
            await send(message)

        await answer(scope, receive, relabelled)

    return mislabel


async def _collect(answer: ASGIApp, scope: Scope, receive: Receive) -> tuple[Message, bytes]:
    """Return the start message and the whole body of the application's answer."""
    messages: list[Message] = []

    async def keep(message: Message) -> None:
        messages.append(message)

    await answer(scope, receive, keep)
    return messages[0], b"".join(message.get("body", b"") for message in messages[1:])


def _with_header(start: Message, name: bytes, value: bytes) -> list[tuple[bytes, bytes]]:
    return [(n, v) for n, v in start["headers"] if n.lower() != name] + [(name, value)]
