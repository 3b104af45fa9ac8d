"""Search: the question for a search text, and the choice between an order and an invoice."""

from handlers.actions import AskSearch, ListInvoices, ListOrders, ShowInvoice, ShowOrder
from handlers.screens.screen import Button, Screen
from texts.catalogue import Texts


def ask_search(t: Texts, action: AskSearch) -> Screen:
    """Ask for the text to search for."""
    if action.invoices:
        back = Button(t("button.all_invoices"), ListInvoices(action.link))
        return Screen(facts=(t("search.ask_invoices"),), keyboard=((back,),))
    back = Button(t("button.all_orders"), ListOrders(action.link))
    return Screen(facts=(t("search.ask_orders"),), keyboard=((back,),))


def order_or_invoice(t: Texts, link: int, number: str) -> Screen:
    """Ask which one to show, because an order and an invoice have the same number."""
    invoice = Button(t("button.invoice", number=number), ShowInvoice(link, number))
    order = Button(t("button.order", number=number), ShowOrder(link, number))
    return Screen(facts=(t("search.several", number=number),), keyboard=((invoice, order),))
