"""Parts that the lists of orders and of invoices share: position, paging and buttons."""

import datetime
from typing import TypeVar

from handlers.actions import Action, ListInvoices, ListOrders, ShowOrder, at_page
from handlers.screens.screen import Button, Keyboard, rows_of
from portal.fields import MOST_ROWS
from portal.models import ItemT, Page, Part
from services.account.paper_filters import MOST_PAGES
from storage.chats import LinkState
from texts.catalogue import Texts

PagedT = TypeVar("PagedT", ListOrders, ListInvoices, ShowOrder)


def list_buttons(t: Texts, link: LinkState) -> Keyboard:
    """Return buttons for the lists that the contact may see; no row if there are none."""
    orders = Button(t("button.orders"), ListOrders(link.link_id))
    invoices = Button(t("button.invoices"), ListInvoices(link.link_id))
    shown = [button for part, button in ((Part.ORDERS, orders), (Part.INVOICES, invoices)) if part in link.access]
    return (tuple(shown),) if shown else ()


def position(t: Texts, page: Page[ItemT], shown: int) -> str:
    """Return the position of a page with ``shown`` rows, such as ``1 à 5 de 34``."""
    number = t.formats.number
    first = (page.page - 1) * page.page_size + 1
    return t("list.where", first=number(first), last=number(first + shown - 1), total=number(page.total))


def unread_fact(t: Texts, unread: int) -> tuple[str, ...]:
    """Return the fact that some lines of the portal's answer cannot be read here; none where all can."""
    return (t.plural("list.unread", unread),) if unread else ()


def retry_row(t: Texts, action: Action) -> tuple[Button, ...]:
    """Return the button that reads a list again, of which no line could be read."""
    return (Button(t("button.retry"), action),)


def list_note(t: Texts, query: str, unread: int, *, is_complete: bool = True) -> str:
    """Return what was searched for, and how many lines cannot be read or were not read; empty for nothing of it."""
    searched = (t("list.searched", query=query),) if query else ()
    return "\n".join((*searched, *unread_fact(t, unread), *incomplete_fact(t, is_complete=is_complete)))


def incomplete_fact(t: Texts, *, is_complete: bool) -> tuple[str, ...]:
    """Return the fact that the portal has more rows than were read for a list; none for a complete list."""
    return () if is_complete else (t("list.incomplete", count=t.formats.number(MOST_PAGES * MOST_ROWS)),)


def back_button(t: Texts, opened_from: ListOrders | ListInvoices) -> Button:
    """Return the button from a detail back to the list that it was opened from."""
    if opened_from == type(opened_from)(opened_from.link):
        is_orders = isinstance(opened_from, ListOrders)
        return Button(t("button.all_orders") if is_orders else t("button.all_invoices"), opened_from)
    return Button(t("button.back_to_list"), opened_from)


def period_fact(t: Texts, action: ListOrders | ListInvoices) -> tuple[str, ...]:
    """Return the line that says of which period a list is; nothing for any period."""
    since, until = day_of(action.since), day_of(action.until)
    return (period_text(t, since, until),) if since or until else ()


def day_of(text: str) -> datetime.date | None:
    """Return the day of a button in ISO 8601; None for no day, or a forged one."""
    try:
        return datetime.date.fromisoformat(text) if text else None
    except ValueError:
        return None


def period_text(t: Texts, since: datetime.date | None, until: datetime.date | None) -> str:
    """Return a period in words; one of the two days is given."""
    if since and since == until:
        return t("period.day", day=t.formats.long_date(since))
    if since and until:
        return t("period.between", since=t.formats.long_date(since), until=t.formats.long_date(until))
    if since:
        return t("period.since", since=t.formats.long_date(since))
    return t("period.until", until=t.formats.long_date(until) if until else "")


def paging(t: Texts, page: int, last: int, action: PagedT) -> Keyboard:
    """Return the buttons ``‹ 1/7 ›``, where the middle one reads the page again; no row if there is one page."""
    if last == 1:
        return ()
    number = t.formats.number
    buttons = [Button(t("list.page", page=number(page), last=number(last)), action)]
    if page > 1:
        buttons.insert(0, Button("‹", at_page(action, page - 1)))
    if page < last:
        buttons.append(Button("›", at_page(action, page + 1)))
    return (tuple(buttons),)


def number_buttons(labels_and_actions: list[tuple[str, Action]]) -> Keyboard:
    """Return a button for each row of a list, as many side by side as the longest label permits on a telephone."""
    longest = max((len(label) for label, _ in labels_and_actions), default=1)
    width = 5 if longest <= 6 else 3 if longest <= 10 else 2 if longest <= 18 else 1
    return rows_of([Button(label, action) for label, action in labels_and_actions], width)
