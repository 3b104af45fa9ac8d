"""Answers of a hostile portal are bounded, and malformed ones reveal nothing to strangers."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from portal.bodies import JSON_LIMIT
from portal.client import Reader
from portal.errors import Forbidden, NotFound, PortalBroken, PortalUnavailable, TooLarge
from portal.http import HttpPortal
from portal.models import Part
from portal.tryton.portal import TrytonPortal
from sandbox.portal.faults import Fault, FaultKind
from tests.conversations.linking.test_linking_limits import strangers_view
from tests.portal.test_http import (
    CALLS,
    CONTACT,
    EMAIL,
    INVOICE,
    PAGE,
    READER,
    Answer,
    BadPortal,
    Send,
    as_json,
    assert_tells_nobody,
    changed,
    pdf,
)
from tests.scene import CLIENT, Scene
from tests.security.bombs import BODIES, FILLED, MEGABYTE, json_answer, squeezed, watched

TRYTON = Reader("7", "7")


pytestmark = pytest.mark.usefixtures("quick_retries")


@pytest.mark.parametrize("make", BODIES.values(), ids=BODIES)
async def test_oversized_bodies_are_aborted(server: BadPortal, portal: HttpPortal, make: Callable[[], Answer]) -> None:
    """Each body raises PortalBroken within the limits of time and memory."""
    answer = make()
    for name, call in CALLS.items():
        if name == "invoice_pdf":
            continue
        server.says(answer)
        if name == "find_contacts" and make is BODIES["many small rows"]:
            async with watched():
                assert await call(portal) == (), "each row is read by itself, and left out"
            continue
        async with watched():
            with pytest.raises(PortalUnavailable) as raised:
                await call(portal)
        assert_tells_nobody(raised.value)
        assert type(raised.value) is PortalBroken, name
        assert len(server.asked) == 1, name


@pytest.mark.parametrize("make", BODIES.values(), ids=BODIES)
async def test_oversized_tryton_bodies_are_aborted(server: BadPortal, make: Callable[[], Answer]) -> None:
    """The same on Tryton's wire, with Python's JSON parser."""
    client = TrytonPortal(server.url.replace("http:", "tryton+http:") + "/db", "key")
    calls: list[Callable[[], Awaitable[Any]]] = [
        lambda: client.invoices(TRYTON, page=1, page_size=5),
        lambda: client.order(TRYTON, "1"),
        lambda: client.contact("7"),
        lambda: client.find_contacts(EMAIL),
        lambda: client.events(None, 10),
    ]
    server.says(make())
    for call in calls:
        async with watched():
            with pytest.raises(PortalBroken):
                await call()
    await client.aclose()


@pytest.mark.parametrize(
    "row", [{"total_amount": {"__class__": "Decimal", "decimal": "9" * 50}}, {"number": "1" * 200}, {"party": 8},
            {"company": 2}, {"number": "2"}, {"party": None}, {"id": 2**80, "number": "\ud800"}]
)  # fmt: skip
async def test_tryton_rows_with_other_ids_are_refused(server: BadPortal, row: dict[str, Any]) -> None:
    """Another number, party or company, and values that no invoice can have."""
    money = {"__class__": "Decimal", "decimal": "5.00"}
    day = {"__class__": "date", "year": 2020, "month": 9, "day": 28}
    right = {"id": 3, "number": "1", "party": 7, "company": 1, "invoice_date": day, "state": "posted"}
    right |= {"total_amount": money, "amount_to_pay": money, "currency": {"code": "CAD"}}
    client = TrytonPortal(server.url.replace("http:", "tryton+http:") + "/db", "key")
    server.says(as_json([right]))
    assert (await client.invoice(TRYTON, "1")).number == "1"
    server.says(as_json([right | row], **{"content-range": "records 0-1/1"}))
    for call in (client.invoice(TRYTON, "1"), client.invoice_pdf(TRYTON, "1", language="fr", limit=99)):
        with pytest.raises(PortalBroken):
            await call
    await client.aclose()


async def test_endless_json_is_aborted(server: BadPortal, portal: HttpPortal) -> None:
    sent = 0

    async def endless(_asked: object, send: Send) -> None:
        nonlocal sent
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        while sent < 64 * MEGABYTE:
            await send({"type": "http.response.body", "body": FILLED[:60_000], "more_body": True})
            await asyncio.sleep(0)
            sent += 60_000

    server.behaviour = endless
    async with watched():
        with pytest.raises(PortalBroken):
            await portal.links("fr")
    assert sent < 16 * MEGABYTE


async def test_refusal_with_an_endless_body_is_aborted(server: BadPortal, portal: HttpPortal) -> None:
    async def endless(_asked: object, send: Send) -> None:
        await send({"type": "http.response.start", "status": 503, "headers": [(b"retry-after", b"99999")]})
        for _ in range(1000):
            await send({"type": "http.response.body", "body": b"<p>" * 20_000, "more_body": True})
            await asyncio.sleep(0)

    server.behaviour = endless
    async with watched():
        with pytest.raises(PortalUnavailable) as raised:
            await portal.links("fr")
    assert raised.value.retry_after == 600


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
async def test_pdf_that_decompresses_too_large_is_aborted(server: BadPortal, portal: HttpPortal, coding: str) -> None:
    window = {"gzip": 31, "deflate": 15}[coding]
    bomb = squeezed(window, b"%PDF-1.7\n", b"0" * MEGABYTE, 200)
    server.says(Answer(200, bomb, {"content-type": "application/pdf", "content-encoding": coding}))
    async with watched():
        with pytest.raises(TooLarge):
            await pdf(portal, limit=20 * MEGABYTE)


@pytest.mark.parametrize(("coding", "window"), [("gzip", 31), ("deflate", 15), ("deflate", -15), ("x-gzip", 31)])
@pytest.mark.parametrize("size", [0, 1, 300, JSON_LIMIT - 30])
async def test_compressed_bodies_within_the_limit_are_read(
    server: BadPortal, portal: HttpPortal, coding: str, window: int, size: int
) -> None:
    body = json.dumps({"items": [{"key": "k", "title": "é" * 3, "url": "u"}]}).encode()
    server.says(json_answer(squeezed(window, body, b" " * max(0, size - len(body)), 1), coding))
    assert [link.title for link in await portal.links("fr")] == ["ééé"]


@pytest.mark.parametrize(("rows", "is_broken"), [(100, False), (101, True)])
async def test_page_with_too_many_rows_is_refused(
    server: BadPortal, portal: HttpPortal, rows: int, is_broken: bool
) -> None:
    """A page holds a hundred at the most, which is the largest ``page_size`` of the contract."""
    server.says(as_json(changed(PAGE, items=[INVOICE] * rows, total=rows)))
    try:
        page = await portal.invoices(READER, page=1, page_size=5)
    except PortalBroken:
        assert is_broken
    else:
        assert len(page.items) == rows


@pytest.mark.parametrize("status", [403, 404])
@pytest.mark.parametrize("kind", ["text/html", "", "application/json", "application/problem+xml", "text/plain"])
async def test_refusal_by_a_proxy_is_unavailable(server: BadPortal, portal: HttpPortal, status: int, kind: str) -> None:
    """A refusal without ``application/problem+json`` is not the portal's."""
    server.says(Answer(status, b"<h1>Not here</h1>", {"content-type": kind} if kind else {}))
    for call in CALLS.values():
        with pytest.raises(PortalUnavailable) as raised:
            await call(portal)
        assert type(raised.value) is PortalUnavailable
    problem = "Application/Problem+JSON; charset=utf-8"
    server.says(Answer(status, b"{}", {"content-type": problem}))
    with pytest.raises((NotFound, Forbidden)):
        await portal.contact("c")


