"""The home screen of a linked chat: what changed since the last visit, what is owed, and the way to the lists."""

import datetime

from msgspec.structs import replace

from handlers.actions import ShowInvoice
from handlers.screens import linking
from handlers.screens.balance import balance_facts, unpaid_buttons
from handlers.screens.lists import number_buttons
from handlers.screens.notices import title
from handlers.screens.screen import Screen
from portal.models import Invoice, InvoiceStatus
from services.account.balance import Balance
from services.account.changes import Changes
from storage.chats import LinkState
from storage.tables import Kind
from texts.catalogue import Texts
from texts.escaping import safe_text

_MOST_LINES = 8
_MOST_BUTTONS = 4


def home(
    t: Texts,
    link: LinkState,
    changes: Changes,
    since: datetime.datetime | None,
    owed: Balance | None,
    today: datetime.date,
) -> Screen:
    """Show a linked chat what is new in its account, and what it can read.

    Args:
        changes: what the person was not told yet.
        since: the last visit, in the company's time zone; None at the first one.
        owed: None if it is not known, or not shown to this contact.
        today: the date in the company's time zone.
    """
    screen = linking.home(t, link)
    lines = _lines(t, changes)
    more = (t.plural("notice.and_more", len(lines) - _MOST_LINES),) if len(lines) > _MOST_LINES else ()
    heading = t("home.since", date=t.formats.day(since.date(), today)) if since else t("home.to_note")
    news = (heading, *lines[:_MOST_LINES], *more, "") if lines else ()
    balance = balance_facts(t, owed, today) if owed else ()
    facts = (*news, *balance, *(("",) if balance else ()), *screen.facts)
    new = [(safe_text(each.number), ShowInvoice(link.link_id, each.number)) for each in changes.new[:_MOST_BUTTONS]]
    unpaid = unpaid_buttons(t, owed, link.link_id) if owed else ()
    keyboard = (*number_buttons(list(new)), *screen.keyboard[:1], *unpaid, *screen.keyboard[1:])
    return replace(screen, facts=facts, keyboard=keyboard)


def _lines(t: Texts, changes: Changes) -> list[str]:
    """Return one line for each change."""
    lines = [
        t("home.new", what=title(t, Kind.INVOICE_ISSUED, each.number, each), amount=_amount(t, each))
        for each in changes.new
    ]
    lines += [t("home.changed", what=t("home.paid", number=each.number)) for each in changes.paid]
    lines += [t("home.changed", what=_withdrawn(t, each)) for each in changes.cancelled]
    for order in changes.ending:
        end = t.formats.long_date(order.end_date) if order.end_date else ""
        lines.append(t("home.changed", what=t("home.ending", number=order.number, date=end)))
    return lines


def _amount(t: Texts, invoice: Invoice) -> str:
    return t.formats.money(invoice.amount, invoice.currency)


def _withdrawn(t: Texts, invoice: Invoice) -> str:
    if invoice.state is InvoiceStatus.CREDITED:
        return t("home.credited", number=invoice.number)
    return title(t, Kind.INVOICE_ISSUED, invoice.number, invoice)
