"""The portal's search: numbers, dates, descriptions and amounts, as people type them."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.sandbox.portal.test_server import BOREAL, CLIENT, NORTH_SHORE, ODD, Visit, visiting

# One portal for all tests here: they only read, or add rows that do not affect each other.
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def visit() -> AsyncIterator[Visit]:
    async with visiting() as visit:
        yield visit


@pytest.mark.parametrize(
    "query",
    ["26387", "2638", "2020-09-28", "2023", "à 3 broches", "A 3 BROCHES", "cable escompte", "frais d'act"],
)
async def test_orders_found(visit: Visit, query: str) -> None:
    assert await visit.numbers(f"{CLIENT}/orders", query=query) == ["26387"]


@pytest.mark.parametrize(
    "query",
    ["212380", "26387", "293.08", "293,08", "293,08 $", "293,08\u00a0$", "$293.08", "2020-09", "FEDEX", "broches 293"],
)
async def test_invoices_found(visit: Visit, query: str) -> None:
    assert await visit.numbers(f"{CLIENT}/invoices", query=query) == ["212380"]


@pytest.mark.parametrize("query", ["1293.08", "1 293,08", "1293,08", "1,293.08", "1\u00a0293,08\u00a0$"])
async def test_amounts_are_found_in_both_formats(visit: Visit, query: str) -> None:
    assert (await visit.get(f"{BOREAL}/invoices", query=query))["total"] == 30


@pytest.mark.parametrize("query", ["%", "_", "2%0", "2638_", "\\", '"', "26387 unknown", "\x00", "* OR 1", "🚚"])
async def test_not_found(visit: Visit, query: str) -> None:
    assert (await visit.get(f"{CLIENT}/orders", query=query))["total"] == 0
    assert (await visit.get(f"{CLIENT}/invoices", query=query))["total"] == 0


@pytest.mark.parametrize("query", ["%", "_", "%_\\", "é", "e", "100 %_", "<a href", "#1?", "/26"])
async def test_wildcards_are_plain_characters(visit: Visit, query: str) -> None:
    assert (await visit.get(f"{ODD}/orders", query=query))["total"] == 1
    assert (await visit.get(f"{NORTH_SHORE}/orders", query=query))["total"] == (2 if query in "ée" else 0)


async def test_accents_are_ignored(visit: Visit) -> None:
    for query in ("camera", "CAMÉRA", "caméra", "came\u0301ra"):
        assert await visit.numbers(f"{BOREAL}/invoices", query=query) == ["240204", "240201"]


async def test_payments_are_found_by_date(visit: Visit) -> None:
    number = visit.portal.issue_invoice("a-2001", "12.00")
    visit.portal.mark_paid("a-2001", number)
    [paid] = (await visit.get(f"{CLIENT}/invoices", query="12.00"))["items"]
    assert paid["paid_on"] == "2026-03-16"


async def test_too_long_queries_are_refused(visit: Visit) -> None:
    await visit.problem(422, f"{CLIENT}/orders", query="x" * 501)


async def test_exact_number(visit: Visit) -> None:
    """A number matches exactly, whatever the query beside it. Special characters work too."""
    assert await visit.numbers(f"{CLIENT}/orders", number="26387", query="nothing of this") == ["26387"]
    assert await visit.numbers(f"{CLIENT}/invoices", number="212380", query="2638") == ["212380"]
    assert await visit.numbers(f"{CLIENT}/orders", number="2638") == []
    assert await visit.numbers(f"{CLIENT}/invoices", number="30677") == [], "it is of another account"
    assert await visit.numbers(f"{ODD}/invoices", number="F/1&2 <3>") == ["F/1&2 <3>"]
    assert "212380" in await visit.numbers(f"{CLIENT}/invoices", number="")
