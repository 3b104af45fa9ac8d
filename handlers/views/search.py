"""Search, and typed numbers."""

import datetime
import re

from msgspec.structs import replace

from handlers.actions import (
    Action,
    AskSearch,
    ChooseAccount,
    ListInvoices,
    ListOrders,
    OpenNumber,
    ShowInvoice,
    ShowOrder,
)
from handlers.context import Context
from handlers.screens import invoices, linking, orders, search as screens
from handlers.screens.screen import Screen, clip
from handlers.telegram.reply import show
from handlers.text_actions import OpenNumberOr, SearchFor
from handlers.views.invoices import invoice_detail, invoice_list
from handlers.views.orders import order_detail, order_list
from handlers.views.saved_answers import marked_if_saved
from handlers.views.seen_notices import record_seen
from portal.models import Invoice, Order, Part
from services import papers
from services.features import Feature
from services.papers import Hit, LookUp
from services.understanding.dates import searched_date
from services.understanding.normalising import folded, trimmed
from services.understanding.numbers import is_several, skeleton
from services.understanding.resolving import CODES
from storage import chats
from storage.chats import Awaiting, LinkState
from storage.tables import Awaited
from texts.language import Language

_LEAST_OF_NAME = 3
"""Characters of the shortest text that may be a part of an account's name."""
_ANSWER_TIME = datetime.timedelta(hours=1)


async def ask_search(context: Context, action: AskSearch) -> Screen:
    """Ask for the text to search for in one of the lists."""
    context.link(action.link)
    await _await_search(context, action.link, invoices=action.invoices)
    return screens.ask_search(context.t, action)


async def _await_search(context: Context, link: int, *, invoices: bool) -> None:
    now = context.services.clock()
    what = Awaited.INVOICE_SEARCH if invoices else Awaited.ORDER_SEARCH
    async with context.services.database.write() as session:
        await chats.set_awaiting(session, context.chat.chat_id, Awaiting(what, now + _ANSWER_TIME, link), now)


async def search_for(context: Context, action: SearchFor) -> Screen | Action:
    """Search one list. If it finds nothing, open the number if the text is one, or await another text."""
    part = Part.INVOICES if action.invoices else Part.ORDERS
    if action.invoices:
        screen = await invoice_list(context, ListInvoices(action.link, query=action.query))
    else:
        screen = await order_list(context, ListOrders(action.link, query=action.query))
    if screen.table is not None:
        return screen
    hits = await papers.find_exactly(context.papers, [context.link(action.link)], action.query, context.language)
    if len(hits) == 1 and hits[0].part is not part:
        return await _document(context, hits[0])
    if action.otherwise is not None:
        return action.otherwise
    await _await_search(context, action.link, invoices=action.invoices)
    return replace(screen, note=context.t("search.try_another"))


async def open_number_or(context: Context, action: OpenNumberOr) -> Screen | Action | None:
    """Show what a number finds, as ``open_number``; the other action where it finds nothing."""
    return await _open(context, action.number, action.otherwise)


async def open_number(context: Context, action: OpenNumber) -> Screen | None:
    """Show the order or invoice with this number in any account of the chat, or what the portal's search finds."""
    screen = await _open(context, action, None)
    return screen if isinstance(screen, Screen) else None


async def _open(context: Context, action: OpenNumber, otherwise: Action | None) -> Screen | Action | None:
    """Look a number up; ``otherwise`` is what to do instead of saying that nothing was found."""
    links = usable_links(context, action.link)
    found = await papers.look_up(
        context.papers,
        links,
        action.number,
        action.part,
        page_size=context.chat.page_size,
        language=context.language.shipped,
        parts=[part for part in Part if part is Part.INVOICES or Feature.ORDERS in context.features],
        searches=Feature.SEARCH in context.features,
        whole=action.whole,
        searched=date_in(context, action.number),
    )
    # A link may have been removed while the portal answered.
    await context.reload()
    found = replace(
        found,
        hits=tuple(hit for hit in found.hits if context.chat.link(hit.link_id)),
        pages=tuple(page for page in found.pages if context.chat.link(page.link_id)),
    )
    if otherwise is not None and not found.hits and not found.pages:
        return otherwise
    screen, link = await _found_screen(context, action, found, is_in_several=len(links) > 1)
    if action.code and context.awaiting is not None and context.awaiting.what in CODES:
        screen = screens.with_code_button(context.t, screen, action.code)
    if link == action.link:
        return screen
    # The search result of another account was read after the look-up.
    await context.reload()
    context.link(link)
    await show(context, marked_if_saved(context, screen), link=link)
    return None


