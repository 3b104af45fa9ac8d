"""Search: the question for a search text, and what a typed number found."""

import datetime
from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from handlers.actions import Action, AskSearch, CompareCode, ListInvoices, ListOrders, ShowInvoice, ShowOrder
from handlers.screens.lists import list_buttons
from handlers.screens.screen import Button, Screen, clip, paired, rows_of
from handlers.screens.support import a_person, person_button
from portal.models import Invoice, Part
from services.papers import Hit, SearchPage
from storage.chats import LinkState
from texts.catalogue import Texts
from texts.escaping import safe_text

_MOST_BUTTONS = 10
_ISO_LENGTH = len("2026-10-01")


def ask_search(t: Texts, action: AskSearch) -> Screen:
    """Ask for the text to search for."""
    if action.invoices:
        back = Button(t("button.all_invoices"), ListInvoices(action.link))
        return Screen(facts=(t("search.ask_invoices"),), keyboard=((back,),))
    back = Button(t("button.all_orders"), ListOrders(action.link))
    return Screen(facts=(t("search.ask_orders"),), keyboard=((back,),))


def several_found(
    t: Texts,
    query: str,
    hits: Sequence[Hit],
    pages: Sequence[SearchPage],
    accounts: Mapping[int, str],
    current: int,
) -> Screen:
    """Ask which one to show: orders and invoices with the number, or else the portal's search results.

    Args:
        accounts: the names of the accounts by link; that of the ``current`` one is left out.
    """
    found = [*hits, *(Hit(each.link_id, each.part, item.number, item) for each in pages for item in each.page.items)]
    buttons = [Button(_label(t, hit, accounts, current), _opens(hit)) for hit in found[:_MOST_BUTTONS]]
    total = len(hits) + sum(each.page.total for each in pages)
    lists = [(Button(_list_label(t, each, accounts, current), _lists(each, query)),) for each in pages]
    is_wide = any(hit.link_id != current for hit in found)
    is_same_number = bool(hits) and len({hit.number for hit in hits}) == 1 and not is_wide
    fact = (
        t("search.several", number=hits[0].number) if is_same_number else t.plural("search.found", total, query=query)
    )
    rows = rows_of(buttons, 1 if is_wide else 2)
    return Screen(facts=(fact,), keyboard=(*rows, *(lists if total > len(buttons) or len(pages) > 1 else ())))


def nothing_found(
    t: Texts, link: LinkState, query: str, account: str, suggestion: str, *, company: str, support: str
) -> Screen:
    """Report that nothing has a number, and say what to do.

    Args:
        account: the only account that was searched; empty for all accounts of the chat.
        suggestion: the command that was perhaps meant, with its slash, or empty.
        company: the company's name.
        support: how to reach a person; may be empty.
    """
    shown = clip(_as_written(t, query), 40)
    if not account:
        fact = t("search.nowhere", query=shown)
    elif query.isalpha() or " " in query or shown != query:
        fact = t("search.nothing_here", query=shown, account=account)
    else:
        fact = t("trouble.not_found", number=shown, account=account)
    asks = [
        Button(label, AskSearch(link.link_id, invoices=part is Part.INVOICES))
        for part, label in ((Part.ORDERS, t("button.search_orders")), (Part.INVOICES, t("button.search_invoices")))
        if part in link.access
    ]
    hint = t("search.meant_command", command=suggestion) if suggestion else t("search.what_next")
    keyboard = (*list_buttons(t, link), *paired(asks), (person_button(t, link.link_id),))
    return Screen(facts=(fact, hint, a_person(t, company, support)), keyboard=keyboard)


def _as_written(t: Texts, query: str) -> str:
    """Return a date as people write it, where a typed date was searched for; any other text as it is."""
    try:
        return t.formats.long_date(datetime.date.fromisoformat(query)) if len(query) == _ISO_LENGTH else query
    except ValueError:
        return query


def with_code_button(t: Texts, screen: Screen, code: str) -> Screen:
    """Add the button that compares a number with the awaited code, and say that no attempt was counted."""
    button = (Button(t("button.was_code"), CompareCode(code)),)
    uncounted = t("search.maybe_code")
    return replace(screen, note=f"{screen.note}\n{uncounted}".strip(), keyboard=(*screen.keyboard, button))


def _label(t: Texts, hit: Hit, accounts: Mapping[int, str], current: int) -> str:
    account = clip(safe_text(accounts.get(hit.link_id, "")), 30)
    is_credit_note = isinstance(hit.paper, Invoice) and hit.paper.is_credit_note
    if hit.link_id == current:
        if is_credit_note:
            return t("button.credit_note", number=hit.number)
        is_invoice = hit.part is Part.INVOICES
        return t("button.invoice", number=hit.number) if is_invoice else t("button.order", number=hit.number)
    if is_credit_note:
        return t("button.credit_note_of", number=hit.number, account=account)
    if hit.part is Part.INVOICES:
        return t("button.invoice_of", number=hit.number, account=account)
    return t("button.order_of", number=hit.number, account=account)


def _list_label(t: Texts, found: SearchPage, accounts: Mapping[int, str], current: int) -> str:
    account = "" if found.link_id == current else clip(safe_text(accounts.get(found.link_id, "")), 30)
    total = found.page.total
    if found.part is Part.INVOICES:
        if account:
            return t.plural("button.found_invoices_of", total, account=account)
        return t.plural("button.found_invoices", total)
    if account:
        return t.plural("button.found_orders_of", total, account=account)
    return t.plural("button.found_orders", total)


def _opens(hit: Hit) -> Action:
    return ShowInvoice(hit.link_id, hit.number) if hit.part is Part.INVOICES else ShowOrder(hit.link_id, hit.number)


def _lists(found: SearchPage, query: str) -> Action:
    if found.part is Part.INVOICES:
        return ListInvoices(found.link_id, query=query)
    return ListOrders(found.link_id, query=query)
