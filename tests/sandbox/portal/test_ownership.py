"""What a contact may see: their accounts, the permitted parts of them, and nothing else."""

from collections.abc import AsyncIterator

import pytest

from tests.sandbox.portal.test_server import Visit, visiting

PARTS = (
    "orders",
    "orders/26387",
    "orders/31200",
    "invoices",
    "invoices/212380",
    "invoices/240130",
    "invoices/240130/pdf",
)


@pytest.fixture
async def visit() -> AsyncIterator[Visit]:
    async with visiting() as visit:
        yield visit


@pytest.mark.parametrize(
    ("contact", "account"),
    [
        ("c-1001", "a-2003"),  # another contact's account
        ("c-1002", "a-2001"),
        ("c-1010", "a-2001"),  # a contact without accounts
        ("c-1002", "a-9999"),  # no such account
        ("c-9999", "a-2003"),  # no such contact
        ("a-2003", "c-1002"),
    ],
)
async def test_foreign_accounts_are_404(visit: Visit, contact: str, account: str) -> None:
    for part in PARTS:
        await visit.problem(404, f"/v1/contacts/{contact}/accounts/{account}/{part}")


@pytest.mark.parametrize("part", ["orders/31200", "invoices/240130", "invoices/240130/pdf"])
async def test_foreign_numbers_are_404(visit: Visit, part: str) -> None:
    """The number of another account's document is unknown in one's own account."""
    await visit.problem(404, f"/v1/contacts/c-1001/accounts/a-2001/{part}")


async def test_orders_only(visit: Visit) -> None:
    account = "/v1/contacts/c-1003/accounts/a-2003"
    assert (await visit.get("/v1/contacts/c-1003"))["accounts"][0]["access"] == ["orders"]
    orders = (await visit.get(f"{account}/orders"))["items"]
    assert orders
    assert {order["invoice_count"] for order in orders} == {0}, "not even how many invoices there are"
    for part in ("invoices", "invoices/240130", "invoices/none", "invoices/240130/pdf"):
        await visit.problem(403, f"{account}/{part}")


async def test_invoices_only(visit: Visit) -> None:
    account = "/v1/contacts/c-1009/accounts/a-2003"
    assert (await visit.get(f"{account}/invoices"))["total"] == 34
    await visit.problem(403, f"{account}/orders")
    await visit.problem(403, f"{account}/orders/31200")


async def test_same_number_in_two_accounts(visit: Visit) -> None:
    """The same number in two accounts names two different orders."""
    garage = await visit.get("/v1/contacts/c-1007/accounts/a-2010/orders/44001")
    towing = await visit.get("/v1/contacts/c-1008/accounts/a-2011/orders/44001")
    assert garage["lines"] != towing["lines"]
    await visit.problem(404, "/v1/contacts/c-1007/accounts/a-2011/orders/44001")


async def test_a_contact_of_four_accounts(visit: Visit) -> None:
    accounts = (await visit.get("/v1/contacts/c-1006"))["accounts"]
    assert [account["access"] for account in accounts] == [["orders", "invoices"]] * 3 + [["orders"]]


async def test_changed_access_applies_at_once(visit: Visit) -> None:
    account = "/v1/contacts/c-1002/accounts/a-2003"
    visit.portal.people.change_contact("c-1002", access={"a-2003": ["invoices"], "a-2004": ["orders"]})
    await visit.problem(403, f"{account}/orders")
    assert (await visit.get(f"{account}/invoices"))["total"] == 34
    visit.portal.people.change_contact("c-1002", access={})
    await visit.problem(404, f"{account}/invoices")
    assert (await visit.get("/v1/contacts/c-1002"))["accounts"] == []


async def test_removed_contacts_and_closed_accounts(visit: Visit) -> None:
    """A removed contact and a closed account are 404."""
    visit.portal.people.remove_contact("c-1002")
    await visit.problem(404, "/v1/contacts/c-1002")
    await visit.problem(404, "/v1/contacts/c-1002/accounts/a-2003/invoices")
    found = await visit.http.post("/v1/contacts/search", json={"email": "flotte@example.test"})
    assert found.json() == {"items": []}
    visit.portal.people.close_account("a-2002")
    assert [a["account_id"] for a in (await visit.get("/v1/contacts/c-1001"))["accounts"]] == ["a-2001"]
    await visit.problem(404, "/v1/contacts/c-1001/accounts/a-2002/invoices")
