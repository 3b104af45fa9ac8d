"""``/avis``: which kinds of notices, with the PDF or without, when not, and the bookkeeper's copy."""

import datetime
from collections.abc import Sequence

from handlers.actions import (
    AskCopy,
    AttachPdf,
    ChooseZone,
    SetSubscription,
    ShowCopy,
    ShowNotices,
    ShowQuiet,
    ShowSubscriptions,
    StopCopy,
)
from handlers.screens.screen import Button, Keyboard, Screen, choice, clip, rows_of
from services.linking.code_results import CodeRequested
from services.notices.feed_reader import REMIND, SUBSCRIPTIONS
from storage.chats import LinkState
from storage.notices.delivery_preferences import Quiet
from storage.tables import Kind
from texts.catalogue import Texts, message_id
from texts.escaping import plain

SUBSCRIPTION_NAMES = {
    Kind.INVOICE_ISSUED: message_id("wish.invoice_issued"),
    Kind.INVOICE_PAID: message_id("wish.invoice_paid"),
    Kind.ORDER_CREATED: message_id("wish.order_created"),
    Kind.ORDER_ENDING: message_id("wish.order_ending"),
    REMIND: message_id("wish.reminder"),
}
QUIET_CHOICES = (Quiet(20 * 60, 7 * 60), Quiet(21 * 60, 7 * 60), Quiet(22 * 60, 6 * 60), Quiet(18 * 60, 8 * 60))
ZONES = (
    "America/St_Johns",
    "America/Halifax",
    "America/Toronto",
    "America/Winnipeg",
    "America/Edmonton",
    "America/Vancouver",
    "Europe/Paris",
)


def which_account(t: Texts, links: Sequence[LinkState]) -> Screen:
    """Several accounts: whose notices?"""
    rows = [(Button(clip(plain(link.account_name), 50), ShowSubscriptions(link.link_id)),) for link in links]
    rows.append((Button(t("button.quiet"), ShowQuiet()),))
    return Screen(t("notices.title"), facts=(t("notices.which_account"),), keyboard=tuple(rows))


def subscriptions(t: Texts, link: LinkState, *, has_others: bool) -> Screen:
    """One account's notices: a tap turns each."""
    chosen = link.subscriptions or frozenset()
    rows: list[tuple[Button, ...]] = [
        (
            choice(
                t(SUBSCRIPTION_NAMES[kind]), kind in chosen, SetSubscription(link.link_id, kind, on=kind not in chosen)
            ),
        )
        for kind in SUBSCRIPTIONS
    ]
    rows.append((choice(t("button.attach_pdf"), link.attaches_pdf, AttachPdf(link.link_id, on=not link.attaches_pdf)),))
    rows.append((Button(t("button.copy"), ShowCopy(link.link_id)), Button(t("button.quiet"), ShowQuiet())))
    if has_others:
        rows.append((Button(t("button.other_accounts"), ShowNotices()),))
    facts = (clip(plain(link.account_name), 60), t("notices.what"))
    return Screen(t("notices.title"), facts=facts, keyboard=tuple(rows))


def quiet_hours(t: Texts, quiet: Quiet | None, zone: str) -> Screen:
    """When nothing is announced; what falls in then comes afterwards, in one message."""
    now = t("quiet.none") if quiet is None else hours(t, quiet)
    rows: list[Button] = [
        choice(hours(t, offered), offered == quiet, ShowQuiet(offered.start, offered.end)) for offered in QUIET_CHOICES
    ]
    off = choice(t("quiet.none"), quiet is None, ShowQuiet(-1, -1))
    facts = (t("quiet.what"), t("quiet.now", hours=now), t("quiet.zone", zone=zone))
    ways: Keyboard = ((Button(t("button.zone"), ChooseZone()),), (Button(t("button.notices"), ShowNotices()),))
    return Screen(t("quiet.title"), facts=facts, keyboard=((off,), *rows_of(rows, 2), *ways))


def zones(t: Texts, zone: str) -> Screen:
    """In which zone the hours are meant."""
    rows = tuple((choice(name.partition("/")[2].replace("_", " "), name == zone, ChooseZone(name)),) for name in ZONES)
    return Screen(t("quiet.zone_title"), facts=(t("quiet.zone_ask"),), keyboard=rows)


def copy(t: Texts, link: LinkState, email: str | None, sent: Sequence[tuple[str, datetime.date]]) -> Screen:
    """The bookkeeper's copy: where it goes, and what went."""
    facts = [clip(plain(link.account_name), 60), t("copy.what")]
    back = (Button(t("button.notices"), ShowSubscriptions(link.link_id)),)
    if email is None:
        return Screen(
            t("copy.title"), facts=tuple(facts), keyboard=((Button(t("button.copy_set"), AskCopy(link.link_id)),), back)
        )
    facts += [t("copy.to", email=email), ""]
    facts += [t("copy.sent", number=number, date=t.formats.short_date(date)) for number, date in sent]
    facts += [] if sent else [t("copy.none_sent")]
    ways = (
        Button(t("button.copy_stop"), StopCopy(link.link_id)),
        Button(t("button.copy_change"), AskCopy(link.link_id)),
    )
    return Screen(t("copy.title"), facts=tuple(facts), keyboard=(ways, back))


def ask_copy(t: Texts, link: int) -> Screen:
    """The next text is the bookkeeper's address."""
    return Screen(t("copy.title"), facts=(t("copy.ask"),), keyboard=((Button(t("button.cancel"), ShowCopy(link)),),))


def copy_code_sent(t: Texts, asked: CodeRequested, link: int) -> Screen:
    """A code went to the bookkeeper, who has to hand it over."""
    sent = t("copy.long_code_sent", email=asked.email) if asked.is_long else t("copy.code_sent", email=asked.email)
    facts = (sent, t.plural("link.code_validity", asked.minutes))
    return Screen(t("copy.title"), facts=facts, keyboard=((Button(t("button.cancel"), ShowCopy(link)),),))


def trouble_of_copy(t: Texts, words: str, link: int) -> Screen:
    """What went wrong with the code or the mail, and the way to start again."""
    again = (Button(t("button.retry"), AskCopy(link)), Button(t("button.cancel"), ShowCopy(link)))
    return Screen(t("copy.title"), facts=(words,), keyboard=(again,))


def hours(t: Texts, quiet: Quiet) -> str:
    """``de 20 h 00 à 7 h 00``."""

    def written(minutes: int) -> str:
        return t.formats.time(datetime.datetime(2026, 1, 1, minutes // 60, minutes % 60, tzinfo=datetime.UTC))

    return t("quiet.hours", start=written(quiet.start), end=written(quiet.end))