LANGUAGES = {"es": None, "fr_CA": "fr", "EN": "en", "en-GB": "en", "": None, None: None, 5: None, "français": None}


@pytest.mark.parametrize(("said", "read"), LANGUAGES.items(), ids=str)
async def test_language_of_a_contact(server: BadPortal, portal: HttpPortal, said: object, read: str | None) -> None:
    server.says(as_json({"items": [changed(CONTACT, language=said, name=None, aliases=["x@y.test"])]}))
    [contact] = await portal.find_contacts(EMAIL)
    assert (contact.language, contact.name, contact.aliases) == (read, "", ())


async def test_null_is_read_as_the_default(server: BadPortal, portal: HttpPortal) -> None:
    account = {"account_id": "a", "name": "n", "access": None}
    server.says(
        as_json(changed(CONTACT, accounts=[account])),
        as_json(changed(CONTACT, accounts=None)),
        as_json({"items": None}),
    )
    assert (await portal.contact("c")).accounts[0].access == frozenset(Part)
    assert (await portal.contact("c")).accounts == ()
    assert await portal.find_contacts(EMAIL) == ()


async def test_bad_rows_are_left_out_and_logged(server: BadPortal, portal: HttpPortal) -> None:
    bad = changed(CONTACT, email=None)
    odd = changed(CONTACT, accounts=[{"account_id": "a"}, 5, {"account_id": "b", "name": "n"}])
    server.says(as_json({"items": [bad, odd, None, bad]}))
    with capture_logs() as logs:
        [contact] = await portal.find_contacts(EMAIL)
    assert [account.account_id for account in contact.accounts] == ["b"]
    skipped = {(line["model"], line["fields"], line["rows"]) for line in logs if line["event"] == "portal.row_skipped"}
    assert {("Account", "name", 1), ("Contact", "email", 2)} <= skipped
    assert EMAIL not in str(logs)


