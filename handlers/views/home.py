"""The first screen: the welcome of a newcomer; in a linked chat, what changed since the last visit and what is owed."""

import asyncio
import datetime

from msgspec import Struct

from handlers.actions import Start
from handlers.context import Context
from handlers.screens import failures, home as screens, linking
from handlers.screens.screen import Screen
from handlers.telegram.reply import show
from portal.fields import MOST_ROWS
from portal.models import Invoice, Order, Page, Part
from services.access import BLOCKING_CONFIRM_AGE
from services.account.balance import Balance, read_balance
from services.account.changes import Changes, KnownPapers, changes_since, known_papers
from services.account.optional_calls import answer_in_time
from services.account.paper_filters import Rows, all_orders
from services.features import Feature
from services.invoices import summary_of
from storage.chats import LinkState
from storage.papers import visits
from storage.papers.visits import StoredVisit
from storage.tables import Kind


async def start(context: Context, _action: Start) -> Screen | None:
    """Show the first screen."""
    current = context.chat.current
    return await first_screen(context) if current is None else await home(context, current)


async def first_screen(context: Context) -> Screen:
    """Return the first screen without what the portal has of an account."""
    if context.chat.current is not None:
        return linking.home(context.t, context.chat.current)
    links = await context.services.portal_links.links(context.language, context.run_in_background)
    is_sealed = bool(context.chat.sealed_links)
    return linking.welcome(context.t, context.services.company.name, links, is_sealed=is_sealed)


def not_linked(context: Context) -> Screen:
    """Return the screen that says that the request needs a link."""
    company, is_sealed = context.services.company.name, bool(context.chat.sealed_links)
    return failures.not_linked(context.t, company, awaits_code=context.awaits_code, is_sealed=is_sealed)


async def home(context: Context, link: LinkState) -> Screen | None:
    """Show the home screen of an account, and record the visit once it is shown.

    The portal is asked once, for 1.5 s at most: without its answer the screen has no news, and no visit is recorded.
    Nothing of an account is shown where the portal or the person has to confirm the link first.
    """
    access = context.services.access
    if access.is_idle(link) or access.needs_confirmation(context.chat, BLOCKING_CONFIRM_AGE):
        return linking.home(context.t, link)
    now = context.services.clock()
    visit, read = await asyncio.gather(_last_visit(context, link), _read_account(context, link))
    before = KnownPapers.from_text(visit.papers) if visit else None
    changes, papers = Changes(), None
    if read.is_whole:
        papers = known_papers(read.invoices, read.orders, context.today)
        changes = await _untold(context, link, visit, changes_since(before, read.invoices, read.orders, context.today))
    # The link may have been removed while the portal answered.
    await context.reload()
    context.link(link.link_id)
    since = context.local(visit.at) if visit else None
    screen = screens.home(context.t, link, changes, since, read.owed, context.today)
    await show(context, screen, link=link.link_id)
    if papers is not None and (papers != before or since is None or since.date() != context.today):
        async with context.services.database.write() as session:
            await visits.save(session, link.link_id, now, papers.as_text())
    return None


class _Account(Struct, frozen=True):
    """What the portal has of an account now. ``is_whole``: everything was read that the contact may see."""

    invoices: Page[Invoice] | None
    orders: Rows[Order] | None
    owed: Balance | None
    is_whole: bool


async def _read_account(context: Context, link: LinkState) -> _Account:
    """Read the newest invoices, the orders and the balance, each if the contact may see it and it comes in time."""
    portal, reader, today = context.services.portal, context.reader(link.link_id), context.today

    async def invoices_and_balance() -> tuple[Page[Invoice], Balance | None]:
        page = await portal.invoices(reader, page=1, page_size=MOST_ROWS)
        if Feature.BALANCE not in context.features:
            return page, None
        if page.total == len(page.items):
            return page, Balance(summary_of(page.items, today))
        return page, await read_balance(portal, reader, today)

    of_invoices, orders = await asyncio.gather(
        answer_in_time("home", invoices_and_balance()) if Part.INVOICES in link.access else _nothing(),
        answer_in_time("home", all_orders(portal, reader)) if Part.ORDERS in link.access else _nothing(),
    )
    invoices, owed = of_invoices or (None, None)
    read = {part for part, answer in ((Part.INVOICES, invoices), (Part.ORDERS, orders)) if answer is not None}
    return _Account(invoices, orders, owed, is_whole=read >= set(link.access))


async def _nothing() -> None:
    return None


async def _last_visit(context: Context, link: LinkState) -> StoredVisit | None:
    async with context.services.database.read() as session:
        return await visits.load(session, link.link_id)


async def _untold(context: Context, link: LinkState, visit: StoredVisit | None, changes: Changes) -> Changes:
    """Return the changes without those that a notice told in this chat, and without what the person opened lately."""
    if not changes:
        return changes
    chat_id = context.chat.chat_id
    since = visit.at if visit else datetime.datetime.min.replace(tzinfo=datetime.UTC)
    async with context.services.database.read() as session:
        told = await visits.told_since(session, chat_id, link.account_id, since)
    opened = context.services.recent.opened
    papers = [*((Kind.INVOICE_ISSUED, each.number) for each in changes.new),
              *((Kind.ORDER_ENDING, each.number) for each in changes.ending)]  # fmt: skip
    return changes.without(
        told | {each for each in papers if opened.get((chat_id, link.account_id, each[1])) is not None}
    )
