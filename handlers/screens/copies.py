"""The bookkeeper's copy of an account's invoices: its address, its state, and the code that confirms it."""

import datetime
from dataclasses import dataclass, field

from handlers.actions import AskCopy, ConfirmCopy, ShowCopy, ShowSubscriptions, StopCopy, TypeCopyCode
from handlers.screens.privacy import privacy_button
from handlers.screens.screen import Button, Screen, clip
from services.linking.code_results import CodeRequested
from services.mailing.copy_letters import MissingPdf
from storage.chats import LinkState
from texts.catalogue import Texts
from texts.escaping import safe_text

SentCopy = tuple[str, datetime.date, str | None]
"""The number of an invoice, when it was mailed, and a ``MissingPdf`` if it had no PDF."""


@dataclass(frozen=True, slots=True)
class AwaitedCode:
    """A code that was mailed to a bookkeeper; ``until`` is in the company's time zone."""

    email: str = field(repr=False)
    until: datetime.datetime


@dataclass(frozen=True, slots=True)
class CopyState:
    """What a chat is shown of a bookkeeper's copy.

    Args:
        email: the confirmed address; None: no copies are set up.
        is_paused: whether nothing is mailed, because the address takes no mail.
        stopped_on: when the bookkeeper stopped the copies, where none are set up; else None.
        awaited: the code that has not been typed yet, or None.
        sent: the invoices that were mailed, newest first.
    """

    email: str | None = field(default=None, repr=False)
    is_paused: bool = False
    stopped_on: datetime.date | None = None
    awaited: AwaitedCode | None = None
    sent: tuple[SentCopy, ...] = ()


def bookkeeper_copy(
    t: Texts,
    link: LinkState,
    state: CopyState,
    *,
    stops_by_link: bool,
    is_offered: bool = True,
    is_sent: bool = True,
) -> Screen:
    """Show the address of the bookkeeper's copy, its state, and the invoices that were sent.

    Args:
        stops_by_link: whether the mails have a link that stops them at once.
        is_offered: whether copies can be set up; one that is set up can be stopped.
        is_sent: whether those that are set up are sent.
    """
    notices = (Button(t("button.notices"), ShowSubscriptions(link.link_id)),)
    if not is_offered and state.email is None:
        facts_off = (clip(safe_text(link.account_name), 60), t("copy.not_offered"))
        return Screen(t("copy.title"), facts=facts_off, keyboard=(notices,))
    what = t("copy.what") if stops_by_link else t("copy.what_by_mail")
    what = what if is_sent else t("copy.not_offered")
    facts = [clip(safe_text(link.account_name), 60), what]
    rows: list[tuple[Button, ...]] = []
    if state.awaited is not None:
        facts.append(_awaited(t, state.awaited))
        rows.append(
            (
                Button(t("button.copy_type_code"), TypeCopyCode(link.link_id)),
                Button(t("button.resend"), ConfirmCopy(link.link_id)),
            )
        )
    if state.email is None:
        if state.stopped_on is not None:
            facts.append(t("copy.stopped_on", date=t.formats.long_date(state.stopped_on)))
        rows.append((Button(t("button.copy_set"), AskCopy(link.link_id)),))
    else:
        facts.append(t("copy.to", email=state.email))
        if state.is_paused:
            facts.append(t("copy.paused"))
            rows.insert(0, (Button(t("button.copy_confirm"), ConfirmCopy(link.link_id)),))
        facts += ["", *(_sent(t, each) for each in state.sent)]
        facts += [] if state.sent else [t("copy.none_sent")]
        stop, change = Button(t("button.copy_stop"), StopCopy(link.link_id)), AskCopy(link.link_id)
        rows.append((stop, Button(t("button.copy_change"), change)))
    rows.append(notices)
    return Screen(t("copy.title"), facts=tuple(facts), keyboard=tuple(rows))


def _sent(t: Texts, sent: SentCopy) -> str:
    number, date, reason = sent
    day = t.formats.short_date(date)
    if reason == MissingPdf.TOO_LARGE:
        return t("copy.sent_too_large", number=number, date=day)
    if reason == MissingPdf.NOT_MADE:
        return t("copy.sent_without_pdf", number=number, date=day)
    return t("copy.sent", number=number, date=day)


def _awaited(t: Texts, code: AwaitedCode) -> str:
    return t(
        "copy.awaited", email=code.email, date=t.formats.long_date(code.until.date()), time=t.formats.time(code.until)
    )


def ask_copy(t: Texts, link: int) -> Screen:
    """Ask for the bookkeeper's address."""
    keyboard = ((Button(t("button.cancel"), ShowCopy(link)), privacy_button(t)),)
    return Screen(t("copy.title"), facts=(t("copy.ask"),), note=t("copy.before_address"), keyboard=keyboard)


def copy_code_sent(t: Texts, asked: CodeRequested, link: int, *, is_late: bool = False) -> Screen:
    """Ask for the code that is mailed to the bookkeeper; ``is_late``: the mail could not be sent yet."""
    sent = t("copy.long_code_sent", email=asked.email) if asked.is_long else t("copy.code_sent", email=asked.email)
    sent = t("copy.code_late", email=asked.email) if is_late else sent
    facts = (sent, t.plural("copy.code_validity", asked.minutes // 60))
    return Screen(t("copy.title"), facts=facts, keyboard=((Button(t("button.cancel"), ShowCopy(link)),),))


def type_code(t: Texts, code: AwaitedCode, link: int) -> Screen:
    """Ask for a code that was mailed to the bookkeeper some time ago."""
    cancel = Button(t("button.cancel"), ShowCopy(link))
    return Screen(t("copy.title"), facts=(t("copy.type_code"), _awaited(t, code)), keyboard=((cancel,),))


def copy_failed(t: Texts, reason: str, link: int) -> Screen:
    """Report why no code was mailed to the bookkeeper; ``reason`` is a sentence."""
    again = (Button(t("button.retry"), AskCopy(link)), Button(t("button.cancel"), ShowCopy(link)))
    return Screen(t("copy.title"), facts=(reason,), keyboard=(again,))


def copy_code_refused(t: Texts, reason: str, link: int) -> Screen:
    """Report why a code was refused, or is not mailed yet, with a button that mails one to the same address."""
    resend = (Button(t("button.resend"), ConfirmCopy(link)),)
    others = (Button(t("button.copy_change"), AskCopy(link)), Button(t("button.cancel"), ShowCopy(link)))
    return Screen(t("copy.title"), facts=(reason,), keyboard=(resend, others))
