"""The payment lines of an invoice for chats and mails, and the file name and size limit of its PDF."""

import datetime
import re

from portal.models import Invoice
from texts.catalogue import Texts

SMALL_PDF_BYTES = 2 * 1024 * 1024
"""Only one larger PDF is held in memory at a time."""


def payment_lines(t: Texts, invoice: Invoice, today: datetime.date) -> list[str]:
    """Return the lines with the amount and the payment state: paid, due or overdue.

    Args:
        today: The date in the company's time zone, which decides what is overdue.
    """
    amount = t.formats.money(invoice.amount, invoice.currency)
    if invoice.amount < 0:
        return [t("invoice.credit", amount=amount)]
    return [t("invoice.amount", amount=amount), _payment_state(t, invoice, today)]


def _payment_state(t: Texts, invoice: Invoice, today: datetime.date) -> str:
    if not invoice.is_unpaid:
        return t("invoice.paid_on", date=t.formats.long_date(invoice.paid_on)) if invoice.paid_on else t("invoice.paid")
    balance = t.formats.money(invoice.balance, invoice.currency)
    if invoice.due_date is None:
        return t("invoice.to_pay", balance=balance)
    date = t.formats.long_date(invoice.due_date)
    if invoice.due_date < today:
        return t("invoice.overdue", balance=balance, date=date)
    return t("invoice.due", balance=balance, date=date)


def file_name(t: Texts, number: str) -> str:
    """Return a PDF's file name, such as ``Facture-212380.pdf``. Other characters become dashes."""
    return t("pdf.file_name", number=re.sub(r"[^\w.-]+", "-", number).strip("-."))
