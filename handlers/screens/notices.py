"""Notices, and the answers to their buttons. Each notice that can be stopped has a button for that."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, replace

from handlers.actions import (
    ConfirmAddress,
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
from handlers.screens.screen import Button, Screen, clip, rows_of
from portal.models import Invoice, Order
from services.invoices import payment_lines
from services.notices.event_recorder import subscription_for
from storage.tables import Kind
from texts.catalogue import Texts, message_id
from texts.escaping import safe_text

SNOOZE_DAYS = (1, 7)
_SUMMARY_LINES = 20
_TITLES = {
    Kind.INVOICE_ISSUED: message_id("notice.invoice_issued"),
    Kind.INVOICE_PAID: message_id("notice.invoice_paid"),
    Kind.REMINDER_BEFORE: message_id("notice.reminder"),
    Kind.REMINDER_DUE: message_id("notice.reminder_today"),
    Kind.REMINDER_LATER: message_id("notice.reminder"),
    Kind.ORDER_CREATED: message_id("notice.order_created"),
    Kind.ORDER_ENDING: message_id("notice.order_ending"),
}
_END_REASONS = {
    Kind.CONTACT_REMOVED: message_id("notice.contact_removed"),
    Kind.ACCOUNT_CLOSED: message_id("notice.account_closed"),
    Kind.ADDRESS_CHANGED: message_id("notice.address_changed"),
    Kind.ACCESS_ENDED: message_id("notice.access_ended"),
}


def invoice_notice(t: Texts, kind: Kind, account: str, invoice: Invoice, link: int, today: datetime.date) -> Screen:
    """Notify of a new invoice or a paid one, or remind of an unpaid one.

    Args:
        account: the account's name.
        today: the date in the company's time zone.
    """
    facts = [clip(safe_text(account), 60), t("invoice.date", date=t.formats.long_date(invoice.date))]
    facts += payment_lines(t, invoice, today)
    pdf = Button(t("button.pdf"), SendPdf(link, invoice.number))
    detail = Button(t("button.back_to_invoice", number=invoice.number), ShowInvoice(link, invoice.number))
    rows: list[tuple[Button, ...]] = [(pdf, detail)]
    if kind in (Kind.REMINDER_BEFORE, Kind.REMINDER_DUE, Kind.REMINDER_LATER):
        if invoice.url:
            rows.insert(0, (Button(t("button.pay_on_portal"), url=invoice.url),))
        labels = (t("button.remind_tomorrow"), t("button.remind_next_week"))
        pairs = zip(labels, SNOOZE_DAYS, strict=True)
        rows.append(tuple(Button(label, Snooze(link, invoice.number, days)) for label, days in pairs))
        rows.append((Button(t("button.mute"), MuteInvoice(link, invoice.number)),))
    rows.append((_stop_button(t, kind, link),))
    if kind is Kind.REMINDER_DUE and invoice.due_date != today:  # sent late, and its title says "today"
        kind = Kind.REMINDER_LATER
    return Screen(t(_TITLES[kind], number=invoice.number), facts=tuple(facts), keyboard=tuple(rows))


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
    return Screen(t(_TITLES[kind], number=order.number), facts=tuple(facts), keyboard=tuple(rows))


def access_ended(t: Texts, ended: Sequence[tuple[Kind, str]], company: str) -> Screen:
    """Notify of ended links: ``ended`` has the reason and the account's name of each."""
    facts = tuple(t(_END_REASONS[kind], account=account, company=company) for kind, account in ended)
    return Screen(t("notice.unlinked"), facts=facts, keyboard=((Button(t("button.link"), StartLinking()),),))


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


def copy_stopped(t: Texts, account: str, link: int) -> Screen:
    """Notify that the bookkeeper stopped the copies of an account's invoices."""
    facts = (clip(safe_text(account), 60), t("notice.copy_stopped_fact"))
    return Screen(t("notice.copy_stopped"), facts=facts, keyboard=((Button(t("button.copy"), ShowCopy(link)),),))


@dataclass(frozen=True, slots=True)
class SummaryLine:
    """One line of a summary; ``number`` is that of the order or invoice."""

    kind: Kind
    number: str
    link: int


def summary(t: Texts, lines: Sequence[SummaryLine]) -> Screen:
    """List the notices that waited for the end of quiet hours; at least one."""
    shown = lines[:_SUMMARY_LINES]
    facts = [t(_TITLES[each.kind], number=each.number) for each in shown]
    if len(lines) > len(shown):
        facts.append(t.plural("notice.and_more", len(lines) - len(shown)))
    buttons = {each.number: Button(safe_text(each.number), _detail_action(each)) for each in shown}
    settings = Button(t("button.notices"), ShowSubscriptions(min(each.link for each in lines), of_notice=True))
    keyboard = (*rows_of(list(buttons.values()), 3), (settings,))
    return Screen(t.plural("notice.summary", len(lines)), facts=tuple(facts), keyboard=keyboard)


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


def notice_stopped(t: Texts, subscription: str, link: int) -> Screen:
    """Confirm that a kind of notice was turned off by the button of a notice."""
    again = Button(t("button.turn_on_again"), SetSubscription(link, subscription, on=True, of_notice=True))
    return Screen(
        facts=(t("notice.stopped"),), keyboard=((again,), (Button(t("button.notices"), ShowSubscriptions(link)),))
    )


def notice_turned_on(t: Texts, link: int, planned: str = "") -> Screen:
    """Confirm that a kind of notice was turned on again. ``planned``: as in ``notice_settings.subscriptions``."""
    facts = (t("notice.turned_on"), *([planned] if planned else []))
    return Screen(facts=facts, keyboard=((Button(t("button.notices"), ShowSubscriptions(link)),),))


def snoozed(t: Texts, number: str, link: int, date: datetime.date) -> Screen:
    """Confirm that the next reminder comes on ``date``."""
    detail = Button(t("button.back_to_invoice", number=number), ShowInvoice(link, number))
    return Screen(facts=(t("notice.snoozed", number=number, date=t.formats.long_date(date)),), keyboard=((detail,),))


def muted(t: Texts, number: str, link: int) -> Screen:
    """Confirm that an invoice gets no more reminders."""
    buttons = (
        Button(t("button.back_to_invoice", number=number), ShowInvoice(link, number)),
        Button(t("button.unpaid"), ListInvoices(link, unpaid=True)),
    )
    return Screen(facts=(t("notice.muted", number=number),), keyboard=(buttons,))


def _detail_action(line: SummaryLine) -> ShowOrder | ShowInvoice:
    is_order = line.kind in (Kind.ORDER_CREATED, Kind.ORDER_ENDING)
    return ShowOrder(line.link, line.number) if is_order else ShowInvoice(line.link, line.number)


def _stop_button(t: Texts, kind: Kind, link: int) -> Button:
    return Button(t("button.stop_notice"), SetSubscription(link, subscription_for(kind), on=False, of_notice=True))
