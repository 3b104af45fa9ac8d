"""The portal's control API over HTTP, and the request log."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from sandbox.portal import PortalServer
from sandbox.portal.clock import Clock
from tests.sandbox.portal.test_server import BOREAL, CLIENT, MONDAY, Visit, problem_of, visiting


@pytest.fixture
async def visit() -> AsyncIterator[Visit]:
    async with visiting() as visit:
        # The control API asks for no token.
        del visit.http.headers["authorization"]
        yield visit


async def sent(visit: Visit, method: str, path: str, body: Any = None) -> Any:
    response = await visit.http.request(method, f"/control/{path}", json=body)
    assert response.is_success, response.text
    return response.json()


async def events(visit: Visit) -> list[str]:
    with visit.portal.database.session() as session:
        rows = session.connection().exec_driver_sql("SELECT type, account_id, number FROM portal_event").all()
    return [" ".join(part for part in row if part) for row in rows]


async def test_accounts_are_listed_with_documents(visit: Visit) -> None:
    accounts = {account["name"]: account for account in (await sent(visit, "GET", "accounts"))["items"]}
    boreal = accounts["Transport Boréal inc."]
    assert (len(boreal["orders"]), len(boreal["invoices"])) == (6, 34)
    assert {contact["email"] for contact in boreal["contacts"]} >= {"flotte@example.test", "commandes@example.test"}
    assert await sent(visit, "POST", "generated", {"count": 3}) == {"count": 3}
    generated = (await sent(visit, "GET", "accounts?generated=true&limit=2"))["items"]
    assert [len(account["invoices"]) for account in generated] == [12, 12]
    assert await sent(visit, "POST", "monthly") == {"issued": 3}


async def test_billing(visit: Visit) -> None:
    line = {"quantity": 2.5, "description": "Installation, heures", "amount": "250.00"}
    order = await sent(visit, "POST", "orders", {"account_id": "a-2001", "lines": [line], "end_date": "2026-12-31"})
    new = {"account_id": "a-2001", "lines": [line], "order_number": order["number"], "due_date": "2026-04-15"}
    issued = await sent(visit, "POST", "invoices", new)
    await sent(visit, "POST", "payments", {"account_id": "a-2001", **issued, "amount": "87.44"})
    await sent(visit, "POST", "payments", {"account_id": "a-2001", **issued, "paid_on": "2026-03-20"})
    await sent(visit, "POST", "endings", {"account_id": "a-2001", **order, "days": 7})
    assert await events(visit) == [
        f"order.created a-2001 {order['number']}",
        f"invoice.issued a-2001 {issued['number']}",
        f"invoice.paid a-2001 {issued['number']}",
        f"order.ending a-2001 {order['number']}",
    ]
    visit.http.headers["authorization"] = f"Bearer {visit.server.token}"
    invoice = await visit.get(f"{CLIENT}/invoices/{issued['number']}")
    assert (invoice["amount"], invoice["balance"], invoice["paid_on"]) == ("287.44", "0.00", "2026-03-20")
    shown = await visit.get(f"{CLIENT}/orders/{order['number']}")
    assert shown["lines"] == [{"quantity": 2.5, "description": "Installation, heures"}]
    assert (shown["end_date"], shown["invoice_count"]) == ("2026-03-23", 1)


async def test_people(visit: Visit) -> None:
    await sent(visit, "POST", "accounts", {"account_id": "a/1", "name": "Neuf inc."})
    access = {"a/1": ["orders"], "a-2001": ["invoices"]}
    await sent(
        visit, "POST", "contacts", {"contact_id": "c 1", "email": "n@example.test", "name": "N", "access": access}
    )
    await sent(visit, "PATCH", "contacts/c%201", {"email": " New@Example.test", "language": "en"})
    visit.http.headers["authorization"] = f"Bearer {visit.server.token}"
    [contact] = (await visit.http.post("/v1/contacts/search", json={"email": "new@example.test"})).json()["items"]
    assert (contact["contact_id"], contact["name"], contact["language"]) == ("c 1", "N", "en")
    assert [account["access"] for account in contact["accounts"]] == [["orders"], ["invoices"]]
    await sent(visit, "DELETE", "contacts/c%201?account_id=a-2001")
    assert [a["account_id"] for a in (await visit.get("/v1/contacts/c%201"))["accounts"]] == ["a/1"]
    await sent(visit, "DELETE", "accounts/a%2F1")
    await sent(visit, "DELETE", "contacts/c%201")
    await visit.problem(404, "/v1/contacts/c%201")
    changed = ["contact.changed a-2001", "contact.changed a/1"]
    removed = ["contact.removed a-2001", "account.closed a/1", "contact.removed a/1"]
    assert await events(visit) == [*changed, *removed]


async def test_changes_of_invoices_and_orders(visit: Visit) -> None:
    """Each change of the back office shows in the invoice or order, and is reported."""
    boreal = "/v1/contacts/c-1002/accounts/a-2003"
    visit.http.headers["authorization"] = f"Bearer {visit.server.token}"

    async def invoice(number: str) -> tuple[str, str]:
        found = await visit.get(f"{boreal}/invoices/{number}")
        return found["status"], found["balance"]

    def of(number: str, **more: str) -> dict[str, str]:
        return {"account_id": "a-2003", "number": number, **more}

    assert await invoice("240129") == ("open", "793.08")
    await sent(visit, "POST", "payments/withdrawn", of("240129"))
    assert await invoice("240129") == ("open", "1293.08")
    await sent(visit, "POST", "invoices/changed", of("240129", balance="10.00", due_date="2031-01-02"))
    assert await invoice("240129") == ("open", "10.00")
    await sent(visit, "POST", "invoices/credited", of("240129"))
    assert await invoice("240129") == ("credited", "0.00")
    await sent(visit, "POST", "invoices/cancelled", of("240130"))
    assert await invoice("240130") == ("cancelled", "0.00")
    await sent(visit, "POST", "orders/changed", of("31200", status="cancelled", title="Flotte", amount="99.50"))
    order = await visit.get(f"{boreal}/orders/31200")
    assert [order[field] for field in ("status", "title", "amount", "currency")] == [
        "cancelled",
        "Flotte",
        "99.50",
        "CAD",
    ]
    await sent(visit, "PATCH", "accounts/a-2003", {"name": "Boréal 2"})
    kinds = [*["invoice.changed"] * 3, "invoice.cancelled", "order.changed", "contact.changed"]
    assert [event.partition(" ")[0] for event in await events(visit)] == kinds


async def test_summary_of_open_invoices(visit: Visit) -> None:
    """The summary has the invoices that somebody has to pay."""
    visit.http.headers["authorization"] = f"Bearer {visit.server.token}"
    summary = "/v1/contacts/c-1002/accounts/a-2003/invoices/summary"
    [before] = (await visit.get(summary))["items"]
    await sent(visit, "POST", "invoices/cancelled", {"account_id": "a-2003", "number": "240128", "keeps_balance": True})
    [after] = (await visit.get(summary))["items"]
    assert (before["open_count"], before["overdue_count"], before["currency"]) == (4, 3, "CAD")
    assert (after["open_count"], after["overdue_count"], after["overdue_balance"]) == (3, 2, "2385.48")


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "invoices", {"account_id": "a-9999", "amount": "1.00"}, 404),
        ("POST", "invoices", {"account_id": "a-2001"}, 422),
        ("POST", "invoices", {"account_id": "a-2001", "amount": "1.00", "number": "212380"}, 422),
        ("POST", "payments", {"account_id": "a-2001", "number": "212380"}, 422),
        ("POST", "orders", {"account_id": "a-2001", "lines": [], "progress": 101}, 422),
        ("POST", "accounts", {"account_id": "a-2001", "name": "Again"}, 422),
        ("POST", "faults", {"kind": "gremlins"}, 422),
        ("POST", "faults", {"kind": "drop", "times": 0}, 422),
        ("POST", "clock", {"set_to": "2026-01-01T00:00:00"}, 422),
        ("PUT", "webhook", {"url": "http://127.0.0.1:1/", "secret": "plain"}, 422),
        ("DELETE", "contacts/c-9999", None, 404),
        ("GET", "nowhere", None, 404),
    ],
)
async def test_mistakes_are_problems(visit: Visit, method: str, path: str, body: Any, status: int) -> None:
    problem_of(await visit.http.request(method, f"/control/{path}", json=body), status)
    assert await events(visit) == []


async def test_faults(visit: Visit) -> None:
    fault = await sent(visit, "POST", "faults", {"kind": "unavailable", "path": "/v1/links"})
    assert (fault["times"], fault["path"]) == (None, "/v1/links")
    assert (await visit.http.get("/v1/links")).status_code == 503
    assert [f["fault_id"] for f in (await sent(visit, "GET", "faults"))["items"]] == [fault["fault_id"]]
    await sent(visit, "DELETE", "faults")
    assert (await visit.http.get("/v1/links")).status_code == 401


async def test_the_clock(visit: Visit) -> None:
    assert await sent(visit, "GET", "clock") == {"now": "2026-03-16T12:00:00Z", "today": "2026-03-16"}
    moved = await sent(visit, "POST", "clock", {"advance_seconds": 16 * 3600})
    assert moved == {"now": "2026-03-17T04:00:00Z", "today": "2026-03-17"}
    moved = await sent(visit, "POST", "clock", {"set_to": "2026-03-21T23:30:00-04:00"})
    assert moved["today"] == "2026-03-21", "the company's day, not Greenwich's"
    assert "order.ending a-2003 30900" in await events(visit)


async def test_a_foreign_clock_is_not_moved() -> None:
    """A clock that a test injected, without a way to move it, gives 409."""

    class Still:
        def now(self) -> Any:
            return MONDAY

    clock: Clock = Still()
    async with PortalServer("t", clock=clock) as server, httpx.AsyncClient(base_url=server.url) as http:
        problem_of(await http.post("/control/clock", json={"advance_seconds": 1}), 409)


async def test_log_counts_requests_and_keeps_no_body() -> None:
    async with visiting() as visit:
        await visit.http.post("/v1/contacts/search", json={"email": "client@example.test"})
        await visit.get("/v1/contacts/c-1001")
        await visit.get(f"{BOREAL}/invoices", query="caméra", page=2)
        await visit.http.get(f"{BOREAL}/invoices/240130/pdf")
        await visit.http.get(f"{BOREAL}/invoices/no%2Fne")
        await visit.http.get("/v1/nowhere")
        log = await sent(visit, "GET", "requests?limit=3")
        assert log["total"] == visit.server.log.total == 6
        names = ("contacts/search", "contact", "invoices", "pdf", "invoice", "other")
        assert log["counts"] == dict.fromkeys(names, 1)
        assert "client@example" not in str(list(visit.server.log.entries))
        assert len(log["items"]) == 3
        asked = visit.server.log.entries[2]
        assert (asked.method, asked.path, asked.status) == ("GET", f"{BOREAL}/invoices", 200)
        assert asked.query == "query=cam%C3%A9ra&page=2"
        assert asked.milliseconds > 0
        assert visit.server.log.entries[4].status == 404
        await sent(visit, "DELETE", "requests")
        assert visit.server.log.total == 0
