"""The client of the portal's API, against servers on loopback that answer wrongly."""

import asyncio
import gzip
import json
import socket
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, unquote_to_bytes

import pytest
import stamina
import uvicorn
from hypothesis import example, given, settings, strategies as st
from uvicorn.lifespan.off import LifespanOff

from portal import http_client, numbers
from portal.client import Reader
from portal.errors import (
    CursorTooOld,
    Forbidden,
    NotFound,
    NotReady,
    PortalBroken,
    PortalError,
    PortalRefused,
    PortalUnavailable,
    TooLarge,
)
from portal.fields import unread_rows
from portal.http import HttpPortal
from portal.models import InvoiceKind, InvoiceStatus, OrderStatus, Part, Status

TOKEN = "portal-token-secret"
EMAIL = "client+odo@example.test"
READER = Reader("contact-7781", "account-4402")
NUMBER = "F-212380"
SECRETS = (EMAIL, "client", NUMBER, "212380", READER.contact_id, READER.account_id, TOKEN)
PDF = b"%PDF-1.7\n" + b"x" * 2000 + b"\n%%EOF\n"
LIMIT = 50 * 1024 * 1024

CONTACT = {"contact_id": "c", "email": EMAIL, "accounts": [{"account_id": "a", "name": "n", "access": ["orders"]}]}
INVOICE = {"number": "1", "date": "2020-09-28", "amount": "293.08", "balance": "0.00"}
PROBLEM = {"content-type": "application/problem+json"}
PAGE = {"items": [], "page": 1, "page_size": 5, "total": 0}


@dataclass
class Asked:
    """A request as the server received it."""

    method: str
    raw_path: bytes
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes

    @property
    def segments(self) -> list[str]:
        """The segments of the path: split first, then decoded."""
        return [unquote_to_bytes(part).decode() for part in self.raw_path.split(b"/")[1:]]


