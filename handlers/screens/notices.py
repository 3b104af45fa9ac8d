"""Notices, and the answers to their buttons. Each notice that can be stopped has a button for that."""

import datetime
from collections.abc import Sequence

from msgspec.structs import replace

from handlers.actions import (
    ConfirmAddress,
    ConfirmCopy,
    ListInvoices,
    MuteInvoice,
    SendPdf,
    SetSubscription,
    ShowAccounts,
    ShowCopy,
    ShowInvoice,
    ShowOrder,
    ShowSubscriptions,
    Snooze,
    StartLinking,
)
from handlers.screens.invoices import invoice_label, pdf_of
from handlers.screens.notice_settings import SUBSCRIPTION_NAMES
from handlers.screens.payment import pay_row
from handlers.screens.screen import Button, Screen, clip
from portal.models import Invoice, Order
from services.invoices import payment_lines
from services.notices.event_recorder import subscription_for
from storage.tables import Kind
from texts.catalogue import Texts, message_id
from texts.escaping import safe_text

SNOOZE_DAYS = (1, 7)
_TITLES = {
    Kind.INVOICE_ISSUED: message_id("notice.invoice_issued"),
    Kind.INVOICE_PAID: message_id("notice.invoice_paid"),
    Kind.INVOICE_CANCELLED: message_id("notice.invoice_cancelled"),
    Kind.REMINDER_BEFORE: message_id("notice.reminder"),
    Kind.REMINDER_DUE: message_id("notice.reminder_today"),
    Kind.REMINDER_LATER: message_id("notice.reminder"),
    Kind.ORDER_CREATED: message_id("notice.order_created"),
    Kind.ORDER_ENDING: message_id("notice.order_ending"),
}
_CREDIT_TITLES = {
    Kind.INVOICE_ISSUED: message_id("notice.credit_issued"),
    Kind.INVOICE_PAID: message_id("notice.credit_paid"),
    Kind.INVOICE_CANCELLED: message_id("notice.credit_cancelled"),
    Kind.REMINDER_BEFORE: message_id("notice.credit_reminder"),
    Kind.REMINDER_DUE: message_id("notice.credit_reminder"),
    Kind.REMINDER_LATER: message_id("notice.credit_reminder"),
}
_END_REASONS = {
    Kind.CONTACT_REMOVED: message_id("notice.contact_removed"),
    Kind.ACCOUNT_CLOSED: message_id("notice.account_closed"),
    Kind.ADDRESS_CHANGED: message_id("notice.address_changed"),
    Kind.ACCESS_ENDED: message_id("notice.access_ended"),
}


def title(t: Texts, kind: Kind, number: str, paper: Invoice | Order | None = None) -> str:
    """Return what a notice is about, in one line.

    Args:
        paper: what the portal has now: a credit note and a cancelled invoice are named as such. None if unknown.
    """
    if isinstance(paper, Invoice) and paper.is_cancelled:
        cancelled = message_id("notice.credit_cancelled"), message_id("notice.invoice_cancelled")
        return t(cancelled[0] if paper.is_credit_note else cancelled[1], number=number)
    is_credit_note = isinstance(paper, Invoice) and paper.is_credit_note
    return t((_CREDIT_TITLES if is_credit_note else _TITLES)[kind], number=number)


def invoice_notice(t: Texts, kind: Kind, account: str, invoice: Invoice, link: int, today: datetime.date) -> Screen:
    """Notify of a new invoice or a paid one, or remind of an unpaid one.

    Args:
        account: the account's name.
        today: the date in the company's time zone.
    """
    facts = [clip(safe_text(account), 60), t("invoice.date", date=t.formats.long_date(invoice.date))]
    facts += payment_lines(t, invoice, today)
    pdf = Button(t("button.pdf"), pdf_of(invoice, link))
    rows: list[tuple[Button, ...]] = [(pdf, _detail_button(t, invoice, link))]
    if kind in (Kind.REMINDER_BEFORE, Kind.REMINDER_DUE, Kind.REMINDER_LATER):
        rows[:0] = pay_row(t, invoice)
        labels = (t("button.remind_tomorrow"), t("button.remind_next_week"))
        pairs = zip(labels, SNOOZE_DAYS, strict=True)
        rows.append(tuple(Button(label, Snooze(link, invoice.number, days)) for label, days in pairs))
        rows.append((Button(t("button.mute"), MuteInvoice(link, invoice.number)),))
    rows.append((_stop_button(t, kind, link),))
    if kind is Kind.REMINDER_DUE and invoice.due_date != today:  # sent late, and its title says "today"
        kind = Kind.REMINDER_LATER
    return Screen(title(t, kind, invoice.number, invoice), facts=tuple(facts), keyboard=tuple(rows))


