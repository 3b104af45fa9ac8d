"""Settings of notices: their kinds, the attached PDF, quiet hours, and the bookkeeper's copy."""

import datetime
from collections.abc import Collection, Sequence

from handlers.actions import (
    AttachPdf,
    ChooseZone,
    SetSubscription,
    ShowCalendar,
    ShowCopy,
    ShowNotices,
    ShowQuiet,
    ShowSubscriptions,
    Start,
)
from handlers.features import is_subscription_offered
from handlers.screens.screen import Button, Keyboard, Screen, choice, clip, paired, rows_of
from services.features import Feature
from services.notices.event_recorder import REMINDER_SUBSCRIPTION, SUBSCRIPTIONS
from services.notices.planner import Coverage
from services.notices.reminders import DAYS_BEFORE, DAYS_BEFORE_END, REMINDER_TIME
from storage.chats import LinkState
from storage.notices.delivery_preferences import Quiet
from storage.tables import Kind
from texts.catalogue import Texts, message_id
from texts.escaping import safe_text

SUBSCRIPTION_NAMES = {
    Kind.INVOICE_ISSUED: message_id("wish.invoice_issued"),
    Kind.INVOICE_PAID: message_id("wish.invoice_paid"),
    Kind.ORDER_CREATED: message_id("wish.order_created"),
    Kind.ORDER_ENDING: message_id("wish.order_ending"),
    REMINDER_SUBSCRIPTION: message_id("wish.reminder"),
    Kind.COMPANY_NEWS: message_id("wish.news"),
}
QUIET_CHOICES = (Quiet(20 * 60, 7 * 60), Quiet(21 * 60, 7 * 60), Quiet(22 * 60, 6 * 60), Quiet(18 * 60, 8 * 60))
ASK_HOUR = -3
"""The ``start`` or ``end`` of ``ShowQuiet`` that asks for it."""
ZONES = (
    "America/St_Johns",
    "America/Halifax",
    "America/Toronto",
    "America/Winnipeg",
    "America/Regina",
    "America/Edmonton",
    "America/Vancouver",
    "Europe/Paris",
)


def choose_account(t: Texts, links: Sequence[LinkState]) -> Screen:
    """Ask for the account whose notices are set."""
    rows: list[tuple[Button, ...]] = [
        (Button(clip(safe_text(link.account_name), 50), ShowSubscriptions(link.link_id)),) for link in links
    ]
    rows.append((Button(t("button.quiet"), ShowQuiet()), Button(t("button.home"), Start())))
    return Screen(t("notices.title"), facts=(t("notices.which_account"),), keyboard=tuple(rows))


def subscriptions(
    t: Texts, link: LinkState, features: Collection[Feature], *, has_others: bool, planned: str = ""
) -> Screen:
    """Show the kinds of notices of one account; a tap turns a kind on or off.

    Args:
        planned: a sentence about the reminders or order endings that were just turned on; empty for none.
    """
    chosen = link.subscriptions or frozenset()
    rows: list[tuple[Button, ...]] = [
        (
            choice(
                t(SUBSCRIPTION_NAMES[kind]), kind in chosen, SetSubscription(link.link_id, kind, on=kind not in chosen)
            ),
        )
        for kind in SUBSCRIPTIONS
        if is_subscription_offered(kind, features)
    ]
    rows.append((choice(t("button.attach_pdf"), link.attaches_pdf, AttachPdf(link.link_id, on=not link.attaches_pdf)),))
    if Feature.COPIES in features:
        rows.append((Button(t("button.copy"), ShowCopy(link.link_id)),))
    calendar = Button(t("button.calendar"), ShowCalendar(link.link_id))
    rows.append((Button(t("button.quiet"), ShowQuiet()), *((calendar,) if Feature.CALENDAR in features else ())))
    others = (Button(t("button.other_accounts"), ShowNotices()),) if has_others else ()
    rows.append((*others, Button(t("button.home"), Start())))
    facts = (
        clip(safe_text(link.account_name), 60),
        *([planned] if planned else []),
        t("notices.what"),
        *_when(t, features),
    )
    return Screen(t("notices.title"), facts=facts, keyboard=tuple(rows))


