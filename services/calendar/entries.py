"""Calendar entries (RFC 5545) of an invoice's due date and of an order's end."""

import datetime
import hashlib
from collections.abc import Sequence

from msgspec import Struct

from portal.models import Invoice, Order, OrderStatus
from texts.catalogue import Texts
from texts.escaping import safe_text

REFRESH = datetime.timedelta(hours=6)
"""How often a calendar program is asked to read a feed again."""
_ALARM = datetime.timedelta(hours=-15)
"""At 9:00 on the day before: an all-day entry begins at midnight."""
_LONGEST = 200


class Entry(Struct, frozen=True):
    """An all-day entry.

    Args:
        uid: The same for the same order or invoice in every file and feed, so that an import replaces the earlier one.
        is_open: False if there is nothing to pay any more, or the order was cancelled: a calendar removes the entry.
        url: The page on the portal; may be empty.
    """

    uid: str
    day: datetime.date
    summary: str
    description: str
    is_open: bool
    url: str = ""


def invoice_entry(t: Texts, account_id: str, account: str, invoice: Invoice) -> Entry | None:
    """Return the entry of an invoice's due date; None for a credit note, and without a due date."""
    if invoice.due_date is None or invoice.is_credit_note:
        return None
    if invoice.is_unpaid:
        balance = t.formats.money(invoice.balance, invoice.currency)
        summary = t("calendar.invoice", number=invoice.number, balance=balance)
    else:
        summary = t("calendar.invoice_settled", number=invoice.number)
    lines = [account]
    if invoice.is_unpaid and invoice.payment_reference:
        lines.append(t("invoice.payment_reference", reference=invoice.payment_reference))
    return _entry(
        "invoice", account_id, invoice.number, invoice.due_date, summary, lines, invoice.is_unpaid, invoice.url
    )


def order_entry(t: Texts, account_id: str, account: str, order: Order) -> Entry | None:
    """Return the entry of an order's end; None without an end date."""
    if order.end_date is None:
        return None
    summary = t("calendar.order", number=order.number)
    lines = [account, *([order.title] if order.title else [])]
    is_open = order.status is not OrderStatus.CANCELLED
    return _entry("order", account_id, order.number, order.end_date, summary, lines, is_open, order.url)


def _entry(
    kind: str,
    account_id: str,
    number: str,
    day: datetime.date,
    summary: str,
    lines: Sequence[str],
    is_open: bool,
    url: str | None,
) -> Entry:
    # A plain hash: it hides nothing, and has to stay the same when the keys change.
    uid = hashlib.sha256("\n".join((kind, account_id, number)).encode("utf-8", "replace")).hexdigest()[:32]
    shown = [safe_text(line)[:_LONGEST] for line in lines]
    return Entry(f"{uid}@odobot", day, safe_text(summary)[:_LONGEST], "\n".join(shown), is_open, _plain_url(url))


def _plain_url(url: str | None) -> str:
    """Return a URL that can stand in a content line; empty for any other."""
    is_plain = url is not None and url.startswith(("https://", "http://")) and url.isascii() and url.isprintable()
    return url if url is not None and is_plain and " " not in url else ""


def etag_of(entries: Sequence[Entry], name: str) -> str:
    """Return the weak ETag of a calendar: the time of writing is no part of it."""
    return f'W/"{hashlib.sha256(repr((name, tuple(entries))).encode("utf-8", "replace")).hexdigest()[:32]}"'


def calendar_of(
    entries: Sequence[Entry],
    at: datetime.datetime,
    t: Texts,
    *,
    name: str = "",
    has_alarm: bool = False,
) -> bytes:
    """Write entries as an iCalendar file. It takes 0.2 ms an entry: write long ones in a thread.

    Args:
        at: When the facts were read from the portal, for DTSTAMP.
        name: The name of a feed, which also says how often it should be read again; empty for a single file.
        has_alarm: Adds an alarm to the entries that are open.
    """
    # It takes a tenth of a second to import, which the start of the bot would wait for.
    from icalendar import Alarm, Calendar, Event, vText

    calendar = Calendar()
    calendar.add("prodid", f"-//Odobot//Odobot//{t.language.upper()}")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    if name:
        calendar.add("name", vText(safe_text(name)))  # RFC 7986
        calendar.add("x-wr-calname", vText(safe_text(name)))
        calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
        calendar.add("x-published-ttl", f"PT{REFRESH // datetime.timedelta(hours=1)}H")
    for entry in entries:
        event = Event()
        event.add("uid", entry.uid)
        event.add("dtstamp", at.astimezone(datetime.UTC).replace(microsecond=0))
        event.add("dtstart", entry.day)
        event.add("summary", entry.summary)
        event.add("description", entry.description)
        event.add("transp", "TRANSPARENT")  # the day stays free
        event.add("class", "PRIVATE")
        event.add("sequence", 0 if entry.is_open else 1)
        event.add("status", "CONFIRMED" if entry.is_open else "CANCELLED")
        if entry.url:
            event.add("url", entry.url)
        if has_alarm and entry.is_open:
            alarm = Alarm()
            alarm.add("action", "DISPLAY")
            alarm.add("description", entry.summary)
            alarm.add("trigger", _ALARM)
            event.add_component(alarm)
        calendar.add_component(event)
    written: bytes = calendar.to_ical()
    return written
