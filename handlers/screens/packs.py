"""Packs: the choice of period and format, the progress, and the end."""

import datetime
from collections.abc import Sequence

from msgspec.structs import replace

from handlers.actions import CancelPack, ContinuePack, ListInvoices, MakePack, ShowStatement, Start
from handlers.screens.lists import day_of
from handlers.screens.screen import Button, Keyboard, Screen, clip, rows_of
from services.packs.reports import Finished, Missing, Reason, Stage, Stopped, Working
from services.packs.selection import PackFormat, Selection
from services.packs.statements.facts import selection_text
from services.packs.totals import Totals
from texts.catalogue import Texts, message_id
from texts.escaping import safe_text

FIRST_MONTH, LAST_MONTH, EVERYTHING = "f", "t", "a"
"""The values of ``ShowStatement.pick``; without one, empty fields stand for this year."""
_YEARS = 3
_FORMATS = (
    (PackFormat.STATEMENT,),
    (PackFormat.ZIP, PackFormat.MERGED),
    (PackFormat.XLSX, PackFormat.CSV),
)
_FORMAT_NAMES = {
    PackFormat.STATEMENT: message_id("pack.format_statement"),
    PackFormat.ZIP: message_id("pack.format_zip"),
    PackFormat.MERGED: message_id("pack.format_merged"),
    PackFormat.XLSX: message_id("pack.format_xlsx"),
    PackFormat.CSV: message_id("pack.format_csv"),
    PackFormat.DARK_PICTURE: message_id("pack.format_dark"),
}
_MISSING = {
    Missing.GONE: message_id("pack.missing_reason_gone"),
    Missing.NOT_READY: message_id("pack.missing_reason_not_ready"),
    Missing.BROKEN: message_id("pack.missing_reason_broken"),
    Missing.TOO_LARGE: message_id("pack.missing_reason_too_large"),
    Missing.AWAY: message_id("pack.missing_reason_away"),
    Missing.UNMERGEABLE: message_id("pack.missing_reason_unmergeable"),
}
_STOPPED = {
    Reason.CANCELLED: message_id("pack.cancelled"),
    Reason.ENDED: message_id("pack.ended"),
    Reason.PORTAL: message_id("pack.failed_portal"),
    Reason.REFUSED: message_id("pack.failed_refused"),
    Reason.TELEGRAM: message_id("pack.failed_telegram"),
    Reason.UNCLEAR: message_id("pack.failed_unclear"),
    Reason.INTERNAL: message_id("pack.failed_internal"),
}
_NAMED = 10
"""Numbers of missing PDFs that are shown for each reason."""


def choice_screen(
    t: Texts,
    account: str,
    action: ShowStatement,
    selection: Selection,
    count: int,
    totals: Sequence[Totals],
    today: datetime.date,
    *,
    reads_questions: bool = True,
) -> Screen:
    """Show what is selected, and offer formats and other periods.

    Args:
        count: how many invoices the portal has of the selection.
        totals: of these; empty if there are too many for one answer of the portal.
        today: the date in the company's time zone.
        reads_questions: whether it may also be asked for in words.
    """
    facts = [selection_text(t, selection), t.plural("pack.count", count) if count else t("pack.nothing")]
    for each in totals:
        facts.append(t("statement.billed", amount=t.formats.money(each.billed, each.currency)))
        facts.append(t("statement.paid", amount=t.formats.money(each.paid, each.currency)))
        facts.append(t("statement.to_pay", amount=t.formats.money(each.to_pay, each.currency)))
    title = t("pack.title", account=clip(safe_text(account), 60))
    formats = _formats(t, action) if count else ()
    in_words = (t("pack.in_words"),) if reads_questions else ()
    note = "\n".join((*((t("pack.how"),) if count else ()), *in_words))
    back = (Button(t("button.invoices"), ListInvoices(action.link)),)
    return Screen(title, facts=tuple(facts), note=note, keyboard=(*formats, *_periods(t, action, today), back))


