"""The back office pane: accounts with their documents, and the staff's actions on them."""

from typing import Any

from starlette.responses import Response

from sandbox.portal.control import overview
from sandbox.web.calls import Call, Routes
from sandbox.web.page import Page
from sandbox.web.rendering.views import word

MOST_ACCOUNTS = 200
FIRST_INVOICES = 8
USUAL_AMOUNT = "293.08"
ENDING_DAYS = 30


def office_values(page: Page, chosen: str | None, *, everything: bool = False, notice: str = "") -> dict[str, Any]:
    """Return the template values of the back office.

    Args:
        chosen: An account id; None or an unknown one shows the first account.
        everything: Show all invoices of the account.
        notice: A sentence about the last action.
    """
    accounts = overview.accounts(page.portal.portal, False, MOST_ACCOUNTS, 0)
    account = next((each for each in accounts if each["account_id"] == chosen), accounts[0] if accounts else None)
    invoices = account["invoices"] if account else []
    return {
        "accounts": accounts,
        "account": account,
        "invoices": invoices if everything else invoices[:FIRST_INVOICES],
        "more": 0 if everything else max(0, len(invoices) - FIRST_INVOICES),
        "everything": everything,
        "amount": USUAL_AMOUNT,
        "notice": notice,
    }


def _shown(call: Call, notice: str = "") -> Response:
    """Show the back office after an action, and publish the change to other tabs."""
    call.page.publish_changes()
    everything = call.field("all") == "1"
    return call.show("office", **office_values(call.page, call.field("account"), everything=everything, notice=notice))


def _says(call: Call, name: str, what: str) -> str:
    return f"{word(name, call.language)} {what}"


async def show(call: Call) -> Response:
    """Show one account."""
    query = call.request.query_params
    return call.show("office", **office_values(call.page, query.get("account"), everything=query.get("all") == "1"))


async def issue(call: Call) -> Response:
    """Issue an invoice."""
    number = call.page.portal.portal.issue_invoice(
        call.field("account"),
        call.field("amount").replace(",", ".") or USUAL_AMOUNT,
        order_number=call.field("order") or None,
    )
    return _shown(call, _says(call, "issued", number))


async def pay(call: Call) -> Response:
    """Mark an invoice as paid."""
    call.page.portal.portal.mark_paid(call.field("account"), call.field("number"))
    return _shown(call, _says(call, "marked_paid", call.field("number")))


async def end_soon(call: Call) -> Response:
    """Set an order's end to a month from today."""
    call.page.portal.portal.end_order_soon(call.field("account"), call.field("number"), ENDING_DAYS)
    return _shown(call, _says(call, "ended_soon", call.field("number")))


async def remove(call: Call) -> Response:
    """Remove a contact from the account."""
    call.page.portal.portal.people.remove_contact(call.field("contact"), call.field("account"))
    return _shown(call, _says(call, "removed", call.field("email")))


OFFICE_ROUTES: Routes = [
    ("GET", "/office", show),
    ("POST", "/office/invoices", issue),
    ("POST", "/office/payments", pay),
    ("POST", "/office/endings", end_soon),
    ("POST", "/office/removals", remove),
]
