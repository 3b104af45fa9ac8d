"""The portal's faults, as a client sees them."""

import json
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from sandbox.portal import Fault, FaultKind
from sandbox.portal.http.feed_tampering import BAD_EVENTS
from tests.sandbox.portal.test_server import CLIENT, Visit, problem_of, visiting

PDF = f"{CLIENT}/invoices/212380/pdf"
ORDERS = f"{CLIENT}/orders"


@pytest.fixture
async def visit() -> AsyncIterator[Visit]:
    async with visiting() as visit:
        yield visit


@pytest.mark.parametrize(
    ("kind", "status", "retry_after"),
    [
        (FaultKind.UNAVAILABLE, 503, None),
        (FaultKind.SERVER_ERROR, 500, None),
        (FaultKind.UNAUTHORISED, 401, None),
        (FaultKind.TOO_MANY, 429, "7"),
        (FaultKind.NOT_READY, 409, "7"),
    ],
)
async def test_refusals(visit: Visit, kind: FaultKind, status: int, retry_after: str | None) -> None:
    visit.server.faults.set(Fault(kind, times=2, retry_after=7))
    for _ in range(2):
        response = await visit.http.get(PDF)
        problem_of(response, status)
        assert response.headers.get("retry-after") == retry_after
    assert (await visit.http.get(PDF)).status_code == 200


async def test_a_dropped_connection(visit: Visit) -> None:
    visit.server.faults.set(Fault(FaultKind.DROP, times=1))
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        await visit.http.get(ORDERS)
    assert visit.server.log.entries[-1].status == 0
    await visit.get(ORDERS)


async def test_a_reset_connection(visit: Visit) -> None:
    visit.server.faults.set(Fault(FaultKind.RESET, times=1))
    with pytest.raises(httpx.ReadError):
        await visit.http.get(ORDERS)
    await visit.get(ORDERS)


async def test_a_truncated_answer(visit: Visit) -> None:
    visit.server.faults.set(Fault(FaultKind.CUT, times=1))
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message"):
        await visit.http.get(ORDERS)
    await visit.get(ORDERS)


async def test_a_slow_answer_then_another_fault(visit: Visit) -> None:
    visit.server.faults.set(Fault(FaultKind.SLOW, seconds=0.1, times=2))
    visit.server.faults.set(Fault(FaultKind.SERVER_ERROR, times=1))
    for status in (500, 200, 200):
        began = time.perf_counter()
        assert (await visit.http.get(ORDERS)).status_code == status
        slow = time.perf_counter() - began >= 0.1
        assert slow == (len(visit.server.log.entries) < 3)


async def test_client_timeout_before_a_slow_answer(visit: Visit) -> None:
    visit.server.faults.set(Fault(FaultKind.SLOW, seconds=30))
    with pytest.raises(httpx.ReadTimeout):
        await visit.http.get(ORDERS, timeout=0.05)
    began = time.perf_counter()
    await visit.server.stop()
    assert time.perf_counter() - began < 10, "a slow fault does not hold the portal open"


@pytest.mark.parametrize(
    ("pointer", "body", "expected"),
    [
        ("/items/0/number", "[1]", [1]),
        ("/items/0/number", "", None),
        ("/items/99/number", "1", "26387"),
        ("/no/such~1place", "1", "26387"),
    ],
)
async def test_replaced_value(visit: Visit, pointer: str, body: str, expected: object) -> None:
    visit.server.faults.set(Fault(FaultKind.REPLACED, pointer=pointer, body=body, times=1))
    assert (await visit.get(ORDERS))["items"][0].get("number") == expected
    visit.server.faults.set(Fault(FaultKind.REPLACED, body="7", times=1))
    assert await visit.get(ORDERS) == 7
    assert (await visit.get(ORDERS))["items"][0]["number"] == "26387"


async def test_malformed_json(visit: Visit) -> None:
    visit.server.faults.set(Fault(FaultKind.MALFORMED_JSON, times=1))
    response = await visit.http.get(ORDERS)
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    with pytest.raises(json.JSONDecodeError):
        response.json()


async def test_a_wrong_content_type(visit: Visit) -> None:
    visit.server.faults.set(Fault(FaultKind.WRONG_TYPE, times=1))
    response = await visit.http.get(ORDERS)
    assert response.headers.get_list("content-type") == ["text/html; charset=utf-8"]
    assert response.json()["total"] == 1


@pytest.mark.parametrize(
    ("kind", "content_type", "begins"),
    [
        (FaultKind.PDF_EMPTY, "application/pdf", b""),
        (FaultKind.PDF_CORRUPT, "application/pdf", b"\x00"),
        (FaultKind.PDF_TRUNCATED, "application/pdf", b"%PDF-"),
        (FaultKind.PDF_HTML, "text/html; charset=utf-8", b"<!doctype html>"),
    ],
)
async def test_invalid_pdfs(visit: Visit, kind: FaultKind, content_type: str, begins: bytes) -> None:
    whole = (await visit.http.get(PDF)).content
    visit.server.faults.set(Fault(kind, path="*/pdf"))
    assert (await visit.http.get(ORDERS)).status_code == 200
    response = await visit.http.get(PDF)
    assert (response.status_code, response.headers["content-type"]) == (200, content_type)
    assert response.content.startswith(begins)
    assert b"%%EOF" not in response.content
    assert len(response.content) < len(whole)
    visit.server.faults.clear()
    assert (await visit.http.get(PDF)).content == whole


