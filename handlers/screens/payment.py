"""Buttons that help to pay an invoice: the page to pay at, and what a bank's form asks for, to copy."""

from handlers.screens.screen import Button, Keyboard
from portal.models import Invoice
from texts.catalogue import Texts


def pay_row(t: Texts, invoice: Invoice) -> Keyboard:
    """Return the row with the button to the invoice's page at the portal, in the primary style; no row without one."""
    if not invoice.is_unpaid or not invoice.url:
        return ()
    return ((Button(t("button.pay_on_portal"), url=invoice.url, is_primary=True),),)


def copy_rows(t: Texts, invoice: Invoice) -> Keyboard:
    """Return buttons that copy the number, the balance and the payment reference; no rows if nothing is to pay."""
    if not invoice.is_unpaid:
        return ()
    number = Button(t("button.copy_number"), copied_text=invoice.number)
    amount = Button(t("button.copy_amount"), copied_text=t.formats.plain_amount(invoice.balance, invoice.currency))
    reference = invoice.payment_reference
    of_reference = ((Button(t("button.copy_reference"), copied_text=reference),),) if reference else ()
    return ((number, amount), *of_reference)
