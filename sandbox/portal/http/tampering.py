"""Answers of a hostile or broken portal: too large, too deep, or about another object."""

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
    """Return `megabytes` of an unfinished JSON list, compressed to about a thousandth."""
    return StreamingResponse(_compressed(megabytes), media_type=media_type, headers={"Content-Encoding": "gzip"})


def endless_json(megabytes: int) -> Response:
    """Return `megabytes` of a JSON list of empty objects, without a declared length."""

    async def body() -> AsyncIterator[bytes]:
        yield b'{"items":[{}'
        for _ in range(megabytes * 16):
            yield b",{}" * (64 * 1024 // 3)

    return StreamingResponse(body(), media_type=_JSON)


def deep_json() -> Response:
    """Return nested lists, deeper than parsers accept."""
    return Response(b'{"items":' + b"[" * _DEPTH + b"]" * _DEPTH + b"}", media_type=_JSON)


def proxy_page(status: int) -> Response:
    """Return the HTML page of a reverse proxy whose portal does not answer."""
    page = f"<!doctype html><html><title>{status}</title><h1>{status}</h1><hr>nginx</html>"
    return HTMLResponse(page, status_code=status)


def odd_contact(body: dict[str, Any]) -> None:
    """Set an unknown language, a null name and a null access, and add an account that cannot be read."""
    for contact in _items(body):
        contact |= {"language": "es", "name": None}
        for account in contact.get("accounts", ()):
            account["access"] = None
        contact.setdefault("accounts", []).append({"account_id": 5, "name": ["odd"]})


def odd_fields(body: dict[str, Any]) -> None:
    """Write fields in other ways that have the same meaning."""
    for paper in _items(body):
        if str(paper.get("number", "")).isdigit():
            paper["number"] = int(paper["number"])
        for field in ("date", "due_date", "paid_on", "start_date", "end_date"):
            if paper.get(field):
                paper[field] = f"{paper[field]}T00:00:00"
        if "amount" in paper and "balance" in paper:
            paper["amount"] = float(paper["amount"])
            paper["balance"] = "-0.00" if float(paper["balance"]) == 0 else float(paper["balance"])
            paper |= {"currency": None, "url": f" {paper['url']} " if paper.get("url") else ""}
        for line in paper.get("lines") or ():
            if line["quantity"] is not None:
                line["quantity"] = line["quantity"] + 1 / 3
            line["description"] = f"{line['description']} "


def bad_row(body: dict[str, Any]) -> None:
    """Put a document without a number before the others of a list."""
    items = body.get("items")
    if isinstance(items, list):
        like = items[0] if items and isinstance(items[0], dict) else {}
        items.insert(0, {**like, "number": None})
        if isinstance(body.get("total"), int):
            body["total"] += 1


def unclean_address(body: dict[str, Any]) -> None:
    """Put spaces and a second address into the contacts' address fields."""
    for contact in _items(body):
        contact["email"] = f" {contact.get('email')} ; comptes@example.test "


def no_additions(body: dict[str, Any]) -> None:
    """Remove the fields that were added to version 1."""
    for paper in _items(body):
        added = ("status", "kind", "payment_reference", "title") if "number" in paper else ()
        for field in added:
            paper.pop(field, None)


def wrong_shape() -> Response:
    """Return JSON of another service."""
    return Response(b'{"status": "ok", "data": [{"id": 1}]}', media_type=_JSON)


def unreadable_contact(body: dict[str, Any]) -> None:
    """Remove the contacts' ids."""
    for contact in _items(body):
        contact["contact_id"] = None


def another_number(body: dict[str, Any]) -> None:
    """Change the documents' numbers."""
    for paper in _items(body):
        paper["number"] = f"{paper['number']}0"


def another_account(body: dict[str, Any]) -> None:
    """Set another account's id on the documents."""
    for paper in _items(body):
        paper["account_id"] = "a-9999"


def replaced(body: Any, pointer: str, value: str) -> Any:
    """Return the answer in which JSON text replaces the value at a JSON pointer (RFC 6901); empty text removes it.

    A pointer that leads nowhere changes nothing, an empty one replaces the whole answer.
    """
    if not pointer:
        return json.loads(value or "null")
    *parents, last = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    place = body
    try:
        for part in parents:
            place = place[int(part) if isinstance(place, list) else part]
        key: Any = int(last) if isinstance(place, list) else last
        if value:
            place[key] = json.loads(value)
        else:
            del place[key]
    except (KeyError, IndexError, TypeError, ValueError):
        return body
    return body


def edited(content: bytes, edit: Edit) -> bytes:
    """Return the JSON object after the edit; anything else, such as a PDF, as it is."""
    try:
        body = json.loads(content)
    except ValueError:
        return content
    edit(body)
    return json.dumps(body).encode()


def _items(body: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the objects of an answer: its items, or the answer itself."""
    items = body.get("items")
    return items if isinstance(items, list) else [body]


def _compressed(megabytes: int) -> Iterator[bytes]:
    squeezed = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    yield squeezed.compress(b'{"items":[')
    for _ in range(megabytes):
        yield squeezed.compress(b" " * _MEGABYTE)
    yield squeezed.flush()