@pytest.mark.parametrize(
    "body",
    [b'{"items":[{"key":"k","url":"u","title":"a\\ud800b"}]}', b'{"items":[{"key":"k","url":"u","title":"a\xffb"}]}',
     b'\xef\xbb\xbf{"items":[{"key":"k","url":"u","title":"a\\uDFFFb\\\\ud800"}]}'],
)  # fmt: skip
async def test_invalid_characters_are_replaced(server: BadPortal, portal: HttpPortal, body: bytes) -> None:
    """Invalid characters are replaced, and the rest is read; a pair of surrogates stays a character."""
    server.says(json_answer(body.replace(b'"k"', b'"\\ud83d\\ude00"')))
    [link] = await portal.links("fr")
    assert link.title.startswith("a\ufffdb")
    assert link.key == "\U0001f600"


FAULTS = [
    (FaultKind.GZIP_BOMB, PortalBroken),
    (FaultKind.JSON_ENDLESS, PortalBroken),
    (FaultKind.JSON_DEEP, PortalBroken),
    (FaultKind.ANOTHER_NUMBER, PortalBroken),
    (FaultKind.ANOTHER_ACCOUNT, PortalBroken),
    (FaultKind.PROXY_PAGE, PortalUnavailable),
]


@pytest.mark.parametrize(("kind", "error"), FAULTS)
async def test_sandbox_faults_raise_portal_errors(scene: Scene, kind: FaultKind, error: type[Exception]) -> None:
    scene.portal.faults.set(Fault(kind))
    with pytest.raises(error) as raised:
        await scene.components.portal.invoice(Reader("c-1001", "a-2001"), "212380")
    assert type(raised.value) is error


@pytest.mark.parametrize("kind", [FaultKind.ODD_CONTACT, FaultKind.UNREADABLE_CONTACT])
async def test_malformed_contact_is_not_visible_to_strangers(scene: Scene, kind: FaultKind) -> None:
    """A known address and an unknown one get the same answers."""
    scene.portal.faults.set(Fault(kind, path="/v1/contacts/search"))
    known = await strangers_view(scene, CLIENT)
    unknown = await strangers_view(scene, "personne@example.test")
    assert known == unknown


async def test_truncated_refusal_is_unavailable(portal: HttpPortal, server: BadPortal) -> None:
    async def cut(_asked: object, send: Send) -> None:
        headers = [(b"content-length", b"500"), (b"content-type", b"application/problem+json")]
        await send({"type": "http.response.start", "status": 404, "headers": headers})
        await send({"type": "http.response.body", "body": b"{", "more_body": True})
        raise httpx.ReadError("gone")

    server.behaviour = cut
    with pytest.raises(PortalUnavailable):
        await portal.contact("c")
