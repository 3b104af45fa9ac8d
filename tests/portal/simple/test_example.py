"""The adapter of docs/examples/small_portal.py, against the program that it describes, on loopback."""

import importlib.util
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from portal.adapters.adapter import Adapter, Connection
from portal.client import Portal, Reader
from portal.conformance.check import Outcome, Subject, run_checks
from portal.conformance.report import CHECKS
from portal.errors import NotFound, PortalRefused
from sandbox.serving import serve
from tests.portal.conformance.suite import OCCASIONAL
from tests.portal.simple.shop import pdf

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "small_portal.py"
KEY = "acme-key"


def adapter() -> Adapter:
    spec = importlib.util.spec_from_file_location("small_portal", EXAMPLE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: Adapter = module.ADAPTER
    return found


def client(number: int, mail: str, firm: str) -> dict[str, Any]:
    return {"id": number, "mail": mail, "other_mails": [f"billing-{mail}"], "person": "Anna Roy", "firm": firm}


def bill(number: int, ref: str, owner: int, rest: str = "0.00", **fields: Any) -> dict[str, Any]:
    row = {"id": number, "ref": ref, "issued": f"2026-03-{number - 900:02}", "due": "2026-04-30", "total": "293.08"}
    return row | {"open": rest, "job": "J-1", "void": False, "client": owner} | fields


class Acme:
    """The program, with two clients. ``mixes`` is a mistake of it: it sends the bills of everybody."""

    def __init__(self) -> None:
        self.clients = [client(7, "anna@example.test", "Roy inc."), client(8, "zed@example.test", "Zed")]
        self.jobs = [
            {"ref": "J-1", "begun": "2026-03-01", "until": None, "text": "Caméra", "client": 7},
            {"ref": "J-2", "begun": "2026-02-01", "until": "2026-12-31", "text": "Sonde", "client": 7},
        ]
        self.bills = [bill(901, "2026/001", 7), bill(902, "2026/002", 7, "93.08"), bill(903, "2026/003", 8)]
        self.bills.append(bill(904, "2026/004", 7, "5.00", void=True))
        self.log: list[dict[str, Any]] = []
        self.mixes = False

    async def lookup(self, request: Request) -> Response:
        mail = (await request.json())["mail"].strip().lower()
        return JSONResponse([each for each in self.clients if mail in (each["mail"], *each["other_mails"])])

    async def client(self, request: Request) -> Response:
        found = [each for each in self.clients if str(each["id"]) == request.path_params["id"]]
        return JSONResponse(found[0]) if found else JSONResponse({"error": "no such client"}, 404)

    async def jobs_of(self, request: Request) -> Response:
        return JSONResponse([each for each in self.jobs if str(each["client"]) == request.path_params["id"]])

    async def bills_of(self, request: Request) -> Response:
        owner = request.path_params["id"]
        return JSONResponse([each for each in self.bills if self.mixes or str(each["client"]) == owner])

    async def pdf(self, request: Request) -> Response:
        return Response(pdf(request.path_params["id"]), media_type="application/pdf")

    async def changes(self, request: Request) -> Response:
        since = datetime.fromisoformat(request.query_params["since"])
        return JSONResponse([each for each in self.log if datetime.fromisoformat(each["time"]) >= since])

    def app(self) -> Starlette:
        calls = [
            Route("/clients/lookup", self.lookup, methods=["POST"]),
            Route("/clients/{id}", self.client),
            Route("/clients/{id}/jobs", self.jobs_of),
            Route("/clients/{id}/bills", self.bills_of),
            Route("/bills/{id}.pdf", self.pdf),
            Route("/log", self.changes),
        ]

        async def guarded(scope: Any, receive: Any, send: Any) -> None:
            is_known = (b"authorization", f"Bearer {KEY}".encode()) in scope["headers"]
            answer = routes if is_known else JSONResponse({"error": "no key"}, 401)
            await answer(scope, receive, send)

        routes = Starlette(routes=calls)
        return guarded  # type: ignore[return-value]


@pytest.fixture
def acme() -> Acme:
    return Acme()


@pytest.fixture
async def portal(acme: Acme) -> AsyncIterator[Portal]:
    example = adapter()
    async with serve(acme.app()) as url:
        opened = example.open(Connection(example.check_url(f"acme+{url}/"), KEY))
        yield opened
        await opened.aclose()


async def test_example_keeps_the_contract(portal: Portal) -> None:
    for mail, other in (("anna@example.test", "zed@example.test"), ("billing-anna@example.test", "zed@example.test")):
        results = await run_checks(Subject(portal, mail, other), CHECKS)
        assert [result for result in results if result.outcome is Outcome.BROKEN] == []
        promises = {check.promise for check in CHECKS if check.run.__name__ in OCCASIONAL}
        assert {result.promise for result in results if result.outcome is Outcome.NOTHING} <= promises


async def test_example_reads_what_the_program_has(portal: Portal) -> None:
    reader = Reader("7", "7")
    page = await portal.invoices(reader, page=1, page_size=10)
    assert [(each.number, each.state.value, each.balance) for each in page.items] == [
        ("2026/004", "cancelled", 5),
        ("2026/002", "open", Decimal("93.08")),
        ("2026/001", "paid", 0),
    ]
    orders = (await portal.orders(reader, page=1, page_size=10)).items
    assert [(each.number, each.lines[0].description, each.invoice_count) for each in orders] == [
        ("J-1", "Caméra", 3),
        ("J-2", "Sonde", 0),
    ]
    found = await portal.invoice_pdf(reader, "2026/002", language="fr", limit=10**6)
    assert found is not None
    assert found.content.startswith(b"%PDF-")


async def test_example_tells_what_is_in_the_log(portal: Portal, acme: Acme) -> None:
    cursor = (await portal.events(None, 10)).cursor
    time = datetime.now(UTC).isoformat()
    acme.log = [
        {"time": time, "what": "bill_sent", "client": 7, "ref": "2026/001"},
        {"time": time, "what": "coffee_made", "client": 7, "ref": None},
    ]
    page = await portal.events(cursor, 10)
    assert [(each.type, each.account_id, each.number) for each in page.items] == [("invoice.issued", "7", "2026/001")]
    assert (await portal.events(page.cursor, 10)).items == ()


async def test_example_shows_no_bill_of_another(portal: Portal, acme: Acme) -> None:
    """Where the program sends one, also to a contact who is asked for by the right key."""
    acme.mixes = True
    page = await portal.invoices(Reader("7", "7"), page=1, page_size=10)
    assert "2026/003" not in [each.number for each in page.items]
    for call in (portal.invoice, portal.order):
        with pytest.raises(NotFound):
            await call(Reader("7", "7"), "2026/003")
    with pytest.raises(NotFound):
        await portal.contact("9")


async def test_example_with_a_wrong_key(acme: Acme) -> None:
    example = adapter()
    async with serve(acme.app()) as url:
        portal = example.open(Connection(f"acme+{url}", "wrong"))
        for call in (portal.contact("7"), portal.find_contacts("anna@example.test"), portal.events(None, 5)):
            with pytest.raises(PortalRefused, match="HTTP 401"):
                await call
        await portal.aclose()


@pytest.mark.parametrize("url", ["acme+http://example.com", "acme+https://", "acme+ftp://example.com", "acme+"])
def test_example_refuses_a_wrong_url(url: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        adapter().check_url(url)


def test_example_is_short() -> None:
    assert len(EXAMPLE.read_text().splitlines()) < 120