def pick_screen(t: Texts, account: str, action: ShowStatement, today: datetime.date) -> Screen:
    """Offer the months of a year: the first of the period, or, with a first one, the last."""
    is_first = action.pick == FIRST_MONTH
    first = day_of(action.since) or today
    year = first.year
    buttons = []
    for position in range(12):
        months = (0 if is_first else first.month - 1) + position
        begin = datetime.date(year + months // 12, months % 12 + 1, 1)
        end = (begin + datetime.timedelta(days=32)).replace(day=1) - datetime.timedelta(days=1)
        label = t.formats.month_name(begin) if begin.year == year else t.formats.month(begin)
        if is_first:
            buttons.append(Button(label, replace(action, since=begin.isoformat(), until="", pick=LAST_MONTH)))
        else:
            buttons.append(Button(label, replace(action, until=end.isoformat(), pick="")))
    years = [
        Button(str(each), replace(action, since=f"{each}-01-01", until="", pick=FIRST_MONTH))
        for each in range(today.year - _YEARS + 1, today.year + 1)
        if each != year
    ]
    note = t("pack.pick_first") if is_first else t("pack.pick_last")
    facts = (str(year),) if is_first else (t("period.since", since=t.formats.long_date(first)),)
    back = (Button(t("button.other_period"), ShowStatement(action.link)),)
    keyboard = (*rows_of(buttons, 3), *((tuple(years),) if is_first else ()), back)
    return Screen(t("pack.title", account=clip(safe_text(account), 60)), facts=facts, note=note, keyboard=keyboard)


def _formats(t: Texts, action: ShowStatement) -> Keyboard:
    return tuple(tuple(Button(t(_FORMAT_NAMES[each]), make_pack(action, each)) for each in row) for row in _FORMATS)


def make_pack(action: ShowStatement, chosen: PackFormat) -> MakePack:
    """Return the action that sends a selection in a format."""
    since, until, search = action.since, action.until, action.search
    return MakePack(action.link, chosen, since, until, action.unpaid, action.paid, action.order, search, action.only)


def _periods(t: Texts, action: ShowStatement, today: datetime.date) -> Keyboard:
    years = [
        Button(str(year), ShowStatement(action.link, since=f"{year}-01-01", until=f"{year}-12-31"))
        for year in range(today.year, today.year - _YEARS, -1)
    ]
    others = (
        Button(t("button.unpaid"), ShowStatement(action.link, unpaid=True)),
        Button(t("button.every_year"), ShowStatement(action.link, pick=EVERYTHING)),
        Button(t("button.months"), ShowStatement(action.link, since=f"{today.year}-01-01", pick=FIRST_MONTH)),
    )
    return (tuple(years), others)


def progress_screen(t: Texts, pack_id: int | None, working: Working, title: str = "") -> Screen:
    """Show how far a pack is, with a button to cancel it; None for ``pack_id`` shows no button."""
    done, total = t.formats.number(working.done), t.formats.number(working.total)
    counted = t("pack.progress", done=done, total=total) if working.total else ""
    match working.stage:
        case Stage.LISTING:
            facts = [t("pack.listing")]
        case Stage.CHECKING:
            facts = [t("pack.checking", done=done, total=total)]
        case Stage.PACKING:
            facts = [counted]
        case Stage.SENDING:
            facts = [counted, t("pack.sending")]
        case Stage.PORTAL_AWAY:
            facts = [counted, t("pack.portal_away")]
        case _:
            facts = [t("pack.waiting")]
    cancel = ((Button(t("button.cancel"), CancelPack(pack_id)),),) if pack_id is not None else ()
    return Screen(title, facts=tuple(fact for fact in facts if fact), keyboard=cancel)


def busy_screen(t: Texts, pack_id: int) -> Screen:
    """Say that the chat has a pack in progress, with a button to cancel it."""
    return Screen(facts=(t("pack.busy"),), keyboard=((Button(t("button.cancel"), CancelPack(pack_id)),),))


def over_screen(t: Texts, link: int | None) -> Screen:
    """Say that a pack is over, so that it can be neither cancelled nor continued."""
    return Screen(facts=(t("pack.over"),), keyboard=_another(t, link))


def finished_screen(t: Texts, pack_id: int, link: int, finished: Finished) -> Screen:
    """Say what was sent and what is missing, and offer to try that again."""
    if not finished.count and not finished.missing:
        return Screen(facts=(t("pack.nothing"), *_left_out(t, finished)), keyboard=_another(t, link))
    is_statement = finished.format in (PackFormat.STATEMENT, PackFormat.DARK_PICTURE)
    facts = [t("pack.done_statement")] if is_statement else []
    if finished.count and not is_statement:
        facts.append(t.plural("pack.done", finished.count))
    if finished.missing:
        facts.append(t.plural("pack.missing", len(finished.missing)))
        facts += _missing_lines(t, finished.missing)
    facts += _left_out(t, finished)
    retry = ((Button(t("button.retry_missing"), ContinuePack(pack_id)),),) if finished.missing else ()
    return Screen(facts=tuple(facts), keyboard=(*retry, *_another(t, link)))


def _missing_lines(t: Texts, missing: Sequence[tuple[str, Missing]]) -> list[str]:
    lines = []
    for reason, name in _MISSING.items():
        numbers = [number for number, why in missing if why is reason]
        if not numbers:
            continue
        shown = ", ".join(clip(number, 30) for number in numbers[:_NAMED])
        if len(numbers) > _NAMED:
            shown = t.plural("pack.and_more", len(numbers) - _NAMED, numbers=shown)
        lines.append(t("pack.missing_list", missing=t(name), numbers=shown))
    return lines


def _left_out(t: Texts, finished: Finished) -> list[str]:
    lines = [t.plural("list.unread", finished.unread)] if finished.unread else []
    return [*lines, t.plural("pack.left_off", finished.left_off)] if finished.left_off else lines


def stopped_screen(t: Texts, pack_id: int, link: int, stopped: Stopped) -> Screen:
    """Say why a pack stopped, and offer to continue it where that may help."""
    if stopped.reason is Reason.ENDED:
        return Screen(facts=(t("pack.ended"),), keyboard=_another(t, None))
    if stopped.reason is Reason.CANCELLED:
        return cancelled_screen(t, link)
    resume = ((Button(t("button.continue"), ContinuePack(pack_id)),),)
    return Screen(facts=(t(_STOPPED[stopped.reason]),), keyboard=(*resume, *_another(t, link)))


def cancelled_screen(t: Texts, link: int | None) -> Screen:
    """Confirm that a pack was cancelled."""
    return Screen(facts=(t("pack.cancelled"),), keyboard=_another(t, link))


def _another(t: Texts, link: int | None) -> Keyboard:
    """Return the button to another period; without a link, the one to the home screen."""
    home = Button(t("button.home"), Start())
    return ((Button(t("button.other_period"), ShowStatement(link)) if link is not None else home,),)


def dark_button(t: Texts, link: int, selection: Selection) -> Keyboard:
    """Return the button below a picture that sends the dark one."""
    since, until = (day.isoformat() if day else "" for day in (selection.since, selection.until))
    dark = MakePack(
        link,
        PackFormat.DARK_PICTURE,
        since,
        until,
        selection.unpaid,
        selection.paid,
        selection.order,
        selection.query,
        selection.only,
    )
    return ((Button(t("pack.format_dark"), dark),),)
