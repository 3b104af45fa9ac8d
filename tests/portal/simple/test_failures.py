"""What fails in an adapter's reads: retries, limits of time, the breaker, mistakes; and PDFs."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from portal import http_client
from portal.breaker import FAILURES, PortalBreaker
from portal.client import Reader
from portal.errors import (
    NotFound,
    NotReady,
    PortalAway,
    PortalBroken,
    PortalError,
    PortalRefused,
    PortalUnavailable,
    TooLarge,
)
from portal.models import Pdf
from tests.portal.simple.shop import ANNA, ShopPortal, invoice, small_shop

WHOLE = b"%PDF-1.7 whole %%EOF"
CALLS: dict[str, Callable[[ShopPortal], Awaitable[Any]]] = {
    "customers": lambda portal: portal.find_contacts("anna@example.test"),
    "orders": lambda portal: portal.orders(ANNA, page=1, page_size=5),
    "invoices": lambda portal: portal.invoice(ANNA, "F-1"),
    "changes": lambda portal: portal.events(None, 5),
}


def with_pdf(content: bytes | Pdf = WHOLE) -> ShopPortal:
    return ShopPortal(small_shop(invoices={"a": [invoice("F-1", file="x")]}, pdfs={"x": content}))


@pytest.mark.parametrize(
    ("read", "failure"),
    [*((read, ConnectionError()) for read in CALLS), ("orders", httpx.ConnectError("no")), ("orders", TimeoutError())],
)
async def test_temporary_failure_is_tried_again(read: str, failure: Exception) -> None:
    portal = with_pdf()
    portal.shop.fails[read] = [failure, failure]
    await CALLS[read](portal)
    assert portal.shop.reads.count(read) == 3


@pytest.mark.parametrize("read", CALLS)
async def test_mistake_of_a_read_is_named_by_its_place(read: str) -> None:
    """The message has no text of the exception, which may contain a value."""
    portal = with_pdf()
    portal.shop.fails[read] = [KeyError("Anna Roy")]
    with pytest.raises(PortalBroken) as raised:
        await CALLS[read](portal)
    assert str(raised.value).startswith(f"{read}: KeyError in shop.py, line ")
    assert "Anna" not in str(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__


@pytest.mark.parametrize(
    ("failure", "error", "is_outage"),
    [
        (ValueError("Anna Roy"), PortalBroken, False),
        (RecursionError(), PortalBroken, False),
        (FileNotFoundError("/srv/Anna Roy"), PortalUnavailable, False),
        (ConnectionResetError("Anna Roy"), PortalUnavailable, True),
        (httpx.ReadTimeout("Anna Roy"), PortalUnavailable, True),
        (httpx.DecodingError("gzip"), PortalBroken, False),
        (PortalRefused("the key is wrong"), PortalRefused, None),
        (PortalUnavailable("later", retry_after=5), PortalUnavailable, False),
    ],
)
async def test_failure_of_a_read(failure: Exception, error: type[PortalError], is_outage: bool | None) -> None:
    portal = with_pdf()
    portal.shop.fails["orders"] = [failure] * 3
    with pytest.raises(error) as raised:
        await CALLS["orders"](portal)
    assert type(raised.value) is error
    assert "Anna" not in str(raised.value)
    assert getattr(raised.value, "is_outage", None) == is_outage


@pytest.mark.parametrize("call", [*CALLS.values(), lambda portal: portal.contact("c1")])
async def test_read_that_hangs_is_given_up(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class Hanging(ShopPortal):
        async def read_customers(self, **_key: Any) -> Any:
            await asyncio.sleep(30)

        async def read_changes(self, since: Any) -> Any:
            await asyncio.sleep(30)

    monkeypatch.setattr(http_client, "TOTAL_SECONDS", 0.05)
    with pytest.raises(PortalUnavailable, match="no answer within"):
        await call(Hanging(small_shop()))


async def test_pdf_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """After the time of a document, not that of other reads."""

    class Hanging(ShopPortal):
        seconds = 0.1

        async def read_pdf(self, reader: Reader, row: Any, limit: int) -> bytes:
            await asyncio.sleep(self.seconds)
            return WHOLE

    monkeypatch.setattr(http_client, "TOTAL_SECONDS", 0.05)
    portal = Hanging(small_shop(invoices={"a": [invoice("F-1")]}))
    assert await portal.invoice_pdf(ANNA, "F-1", language="fr", limit=100) is not None
    portal.seconds = 30
    monkeypatch.setattr(http_client, "PDF_SECONDS", 0.2)
    with pytest.raises(PortalUnavailable, match="no answer within"):
        await portal.invoice_pdf(ANNA, "F-1", language="fr", limit=100)


async def test_breaker_stops_the_reads() -> None:
    """A refusal is an answer; failures in a row open it, and the next call is not made."""
    breaker = PortalBreaker()
    shop = small_shop()
    portal = ShopPortal(shop, breaker=breaker)
    for _ in range(FAILURES + 1):
        with pytest.raises(NotFound):
            await portal.contact("c9")
    shop.fails["customers"] = [ConnectionError()] * 3 * FAILURES
    for _ in range(FAILURES):
        with pytest.raises(PortalUnavailable):
            await portal.contact("c1")
    made = len(shop.reads)
    for call in (portal.contact("c1"), portal.invoices(ANNA, page=1, page_size=5), portal.events(None, 5)):
        with pytest.raises(PortalAway):
            await call
    with pytest.raises(PortalAway):
        await portal.invoice_pdf(ANNA, "F-1", language="fr", limit=100)
    assert len(shop.reads) == made
    assert breaker.outcomes["customers", "NotFound"] == FAILURES + 1


async def test_pdf_has_a_tag_of_its_content() -> None:
    portal = with_pdf()
    first = await portal.invoice_pdf(ANNA, "F-1", language="fr", limit=100)
    assert first is not None
    assert first.content == WHOLE
    again = portal.invoice_pdf(ANNA, "f-1", language="en", known_etag=first.etag, limit=100)
    assert await again is None
    portal.shop.pdfs["x"] = b"%PDF-1.7 other %%EOF"
    other = await portal.invoice_pdf(ANNA, "F-1", language="fr", known_etag=first.etag, limit=100)
    assert other is not None
    assert other.etag != first.etag


async def test_pdf_keeps_the_tag_of_the_system() -> None:
    portal = with_pdf(Pdf(content=WHOLE, etag='"7"'))
    found = await portal.invoice_pdf(ANNA, "F-1", language="fr", limit=100)
    assert found == Pdf(content=WHOLE, etag='"7"')
    assert await portal.invoice_pdf(ANNA, "F-1", language="fr", known_etag='"7"', limit=100) is None


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", PortalBroken),
        (b"%PDF-1.7 half", PortalBroken),
        (b"<html>%PDF</html>", PortalBroken),
        (b"%PDF-1.7" + b"0" * 100 + b"%%EOF", TooLarge),
    ],
)
async def test_content_that_is_no_pdf(content: bytes, error: type[PortalError]) -> None:
    with pytest.raises(error):
        await with_pdf(content).invoice_pdf(ANNA, "F-1", language="fr", limit=100)


async def test_what_is_around_a_pdf_is_cut_off() -> None:
    found = await with_pdf(b"Warning\n" + WHOLE + b"\n</html>").invoice_pdf(ANNA, "F-1", language="fr", limit=100)
    assert found is not None
    assert found.content == WHOLE + b"\n"


async def test_pdf_that_is_not_ready() -> None:
    """It is read once; and one that is missing in the adapter's own dictionary is its mistake."""
    portal = with_pdf()
    portal.shop.fails["pdf"] = [NotReady("pdf", retry_after=3)]
    with pytest.raises(NotReady):
        await portal.invoice_pdf(ANNA, "F-1", language="fr", limit=100)
    assert portal.shop.reads.count("pdf") == 1
    portal.shop.pdfs.clear()
    with pytest.raises(PortalBroken, match=r"pdf: KeyError in shop\.py"):
        await portal.invoice_pdf(ANNA, "F-1", language="fr", limit=100)


async def test_pdf_in_a_language() -> None:
    class Polyglot(ShopPortal):
        async def read_pdf(self, reader: Reader, row: Any, limit: int) -> bytes:
            return b"%PDF-1.7 " + f"{reader.language} {row['number']} {limit}".encode() + b"%%EOF"

    portal = Polyglot(small_shop(invoices={"a": [invoice("F-1")]}))
    found = await portal.invoice_pdf(ANNA, "f-1", language="en", limit=99)
    assert found is not None
    assert found.content == b"%PDF-1.7 en F-1 99%%EOF"
