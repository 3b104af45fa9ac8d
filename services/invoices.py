"""The payment lines of an invoice for chats and mails, and the file name and size limit of its PDF."""

import datetime
import re
from collections.abc import Iterable
from decimal import Decimal

from portal.models import Invoice, InvoiceStatus, InvoiceSummary
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


def summary_of(invoices: Iterable[Invoice], today: datetime.date) -> tuple[InvoiceSummary, ...]:
    """Return what is open, as ``Portal.invoice_summary``, for a portal without a summary.

    Args:
        invoices: All unpaid ones of an account.
        today: As for ``payment_lines``.
    """
    by_currency: dict[str, list[Invoice]] = {}
    for invoice in invoices:
        if invoice.is_unpaid:
            by_currency.setdefault(invoice.currency, []).append(invoice)
    summaries = []
    for currency, unpaid in sorted(by_currency.items()):
        due = [invoice.due_date for invoice in unpaid if invoice.due_date and invoice.due_date >= today]
        overdue = [invoice for invoice in unpaid if invoice.due_date and invoice.due_date < today]
        summaries.append(
            InvoiceSummary(
                currency=currency,
                open_balance=sum((invoice.balance for invoice in unpaid), Decimal(0)),
                open_count=len(unpaid),
                overdue_balance=sum((invoice.balance for invoice in overdue), Decimal(0)),
                overdue_count=len(overdue),
                next_due_date=min(due, default=None),
            )
        )
    return tuple(summaries)


def calendar_file_name(t: Texts, number: str, *, is_order: bool) -> str:
    """Return a calendar file's name, such as ``Facture-212380.ics``. Other characters become dashes."""
    plain = re.sub(r"[^\w.-]+", "-", number).strip("-.")
    return t("calendar.order_file_name", number=plain) if is_order else t("calendar.invoice_file_name", number=plain)


def file_name(t: Texts, number: str, *, is_credit_note: bool) -> str:
    """Return a PDF's file name, such as ``Facture-212380.pdf``. Other characters become dashes."""
    plain = re.sub(r"[^\w.-]+", "-", number).strip("-.")
    return t("pdf.credit_note_file_name", number=plain) if is_credit_note else t("pdf.file_name", number=plain)