def _when(t: Texts, features: Collection[Feature]) -> tuple[str, ...]:
    """Say on which days and at what time reminders and notices of an order's end are sent."""
    first, second, last = map(str, DAYS_BEFORE_END)
    time = t.formats.time(datetime.datetime.combine(datetime.date.min, REMINDER_TIME))
    sentences = (
        (Feature.REMINDERS, t("notices.when_due", before=str(DAYS_BEFORE), time=time)),
        (Feature.ORDERS, t("notices.when_ending", first=first, second=second, last=last)),
    )
    shown = " ".join(sentence for feature, sentence in sentences if feature in features)
    return (shown,) if shown else ()


def planned_reminders(t: Texts, coverage: Coverage) -> str:
    """Say how many open invoices have reminders to come, and when the first comes."""
    if coverage.first is not None:
        return t.plural("plan.reminders", coverage.covered, date=t.formats.long_date(coverage.first))
    return t.plural("plan.no_reminder_left", coverage.open) if coverage.open else t("plan.no_open_invoice")


def planned_endings(t: Texts, coverage: Coverage) -> str:
    """Say how many orders have notices of their end to come, and when the first comes."""
    if coverage.first is None:
        return t("plan.no_ending")
    return t.plural("plan.endings", coverage.covered, date=t.formats.long_date(coverage.first))


def not_planned_yet(t: Texts, *, is_about_invoices: bool) -> str:
    """Say that the portal does not answer, and will be asked later."""
    return t("plan.invoices_later") if is_about_invoices else t("plan.orders_later")


def quiet_hours(t: Texts, quiet: Quiet | None, zone: str, features: Collection[Feature]) -> Screen:
    """Show the quiet hours, in which notices wait; None means that there are none.

    Args:
        zone: the IANA name of the chat's time zone.
    """
    current = t("quiet.none") if quiet is None else quiet_range(t, quiet)
    offers = [choice(quiet_range(t, each), each == quiet, ShowQuiet(each.start, each.end)) for each in QUIET_CHOICES]
    off = choice(t("quiet.none"), quiet is None, ShowQuiet(-1, -1))
    copies = (t("quiet.copies"),) if Feature.COPIES in features else ()
    facts = (t("quiet.what"), *copies, t("quiet.now", hours=current), t("quiet.zone", zone=t.formats.city(zone)))
    links: Keyboard = (
        (Button(t("quiet.other"), ShowQuiet(ASK_HOUR)),),
        (Button(t("button.zone"), ChooseZone()),),
        (Button(t("button.notices"), ShowNotices()),),
    )
    return Screen(t("quiet.title"), facts=facts, keyboard=((off,), *paired(offers), *links))


def quiet_start(t: Texts) -> Screen:
    """Ask for the hour when the quiet hours begin."""
    hours = [Button(_clock_time(t, hour * 60), ShowQuiet(hour * 60, ASK_HOUR)) for hour in range(24)]
    back = (Button(t("button.back"), ShowQuiet()),)
    return Screen(t("quiet.title"), facts=(t("quiet.ask_start"),), keyboard=(*rows_of(hours, 4), back))


def quiet_end(t: Texts, start: int) -> Screen:
    """Ask for the hour when the quiet hours end; ``start`` is in minutes after midnight."""
    ends = [(start // 60 + later) % 24 * 60 for later in range(1, 24)]
    hours = [Button(_clock_time(t, end), ShowQuiet(start, end)) for end in ends if end != start]
    back = (Button(t("button.back"), ShowQuiet(ASK_HOUR)),)
    fact = t("quiet.ask_end", start=_clock_time(t, start))
    return Screen(t("quiet.title"), facts=(fact,), keyboard=(*rows_of(hours, 4), back))


def zones(t: Texts, zone: str, company_zone: str) -> Screen:
    """Ask for the time zone of the quiet hours: one of ``ZONES``, or the company's."""
    offered = ZONES if company_zone in ZONES else (company_zone, *ZONES)
    cities = [choice(t.formats.city(name), name == zone, ChooseZone(name)) for name in offered]
    back = (Button(t("button.back"), ShowQuiet()),)
    return Screen(t("quiet.zone_title"), facts=(t("quiet.zone_ask"),), keyboard=(*rows_of(cities, 2), back))


def quiet_range(t: Texts, quiet: Quiet) -> str:
    """Return quiet hours as text, such as ``de 20 h à 7 h``."""
    return t("quiet.hours", start=_clock_time(t, quiet.start), end=_clock_time(t, quiet.end))


def _clock_time(t: Texts, minutes: int) -> str:
    return t.formats.time(datetime.datetime(2026, 1, 1, minutes // 60, minutes % 60, tzinfo=datetime.UTC))
