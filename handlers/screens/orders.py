"""Orders: the list, and the detail."""

import datetime

from handlers.actions import (
    AddToCalendar,
    AskSearch,
    ListInvoices,
    ListOrders,
    ShowOrder,
    ShowStatement,
    Start,
    at_page,
)
from handlers.screens.lists import (
    back_button,
    incomplete_fact,
    list_note,
    number_buttons,
    paging,
    period_fact,
    position,
    retry_row,
    unread_fact,
)
from handlers.screens.screen import Button, Screen, Section, Table, clip
from handlers.screens.support import person_button
from portal.models import Order, OrderLine, OrderStatus, Page, Part
from services.account.paper_filters import ENDING_DAYS, OrderFilter
from texts.catalogue import Texts, message_id
from texts.escaping import safe_text

LINES_A_PAGE = 20
_AGREEMENT_LENGTH = 90
_LINE_LENGTH = 150
_STATUSES = {
    OrderStatus.ENDED: message_id("order.status_ended"),
    OrderStatus.CANCELLED: message_id("order.status_cancelled"),
}


_TITLES = {
    OrderFilter.ENDING: message_id("orders.title_ending"),
    OrderFilter.ACTIVE: message_id("orders.title_active"),
    OrderFilter.ENDED: message_id("orders.title_ended"),
    OrderFilter.CANCELLED: message_id("orders.title_cancelled"),
}
_EMPTY = {
    OrderFilter.ACTIVE: message_id("orders.none_active"),
    OrderFilter.ENDED: message_id("orders.none_ended"),
    OrderFilter.CANCELLED: message_id("orders.none_cancelled"),
}


def order_list(
    t: Texts,
    account: str,
    page: Page[Order],
    action: ListOrders,
    *,
    has_invoices: bool,
    is_complete: bool = True,
    next_end: Order | None = None,
) -> Screen:
    """List a page of orders: number and progress, then period and shortened agreement on further lines.

    Args:
        is_complete: as for ``invoices.invoice_list``.
        next_end: the order that ends next, for an empty list of those that end soon; None for none.
    """
    title = t(_TITLES[action.only] if action.only else message_id("orders.title"), account=clip(account, 60))
    is_filtered = bool(action.query or action.only or action.since or action.until)
    search = Button(t("button.search"), AskSearch(action.link, invoices=False))
    every = Button(t("button.all_orders"), ListOrders(action.link))
    if not page.items and page.unread:
        return Screen(title, facts=unread_fact(t, page.unread), keyboard=(retry_row(t, action), (every, search)))
    if not page.items:
        invoices = (Button(t("button.invoices"), ListInvoices(action.link)),) if has_invoices else ()
        home = (Button(t("button.home"), Start()),)
        facts = (
            *period_fact(t, action),
            *_empty_list(t, action, next_end),
            *incomplete_fact(t, is_complete=is_complete),
        )
        of_next = (
            Button(t("button.order", number=next_end.number), ShowOrder(action.link, next_end.number))
            if next_end
            else None
        )
        keyboard = (*(((of_next,),) if of_next else ()), (every, search) if is_filtered else (*invoices, *home))
        return Screen(title, facts=facts, keyboard=keyboard)
    table = Table(
        tuple((t("cell.number", number=o.number), _progress(t, o)) for o in page.items),
        tuple(_detail_line(t, o) for o in page.items),
        actions=tuple(ShowOrder.from_list(o.number, action) for o in page.items),
    )
    rows = number_buttons([(safe_text(o.number), ShowOrder.from_list(o.number, action)) for o in page.items])
    buttons = (every, search) if is_filtered else (search,)
    note = list_note(t, action.query, page.unread, is_complete=is_complete)
    statement = (Button(t("button.statement"), ShowStatement(action.link)),) if has_invoices else ()
    keyboard = (*rows, *paging(t, page.page, page.last, action), buttons, statement)
    # As for invoices: unread rows of a filtered list are not on this page.
    is_selected = bool(action.only or action.since or action.until)
    shown = position(t, page, len(page.items) + (0 if is_selected else page.unread))
    return Screen(title, shown, facts=period_fact(t, action), table=table, note=note, keyboard=keyboard)


