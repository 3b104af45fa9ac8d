"""A reverse proxy that decodes paths and folds their dot segments, as some are configured."""

import posixpath
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import quote, unquote

import httpx
from starlette.types import Receive, Scope, Send

from sandbox.serving import serve

Fold = Callable[[str], str]


def decoded_once(path: str) -> str:
    """As nginx with ``proxy_pass http://backend/;``."""
    return posixpath.normpath(unquote(path))


def decoded_twice(path: str) -> str:
    """As two such proxies, one behind the other."""
    return posixpath.normpath(unquote(unquote(path)))


def backslashes(path: str) -> str:
    """As IIS: a backslash is a slash."""
    return posixpath.normpath(unquote(unquote(path)).replace("\\", "/"))


def matrix_parameters(path: str) -> str:
    """As a servlet container: what follows a semicolon is no part of the segment."""
    return posixpath.normpath("/".join(part.partition(";")[0] for part in unquote(path).split("/")))


FOLDS: list[Fold] = [decoded_once, decoded_twice, backslashes, matrix_parameters]


@asynccontextmanager
async def folding_proxy(portal_url: str, fold: Fold) -> AsyncIterator[str]:
    """Serve the proxy in front of a portal. Gives its URL."""
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            message = await receive()
            path = quote(fold(scope["raw_path"].decode("latin-1")), safe="/")
            query = scope["query_string"].decode("latin-1")
            headers = [(name, value) for name, value in scope["headers"] if name != b"host"]
            answer = await client.request(
                scope["method"],
                f"{portal_url}{path}" + (f"?{query}" if query else ""),
                headers=headers,
                content=message.get("body", b""),
            )
            kept = [(b"content-type", answer.headers.get("content-type", "").encode())]
            await send({"type": "http.response.start", "status": answer.status_code, "headers": kept})
            await send({"type": "http.response.body", "body": answer.content})

        async with serve(app) as url:
            yield url