@pytest.mark.parametrize("declared", [True, False])
async def test_a_huge_pdf_is_streamed(visit: Visit, declared: bool) -> None:
    visit.server.faults.set(Fault(FaultKind.PDF_HUGE, declared_length=declared))
    async with visit.http.stream("GET", PDF) as response:
        assert response.headers.get("content-length") == ("53477376" if declared else None)
        chunks = response.aiter_bytes()
        assert (await anext(chunks)).startswith(b"%PDF-")
        if not declared:
            return  # a client may close the connection early
        received = 0
        async for chunk in chunks:
            received += len(chunk)
    assert received > 50_000_000


async def test_faults_apply_by_path_and_method(visit: Visit) -> None:
    visit.server.faults.set(Fault(FaultKind.SERVER_ERROR, path="/v1/contacts/*/orders*", method="GET"))
    assert (await visit.http.get(ORDERS)).status_code == 500
    assert (await visit.http.get(f"{ORDERS}/26387")).status_code == 500
    assert (await visit.http.get(f"{CLIENT}/invoices")).status_code == 200
    search = await visit.http.post("/v1/contacts/search", json={"email": "a@example.test"})
    assert search.status_code == 200
    [fault] = visit.server.faults.all()
    visit.server.faults.clear(fault.fault_id + 1)
    assert (await visit.http.get(ORDERS)).status_code == 500
    visit.server.faults.clear(fault.fault_id)
    assert (await visit.http.get(ORDERS)).status_code == 200


def test_faults_with_zero_times_are_refused() -> None:
    from sandbox.portal.faults import FaultBoard

    with pytest.raises(ValueError, match="at least 1"):
        FaultBoard().set(Fault(FaultKind.DROP, times=0))


async def test_oversized_and_deep_bodies(visit: Visit) -> None:
    for kind in (FaultKind.GZIP_BOMB, FaultKind.JSON_ENDLESS):
        visit.server.faults.set(Fault(kind, times=1, megabytes=3))
        response = await visit.http.get(ORDERS)
        assert response.headers["content-type"] == "application/json"
        assert len(response.content) > 2_900_000
    assert "content-encoding" not in response.headers
    visit.server.faults.set(Fault(FaultKind.JSON_DEEP, times=1))
    response = await visit.http.get(ORDERS)
    with pytest.raises(RecursionError):
        response.json()


@pytest.mark.parametrize("status", [200, 403, 404, 502])
async def test_proxy_error_page(visit: Visit, status: int) -> None:
    visit.server.faults.set(Fault(FaultKind.PROXY_PAGE, status=status))
    response = await visit.http.get(ORDERS)
    assert (response.status_code, response.headers["content-type"]) == (status, "text/html; charset=utf-8")


async def test_edited_answers(visit: Visit) -> None:
    """Edits change right answers and leave refusals unchanged."""
    visit.server.faults.set(Fault(FaultKind.ODD_CONTACT, path="/v1/contacts/search"))
    visit.server.faults.set(Fault(FaultKind.UNREADABLE_CONTACT, path="/v1/contacts/c-*1"))
    visit.server.faults.set(Fault(FaultKind.ANOTHER_NUMBER, path="*/orders*"))
    visit.server.faults.set(Fault(FaultKind.ANOTHER_ACCOUNT, path="*/invoices*"))
    search = await visit.http.post("/v1/contacts/search", json={"email": "client@example.test"})
    [contact] = search.json()["items"]
    assert (contact["language"], contact["name"], len(contact["accounts"])) == ("es", None, 3)
    assert (await visit.get("/v1/contacts/c-1001"))["contact_id"] is None
    assert (await visit.get(f"{ORDERS}/26387"))["number"] == "263870"
    assert await visit.numbers(ORDERS) == ["263870"]
    assert (await visit.get(f"{CLIENT}/invoices/212380"))["account_id"] == "a-9999"
    await visit.problem(404, f"{ORDERS}/1")


async def test_faults_of_the_feed(visit: Visit) -> None:
    """Events and cursors are changed, and the cursors stay valid when the fault is cleared."""
    start = (await visit.get("/v1/events"))["cursor"]
    visit.portal.issue_invoice("a-2001", "10.00", number="7001")

    async def page(kind: FaultKind, after: str = start) -> dict[str, Any]:
        fault = visit.server.faults.set(Fault(kind, path="/v1/events"))
        found: dict[str, Any] = await visit.get("/v1/events", after=after)
        visit.server.faults.clear(fault.fault_id)
        return found

    [right] = (await visit.get("/v1/events", after=start))["items"]
    bad = await page(FaultKind.BAD_EVENTS)
    assert len(bad["items"]) == BAD_EVENTS + 1
    assert [item for item in bad["items"] if item == right] == [right]
    [numeric] = (await page(FaultKind.NUMERIC_EVENTS))["items"]
    assert (type(numeric["id"]), numeric["number"]) == (int, 7001)
    assert [item["number"] for item in (await page(FaultKind.EVENTS_TWICE))["items"]] == ["7001", "7001"]
    assert (await page(FaultKind.EVENTS_REVERSED))["items"] == [right]
    assert await page(FaultKind.NO_EVENT_PAGE) == {"cursor": "c"}
    assert (await page(FaultKind.SAME_CURSOR))["cursor"] == start
    once = await page(FaultKind.CURSOR_CYCLE)
    empty = await page(FaultKind.EMPTY_PAGES, once["cursor"])
    assert (once["items"], empty["items"]) == ([right], [])
    assert (await visit.get("/v1/events", after=empty["cursor"]))["items"] == [right]
    visit.server.faults.set(Fault(FaultKind.CURSOR_GONE, path="/v1/events"))
    await visit.problem(410, "/v1/events", after=start)
    assert (await visit.get("/v1/events"))["items"] == []