def without_pdf_button(screen: Screen) -> Screen:
    """Return a notice for a message that has the PDF attached."""
    rows = (tuple(button for button in row if not isinstance(button.action, SendPdf)) for row in screen.keyboard)
    return replace(screen, keyboard=tuple(row for row in rows if row))


def order_notice(t: Texts, kind: Kind, account: str, order: Order, link: int) -> Screen:
    """Notify of a new order, or of one that ends soon."""
    facts = [clip(safe_text(account), 60)]
    if order.end_date:
        facts.append(t("order.end", date=t.formats.long_date(order.end_date)))
    detail = Button(t("button.order", number=order.number), ShowOrder(link, order.number))
    rows: list[tuple[Button, ...]] = [(detail,)]
    if kind is Kind.ORDER_ENDING and order.url:
        rows.insert(0, (Button(t("button.renew"), url=order.url),))
    rows.append((_stop_button(t, kind, link),))
    return Screen(title(t, kind, order.number), facts=tuple(facts), keyboard=tuple(rows))


def access_ended(t: Texts, ended: Sequence[tuple[Kind, str]], company: str, support: str) -> Screen:
    """Notify of ended links: ``ended`` has the reason and the account's name of each; ``support`` may be empty."""
    facts = [t(_END_REASONS[kind], account=account, company=company) for kind, account in ended]
    facts.append(
        t("notice.if_mistake_support", company=company, support=support)
        if support
        else t("notice.if_mistake", company=company)
    )
    return Screen(t("notice.unlinked"), facts=tuple(facts), keyboard=((Button(t("button.link"), StartLinking()),),))


def idle_link(t: Texts, account: str, link: int) -> Screen:
    """Notify that an idle link gets no more notices until its address is confirmed."""
    confirm = Button(t("button.confirm_address"), ConfirmAddress(link))
    return Screen(t("notice.unused_title"), facts=(t("notice.unused", account=account),), keyboard=((confirm,),))


def copy_changed(t: Texts, account: str, *, stopped: bool) -> Screen:
    """Notify a chat that another chat of the same address set up or stopped a bookkeeper's copy."""
    key = message_id("copy.other_stopped") if stopped else message_id("copy.other_set")
    return Screen(
        t("account.alert_title"),
        facts=(t(key, account=account),),
        keyboard=((Button(t("button.accounts"), ShowAccounts()),),),
    )


def about_copy(t: Texts, kind: Kind, account: str, number: str | None, link: int) -> Screen:
    """Notify that the bookkeeper's copies of an account were stopped or paused, cannot go on, or that one had no PDF.

    Args:
        number: the invoice whose mail was refused, or went without its PDF; None if it is not known.
    """
    copy, name = Button(t("button.copy"), ShowCopy(link)), clip(safe_text(account), 60)
    if kind is Kind.COPY_STOPPED:
        return Screen(t("notice.copy_stopped"), facts=(name, t("notice.copy_stopped_fact")), keyboard=((copy,),))
    if kind is Kind.COPY_PAUSED:
        refused = (t("notice.copy_refused_number", number=number),) if number else ()
        confirm = Button(t("button.copy_confirm"), ConfirmCopy(link))
        facts = (name, *refused, t("notice.copy_paused_fact"))
        return Screen(t("notice.copy_paused"), facts=facts, keyboard=((confirm,), (copy,)))
    if kind is Kind.COPY_SEALED:
        return Screen(t("notice.copy_sealed"), facts=(name, t("notice.copy_sealed_fact")), keyboard=((copy,),))
    pdf = ((Button(t("button.pdf"), SendPdf(link, number)),),) if number else ()
    fact = t("notice.copy_without_pdf_fact", number=number or "")
    return Screen(t("notice.copy_without_pdf"), facts=(name, fact), keyboard=(*pdf, (copy,)))