def account_named(context: Context, text: str) -> ChooseAccount | None:
    """Return the choice of the only one of several accounts whose name has these words; None for a number."""
    links, words = context.chat.links, folded(text)
    if len(links) < 2 or len(words) < _LEAST_OF_NAME or any(c.isdigit() for c in words):
        return None
    named = [link for link in links if re.search(rf"\b{re.escape(words)}\b", folded(link.account_name))]
    return ChooseAccount(named[0].link_id) if len(named) == 1 else None


def date_in(context: Context, text: str) -> str | None:
    """Return a typed date as the portal's search finds it; None for any other text."""
    return searched_date(text, context.today, month_first=context.language is Language.EN)


def usable_links(context: Context, current: int) -> list[LinkState]:
    """Return the chat's links that are not idle, with the given one first."""
    others = [link for link in context.chat.links if link.link_id != current]
    return [context.link(current), *(link for link in others if not context.services.access.is_idle(link))]


async def _found_screen(
    context: Context, action: OpenNumber, found: LookUp, *, is_in_several: bool
) -> tuple[Screen, int]:
    """Return the screen of a look-up, and the link that it is about."""
    t = context.t
    rows = sum(each.page.total for each in found.pages)
    if not found.hits and rows == 1:
        only = found.pages[0]
        found = replace(found, hits=(Hit(only.link_id, only.part, only.page.items[0].number),))
    if len(found.hits) == 1:
        hit = found.hits[0]
        screen = await _document(context, hit)
        notes = [t("search.not_these", numbers=", ".join(missing))] if (missing := _missing(action.number, hit)) else []
        if hit.link_id != action.link:
            notes.insert(0, t("search.other_account", account=context.link(hit.link_id).account_name))
        return replace(screen, note="\n".join(notes)) if notes else screen, hit.link_id
    names = {link.link_id: link.account_name for link in context.chat.links}
    if found.hits:
        return screens.several_found(t, found.query, found.hits, (), names, action.link), action.link
    if not found.pages:
        is_late_code = bool(action.code) and context.awaiting is None
        if is_late_code:
            return linking.expired_code(t), action.link
        name = "" if is_in_several else context.link(action.link).account_name
        company, link = context.services.company, context.link(action.link)
        screen = screens.nothing_found(
            t, link, found.query, name, action.suggestion, company=company.name, support=company.support
        )
        return screen, action.link
    if len(found.pages) == 1 and found.pages[0].link_id == action.link:
        return _list(context, action.link, found), action.link
    return screens.several_found(t, found.query, (), found.pages, names, action.link), action.link


def _missing(text: str, hit: Hit) -> list[str]:
    """Return the other numbers of a typed list of numbers, which were not found."""
    words = [trimmed(word) for word in text.split()]
    numbers = [word for word in words if word.isdigit()]
    is_list = len(numbers) > 1 and is_several(text) and skeleton(hit.number) in numbers
    return [clip(number, 20) for number in numbers if number != skeleton(hit.number)] if is_list else []


def _list(context: Context, link_id: int, found: LookUp) -> Screen:
    """Return the list of what the search found in one list of one account."""
    link, only, t = context.link(link_id), found.pages[0], context.t
    if only.part is Part.INVOICES:
        shown = ListInvoices(link_id, query=found.query)
        has_orders = Part.ORDERS in link.access
        return invoices.invoice_list(t, link.account_name, only.page, shown, context.today, has_orders=has_orders)  # type: ignore[arg-type]
    has_invoices = Part.INVOICES in link.access
    listed = ListOrders(link_id, query=found.query)
    return orders.order_list(t, link.account_name, only.page, listed, has_invoices=has_invoices)  # type: ignore[arg-type]


async def _document(context: Context, hit: Hit) -> Screen:
    """Return the detail of one order or invoice, and record that the person knows of the notices about it."""
    if hit.part is Part.INVOICES:
        show_invoice = ShowInvoice(hit.link_id, hit.number)
        screen = await _invoice(context, hit.paper, show_invoice)
        record_seen(context, show_invoice)
    else:
        show_order = ShowOrder(hit.link_id, hit.number)
        screen = await _order(context, hit.paper, show_order)
        record_seen(context, show_order)
    return screen


async def _invoice(context: Context, paper: Order | Invoice | None, action: ShowInvoice) -> Screen:
    """Return the detail of an invoice, from the look-up's answer or read again."""
    if not isinstance(paper, Invoice):
        return await invoice_detail(context, action)
    link = context.link(action.link)
    has_orders = Part.ORDERS in link.access
    return invoices.invoice_detail(context.t, link.account_name, paper, action, context.today, has_orders=has_orders)


async def _order(context: Context, paper: Order | Invoice | None, action: ShowOrder) -> Screen:
    """Return the detail of an order, from the look-up's answer or read again."""
    if not isinstance(paper, Order):
        return await order_detail(context, action)
    link = context.link(action.link)
    has_invoices = Part.INVOICES in link.access
    return orders.order_detail(
        context.t, link.account_name, paper, action, has_invoices=has_invoices, today=context.today
    )
