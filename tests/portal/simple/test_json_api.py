"""The client of a JSON API, against a real server on loopback."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from portal.adapters.adapter import Connection
from portal.errors import (
    Forbidden,
    NotFound,
    NotReady,
    PortalBroken,
    PortalError,
    PortalRefused,
    PortalUnavailable,
    TooLarge,
)
from portal.models import Pdf
from portal.simple.json_api import JsonApi
from sandbox.serving import serve
from tests.portal.simple.shop import ShopPortal, small_shop

JSON = "application/json"


class Server:
    """Answers each request with ``says``, and keeps the requests."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, bytes, dict[str, str]]] = []
        self.says = Response(b"{}", media_type=JSON)

    async def answer(self, request: Request) -> Response:
        path = request.scope["raw_path"].decode()
        query = request.scope["query_string"].decode()
        whole = f"{path}?{query}" if query else path
        self.asked.append((request.method, whole, await request.body(), dict(request.headers)))
        return self.says


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
async def api(server: Server) -> AsyncIterator[JsonApi]:
    app = Starlette(routes=[Route("/{path:path}", server.answer, methods=["GET", "POST"])])
    async with serve(app) as url:
        client = JsonApi(
            f"{url}/api", {"Authorization": "Bearer key"}, statuses={400: Forbidden}, hints={401: "the key"}
        )
        yield client
        await client.aclose()


async def test_request(server: Server, api: JsonApi) -> None:
    """Ids are quoted as one segment each; an email address travels in a body."""
    server.says = Response(b'[1, 2.5, "\xff"]', media_type=JSON)
    assert await api.get_json("/customers/{}/invoices/{}", "a/b", "é?#%", params={"q": "x y&z"}) == [1, 2.5, "\ufffd"]
    assert await api.post_json("/search", body={"email": "a@b.test"}) == [1, 2.5, "\ufffd"]
    (method, path, body, headers), (posted, searched, sent, _) = server.asked
    assert (method, path, body) == ("GET", "/api/customers/a%2Fb/invoices/%C3%A9%3F%23%25?q=x%20y%26z", b"")
    assert (headers["authorization"], headers["accept"]) == ("Bearer key", JSON)
    assert (posted, searched, sent) == ("POST", "/api/search", b'{"email": "a@b.test"}')


@pytest.mark.parametrize("hostile", ["", "..", "../x", "%2e%2e/x", "a\\b", "a\nb", "a/../b"])
async def test_id_that_leads_elsewhere_is_not_sent(server: Server, api: JsonApi, hostile: str) -> None:
    with pytest.raises(PortalBroken):
        await api.get_json("/customers/{}", hostile)
    assert server.asked == []


@pytest.mark.parametrize(
    ("status", "kind", "error"),
    [
        (400, JSON, Forbidden),
        (401, JSON, PortalRefused),
        (403, JSON, PortalRefused),
        (404, JSON, PortalRefused),
        (404, "application/problem+json", PortalRefused),
        (403, "text/html", PortalUnavailable),
        (404, "text/html", PortalUnavailable),
        (418, "text/html", PortalUnavailable),
        (418, JSON, PortalRefused),
        (401, "text/html", PortalRefused),
        (410, "text/html", PortalUnavailable),
        (429, JSON, PortalUnavailable),
        (503, "text/html", PortalUnavailable),
        (302, "text/html", PortalBroken),
        (204, JSON, PortalBroken),
    ],
)
async def test_error_for_a_status(
    server: Server, api: JsonApi, status: int, kind: str, error: type[PortalError]
) -> None:
    """One attempt, and the message has the template of the path, without an id."""
    server.says = Response(b"" if status == 204 else b"{}", status, {"Retry-After": "7"}, kind)
    with pytest.raises(error) as raised:
        await api.get_json("/customers/{}", "Anna")
    assert type(raised.value) is error
    assert str(raised.value).startswith(f"GET /customers/{{}}: HTTP {status}")
    assert "Anna" not in str(raised.value)
    assert ("the key" in str(raised.value)) is (status == 401)
    assert len(server.asked) == 1
    if isinstance(raised.value, PortalUnavailable):
        assert raised.value.retry_after == 7


async def test_not_found_where_the_call_says_so(server: Server, api: JsonApi) -> None:
    """And only if the API itself says it."""
    server.says = Response(b"{}", 404, media_type=JSON)
    with pytest.raises(NotFound):
        await api.get_json("/customers/{}", "7", statuses={404: NotFound})
    server.says = Response(b"<html>", 404, media_type="text/html")
    with pytest.raises(PortalUnavailable):
        await api.get_json("/customers/{}", "7", statuses={404: NotFound})


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b'{"a":', b"NaN", b"[" * 100_000, b"[" + b"0," * 300_000 + b"0]", b'"' + b"x" * 3_000_000]
)
async def test_body_that_is_no_usable_json(server: Server, api: JsonApi, body: bytes) -> None:
    server.says = Response(body, media_type=JSON)
    with pytest.raises(PortalBroken):
        await api.get_json("/customers")


async def test_pdf(server: Server, api: JsonApi) -> None:
    whole = b"%PDF-1.7 %%EOF"
    server.says = Response(whole, headers={"ETag": '"1"'}, media_type="application/pdf")
    assert await api.get_pdf("/invoices/{}/pdf", "7", limit=100, params={"lang": "fr"}) == Pdf(
        content=whole, etag='"1"'
    )
    assert server.asked[0][1] == "/api/invoices/7/pdf?lang=fr"
    with pytest.raises(TooLarge):
        await api.get_pdf("/invoices/{}/pdf", "7", limit=5)


@pytest.mark.parametrize(
    ("status", "kind", "error"),
    [
        (202, JSON, NotReady),
        (409, JSON, NotReady),
        (404, JSON, NotFound),
        (404, "text/html", PortalUnavailable),
        (400, JSON, Forbidden),
        (500, JSON, PortalUnavailable),
    ],
)
async def test_pdf_that_does_not_come(
    server: Server, api: JsonApi, status: int, kind: str, error: type[PortalError]
) -> None:
    server.says = Response(b"{}", status, media_type=kind)
    with pytest.raises(error) as raised:
        await api.get_pdf("/invoices/{}/pdf", "7", limit=5)
    assert type(raised.value) is error


async def test_unreachable_api() -> None:
    api = JsonApi("http://127.0.0.1:9")
    for call in (api.get_json("/x"), api.get_pdf("/x", limit=5)):
        with pytest.raises(PortalUnavailable) as raised:
            await call
        assert raised.value.is_outage
    await api.aclose()


async def test_portal_closes_its_apis(server: Server, api: JsonApi) -> None:
    class OnApi(ShopPortal):
        def __init__(self, url: str) -> None:
            super().__init__(small_shop())
            self.api = self.json_api(url, {"X-Key": self.connection.token})

        async def read_customers(self, **_key: Any) -> Any:
            return await self.api.get_json("/people")

    portal = OnApi("http://127.0.0.1:9")
    assert isinstance(portal.connection, Connection)
    await portal.aclose()
    with pytest.raises(PortalUnavailable):
        await portal.find_contacts("a@b.test")