def marked(t: Texts, screen: Screen, repeated: Sequence[bool]) -> Screen:
    """Say before a notice that it may have been received before.

    Args:
        repeated: of each notice in the message, whether it is a repetition.
    """
    if not any(repeated):
        return screen
    if len(repeated) == 1:
        return replace(screen, lead=t("notice.repeated"))
    return replace(screen, lead=t("notice.all_repeated") if all(repeated) else t("notice.some_repeated"))


def notice_stopped(t: Texts, subscription: str, link: int, account: str) -> Screen:
    """Confirm that a kind of notice was turned off by the button of a notice."""
    again = Button(t("button.turn_on_again"), SetSubscription(link, subscription, on=True, of_notice=True))
    fact = t("notice.stopped", kind=t(SUBSCRIPTION_NAMES[subscription]), account=clip(account, 60))
    return Screen(facts=(fact,), keyboard=((again,), (Button(t("button.notices"), ShowSubscriptions(link)),)))


def notice_turned_on(t: Texts, subscription: str, link: int, account: str, planned: str = "") -> Screen:
    """Confirm that a kind of notice was turned on again. ``planned``: as in ``notice_settings.subscriptions``."""
    fact = t("notice.turned_on", kind=t(SUBSCRIPTION_NAMES[subscription]), account=clip(account, 60))
    facts = (fact, *([planned] if planned else []))
    return Screen(facts=facts, keyboard=((Button(t("button.notices"), ShowSubscriptions(link)),),))


def snoozed(t: Texts, number: str, link: int, date: datetime.date) -> Screen:
    """Confirm that the next reminder comes on ``date``."""
    fact = t("notice.snoozed", number=number, date=t.formats.long_date(date))
    mute = (Button(t("button.mute"), MuteInvoice(link, number)),)
    return Screen(facts=(fact,), keyboard=(_invoice_buttons(t, number, link), mute))


def muted(t: Texts, number: str, link: int) -> Screen:
    """Confirm that an invoice gets no more reminders, with a button that asks for one again."""
    again = (Button(t("button.remind_tomorrow"), Snooze(link, number, SNOOZE_DAYS[0])),)
    return Screen(facts=(t("notice.muted", number=number),), keyboard=(_invoice_buttons(t, number, link), again))


def nothing_due(t: Texts, invoice: Invoice, link: int) -> Screen:
    """Answer a button of a reminder whose invoice is no longer to pay."""
    if invoice.is_cancelled:
        key = message_id("notice.nothing_due_cancelled")
    else:
        paid, credit = message_id("notice.nothing_due"), message_id("notice.nothing_due_credit")
        key = credit if invoice.is_credit_note else paid
    fact = t(key, number=invoice.number)
    unpaid = Button(t("button.unpaid"), ListInvoices(link, unpaid=True))
    return Screen(facts=(fact,), keyboard=((_detail_button(t, invoice, link), unpaid),))


def _invoice_buttons(t: Texts, number: str, link: int) -> tuple[Button, ...]:
    detail = Button(t("button.back_to_invoice", number=number), ShowInvoice(link, number))
    return detail, Button(t("button.unpaid"), ListInvoices(link, unpaid=True))


def _detail_button(t: Texts, invoice: Invoice, link: int) -> Button:
    label = invoice_label(t, invoice.number, is_credit_note=invoice.is_credit_note)
    return Button(label, ShowInvoice(link, invoice.number))


def _stop_button(t: Texts, kind: Kind, link: int) -> Button:
    return Button(t("button.stop_notice"), SetSubscription(link, subscription_for(kind), on=False, of_notice=True))
