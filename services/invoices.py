"""What chats and mails both say of an invoice, and the name and size of its PDF."""

import datetime
import re

from portal.models import Invoice
from texts.catalogue import Texts

SMALL_PDF = 2 * 1024 * 1024
"""Bytes. Only one larger PDF is held in memory at a time."""


def payment(t: Texts, invoice: Invoice, today: datetime.date) -> list[str]:
    """Return the lines that say the amount, and what is paid, or to pay and when.

    Args:
        today: the date in the company's time zone, which decides what is overdue.
    """
    amount = t.formats.money(invoice.amount, invoice.currency)
    if invoice.amount < 0:
        return [t("invoice.credit", amount=amount)]
    return [t("invoice.amount", amount=amount), _to_pay(t, invoice, today)]


def _to_pay(t: Texts, invoice: Invoice, today: datetime.date) -> str:
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
    """Return a PDF's file name, such as ``Facture-212380.pdf``. What a file name cannot hold becomes a dash."""
    return t("pdf.file_name", number=re.sub(r"[^\w.-]+", "-", number).strip("-."))
