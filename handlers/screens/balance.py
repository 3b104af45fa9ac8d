"""What is owed: a screen of its own, and the lines of it that other screens show."""

import datetime
from collections.abc import Sequence

from handlers.actions import ListInvoices, ShowBalance
from handlers.screens.lists import incomplete_fact, unread_fact
from handlers.screens.screen import Button, Keyboard, Screen, clip
from services.account.balance import Balance
from services.account.paper_filters import InvoiceFilter
from storage.chats import LinkState
from texts.catalogue import Texts
from texts.escaping import safe_text


def balance(
    t: Texts,
    account: str,
    owed: Balance,
    action: ShowBalance,
    today: datetime.date,
    others: Sequence[tuple[LinkState, Balance]],
) -> Screen:
    """Show what is owed in an account, by currency, with the buttons to the invoices.

    Args:
        today: the date in the company's time zone.
        others: the chat's other accounts in which something is owed.
    """
    title = t("balance.title", account=clip(safe_text(account), 60))
    row = (Button(t("button.all_invoices"), ListInvoices(action.link)), Button(t("button.refresh"), action))
    of_others = tuple(
        (Button(t("balance.of_account", account=clip(safe_text(link.account_name), 34), total=_total(t, each)),
                ShowBalance(link.link_id)),)
        for link, each in others
    )  # fmt: skip
    keyboard = (*unpaid_buttons(t, owed, action.link), row, *of_others)
    facts = balance_facts(t, owed, today) or (t("invoices.none_unpaid"),)
    return Screen(title, facts=facts, note=t("balance.others") if others else "", keyboard=keyboard)


def balance_facts(t: Texts, owed: Balance, today: datetime.date) -> tuple[str, ...]:
    """Return what is open, overdue and due next, one line each for each currency; no lines where nothing is owed."""
    facts: list[str] = []
    for item in owed.items:
        money = t.formats.money
        facts.append(t.plural("balance.open", item.open_count, amount=money(item.open_balance, item.currency)))
        if item.overdue_balance > 0:
            amount = money(item.overdue_balance, item.currency)
            facts.append(t.plural("balance.overdue", item.overdue_count, amount=amount))
        if item.next_due_date is not None:
            facts.append(t("balance.next_due", day=t.formats.day(item.next_due_date, today)))
    return (*facts, *unread_fact(t, owed.unread), *incomplete_fact(t, is_complete=owed.is_complete))


def unpaid_buttons(t: Texts, owed: Balance, link: int) -> Keyboard:
    """Return the row of buttons to the open and the overdue invoices; no row where nothing is owed."""
    if not owed.items:
        return ()
    unpaid = Button(t("button.unpaid"), ListInvoices(link, unpaid=True))
    overdue = Button(t("button.overdue"), ListInvoices(link, only=InvoiceFilter.OVERDUE))
    return ((unpaid, overdue) if any(item.overdue_balance > 0 for item in owed.items) else (unpaid,),)


def _total(t: Texts, owed: Balance) -> str:
    return " + ".join(t.formats.money(item.open_balance, item.currency) for item in owed.items)
