"""Generated customers, and the amounts on their invoices."""

from datetime import date, timedelta

import pytest
from hypothesis import given, strategies as st

from sandbox.portal import DraftLine, MovableClock, Portal
from sandbox.portal.data import money
from sandbox.portal.data.pricing import priced_lines
from sandbox.portal.seed.generator import generated_account_id, generated_email, generated_invoice_number
from tests.sandbox.portal.test_server import MONDAY, Visit, visiting

CENTS = st.integers(-(10**9), 10**9)
LAST = 299


async def account_path(visit: Visit, index: int) -> str:
    found = await visit.http.post("/v1/contacts/search", json={"email": generated_email(index)})
    [contact] = found.json()["items"]
    [account] = contact["accounts"]
    assert account["account_id"] == generated_account_id(index)
    return f"/v1/contacts/{contact['contact_id']}/accounts/{account['account_id']}"


async def test_a_seed_gives_the_same_customers() -> None:
    seen = []
    for seed in (7, 7, 8):
        async with visiting() as visit:
            visit.portal.generate(LAST + 1, seed=seed, months=6)
            path = await account_path(visit, LAST)
            contact = await visit.get(path.partition("/accounts")[0])
            seen.append([contact, await visit.get(f"{path}/orders"), await visit.get(f"{path}/invoices")])
    assert seen[0] == seen[1]
    assert seen[0] != seen[2]


async def test_generated_invoices_add_up() -> None:
    """A generated customer has a year of invoices, and each adds up."""
    async with visiting() as visit:
        visit.portal.generate(30)
        path = await account_path(visit, 3)
        invoices = (await visit.get(f"{path}/invoices", page_size=100))["items"]
        assert [i["date"] for i in invoices] == [
            f"{2026 - (month > 3)}-{month:02d}-01" for month in (3, 2, 1, 12, 11, 10, 9, 8, 7, 6, 5, 4)
        ]
        [order] = (await visit.get(f"{path}/orders"))["items"]
        assert {invoice["order_number"] for invoice in invoices} == {order["number"]}
        assert order["invoice_count"] == 12
        assert (await visit.http.get(f"{path}/invoices/{invoices[0]['number']}/pdf")).status_code == 200


async def test_monthly_run_invoices_everybody() -> None:
    async with visiting() as visit:
        visit.portal.generate(300)
        read_before = await account_path(visit, 5)
        await visit.get(f"{read_before}/invoices")
        cursor = (await visit.get("/v1/events"))["cursor"]
        visit.clock.advance(timedelta(days=16))
        assert visit.portal.issue_monthly() == 300
        events = (await visit.get("/v1/events", after=cursor, limit=1000))["items"]
        issued = [event for event in events if event["type"] == "invoice.issued"]
        assert [event["number"] for event in issued] == [generated_invoice_number(13, n) for n in range(300)]
        assert issued[0]["occurred_at"] == "2026-04-01T12:00:00Z"
        for path, index in ((read_before, 5), (await account_path(visit, 6), 6)):
            newest = (await visit.get(f"{path}/invoices"))["items"][0]
            assert (newest["number"], newest["date"]) == (generated_invoice_number(13, index), "2026-04-01")


async def test_generated_customers_can_be_changed() -> None:
    """A generated customer can be invoiced and removed."""
    async with visiting() as visit:
        visit.portal.generate(3)
        number = visit.portal.issue_invoice(generated_account_id(1), "20.00")
        assert (await visit.get(f"{await account_path(visit, 1)}/invoices"))["items"][0]["number"] == number
        visit.portal.people.close_account(generated_account_id(0))
        assert visit.portal.issue_monthly() == 2


def test_ten_thousand_accounts_are_generated_fast() -> None:
    """Ten thousand accounts take little time, and further ones can follow."""
    portal = Portal(clock=MovableClock(MONDAY))
    portal.generate(10_000)
    portal.generate(10)
    with pytest.raises(ValueError, match="another seed"):
        portal.generate(1, seed=2)
    with pytest.raises(ValueError, match="at most"):
        portal.generate(1_000_000)
    assert portal.issue_monthly() == 10_010
    portal.close()


@given(CENTS)
def test_totals_split_to_the_cent(total: int) -> None:
    """A total splits into price and taxes without a lost cent."""
    split = money.split_total(total)
    assert split.subtotal + split.gst + split.qst == total
    exact = money.add_taxes(split.subtotal)
    assert exact.gst == split.gst
    assert abs(exact.qst - split.qst) <= 1


@given(CENTS)
def test_split_total_inverts_add_taxes(subtotal: int) -> None:
    taxed = money.add_taxes(subtotal)
    split = money.split_total(taxed.total)
    assert split.total == taxed.total
    assert money.add_taxes(split.subtotal) == split
    assert money.add_taxes(-subtotal).total == -taxed.total


@pytest.mark.parametrize(("total", "subtotal"), [(29308, 25490), (4019, 3495), (-40126, -34900), (0, 0)])
def test_known_totals(total: int, subtotal: int) -> None:
    assert money.split_total(total) == money.add_taxes(subtotal)


@given(CENTS, st.integers(1, 60))
def test_even_shares_add_up(cents: int, parts: int) -> None:
    """Even shares add up, and differ by at most one cent."""
    shares = money.split_evenly(cents, parts)
    assert (len(shares), sum(shares)) == (parts, cents)
    assert max(shares) - min(shares) <= 1


@given(CENTS)
def test_decimal_text_round_trip(cents: int) -> None:
    assert money.parse_cents(money.decimal_text(cents)) == cents


@pytest.mark.parametrize("text", ["", "abc", "1.001", "NaN", "Infinity", "1,50", "1e20"])
def test_invalid_amounts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="written like"):
        money.parse_cents(text)


@pytest.mark.parametrize(
    ("cents", "french", "english"),
    [(129308, "1\u00a0293,08\u00a0$", "$1,293.08"), (-5, "-0,05\u00a0$", "-$0.05"), (0, "0,00\u00a0$", "$0.00")],
)
def test_money_formats(cents: int, french: str, english: str) -> None:
    assert money.money_text(cents, "fr") == french
    assert money.money_text(cents, "en") == english


@given(st.integers(1, 10**7), st.integers(1, 20))
def test_lines_without_amounts_share_the_price(total: int, count: int) -> None:
    lines = priced_lines([DraftLine(1, "Sonde")] * count, total)
    assert sum(line.cents for line in lines) == money.split_total(total).subtotal


@pytest.mark.parametrize(
    ("lines", "total"),
    [
        ([], None),
        ([DraftLine(1, "a", "1.00"), DraftLine(1, "b")], None),
        ([DraftLine(1, "a", "1.00")], 500),
        ([DraftLine(1, "a")], None),
    ],
)
def test_lines_that_do_not_add_up_are_refused(lines: list[DraftLine], total: int | None) -> None:
    with pytest.raises(ValueError, match=r"amount|lines"):
        priced_lines(lines, total)


@pytest.mark.parametrize("day", [date(2026, 1, 31), date(2028, 2, 29), date(2026, 12, 31), date(2026, 3, 1)])
def test_the_seed_can_be_written_on_any_day(day: date) -> None:
    noon = MONDAY.replace(year=day.year, month=day.month, day=day.day)
    portal = Portal(clock=MovableClock(noon))
    assert portal.today() == day
    portal.close()