@dataclass
class Answer:
    """An answer of the server."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


def as_json(body: object, status: int = 200, **headers: str) -> Answer:
    return Answer(status, json.dumps(body).encode(), {"content-type": "application/json", **headers})


Send = Callable[[dict[str, Any]], Awaitable[None]]
Behaviour = Callable[[Asked, Send], Awaitable[Answer | None]]


class BadPortal:
    """A server that gives prepared answers in order and then repeats the last one, or runs ``behaviour``."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.answers: list[Answer] = [Answer()]
        self.behaviour: Behaviour | None = None
        self.url = ""

    def says(self, *answers: Answer) -> None:
        self.asked.clear()
        self.behaviour = None
        self.answers = list(answers)

    async def __call__(self, scope: Any, receive: Any, send: Send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
        asked = Asked(scope["method"], scope["raw_path"], parse_qs(scope["query_string"].decode()), headers, body)
        self.asked.append(asked)
        if self.behaviour:
            answer = await self.behaviour(asked, send)
            if answer is None:
                return
        else:
            answer = self.answers[min(len(self.asked), len(self.answers)) - 1]
        raw = [(name.encode(), value.encode("latin-1")) for name, value in answer.headers.items()]
        if "content-length" not in answer.headers and answer.status not in (204, 304):
            raw.append((b"content-length", str(len(answer.body)).encode()))
        await send({"type": "http.response.start", "status": answer.status, "headers": raw})
        await send({"type": "http.response.body", "body": answer.body})


@asynccontextmanager
async def serving(app: Any) -> AsyncIterator[str]:
    """The app on a free port of this machine, in this event loop."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(app, http="httptools", ws="none", lifespan="off", log_config=None, access_log=False)
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = LifespanOff(config)
    await server.startup(sockets=[listener])
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        for listening in server.servers:
            listening.close()
        connections, tasks = list(server.server_state.connections), list(server.server_state.tasks)
        for task in tasks:
            task.cancel()
        for connection in connections:
            connection.transport.abort()
        await asyncio.gather(*tasks, return_exceptions=True)
        for listening in server.servers:
            await listening.wait_closed()


@pytest.fixture
async def server() -> AsyncIterator[BadPortal]:
    app = BadPortal()
    async with serving(app) as url:
        app.url = url
        yield app


@pytest.fixture
async def portal(server: BadPortal) -> AsyncIterator[HttpPortal]:
    """The client, without pauses between attempts."""
    client = HttpPortal(server.url, TOKEN)
    with stamina.set_testing(True, attempts=3, cap=True):
        yield client
    await client.aclose()


def pdf(portal: HttpPortal, *, known_etag: str | None = None, limit: int = LIMIT, number: str = NUMBER) -> Any:
    return portal.invoice_pdf(READER, number, language="fr", known_etag=known_etag, limit=limit)


CALLS: dict[str, Callable[[HttpPortal], Awaitable[Any]]] = {
    "find_contacts": lambda portal: portal.find_contacts(EMAIL),
    "contact": lambda portal: portal.contact(READER.contact_id),
    "orders": lambda portal: portal.orders(READER, page=1, page_size=5, query="212380"),
    "order": lambda portal: portal.order(READER, NUMBER),
    "invoices": lambda portal: portal.invoices(READER, page=1, page_size=5, order=NUMBER),
    "invoice": lambda portal: portal.invoice(READER, NUMBER),
    "invoice_pdf": lambda portal: pdf(portal),
    "links": lambda portal: portal.links("fr"),
    "events": lambda portal: portal.events("212380", 10),
}


def assert_tells_nobody(error: BaseException) -> None:
    """Check that neither the error nor its traceback holds an address, an id or a number of the request."""
    shown = "".join(traceback.format_exception(error, limit=0)) + repr(error) + str(error)
    cause = error.__cause__
    while cause is not None:
        shown, cause = shown + repr(cause), cause.__cause__
    assert [secret for secret in SECRETS if secret in shown] == []


STATUSES = {
    201: PortalBroken, 204: PortalBroken, 206: PortalBroken, 301: PortalBroken, 302: PortalBroken, 307: PortalBroken,
    400: PortalRefused, 401: PortalRefused, 403: Forbidden, 404: NotFound, 405: PortalRefused, 409: NotReady,
    410: CursorTooOld, 422: PortalRefused, 429: PortalUnavailable,
    500: PortalUnavailable, 502: PortalUnavailable, 503: PortalUnavailable, 504: PortalUnavailable,
    599: PortalUnavailable,
}  # fmt: skip


@pytest.mark.parametrize(("status", "expected"), STATUSES.items(), ids=str)
async def test_every_status_has_its_error(
    server: BadPortal, portal: HttpPortal, status: int, expected: type[PortalError]
) -> None:
    problem = json.dumps({"type": "about:blank", "title": f"{EMAIL} {NUMBER}", "status": status}).encode()
    body = b"" if status in (204,) else problem
    server.says(Answer(status, body, {"content-type": "application/problem+json", "location": f"/{NUMBER}"}))
    for name, call in CALLS.items():
        with pytest.raises(PortalError) as raised:
            await call(portal)
        assert type(raised.value) is expected, name
        assert str(status) in str(raised.value), name
        assert_tells_nobody(raised.value)


async def test_only_temporary_errors_are_retried(server: BadPortal, portal: HttpPortal) -> None:
    """``PortalUnavailable`` leads to three attempts, every other error to one."""
    for status, expected in STATUSES.items():
        server.says(Answer(status, headers=PROBLEM))
        with pytest.raises(expected):
            await portal.links("fr")
        assert len(server.asked) == (3 if expected is PortalUnavailable else 1), status


async def test_redirect_is_not_followed(server: BadPortal, portal: HttpPortal) -> None:
    """The token must not reach another host."""
    server.says(Answer(307, headers={"location": f"{server.url}/v1/links"}), as_json({"items": []}))
    with pytest.raises(PortalBroken):
        await portal.links("fr")
    assert len(server.asked) == 1


async def test_cookies_are_not_stored(server: BadPortal, portal: HttpPortal) -> None:
    server.says(as_json({"items": []}, **{"set-cookie": "session=1; Path=/"}))
    await portal.links("fr")
    await portal.links("fr")
    assert [asked.headers.get("cookie") for asked in server.asked] == [None, None]


async def test_redirect_to_an_unreadable_address(server: BadPortal, portal: HttpPortal) -> None:
    """``httpx.AsyncClient`` parsed the address of a redirect that it did not follow."""
    server.says(Answer(302, headers={"location": "http://[::1"}))
    with pytest.raises(PortalUnavailable) as raised:
        await portal.links("fr")
    assert_tells_nobody(raised.value)


@pytest.mark.parametrize("failures", [1, 2])
async def test_retry_after_a_temporary_error(server: BadPortal, portal: HttpPortal, failures: int) -> None:
    server.says(*[Answer(503)] * failures, as_json({"items": [{"key": "login", "title": "Connexion", "url": "x"}]}))
    assert [link.key for link in await portal.links("fr")] == ["login"]
    assert len(server.asked) == failures + 1


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("said", "understood"), [("7", 7.0), ("0", 0.0), ("600", 600.0), ("99999999999", 600.0), ("9" * 400, 600.0)]
)
async def test_retry_after_stops_the_retries(
    server: BadPortal, portal: HttpPortal, status: int, said: str, understood: float
) -> None:
    """The pause is at most ten minutes."""
    server.says(Answer(status, headers={"retry-after": said}))
    with pytest.raises(PortalUnavailable) as raised:
        await portal.links("fr")
    assert raised.value.retry_after == understood
    assert len(server.asked) == 1


async def test_pdf_not_ready_has_retry_after(server: BadPortal, portal: HttpPortal) -> None:
    server.says(Answer(409, headers={"retry-after": "3"}))
    with pytest.raises(NotReady) as raised:
        await pdf(portal)
    assert raised.value.retry_after == 3.0


@pytest.mark.parametrize("status", [429, 409, 503])
@pytest.mark.parametrize(
    "said", ["", "soon", "-1", "1.5", "\xb2", "٣", "nan", "inf", "1e3", "Wed, 21 Oct 2099 07:28:00 GMT"]
)
async def test_malformed_retry_after(server: BadPortal, portal: HttpPortal, status: int, said: str) -> None:
    """It gives no pause, or one that is not negative."""
    try:
        said.encode("latin-1")
    except UnicodeEncodeError:
        said = said.encode().decode("latin-1")
    server.says(Answer(status, headers={"retry-after": said}))
    with pytest.raises(PortalUnavailable) as raised:
        await portal.links("fr")
    seconds = raised.value.retry_after
    assert seconds is None or 0 <= seconds < 10**12


BROKEN_BODIES = {
    "nothing": b"",
    "html": b"<html>502</html>",
    "cut short": b'{"items": [',
    "a list": b"[]",
    "null": b"null",
    "a number": b"5",
    "a string": b'"items"',
    "not UTF-8": b'{"items": "\xff\xfe"}',
    "a lone surrogate": b'{"number":"\\ud800","contact_id":"\\ud800","items":"\\ud800"}',
    "deep": b"[" * 50_000,
    "NaN": b"NaN",
    "two objects": b"{}{}",
}


@pytest.mark.parametrize("body", BROKEN_BODIES.values(), ids=BROKEN_BODIES)
async def test_malformed_body_is_not_retried(server: BadPortal, portal: HttpPortal, body: bytes) -> None:
    """A body that is not the expected JSON or PDF raises ``PortalBroken`` at the first attempt."""
    for name, call in CALLS.items():
        server.says(Answer(200, body, {"content-type": "application/json"}))
        with pytest.raises(PortalBroken) as raised:
            await call(portal)
        assert len(server.asked) == 1, name
        assert_tells_nobody(raised.value)


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
@pytest.mark.parametrize("name", ["links", "invoice_pdf"])
async def test_body_that_cannot_be_decompressed(server: BadPortal, portal: HttpPortal, name: str, coding: str) -> None:
    server.says(Answer(200, b'{"items": []}', {"content-encoding": coding}))
    with pytest.raises(PortalBroken):
        await CALLS[name](portal)


def changed(given: dict[str, Any], **facts: Any) -> dict[str, Any]:
    return {name: value for name, value in (given | facts).items() if value is not ...}


def a_contact_with(access: Any) -> dict[str, Any]:
    return changed(CONTACT, accounts=[{"account_id": "a", "name": "n", "access": access}])


WRONG_CONTACTS = {
    "no id": changed(CONTACT, contact_id=...),
    "a list as id": changed(CONTACT, contact_id=["c"]),
    "no email": changed(CONTACT, email=...),
    "null email": changed(CONTACT, email=None),
    "accounts an object": changed(CONTACT, accounts={"a": 1}),
}
WRONG_ACCOUNTS = {
    "no name": changed(CONTACT, accounts=[{"account_id": "a"}]),
    "a list as id": changed(CONTACT, accounts=[{"account_id": [5], "name": "n"}]),
    "access a number": a_contact_with(5),
    "access a word": a_contact_with("orders"),
    "access an object": a_contact_with({"orders": True}),
    "access of lists": a_contact_with([["orders"]]),
    "access of objects": a_contact_with([{"orders": True}]),
}


@pytest.mark.parametrize("contact", WRONG_CONTACTS.values(), ids=WRONG_CONTACTS)
async def test_wrong_contact(server: BadPortal, portal: HttpPortal, contact: dict[str, Any]) -> None:
    """Asked for by id it is a broken portal; among those of an address it is left out."""
    server.says(as_json(contact), as_json({"items": [contact, CONTACT]}))
    with pytest.raises(PortalBroken) as raised:
        await portal.contact("c")
    assert_tells_nobody(raised.value)
    assert [found.contact_id for found in await portal.find_contacts(EMAIL)] == ["c"]


@pytest.mark.parametrize("contact", WRONG_ACCOUNTS.values(), ids=WRONG_ACCOUNTS)
async def test_wrong_account(server: BadPortal, portal: HttpPortal, contact: dict[str, Any]) -> None:
    """It is left out, and the contact is read without it."""
    server.says(as_json(contact), as_json({"items": [contact]}))
    assert (await portal.contact("c")).accounts == ()
    assert [found.accounts for found in await portal.find_contacts(EMAIL)] == [()]


WRONG_INVOICES = {
    "no number": changed(INVOICE, number=...),
    "a true number": changed(INVOICE, number=True),
    "a blank number": changed(INVOICE, number="  "),
    "an empty number": changed(INVOICE, number=""),
    "an endless number": changed(INVOICE, number="1" * 101),
    "no date": changed(INVOICE, date=...),
    "another date": changed(INVOICE, date="28/09/2020"),
    "no such day": changed(INVOICE, date="2020-02-30"),
    "no amount": changed(INVOICE, amount=...),
    "no balance": changed(INVOICE, balance=None),
    "an amount in words": changed(INVOICE, amount="many"),
    "an amount with a sign of money": changed(INVOICE, amount="$5.00"),
    "an amount with two meanings": changed(INVOICE, amount="1,293"),
    "a date that is a number": changed(INVOICE, date=20200928),
    "a date with two meanings": changed(INVOICE, date="01/02/2020"),
    "not a number": changed(INVOICE, amount="NaN"),
    "infinite": changed(INVOICE, balance="Infinity"),
    "too large to write": changed(INVOICE, amount="1E+400"),
    "a true amount": changed(INVOICE, amount=True),
    "a long currency": changed(INVOICE, currency="DOLLARS"),
    "a due date of another type": changed(INVOICE, due_date=["2020-10-01"]),
}


@pytest.mark.parametrize("invoice", WRONG_INVOICES.values(), ids=WRONG_INVOICES)
async def test_wrong_invoice(server: BadPortal, portal: HttpPortal, invoice: dict[str, Any]) -> None:
    """Asked for by its number it is a broken portal; in a list it costs its own row, and is counted."""
    server.says(as_json(invoice), as_json(changed(PAGE, items=[invoice, INVOICE], total=2)))
    with pytest.raises(PortalBroken) as raised:
        await portal.invoice(READER, NUMBER)
    assert_tells_nobody(raised.value)
    counted = unread_rows["Invoice"]
    page = await portal.invoices(READER, page=1, page_size=5)
    assert ([found.number for found in page.items], page.unread) == ([INVOICE["number"]], 1)
    assert unread_rows["Invoice"] == counted + 1


async def test_list_of_one_unreadable_row(server: BadPortal, portal: HttpPortal) -> None:
    """It is a list with a row that cannot be read, not a portal that does not answer."""
    server.says(as_json(changed(PAGE, items=[changed(INVOICE, number=None)], total=1)))
    page = await portal.invoices(READER, page=1, page_size=5)
    assert (page.items, page.unread, page.total) == ((), 1, 1)


@pytest.mark.parametrize(
    ("facts", "field", "expected"),
    [
        ({"number": 212380}, "number", "212380"),
        ({"number": 212380.0}, "number", "212380"),
        ({"number": " 212380 "}, "number", "212380"),
        ({"amount": 293.08}, "amount", Decimal("293.08")),
        ({"amount": 293}, "amount", Decimal(293)),
        ({"amount": 33.333333333333336}, "amount", Decimal("33.333333")),
        ({"amount": 293.08000000000004}, "amount", Decimal("293.08")),
        ({"amount": "293,08"}, "amount", Decimal("293.08")),
        ({"amount": "1 293,08"}, "amount", Decimal("1293.08")),
        ({"amount": "1\u202f293,08"}, "amount", Decimal("1293.08")),
        ({"amount": "1,293.08"}, "amount", Decimal("1293.08")),
        ({"balance": "-0.00"}, "balance", Decimal(0)),
        ({"balance": -0.0}, "balance", Decimal(0)),
        ({"date": "2020-09-28T00:00:00"}, "date", date(2020, 9, 28)),
        ({"date": "2020-09-28T23:59:59.123-04:00"}, "date", date(2020, 9, 28)),
        ({"date": "2020-09-28 04:00:00Z"}, "date", date(2020, 9, 28)),
        ({"date": " 2020-09-28 "}, "date", date(2020, 9, 28)),
        ({"date": "20200928"}, "date", date(2020, 9, 28)),
        ({"date": "2020/09/28"}, "date", date(2020, 9, 28)),
        ({"due_date": ""}, "due_date", None),
        ({"due_date": "0000-00-00"}, "due_date", None),
        ({"currency": None}, "currency", "CAD"),
        ({"currency": " usd "}, "currency", "USD"),
        ({"order_number": 26387}, "order_number", "26387"),
        ({"order_number": " "}, "order_number", None),
        ({"url": {"href": "x"}}, "url", None),
        ({"status": "CANCELED"}, "status", InvoiceStatus.CANCELLED),
        ({"status": "posted"}, "status", None),
        ({"kind": "Credit Note"}, "kind", InvoiceKind.CREDIT_NOTE),
        ({"kind": 7}, "kind", None),
    ],
)
async def test_field_beside_the_contract(
    server: BadPortal, portal: HttpPortal, facts: dict[str, Any], field: str, expected: object
) -> None:
    """What has one certain meaning is read, alone and in a list."""
    odd = changed(INVOICE, **facts)
    server.says(as_json(changed(PAGE, items=[odd], total=1)), as_json(odd))
    [listed] = (await portal.invoices(READER, page=1, page_size=5)).items
    read = await portal.invoice(READER, "1") if "number" not in facts else listed
    assert getattr(read, field) == getattr(listed, field) == expected
    assert not str(getattr(read, field)).startswith("-")


@pytest.mark.parametrize(
    ("facts", "state", "is_unpaid", "is_partly_paid", "is_credit_note"),
    [
        ({"balance": "0.00"}, "paid", False, False, False),
        ({"balance": "293.08"}, "open", True, False, False),
        ({"balance": "100.00"}, "open", True, True, False),
        ({"balance": "0.00", "status": "open"}, "paid", False, False, False),
        ({"balance": "0.00", "status": "cancelled"}, "cancelled", False, False, False),
        ({"balance": "293.08", "status": "cancelled"}, "cancelled", False, False, False),
        ({"balance": "0.00", "status": "credited"}, "credited", False, False, False),
        ({"amount": "-5.00", "balance": "0.00"}, "paid", False, False, True),
        ({"amount": "5.00", "balance": "5.00", "kind": "credit_note"}, "open", False, False, True),
    ],
)
async def test_state_of_an_invoice(
    server: BadPortal,
    portal: HttpPortal,
    facts: dict[str, Any],
    state: str,
    is_unpaid: bool,
    is_partly_paid: bool,
    is_credit_note: bool,
) -> None:
    """The portal's words win over balance and sign, except that an invoice without a balance is not open."""
    server.says(as_json(changed(INVOICE, **facts)))
    read = await portal.invoice(READER, "1")
    assert (read.state, read.is_unpaid, read.is_partly_paid) == (state, is_unpaid, is_partly_paid)
    assert read.is_credit_note is is_credit_note


@pytest.mark.parametrize(
    "facts",
    [
        {"page": 0}, {"page": None}, {"page": ...}, {"page_size": 0}, {"total": -1}, {"total": "many"},
        {"items": None}, {"items": ...}, {"items": {}}, {"items": [None]}, {"items": [5]},
    ],
    ids=str,
)  # fmt: skip
async def test_wrong_page(server: BadPortal, portal: HttpPortal, facts: dict[str, Any]) -> None:
    server.says(as_json(changed(PAGE, **facts)))
    for call in (portal.orders(READER, page=1, page_size=5), portal.invoices(READER, page=1, page_size=5)):
        with pytest.raises(PortalBroken):
            await call


@pytest.mark.parametrize(
    "facts", [{"start_date": "soon"}, {"lines": 5}, {"number": 5}, {"number": None}, {"amount": "many"}], ids=str
)
async def test_wrong_order(server: BadPortal, portal: HttpPortal, facts: dict[str, Any]) -> None:
    server.says(as_json({"number": "26387", **facts}))
    with pytest.raises(PortalBroken):
        await portal.order(READER, "26387")


@pytest.mark.parametrize(
    ("facts", "field", "expected"),
    [
        ({"progress": 101}, "progress", None),
        ({"progress": "half"}, "progress", None),
        ({"progress": "62 %"}, "progress", 62.0),
        ({"progress": "62,5"}, "progress", 62.5),
        ({"lines": None}, "lines", ()),
        ({"invoice_count": "some"}, "invoice_count", None),
        ({"invoice_count": "3"}, "invoice_count", 3),
        ({"status": "Ended "}, "status", OrderStatus.ENDED),
        ({"title": "", "currency": "", "amount": ""}, "amount", None),
    ],
    ids=str,
)
async def test_order_beside_the_contract(
    server: BadPortal, portal: HttpPortal, facts: dict[str, Any], field: str, expected: object
) -> None:
    server.says(as_json({"number": "26387", **facts}))
    assert getattr(await portal.order(READER, "26387"), field) == expected


@pytest.mark.parametrize("line", [{}, {"description": "x", "quantity": "many"}, {"description": "x", "quantity": 1e99}])
async def test_unreadable_line_costs_itself(server: BadPortal, portal: HttpPortal, line: dict[str, Any]) -> None:
    """The other lines of the agreement are read; a quantity may have a computer's decimals, a text may be null."""
    good = {"description": None, "quantity": 33.333333333333336}
    server.says(as_json({"number": "26387", "lines": [line, good]}))
    order = await portal.order(READER, "26387")
    assert [(each.quantity, each.description) for each in order.lines] == [(Decimal("33.333333"), "")]
    assert order.unread_lines == 1


async def test_optional_and_unknown_fields(server: BadPortal, portal: HttpPortal) -> None:
    """Optional fields may be missing, and unknown fields are ignored."""
    server.says(as_json({"number": "26387", "colour": "red", "lines": [{"description": "x", "weight": 5}]}))
    order = await portal.order(READER, "26387")
    assert (order.start_date, order.end_date, order.progress, order.invoice_count, order.url) == (None,) * 5
    assert order.lines[0].quantity is None

    server.says(as_json({**INVOICE, "colour": "red"}))
    invoice = await portal.invoice(READER, "1")
    assert (invoice.currency, invoice.due_date, invoice.paid_on, invoice.order_number) == ("CAD", None, None, None)

    server.says(as_json({"contact_id": "c", "email": EMAIL}))
    contact = await portal.contact("c")
    assert (contact.accounts, contact.language) == ((), None)


@pytest.mark.parametrize(
    ("access", "expected"),
    [
        (["orders", "invoices"], set(Part)),
        (["invoices"], {Part.INVOICES}),
        (["orders", "fleet", "ORDERS", ""], {Part.ORDERS}),
        (["fleet"], set()),
        ([], set()),
        (["orders", "orders"], {Part.ORDERS}),
    ],
)
async def test_unknown_access_gives_no_right(
    server: BadPortal, portal: HttpPortal, access: list[str], expected: set[Part]
) -> None:
    server.says(as_json({"items": [a_contact_with(access)]}))
    contacts = await portal.find_contacts(EMAIL)
    assert contacts[0].accounts[0].access == expected


async def test_event_of_unknown_type_is_returned(server: BadPortal, portal: HttpPortal) -> None:
    event = {"id": "1", "type": "weather.changed", "occurred_at": "2026-10-15T18:00:00Z", "account_id": "a"}
    server.says(as_json({"items": [event], "cursor": "x"}))
    page = await portal.events(None, 10)
    assert [event.type for event in page.items] == ["weather.changed"]
    assert "after" not in server.asked[0].query


async def test_address_is_sent_in_the_body_only(server: BadPortal, portal: HttpPortal) -> None:
    server.says(as_json({"items": []}))
    assert await portal.find_contacts(EMAIL) == ()
    (asked,) = server.asked
    assert (asked.method, asked.segments, asked.query) == ("POST", ["v1", "contacts", "search"], {})
    assert json.loads(asked.body) == {"email": EMAIL}
    assert asked.headers["authorization"] == f"Bearer {TOKEN}"


async def test_query_has_only_the_given_parameters(server: BadPortal, portal: HttpPortal) -> None:
    server.says(as_json(PAGE))
    await portal.invoices(READER, page=2, page_size=10)
    await portal.invoices(
        READER, page=1, page_size=5, query="é&x=1#", order="26/387", status=Status.UNPAID,
        since=date(2020, 1, 1), until=date(2020, 12, 31),
    )  # fmt: skip
    first, second = server.asked
    assert first.query == {"page": ["2"], "page_size": ["10"]}
    assert second.query == {
        "page": ["1"], "page_size": ["5"], "query": ["é&x=1#"], "order": ["26/387"], "status": ["unpaid"],
        "from": ["2020-01-01"], "to": ["2020-12-31"],
    }  # fmt: skip


NUMBERS = st.text(min_size=1, max_size=30) | st.text("./\\%2eE?#;:@ éa1", min_size=1, max_size=12)
IDS = st.text("abcXYZ019-_.:=@+ é", min_size=1, max_size=12)


@settings(max_examples=15, deadline=None)  # each holds forty conversations
@given(st.lists(st.tuples(IDS, IDS, NUMBERS), min_size=10, max_size=10))
@example([("a", "b", "../../x"), ("a..", "..b", "%2e%2e"), ("a.b", "c", "..%2f..")])
@example([("a", "b", "%00"), ("a", "b", "/"), ("a", "b", "\u202e"), ("a", "b", " "), ("a", "b", "212380")])
def test_any_number_reaches_only_its_own_path(asked: list[tuple[str, str, str]]) -> None:
    """A number is a plain segment, or a query parameter; a path holds nothing that a server could fold."""

    async def ask() -> None:
        app = BadPortal()
        async with serving(app) as url:
            portal = HttpPortal(url, TOKEN)
            for contact, account, number in asked:
                reader = Reader(contact, account)
                is_plain = numbers.is_plain(number)
                app.says(Answer(404, headers=PROBLEM) if is_plain else as_json(PAGE))
                calls = [portal.order(reader, number), portal.invoice(reader, number)]
                for call in (*calls, portal.invoice_pdf(reader, number, language="fr", limit=LIMIT)):
                    with pytest.raises((NotFound, PortalBroken)):
                        await call
                for request in app.asked:
                    assert request.raw_path.isascii()
                    plain = [part for part in unquote_to_bytes(request.raw_path).split(b"/")[1:] if part.strip(b". ")]
                    assert len(plain) == len(request.segments) == request.raw_path.count(b"/")
                    assert request.segments[:5] == ["v1", "contacts", contact, "accounts", account]
                    if is_plain:
                        assert number in request.segments[6:]
                    else:
                        assert len(request.segments) == 6
                        assert request.query["number"] == request.query["query"] == [number]
            await portal.aclose()

    asyncio.run(ask())


@pytest.mark.parametrize("number", ["\ud800", ""])
async def test_invalid_number_is_a_portal_error(server: BadPortal, portal: HttpPortal, number: str) -> None:
    server.says(Answer(404, headers=PROBLEM))
    calls = (lambda: portal.invoice(READER, number), lambda: portal.order(READER, number))
    for call in (*calls, lambda: pdf(portal, number=number)):
        with pytest.raises(PortalError):
            await call()


async def test_pdf_has_its_etag(server: BadPortal, portal: HttpPortal) -> None:
    server.says(Answer(200, PDF, {"etag": '"v1"', "content-type": "application/pdf"}))
    document = await pdf(portal)
    assert (document.content, document.etag) == (PDF, '"v1"')
    assert "if-none-match" not in server.asked[0].headers
    assert server.asked[0].query == {"language": ["fr"]}
    assert "%PDF" not in repr(document)


@pytest.mark.parametrize(
    ("answer", "is_unchanged"),
    [
        (Answer(304), True),
        (Answer(304, headers={"etag": '"v1"'}), True),
        (Answer(200, PDF, {"etag": '"v1"'}), True),
        (Answer(200, b"", {"etag": '"v1"'}), True),
        (Answer(200, PDF, {"etag": '"v2"'}), False),
        (Answer(200, PDF, {"etag": ""}), False),
        (Answer(200, PDF), False),
    ],
)
async def test_unchanged_pdf_is_none(server: BadPortal, portal: HttpPortal, answer: Answer, is_unchanged: bool) -> None:
    server.says(answer)
    assert (await pdf(portal, known_etag='"v1"') is None) is is_unchanged
    assert server.asked[0].headers["if-none-match"] == '"v1"'


async def test_304_without_a_known_etag(server: BadPortal, portal: HttpPortal) -> None:
    server.says(Answer(304, headers={"etag": '"v1"'}))
    with pytest.raises(PortalBroken):
        await pdf(portal)


@pytest.mark.parametrize(
    "content",
    [b"", b"%PDF-1.7\n", b"%PDF-1.7\n" + b"x" * 5000, b"<html>%%EOF", b"%%EOF", PDF[:-8], PDF + b"x" * 20000, PDF[1:]],
    ids=["0 bytes", "a head", "no end", "html", "only an end", "cut short", "much behind it", "no head"],
)
async def test_incomplete_pdf(server: BadPortal, portal: HttpPortal, content: bytes) -> None:
    server.says(Answer(200, content, {"content-type": "application/pdf"}))
    with pytest.raises(PortalBroken) as raised:
        await pdf(portal)
    assert_tells_nobody(raised.value)


@pytest.mark.parametrize("before", [b"", b"\n", b"\xef\xbb\xbf", b"Warning: mktime() in /var/www/pdf.php on line 7\n"])
@pytest.mark.parametrize("after", [b"", b"\n\n", b"<br /><b>Notice</b>: undefined index" * 60, b"\0" * 2000])
async def test_pdf_with_bytes_around(server: BadPortal, portal: HttpPortal, before: bytes, after: bytes) -> None:
    """It is delivered from its begin to its end."""
    server.says(Answer(200, before + PDF + after, {"content-type": "text/html"}))
    assert (await pdf(portal)).content.strip() == PDF.strip()


@pytest.mark.parametrize("limit", [len(PDF), len(PDF) + 1])
async def test_pdf_of_exactly_the_limit(server: BadPortal, portal: HttpPortal, limit: int) -> None:
    server.says(Answer(200, PDF))
    assert (await pdf(portal, limit=limit)).content == PDF


@pytest.mark.parametrize("declared", [True, False])
async def test_pdf_over_the_limit_is_not_read_whole(server: BadPortal, portal: HttpPortal, declared: bool) -> None:
    sent = 0
    hung_up = asyncio.Event()

    async def endless(_asked: Asked, send: Send) -> None:
        nonlocal sent
        headers = [(b"content-length", b"1000000000")] if declared else []
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        try:
            while sent < 1000:
                await send({"type": "http.response.body", "body": PDF + b"x" * 60_000, "more_body": True})
                sent += 1
                await asyncio.sleep(0)
        finally:
            hung_up.set()

    server.behaviour = endless
    with pytest.raises(TooLarge) as raised:
        await pdf(portal, limit=200_000)
    assert_tells_nobody(raised.value)
    assert sent < 200


async def test_pdf_limit_holds_after_decompression(server: BadPortal, portal: HttpPortal) -> None:
    server.says(Answer(200, gzip.compress(PDF + b"x" * 5_000_000), {"content-encoding": "gzip"}))
    with pytest.raises(TooLarge):
        await pdf(portal, limit=100_000)


async def test_interrupted_answer_is_unavailable(server: BadPortal, portal: HttpPortal) -> None:
    async def breaks_off(_asked: Asked, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5000")]})
        await send({"type": "http.response.body", "body": PDF, "more_body": True})
        raise ConnectionResetError

    server.behaviour = breaks_off
    for call in (CALLS["invoice_pdf"], CALLS["links"]):
        with pytest.raises(PortalUnavailable) as raised:
            await call(portal)
        assert type(raised.value) is PortalUnavailable
        assert_tells_nobody(raised.value)


async def test_refused_connection_is_unavailable() -> None:
    with socket.socket() as taken:  # bound and not listening: connections are refused, and nobody else gets the port
        taken.bind(("127.0.0.1", 0))
        portal = HttpPortal(f"http://127.0.0.1:{taken.getsockname()[1]}", TOKEN)
        with stamina.set_testing(True, attempts=3, cap=True):
            for call in CALLS.values():
                with pytest.raises(PortalUnavailable) as raised:
                    await call(portal)
                assert_tells_nobody(raised.value)
        await portal.aclose()


async def hangs(_asked: Asked, _send: Send) -> None:
    await asyncio.Event().wait()


async def drips(_asked: Asked, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(1000):
        await send({"type": "http.response.body", "body": b" ", "more_body": True})
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("behaviour", [hangs, drips])
async def test_total_time_limit(server: BadPortal, monkeypatch: pytest.MonkeyPatch, behaviour: Behaviour) -> None:
    """It holds for a portal that does not answer, and for one that sends a byte at a time."""
    monkeypatch.setattr(http_client, "TOTAL_SECONDS", 0.15)
    monkeypatch.setattr(http_client, "PDF_SECONDS", 0.15)
    server.behaviour = behaviour
    portal = HttpPortal(server.url, TOKEN)
    for name, call in CALLS.items():
        started = time.monotonic()
        with pytest.raises(PortalUnavailable) as raised:
            await call(portal)
        assert time.monotonic() - started < 2, name
        assert_tells_nobody(raised.value)
    await portal.aclose()


async def test_total_time_limit_includes_retries(server: BadPortal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_client, "TOTAL_SECONDS", 0.3)
    server.says(Answer(503))
    portal = HttpPortal(server.url, TOKEN)
    started = time.monotonic()
    with pytest.raises(PortalUnavailable):
        await portal.links("fr")
    assert time.monotonic() - started < 2
    await portal.aclose()


def test_total_time_limit_is_10_seconds_at_most() -> None:
    assert http_client.TOTAL_SECONDS <= 10
    assert http_client.PDF_SECONDS <= 60


async def test_cancelled_call_leaves_the_client_usable(server: BadPortal, portal: HttpPortal) -> None:
    reached = asyncio.Event()

    async def hangs_once_reached(asked: Asked, send: Send) -> None:
        reached.set()
        await hangs(asked, send)

    server.behaviour = hangs_once_reached
    waiting = asyncio.create_task(portal.links("fr"))
    await reached.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    server.says(as_json({"items": []}))
    assert await portal.links("fr") == ()


async def test_repr_of_a_contact_hides_its_address(server: BadPortal, portal: HttpPortal) -> None:
    server.says(as_json({"items": [CONTACT]}))
    (contact,) = await portal.find_contacts(EMAIL)
    assert EMAIL not in repr(contact) + str(contact) + f"{contact}" + repr([contact])
