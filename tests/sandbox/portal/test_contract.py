"""Every call in the contract's table, over HTTP."""

import json
from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.sandbox.portal.test_server import (
    BOREAL,
    CLIENT,
    CLIENT_2016,
    NORTH_SHORE,
    ODD,
    Visit,
    problem_of,
    visiting,
)

# One portal for all tests here: they only read, or add rows that do not affect each other.
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def visit() -> AsyncIterator[Visit]:
    async with visiting() as visit:
        yield visit


async def found(visit: Visit, email: str) -> Any:
    response = await visit.http.post("/v1/contacts/search", json={"email": email})
    assert response.status_code == 200
    return response.json()["items"]


@pytest.mark.parametrize("email", ["client@example.test", "  CLIENT@Example.TEST\n"])
async def test_contact_search(visit: Visit, email: str) -> None:
    [contact] = await found(visit, email)
    both = ["orders", "invoices"]
    assert contact == {
        "contact_id": "c-1001",
        "email": "client@example.test",
        "name": "Camille Client",
        "language": "fr",
        "accounts": [
            {"account_id": "a-2001", "name": "Client Odotrack", "access": both},
            {"account_id": "a-2002", "name": "Client Odotrack 2016", "access": both},
        ],
    }
    assert await visit.get("/v1/contacts/c-1001") == contact


@pytest.mark.parametrize(
    ("email", "contact_ids"),
    [
        ("partage@example.test", ["c-1007", "c-1008"]),
        ("comptable@example.test", ["c-1009"]),
        ("nobody@example.test", []),
        ("%@example.test", []),
        ("client@example.tes_", []),
        ("\u212aclient@example.test", []),
        ("", []),
        ("' OR 1=1 --", []),
    ],
)
async def test_contact_search_is_exact(visit: Visit, email: str, contact_ids: list[str]) -> None:
    assert [contact["contact_id"] for contact in await found(visit, email)] == contact_ids


async def test_lookalike_characters_are_another_mailbox(visit: Visit) -> None:
    visit.portal.people.add_contact("c-k", "kim@example.test", "Kim")
    assert await found(visit, "KIM@example.test")
    assert await found(visit, "\u212aim@example.test") == []


async def test_order_of_the_texts_example(visit: Visit) -> None:
    """The order that the bot's texts use as an example."""
    page = await visit.get(f"{CLIENT}/orders")
    assert (page["page"], page["page_size"], page["total"]) == (1, 10, 1)
    [order] = page["items"]
    lines = [(line["quantity"], line["description"]) for line in order.pop("lines")]
    assert lines == [
        (1, "Plan Pro"),
        (1, "Appareil ODO50"),
        (34, "Plan Pro - 3 ans"),
        (1, "Frais d'activation"),
        (1, "Cable OBD2 à 3 broches"),
        (None, "Escompte cable OBD2 à 3 broches"),
        (1, "FedEx"),
    ]
    assert order == {
        "number": "26387",
        "start_date": "2020-09-28",
        "end_date": "2023-09-27",
        "progress": 0,
        "invoice_count": 1,
        "url": "https://portail.odotrack.example.com/commandes/26387",
        "title": None,
        "amount": None,
        "currency": None,
        "status": None,
    }
    assert (await visit.get(f"{CLIENT}/orders/26387"))["number"] == "26387"


async def test_invoices_of_the_texts_example(visit: Visit) -> None:
    """The invoices that the bot's texts use as an example."""
    assert await visit.get(f"{CLIENT}/invoices/212380") == {
        "number": "212380",
        "date": "2020-09-28",
        "due_date": None,
        "amount": "293.08",
        "balance": "0.00",
        "currency": "CAD",
        "paid_on": "2020-09-28",
        "order_number": "26387",
        "url": "https://portail.odotrack.example.com/factures/212380",
        "status": "paid",
        "kind": "invoice",
        "payment_reference": None,
    }
    page = await visit.get(f"{CLIENT_2016}/invoices")
    rows = [(item["number"], item["date"], item["amount"], item["paid_on"]) for item in page["items"]]
    assert rows == [
        ("39654", "2016-02-07", "40.19", "2016-02-07"),
        ("36627", "2016-01-07", "40.19", "2016-01-07"),
        ("33642", "2015-12-07", "40.19", "2015-12-07"),
        ("30677", "2015-11-07", "40.19", "2015-11-07"),
    ]
    assert (await visit.get(f"{CLIENT_2016}/orders"))["total"] == 0


