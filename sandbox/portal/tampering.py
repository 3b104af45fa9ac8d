"""Answers that a hostile or confused portal sends: too large, too deep, or about something else than was asked for."""

import json
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from fastapi.responses import HTMLResponse, Response, StreamingResponse

Edit = Callable[[dict[str, Any]], None]
"""Changes an answer's JSON in place."""

_MEGABYTE = 1024 * 1024
_JSON = "application/json"
_DEPTH = 100_000


def gzip_bomb(megabytes: int, media_type: str = _JSON) -> Response:
    """`megabytes` of an unfinished JSON list, of which about a thousandth travels."""
    return StreamingResponse(_compressed(megabytes), media_type=media_type, headers={"Content-Encoding": "gzip"})


def endless_json(megabytes: int) -> Response:
    """A list of empty objects without a declared length, `megabytes` long if the client reads so far."""

    async def body() -> AsyncIterator[bytes]:
        yield b'{"items":[{}'
        for _ in range(megabytes * 16):
            yield b",{}" * (64 * 1024 // 3)

    return StreamingResponse(body(), media_type=_JSON)


def deep_json() -> Response:
    """Lists within lists, deeper than any parser follows."""
    return Response(b'{"items":' + b"[" * _DEPTH + b"]" * _DEPTH + b"}", media_type=_JSON)


def proxy_page(status: int) -> Response:
    """The page in HTML by which a reverse proxy speaks for a portal that is away."""
    page = f"<!doctype html><html><title>{status}</title><h1>{status}</h1><hr>nginx</html>"
    return HTMLResponse(page, status_code=status)


def odd_contact(body: dict[str, Any]) -> None:
    """A third language, no name, an account with a null access, and one that cannot be read."""
    for contact in _papers(body):
        contact |= {"language": "es", "name": None}
        for account in contact.get("accounts", ()):
            account["access"] = None
        contact.setdefault("accounts", []).append({"account_id": 5, "name": ["odd"]})


def unreadable_contact(body: dict[str, Any]) -> None:
    """Contacts without an id."""
    for contact in _papers(body):
        contact["contact_id"] = None


def another_number(body: dict[str, Any]) -> None:
    """Papers under other numbers than were asked for."""
    for paper in _papers(body):
        paper["number"] = f"{paper['number']}0"


def another_account(body: dict[str, Any]) -> None:
    """Papers that say that they are another account's."""
    for paper in _papers(body):
        paper["account_id"] = "a-9999"


def edited(content: bytes, edit: Edit) -> bytes:
    """The same JSON object after the edit."""
    body = json.loads(content)
    edit(body)
    return json.dumps(body).encode()


def _papers(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The objects of an answer: its items, or itself."""
    items = body.get("items")
    return items if isinstance(items, list) else [body]


def _compressed(megabytes: int) -> Iterator[bytes]:
    squeezed = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    yield squeezed.compress(b'{"items":[')
    for _ in range(megabytes):
        yield squeezed.compress(b" " * _MEGABYTE)
    yield squeezed.flush()
