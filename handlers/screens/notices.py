"""Notices as they arrive: each a screen, with the way on and the way to stop it in one tap."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

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
from handlers.screens.screen import Button, Keyboard, Screen, clip, rows_of
from portal.models import Invoice, Order
from services.invoices import payment
from services.notices.feed_reader import subscription_for
from storage.tables import Kind
from texts.catalogue import Texts, message_id
from texts.escaping import plain

SNOOZE_DAYS = (1, 7)
_SHOWN = 20
_TITLES = {
    Kind.INVOICE_ISSUED: message_id("notice.invoice_issued"),
    Kind.INVOICE_PAID: message_id("notice.invoice_paid"),
    Kind.REMINDER_BEFORE: message_id("notice.reminder"),
    Kind.REMINDER_DUE: message_id("notice.reminder_today"),
    Kind.REMINDER_LATER: message_id("notice.reminder"),
    Kind.ORDER_CREATED: message_id("notice.order_created"),
    Kind.ORDER_ENDING: message_id("notice.order_ending"),
}
_ENDS = {
    Kind.CONTACT_REMOVED: message_id("notice.contact_removed"),
    Kind.ACCOUNT_CLOSED: message_id("notice.account_closed"),
    Kind.ADDRESS_CHANGED: message_id("notice.address_changed"),
    Kind.ACCESS_ENDED: message_id("notice.access_ended"),
}


def invoice_notice(t: Texts, kind: Kind, account: str, invoice: Invoice, link: int, today: datetime.date) -> Screen:
    """A new invoice, a paid one, or a reminder of one."""
    facts = [clip(plain(account), 60), t("invoice.date", date=t.formats.long_date(invoice.date))]
    facts += payment(t, invoice, today)
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
    rows.append((_stop(t, kind, link),))
    if kind is Kind.REMINDER_DUE and invoice.due_date != today:  # told late: "today" would be a lie
        kind = Kind.REMINDER_LATER
    return Screen(t(_TITLES[kind], number=invoice.number), facts=tuple(facts), keyboard=tuple(rows))


def order_notice(t: Texts, kind: Kind, account: str, order: Order, link: int) -> Screen:
    """A new order, or one that ends soon."""
    facts = [clip(plain(account), 60)]
    if order.end_date:
        facts.append(t("order.end", date=t.formats.long_date(order.end_date)))
    detail = Button(t("button.order", number=order.number), ShowOrder(link, order.number))
    rows: list[tuple[Button, ...]] = [(detail,)]
    if kind is Kind.ORDER_ENDING and order.url:
        rows.insert(0, (Button(t("button.renew"), url=order.url),))
    rows.append((_stop(t, kind, link),))
    return Screen(t(_TITLES[kind], number=order.number), facts=tuple(facts), keyboard=tuple(rows))


def end_notice(t: Texts, kind: Kind, account: str, company: str) -> Screen:
    """Why a link is gone."""
    fact = t(_ENDS[kind], account=account, company=company)
    return Screen(t("notice.unlinked"), facts=(fact,), keyboard=((Button(t("button.link"), StartLinking()),),))


def access_ended(t: Texts, ended: Sequence[tuple[Kind, str]], company: str) -> Screen:
    """Links that ended at one time, each with its account's name and the reason."""
    facts = tuple(t(_ENDS[kind], account=account, company=company) for kind, account in ended)
    return Screen(t("notice.unlinked"), facts=facts, keyboard=((Button(t("button.link"), StartLinking()),),))


def unused_link(t: Texts, account: str, link: int) -> Screen:
    """A link that nobody used for long asks for a new code before anything is shown, or told, again."""
    confirm = Button(t("button.confirm_address"), ConfirmAddress(link))
    return Screen(t("notice.unused_title"), facts=(t("notice.unused", account=account),), keyboard=((confirm,),))


def copy_changed(t: Texts, account: str, *, stopped: bool) -> Screen:
    """What the other chats of a mailbox are told when a bookkeeper's copy was set up or stopped in one of them."""
    key = message_id("copy.other_stopped") if stopped else message_id("copy.other_set")
    return Screen(
        t("account.alert_title"),
        facts=(t(key, account=account),),
        keyboard=((Button(t("button.accounts"), ShowAccounts()),),),
    )


def copy_stopped(t: Texts, account: str, link: int) -> Screen:
    """The bookkeeper stopped the copies of an account's invoices."""
    facts = (clip(plain(account), 60), t("notice.copy_stopped_fact"))
    return Screen(t("notice.copy_stopped"), facts=facts, keyboard=((Button(t("button.copy"), ShowCopy(link)),),))


@dataclass(frozen=True, slots=True)
class SummaryLine:
    """One line of a summary."""

    kind: Kind
    number: str
    link: int


def summary(t: Texts, told: Sequence[SummaryLine]) -> Screen:
    """What fell into quiet hours, in one message."""
    facts = [t(_TITLES[each.kind], number=each.number) for each in told[:_SHOWN]]
    if len(told) > _SHOWN:
        facts.append(t.plural("notice.and_more", len(told) - _SHOWN))
    buttons = {each.number: Button(plain(each.number), _detail(each)) for each in told[:_SHOWN]}
    ways: Keyboard = rows_of(list(buttons.values()), 3)
    links = {each.link for each in told}
    settings = tuple((Button(t("button.notices"), ShowSubscriptions(link)),) for link in sorted(links)[:1])
    return Screen(t.plural("notice.summary", len(told)), facts=tuple(facts), keyboard=(*ways, *settings))


def stopped(t: Texts, subscription: str, link: int) -> Screen:
    """A kind of notice was stopped under one; one tap turns it on again."""
    again = Button(t("button.turn_on_again"), SetSubscription(link, subscription, on=True, of_notice=True))
    return Screen(
        facts=(t("notice.stopped"),), keyboard=((again,), (Button(t("button.notices"), ShowSubscriptions(link)),))
    )


def turned_on(t: Texts, link: int) -> Screen:
    """And on again."""
    return Screen(facts=(t("notice.turned_on"),), keyboard=((Button(t("button.notices"), ShowSubscriptions(link)),),))


def snoozed(t: Texts, number: str, link: int, date: datetime.date) -> Screen:
    """When the reminder comes again."""
    detail = Button(t("button.back_to_invoice", number=number), ShowInvoice(link, number))
    return Screen(facts=(t("notice.snoozed", number=number, date=t.formats.long_date(date)),), keyboard=((detail,),))


def muted(t: Texts, number: str, link: int) -> Screen:
    """No more reminders of this one."""
    ways = (
        Button(t("button.back_to_invoice", number=number), ShowInvoice(link, number)),
        Button(t("button.unpaid"), ListInvoices(link, unpaid=True)),
    )
    return Screen(facts=(t("notice.muted", number=number),), keyboard=(ways,))


def _detail(told: SummaryLine) -> ShowOrder | ShowInvoice:
    is_order = told.kind in (Kind.ORDER_CREATED, Kind.ORDER_ENDING)
    return ShowOrder(told.link, told.number) if is_order else ShowInvoice(told.link, told.number)


def _stop(t: Texts, kind: Kind, link: int) -> Button:
    return Button(t("button.stop_notice"), SetSubscription(link, subscription_for(kind), on=False, of_notice=True))