async def test_paging(visit: Visit) -> None:
    seen: list[str] = []
    for page in range(1, 8):
        answer = await visit.get(f"{BOREAL}/invoices", page=page, page_size=5)
        assert (answer["page"], answer["page_size"], answer["total"]) == (page, 5, 34)
        seen += [item["number"] for item in answer["items"]]
    assert len(seen) == len(set(seen)) == 34
    everything = (await visit.get(f"{BOREAL}/invoices", page_size=100))["items"]
    assert [item["number"] for item in everything] == seen
    days = [item["date"] for item in everything]
    assert days == sorted(days, reverse=True)


@pytest.mark.parametrize("page", [8, 10**9, 10**30])
async def test_page_past_the_end_is_empty(visit: Visit, page: int) -> None:
    answer = await visit.get(f"{BOREAL}/invoices", page=page, page_size=5)
    assert answer == {"items": [], "page": page, "page_size": 5, "total": 34}


@pytest.mark.parametrize(
    ("path", "query"),
    [
        (f"{BOREAL}/invoices", {"page": 0}),
        (f"{BOREAL}/invoices", {"page": "two"}),
        (f"{BOREAL}/orders", {"page_size": 0}),
        (f"{BOREAL}/orders", {"page_size": 101}),
        (f"{BOREAL}/invoices", {"status": "late"}),
        (f"{BOREAL}/invoices", {"from": "2020-02-30"}),
        (f"{BOREAL}/invoices", {"to": "1600000000"}),
        (f"{BOREAL}/invoices/240130/pdf", {"language": "es"}),
        ("/v1/links", {"language": "de"}),
        ("/v1/events", {"limit": 0}),
        ("/v1/events", {"after": "not a cursor"}),
    ],
)
async def test_invalid_parameters_are_422(visit: Visit, path: str, query: dict[str, Any]) -> None:
    await visit.problem(422, path, **query)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"email": 5}', b'{"mail": "a@example.test"}', b"\xff"])
async def test_invalid_bodies_are_422_and_not_echoed(visit: Visit, body: bytes) -> None:
    """An invalid body is 422, and the answer does not contain it."""
    response = await visit.http.post("/v1/contacts/search", content=body, headers={"content-type": "application/json"})
    problem_of(response, 422)
    assert "example" not in response.text


async def test_invoice_filters(visit: Visit) -> None:
    invoices = (await visit.get(f"{BOREAL}/invoices", page_size=100))["items"]

    def expected(wanted: Any) -> list[str]:
        return [item["number"] for item in invoices if wanted(item)]

    async def got(**query: Any) -> list[str]:
        return await visit.numbers(f"{BOREAL}/invoices", page_size=100, **query)

    assert await got(status="unpaid") == expected(lambda i: float(i["balance"]) > 0)
    assert await got(status="paid") == expected(lambda i: float(i["balance"]) <= 0)
    assert await got(order="31450") == expected(lambda i: i["order_number"] == "31450")
    first, last = invoices[20]["date"], invoices[10]["date"]
    assert await got(from_=first, to=last) == expected(lambda i: first <= i["date"] <= last)
    assert await got(from_=first, to=first) == [invoices[20]["number"]]
    assert await got(from_=last, to=first) == []
    assert await got(status="", order="", from_="", to="", query=" ") == expected(lambda i: True)
    assert await got(status="unpaid", order="31450", query="installation") == ["240202"]


