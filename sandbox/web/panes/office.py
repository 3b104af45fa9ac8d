"""The back office pane: accounts with their documents, and the staff's actions on them."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from starlette.responses import Response

from sandbox.portal.clock import COMPANY_TIMEZONE, Movable
from sandbox.portal.control import overview
from sandbox.telegram.persons.person import Person
from sandbox.web.calls import Call, NotFound, Routes, chat_of, person_of
from sandbox.web.page import Page
from sandbox.web.panes.bot_links import BotLink, contact_link, paper_link
from sandbox.web.rendering.views import moment_text, word

MOST_ACCOUNTS = 200
FIRST_INVOICES = 8
USUAL_AMOUNT = "293.08"
ENDING_DAYS = 30
DUE_DAYS = 30
MOVES = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7)}
"""How far the clock's buttons move it, beside ``tomorrow`` (9 h in the company's time zone) and ``real``."""


def office_values(
    page: Page, chosen: str | None, *, everything: bool = False, notice: str = "", link: BotLink | None = None
) -> dict[str, Any]:
    """Return the template values of the back office.

    Args:
        chosen: An account id; None or an unknown one shows the first account.
        everything: Show all invoices of the account.
        notice: A sentence about the last action.
        link: The link to the bot that was just made, or None.
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
        "due": (page.portal.portal.today() + timedelta(days=DUE_DAYS)).isoformat(),
        "today": page.portal.portal.today().isoformat(),
        "now": page.portal.portal.clock.now(),
        "moves": ("tomorrow", *MOVES, "real") if isinstance(page.portal.portal.clock, Movable) else (),
        "notice": notice,
        "link": link,
    }


def account_of(page: Page, person: Person | None) -> str | None:
    """Return the account of the address that the person typed last; None if no contact has one that was typed."""
    chat = chat_of(page, person) if person else None
    if chat is None:
        return None
    typed = [message.text.strip().casefold() for message in chat.messages.values() if not message.from_bot]
    said = {text: at for at, text in enumerate(typed) if "@" in text}
    found = [
        (said[contact["email"].casefold()], account["account_id"])
        for account in overview.accounts(page.portal.portal, False, MOST_ACCOUNTS, 0)
        for contact in account.get("contacts", ())
        if contact["email"].casefold() in said
    ]
    return max(found, key=lambda each: each[0])[1] if found else None


def _shown(call: Call, notice: str = "", link: BotLink | None = None) -> Response:
    """Show the back office after an action, and publish the change to other tabs."""
    call.page.publish_changes()
    everything = call.field("all") == "1"
    values = office_values(call.page, call.field("account"), everything=everything, notice=notice, link=link)
    return call.show("office", **values)


def _says(call: Call, name: str, what: str) -> str:
    return f"{word(name, call.language)} {what}"


async def show(call: Call) -> Response:
    """Show one account."""
    query = call.request.query_params
    person = query.get("person", "")
    chosen = query.get("account")
    if person.isdecimal():
        chosen = account_of(call.page, person_of(call.page, int(person))) or chosen
    return call.show("office", **office_values(call.page, chosen, everything=query.get("all") == "1"))


async def issue(call: Call) -> Response:
    """Issue an invoice."""
    number = call.page.portal.portal.issue_invoice(
        call.field("account"),
        call.field("amount").replace(",", ".") or USUAL_AMOUNT,
        order_number=call.field("order") or None,
        due_date=date.fromisoformat(call.field("due")) if call.field("due") else None,
    )
    return _shown(call, _says(call, "issued", number))


async def order(call: Call) -> Response:
    """Create an order."""
    what = call.field("what") or word("usual_order", call.language)
    number = call.page.portal.portal.create_order(call.field("account"), [(1, what)], call.page.portal.portal.today())
    return _shown(call, _says(call, "ordered", number))


async def move_clock(call: Call) -> Response:
    """Move the clock of Telegram, portal, mailbox and bot, and report the endings that became due."""
    clock, move = call.page.portal.portal.clock, call.request.path_params["move"]
    if not isinstance(clock, Movable) or move not in ("tomorrow", "real", *MOVES):
        raise NotFound
    if move in MOVES:
        clock.advance(MOVES[move])
    elif move == "real":
        clock.set(datetime.now(UTC))
    else:
        tomorrow = clock.now().astimezone(COMPANY_TIMEZONE) + timedelta(days=1)
        clock.set(tomorrow.replace(hour=9, minute=0, second=30, microsecond=0))
    call.page.portal.portal.report_endings()
    return _shown(call, f"{word('clock_is', call.language)} {moment_text(clock.now(), call.language)}")


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


async def link(call: Call) -> Response:
    """Show a link to the bot with its QR code: for a contact, or to an invoice or an order."""
    if call.field("contact"):
        email = call.field("email")
        made = await contact_link(call.page, call.field("contact"), call.field("account"), email)
    else:
        made = paper_link(call.page, call.field("kind"), call.field("number"))
    return _shown(call, _says(call, "link_made", made.about), made)


OFFICE_ROUTES: Routes = [
    ("GET", "/office", show),
    ("POST", "/office/invoices", issue),
    ("POST", "/office/orders", order),
    ("POST", "/office/clock/{move}", move_clock),
    ("POST", "/office/payments", pay),
    ("POST", "/office/endings", end_soon),
    ("POST", "/office/removals", remove),
    ("POST", "/office/links", link),
]
