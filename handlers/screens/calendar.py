"""The calendar: the feed of an account, and what stands below a calendar file."""

import datetime

from handlers.actions import ShowCalendar, ShowSubscriptions
from handlers.screens.screen import Button, Screen, clip
from storage.chats import LinkState
from texts.catalogue import Texts
from texts.escaping import safe_text


def feed(
    t: Texts, link: LinkState, made_on: datetime.date | None, *, address: str = "", is_stopped: bool = False
) -> Screen:
    """Show whether the account has a calendar feed, with buttons to make, replace and stop its address.

    Args:
        made_on: when its address was made, in the company's time zone; None if there is none.
        address: the new address, which is shown this once; empty for none.
        is_stopped: the address was made invalid just now.
    """
    facts = [clip(safe_text(link.account_name), 60), ""]
    if address:
        facts += [t("calendar.address"), "", address, "", t("calendar.keep_private")]
    elif made_on is not None:
        facts += [t("calendar.exists", date=t.formats.long_date(made_on)), t("calendar.shown_once")]
    elif is_stopped:
        facts.append(t("calendar.stopped"))
    else:
        facts += [t("calendar.what"), "", t("calendar.keep_private")]
    new, stop = ShowCalendar(link.link_id, "new"), ShowCalendar(link.link_id, "stop")
    if made_on is None:
        rows: tuple[tuple[Button, ...], ...] = ((Button(t("button.calendar_new"), new),),)
    else:
        rows = ((Button(t("button.calendar_stop"), stop), Button(t("button.calendar_replace"), new)),)
    back = (Button(t("button.notices"), ShowSubscriptions(link.link_id)),)
    return Screen(t("calendar.title"), facts=tuple(facts), keyboard=(*rows, back))


def no_feed(t: Texts, link: LinkState) -> Screen:
    """Say that this assistant has no public address, and what there is instead of a feed."""
    back = (Button(t("button.notices"), ShowSubscriptions(link.link_id)),)
    return Screen(t("calendar.title"), facts=(t("calendar.no_public_url"),), keyboard=(back,))


def feed_not_offered(t: Texts, link: LinkState, company: str, *, has_address: bool) -> Screen:
    """Say that calendars are not offered; an address from the time when they were can be stopped."""
    stop = Button(t("button.calendar_stop"), ShowCalendar(link.link_id, "stop"))
    rows = ((stop,),) if has_address else ()
    back = (Button(t("button.notices"), ShowSubscriptions(link.link_id)),)
    return Screen(t("calendar.title"), facts=(t("trouble.not_offered", company=company),), keyboard=(*rows, back))


def below_file(t: Texts, *, is_open: bool) -> Screen:
    """Say what to do with a calendar file; ``is_open`` is False for one that removes the entry."""
    return Screen(facts=(t("calendar.file") if is_open else t("calendar.file_settled"),))