async def test_boreal_has_every_kind_of_document(visit: Visit) -> None:
    """Transport Boréal has an invoice and an order of every kind."""
    invoices = {i["number"]: i for i in (await visit.get(f"{BOREAL}/invoices", page_size=100))["items"]}
    assert len([i for i in invoices.values() if float(i["balance"]) > 0]) == 4
    partial, credit = invoices["240129"], invoices["240204"]
    assert 0 < float(partial["balance"]) < float(partial["amount"])
    assert (credit["amount"], credit["balance"], credit["due_date"], credit["url"]) == ("-401.26", "0.00", None, None)
    today = visit.portal.today()
    dues = [date.fromisoformat(i["due_date"]) for i in invoices.values() if float(i["balance"]) > 0]
    assert min(dues) < today < max(dues)
    orders = {o["number"]: o for o in (await visit.get(f"{BOREAL}/orders", page_size=100))["items"]}
    assert orders["31200"]["invoice_count"] == 30
    assert orders["31450"]["invoice_count"] == 4
    assert len(orders["32010"]["lines"]) == 60
    unknown = orders["32555"]
    assert (unknown["start_date"], unknown["end_date"], unknown["progress"], unknown["url"]) == (None,) * 4
    assert list(orders)[-1] == "32555", "an order without dates comes last"


async def test_numbers_with_special_characters(visit: Visit) -> None:
    [order] = (await visit.get(f"{ODD}/orders"))["items"]
    [invoice] = (await visit.get(f"{ODD}/invoices"))["items"]
    assert "/" in order["number"]
    assert "/" in invoice["number"]
    encoded = str(httpx.QueryParams({"": order["number"]}))[1:].replace("+", "%20")
    assert await visit.get(f"{ODD}/orders/{encoded}") == order
    assert await visit.numbers(f"{ODD}/invoices", order=order["number"]) == [invoice["number"]]
    assert await visit.get(f"{ODD}/invoices/F%2F1%262%20%3C3%3E") == invoice
    pdf = await visit.http.get(f"{ODD}/invoices/F%2F1%262%20%3C3%3E/pdf")
    assert pdf.headers["content-disposition"] == "inline; filename*=UTF-8''Invoice-F%2F1%262%20%3C3%3E.pdf"
    await visit.problem(404, f"{ODD}/invoices/F/1%262%20%3C3%3E")


async def test_names_are_not_changed(visit: Visit) -> None:
    contact = await visit.get("/v1/contacts/c-1005")
    assert contact["accounts"][0]["name"] == '<b>Tom & "Jerry"</b> \u202eevil'


@pytest.mark.parametrize(("language", "title"), [("fr", "Se connecter au portail"), ("en", "Sign in to the portal")])
async def test_links(visit: Visit, language: str, title: str) -> None:
    links = (await visit.get("/v1/links", language=language))["items"]
    known = ["login", "forgot_password", "learn_more", "app", "guide_fr", "guide_en"]
    assert [link["key"] for link in links][:6] == known
    assert len(links) > 6, "there are keys that are not known, too"
    assert links[0]["title"] == title
    assert all(link["url"].startswith("https://") for link in links)


@pytest.mark.parametrize("header", [None, "Bearer wrong", "Bearer", "Basic dGVzdA==", "Bearer é"])
async def test_a_token_is_required(visit: Visit, header: str | None) -> None:
    async with httpx.AsyncClient(base_url=visit.server.url) as stranger:
        headers = {b"Authorization": header.encode()} if header else {}
        for path in ("/v1/links", "/v1/contacts/c-1001", "/v1/nowhere"):
            response = await stranger.get(path, headers=headers)
            assert problem_of(response, 401)
            assert response.headers["www-authenticate"] == "Bearer"
        problem_of(await stranger.post("/v1/contacts/search", content=b"{", headers=headers), 401)


async def test_unknown_paths_and_methods_are_problems(visit: Visit) -> None:
    await visit.problem(404, "/v2/links")
    await visit.problem(404, f"{CLIENT}/orders/")
    await visit.problem(404, f"{CLIENT}/receipts")
    problem_of(await visit.http.delete("/v1/links"), 405)


async def test_english_contact(visit: Visit) -> None:
    """The English contact has unfinished orders and unpaid invoices."""
    assert (await visit.get("/v1/contacts/c-1004"))["language"] == "en"
    orders = (await visit.get(f"{NORTH_SHORE}/orders"))["items"]
    assert {order["progress"] for order in orders} == {10, 62}
    assert len(await visit.numbers(f"{NORTH_SHORE}/invoices", status="unpaid")) == 3


async def test_optional_fields_are_null_not_missing(visit: Visit) -> None:
    response = await visit.http.get(f"{CLIENT_2016}/invoices/30677")
    assert json.loads(response.text)["order_number"] is None
