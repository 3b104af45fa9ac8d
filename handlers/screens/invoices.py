"""Invoices: the list, the detail, and failures of the PDF."""

import datetime

from msgspec.structs import replace

from handlers.actions import (
    AddToCalendar,
    AskSearch,
    ListInvoices,
    ListOrders,
    SendPdf,
    ShowInvoice,
    ShowOrder,
    ShowStatement,
)
from handlers.screens.lists import (
    back_button,
    incomplete_fact,
    list_note,
    number_buttons,
    paging,
    period_fact,
    position,
    retry_row,
    unread_fact,
)
from handlers.screens.payment import copy_rows, pay_row
from handlers.screens.screen import Button, Screen, Table, clip
from handlers.screens.support import person_button
from portal.models import Invoice, InvoiceStatus, Page, Part
from services.account.paper_filters import InvoiceFilter
from services.invoices import payment_lines
from texts.catalogue import Texts, message_id
from texts.escaping import safe_text

_TITLES = {
    InvoiceFilter.OVERDUE: message_id("invoices.title_overdue"),
    InvoiceFilter.CANCELLED: message_id("invoices.title_cancelled"),
    InvoiceFilter.CREDIT_NOTES: message_id("invoices.title_credit_notes"),
}
_EMPTY = {
    InvoiceFilter.OVERDUE: message_id("invoices.none_overdue"),
    InvoiceFilter.CANCELLED: message_id("invoices.none_cancelled"),
    InvoiceFilter.CREDIT_NOTES: message_id("invoices.no_credit_notes"),
}


def invoice_list(
    t: Texts,
    account: str,
    page: Page[Invoice],
    action: ListInvoices,
    today: datetime.date,
    *,
    has_orders: bool,
    is_complete: bool = True,
) -> Screen:
    """List a page of invoices: date, number and amount, then the state on a line of its own.

    Args:
        today: the date in the company's time zone.
        is_complete: False if the list was filtered, and the portal has more invoices than were read.
    """
    title = _title(t, clip(account, 60), action)
    buttons = (*_list_buttons(t, action, has_orders=has_orders), _pack_row(t, action, has_any=bool(page.items)))
    period = period_fact(t, action)
    if not page.items:
        if page.unread:
            return Screen(title, facts=unread_fact(t, page.unread), keyboard=(retry_row(t, action), *buttons))
        note = "\n".join(incomplete_fact(t, is_complete=is_complete))
        return Screen(title, facts=(*period, _empty_list(t, action)), note=note, keyboard=buttons)
    table = Table(
        tuple(
            (
                t.formats.short_date(i.date),
                t("cell.number", number=i.number),
                t.formats.money(i.amount, i.currency),
            )
            for i in page.items
        ),
        tuple(state(t, i, today) for i in page.items),
        actions=tuple(ShowInvoice.from_list(i.number, action) for i in page.items),
        opener=1,
    )
    rows = number_buttons([(safe_text(i.number), ShowInvoice.from_list(i.number, action)) for i in page.items])
    note = list_note(t, action.query, page.unread, is_complete=is_complete)
    keyboard = (*rows, *paging(t, page.page, page.last, action), *buttons)
    # Of a filtered list, the unread rows may be anywhere, and may not belong to it.
    shown = position(t, page, len(page.items) + (0 if action.only else page.unread))
    return Screen(title, shown, facts=period, table=table, note=note, keyboard=keyboard)


def _title(t: Texts, account: str, action: ListInvoices) -> str:
    if action.order:
        return t("invoices.title_of_order", number=action.order, account=account)
    if action.only is not None:
        return t(_TITLES[action.only], account=account)
    if action.unpaid:
        return t("invoices.title_unpaid", account=account)
    return t("invoices.title_paid", account=account) if action.paid else t("invoices.title", account=account)


def invoice_detail(
    t: Texts, account: str, invoice: Invoice, action: ShowInvoice, today: datetime.date, *, has_orders: bool
) -> Screen:
    """Show one invoice, with a button for its PDF; one to pay has the buttons for that, too.

    Args:
        today: as for ``invoice_list``.
    """
    facts = [clip(safe_text(account), 60), t("invoice.date", date=t.formats.long_date(invoice.date))]
    if invoice.order_number:
        facts.append(t("invoice.order", number=invoice.order_number))
    facts += payment_lines(t, invoice, today)
    pdf = (Button(t("button.pdf"), pdf_of(invoice, action.link)),)
    keyboard: list[tuple[Button, ...]] = [*pay_row(t, invoice), pdf, *copy_rows(t, invoice)]
    if invoice.url and not invoice.is_unpaid:
        keyboard.append((Button(t("button.on_portal"), url=invoice.url),))
    if invoice.is_unpaid and invoice.due_date:
        keyboard.append((Button(t("button.add_to_calendar"), AddToCalendar(action.link, invoice.number)),))
    back = back_button(t, action.opened_from)
    if invoice.order_number and has_orders:
        order = Button(t("button.order", number=invoice.order_number), ShowOrder(action.link, invoice.order_number))
        keyboard.append((order, back))
    else:
        keyboard.append((back,))
    keyboard.append((person_button(t, action.link, Part.INVOICES, invoice.number),))
    return Screen(invoice_title(t, invoice), facts=tuple(facts), keyboard=tuple(keyboard))


def invoice_title(t: Texts, invoice: Invoice) -> str:
    """Return the title of an invoice or of a credit note."""
    if invoice.is_credit_note:
        return t("invoice.title_credit_note", number=invoice.number)
    return t("invoice.title", number=invoice.number)


