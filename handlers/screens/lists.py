"""What the two lists share: where one is, and how to get on."""

from typing import TypeVar

from handlers.actions import Action, ListInvoices, ListOrders, ShowOrder, at_page
from handlers.screens.screen import Button, Keyboard, rows_of
from portal.models import ItemT, Page, Part
from storage.chats import LinkState
from texts.catalogue import Texts

PagedT = TypeVar("PagedT", ListOrders, ListInvoices, ShowOrder)


def reading(t: Texts, link: LinkState) -> Keyboard:
    """The ways to what this person may read."""
    orders = Button(t("button.orders"), ListOrders(link.link_id))
    invoices = Button(t("button.invoices"), ListInvoices(link.link_id))
    shown = [button for part, button in ((Part.ORDERS, orders), (Part.INVOICES, invoices)) if part in link.access]
    return (tuple(shown),) if shown else ()


def where(t: Texts, page: Page[ItemT], shown: int) -> str:
    """``1 à 5 de 34``."""
    number = t.formats.number
    first = (page.page - 1) * page.page_size + 1
    return t("list.where", first=number(first), last=number(first + shown - 1), total=number(page.total))


def paging(t: Texts, here: int, last: int, action: PagedT) -> Keyboard:
    """``‹ 1/7 ›``; the one in the middle reads the page again. Nothing where there is one page."""
    if last == 1:
        return ()
    number = t.formats.number
    buttons = [Button(t("list.page", page=number(here), last=number(last)), action)]
    if here > 1:
        buttons.insert(0, Button("‹", at_page(action, here - 1)))
    if here < last:
        buttons.append(Button("›", at_page(action, here + 1)))
    return (tuple(buttons),)


def numbers(labels_and_actions: list[tuple[str, Action]]) -> Keyboard:
    """A button a row of the list, as wide as its label lets it be on a telephone."""
    longest = max((len(label) for label, _ in labels_and_actions), default=1)
    width = 5 if longest <= 6 else 3 if longest <= 10 else 2 if longest <= 18 else 1
    return rows_of([Button(label, action) for label, action in labels_and_actions], width)