def _empty_list(t: Texts, action: ListOrders, next_end: Order | None) -> tuple[str, ...]:
    if action.query:
        return (t("orders.none_found", query=action.query),)
    if action.only is OrderFilter.ENDING:
        none = (
            t("orders.none_ending_in_period")
            if action.since or action.until
            else t.plural("orders.none_ending", ENDING_DAYS)
        )
        if next_end is None or next_end.end_date is None:
            return (none,)
        return none, t("orders.next_end", number=next_end.number, date=t.formats.long_date(next_end.end_date))
    if action.only is not None:
        return (t(_EMPTY[action.only]),)
    return (t("orders.none_in_period") if action.since or action.until else t("orders.none"),)


def order_detail(
    t: Texts,
    account: str,
    order: Order,
    action: ShowOrder,
    *,
    has_invoices: bool,
    today: datetime.date | None = None,
) -> Screen:
    """Show one order: dates, progress, a page of its agreement lines, and a button for its invoices.

    Args:
        today: the date in the company's time zone: an end from this day on can be added to a calendar, and one that
            is near has a button to renew the order; None leaves both out.
    """
    last = max(1, -(-len(order.lines) // LINES_A_PAGE))
    page = min(max(action.page, 1), last)
    start = (page - 1) * LINES_A_PAGE
    shown = order.lines[start : start + LINES_A_PAGE]
    facts = [clip(safe_text(account), 60)]
    if order.title:
        facts.append(clip(safe_text(order.title), 150))
    if order.start_date:
        facts.append(t("order.start", date=t.formats.long_date(order.start_date)))
    if order.end_date:
        facts.append(t("order.end", date=t.formats.long_date(order.end_date)))
    if order.progress is not None:
        facts.append(t("order.progress", percent=t.formats.percent(order.progress)))
    if order.amount is not None:
        facts.append(t("order.amount", amount=t.formats.money(order.amount, order.currency or "CAD")))
    if order.status in _STATUSES:
        facts.append(t(_STATUSES[order.status]))
    lines = tuple(t("order.line", line=clip(_line(t, line), _LINE_LENGTH)) for line in shown)
    unread = unread_fact(t, order.unread_lines)
    agreement = Section(t("order.agreement"), (*lines, *unread)) if lines else None
    facts += () if lines else unread
    keyboard: list[tuple[Button, ...]] = []
    count = order.invoice_count
    if has_invoices and count != 0:
        label = t("button.its_invoices") if count is None else t.plural("button.order_invoices", count)
        keyboard.append((Button(label, ListInvoices(action.link, order=order.number)),))
    keyboard += paging(t, page, last, at_page(action, page))
    days_left = (order.end_date - today).days if today and order.end_date and order.status not in _STATUSES else -1
    if days_left >= 0:
        add = AddToCalendar(action.link, order.number, is_order=True)
        keyboard.append((Button(t("button.add_to_calendar"), add),))
    if order.url:
        label = t("button.renew") if 0 <= days_left <= ENDING_DAYS else t("button.on_portal")
        keyboard.append((Button(label, url=order.url),))
    keyboard.append((back_button(t, action.opened_from),))
    keyboard.append((person_button(t, action.link, Part.ORDERS, order.number),))
    note = lines_position(t, start, len(shown), len(order.lines)) if last > 1 else ""
    title = t("order.title", number=order.number)
    return Screen(title, facts=tuple(facts), section=agreement, note=note, keyboard=tuple(keyboard))


def lines_position(t: Texts, start: int, shown: int, total: int) -> str:
    """Return the position of ``shown`` agreement lines, of which ``start`` is the first one's index."""
    number = t.formats.number
    return t("order.lines_where", first=number(start + 1), last=number(start + shown), total=number(total))


def period(t: Texts, order: Order) -> str:
    """Return the known dates of an order, such as ``2020-09-28 → 2023-09-27``; an empty text if it has none."""
    start, end = (date and t.formats.short_date(date) for date in (order.start_date, order.end_date))
    if start and end:
        return t("cell.period", start=start, end=end)
    if start:
        return t("cell.since", date=start)
    return t("cell.until", date=end) if end else ""


def _progress(t: Texts, order: Order) -> str:
    return "" if order.progress is None else t.formats.percent(order.progress)


def _line(t: Texts, line: OrderLine) -> str:
    if line.quantity is None:
        return safe_text(line.description)
    return t("order.quantity", quantity=t.formats.number(line.quantity), description=line.description)


def _detail_line(t: Texts, order: Order) -> str:
    lines = (period(t, order), clip(_agreement(t, order), _AGREEMENT_LENGTH))
    return "\n".join(line for line in lines if line)


def _agreement(t: Texts, order: Order) -> str:
    return ", ".join(_line(t, line) for line in order.lines)