def invoice_label(t: Texts, number: str, *, is_credit_note: bool) -> str:
    """Return the label of a button that opens an invoice or a credit note."""
    return t("button.credit_note", number=number) if is_credit_note else t("button.back_to_invoice", number=number)


def pdf_of(invoice: Invoice, link: int) -> SendPdf:
    """Return the request for the PDF of an invoice that was read."""
    return SendPdf(link, invoice.number, is_credit_note=invoice.is_credit_note)


def pdf_too_large(t: Texts, invoice: Invoice, link: int) -> Screen:
    """Report that the PDF is over Telegram's limit, and offer the portal if the invoice has a URL."""
    label = invoice_label(t, invoice.number, is_credit_note=invoice.is_credit_note)
    back = (Button(label, ShowInvoice(link, invoice.number)),)
    portal = (Button(t("button.on_portal"), url=invoice.url or ""),)
    note = t("pdf.too_large") if invoice.url else t("pdf.too_large_no_link")
    return Screen(invoice_title(t, invoice), facts=(note,), keyboard=(portal, back))


def pdf_maybe_sent(t: Texts, retry: SendPdf) -> Screen:
    """Report that Telegram did not confirm the PDF, which may have arrived."""
    return Screen(facts=(t("pdf.maybe_sent"),), keyboard=((Button(t("button.retry"), retry),),))


def pdf_not_sent(t: Texts, retry: SendPdf) -> Screen:
    """Report that Telegram did not accept the PDF."""
    return Screen(facts=(t("pdf.not_sent"),), keyboard=((Button(t("button.retry"), retry),),))


def pdf_already_sent(t: Texts, action: SendPdf) -> Screen:
    """Report that the chat has this PDF already, and offer to send it again."""
    anew = replace(action, again=False, anew=True)
    return Screen(facts=(t("pdf.already_sent"),), keyboard=((Button(t("button.send_again"), anew),),))


def pdf_in_progress(t: Texts, action: SendPdf) -> Screen:
    """Report that the portal takes long to make a PDF."""
    key = message_id("pdf.credit_note_in_progress") if action.is_credit_note else message_id("pdf.in_progress")
    return Screen(facts=(t(key, number=action.number),))


def pdf_sent(t: Texts, action: SendPdf) -> Screen:
    """Confirm the PDF, where the portal cannot be read for the invoice's own screen."""
    label = invoice_label(t, action.number, is_credit_note=action.is_credit_note)
    back = Button(label, ShowInvoice(action.link, action.number))
    return Screen(facts=(t("pdf.sent"),), keyboard=((back,),))


def saved_pdf(t: Texts) -> Screen:
    """Say below a PDF that it is the one that Telegram has, because the portal does not answer."""
    return Screen(facts=(t("saved.pdf"),))


def state(t: Texts, invoice: Invoice, today: datetime.date) -> str:
    """Return the state of a list's row: cancelled, credited, credit, paid, or the amount and date to pay."""
    if invoice.is_cancelled:
        return t("state.cancelled")
    if invoice.is_credit_note:
        return t("state.credit")
    if invoice.state is InvoiceStatus.CREDITED:
        return t("state.credited")
    if not invoice.is_unpaid:
        return t("state.paid")
    is_partial = invoice.is_partly_paid
    balance = t.formats.money(invoice.balance, invoice.currency)
    if invoice.due_date is None:
        return t("state.partial", balance=balance) if is_partial else t("state.unpaid")
    day = t.formats.day(invoice.due_date, today)
    if invoice.due_date < today:
        return t("state.partial_overdue", balance=balance, day=day) if is_partial else t("state.overdue", day=day)
    return t("state.partial_due", balance=balance, day=day) if is_partial else t("state.due", day=day)


def _empty_list(t: Texts, action: ListInvoices) -> str:
    if action.query:
        return t("invoices.none_found", query=action.query)
    if action.order:
        return t("invoices.none_of_order")
    if action.only is not None:
        return t(_EMPTY[action.only])
    if action.since or action.until:
        return t("invoices.none_in_period")
    return t("invoices.none_unpaid") if action.unpaid else t("invoices.none")


def _pack_row(t: Texts, action: ListInvoices, *, has_any: bool) -> tuple[Button, ...]:
    """Return the button that takes all invoices of a list at once; an empty one has none."""
    if not has_any:
        return ()
    everything = ShowStatement(
        action.link,
        action.since,
        action.until,
        action.unpaid,
        action.paid,
        action.order,
        search=action.query,
        only=action.only,
    )
    return (Button(t("button.statement"), everything),)


def _list_buttons(t: Texts, action: ListInvoices, *, has_orders: bool) -> tuple[tuple[Button, ...], ...]:
    every = Button(t("button.all_invoices"), ListInvoices(action.link))
    search = Button(t("button.search"), AskSearch(action.link, invoices=True))
    if action.order:
        order = (Button(t("button.order", number=action.order), ShowOrder(action.link, action.order)),)
        return ((*(order if has_orders else ()), every),)
    if action.only is InvoiceFilter.OVERDUE:
        return ((Button(t("button.unpaid"), ListInvoices(action.link, unpaid=True)), every),)
    if action.query or action.unpaid or action.paid or action.only or action.since or action.until:
        return ((every, search),)
    orders = ((Button(t("button.orders"), ListOrders(action.link)),),) if has_orders else ()
    return ((Button(t("button.unpaid"), replace(action, page=1, unpaid=True)), search), *orders)
