"""The payment lines of an invoice for chats and mails, and the file name and size limit of its PDF."""

import datetime
import re

from portal.models import Invoice, InvoiceStatus
from texts.catalogue import Texts

SMALL_PDF_BYTES = 2 * 1024 * 1024
"""Only one larger PDF is held in memory at a time."""


def payment_lines(t: Texts, invoice: Invoice, today: datetime.date) -> list[str]:
    """Return the lines with the amount and the payment state: cancelled, credited, paid, paid in part, due or overdue.

    Args:
        today: The date in the company's time zone, which decides what is overdue.
    """
    amount = t.formats.money(invoice.amount, invoice.currency)
    if invoice.is_credit_note:
        lines = [t("invoice.credit", amount=amount)]
        return [*lines, t("invoice.cancelled")] if invoice.is_cancelled else lines
    lines = [t("invoice.amount", amount=amount)]
    if invoice.is_partly_paid:
        paid = t.formats.money(invoice.amount - invoice.balance, invoice.currency)
        lines.append(t("invoice.partly_paid", paid=paid))
    lines.append(_payment_state(t, invoice, today))
    if invoice.is_unpaid and invoice.payment_reference:
        lines.append(t("invoice.payment_reference", reference=invoice.payment_reference))
    return lines


def _payment_state(t: Texts, invoice: Invoice, today: datetime.date) -> str:
    if invoice.is_cancelled:
        return t("invoice.cancelled")
    if invoice.state is InvoiceStatus.CREDITED:
        return t("invoice.credited")
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
