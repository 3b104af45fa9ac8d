"""Packs: choose a period and a format, start, cancel, and continue."""

from collections.abc import Sequence

from handlers.actions import CancelPack, ContinuePack, MakePack, ShowStatement
from handlers.context import Context
from handlers.screens import packs as screens
from handlers.screens.lists import day_of
from handlers.screens.screen import Screen
from handlers.telegram.reply import show
from portal.errors import Forbidden
from portal.models import Invoice, Part
from services.features import Feature
from services.packs.reports import Stage, Working
from services.packs.selection import PackFormat, Selection, read_listing, read_page
from services.packs.totals import totals_of


async def show_statement(context: Context, action: ShowStatement) -> Screen:
    """Show what is selected, by default the invoices of this year, and offer formats."""
    link = context.link(action.link)
    if Part.INVOICES not in link.access:
        raise Forbidden("the link has no access to invoices")
    if action.pick in (screens.FIRST_MONTH, screens.LAST_MONTH):
        return screens.pick_screen(context.t, link.account_name, action, context.today)
    if action == ShowStatement(action.link):  # the command
        year = context.today.year
        action = ShowStatement(action.link, since=f"{year}-01-01", until=f"{year}-12-31")
    selection = selection_of(action)
    portal, reader = context.services.portal, context.reader(action.link)
    if selection.only:
        invoices: Sequence[Invoice] = (await read_listing(portal, reader, selection, context.today)).invoices
        count = len(invoices)
    else:
        page = await read_page(portal, reader, selection, 1)
        invoices, count = page.items, page.total
    totals = totals_of(invoices, context.today) if len(invoices) == count else ()
    reads_questions = Feature.QUESTIONS in context.features
    return screens.choice_screen(
        context.t, link.account_name, action, selection, count, totals, context.today, reads_questions=reads_questions
    )


def selection_of(action: ShowStatement | MakePack) -> Selection:
    """Return the selection of a button; a forged day counts as none."""
    since, until = day_of(action.since), day_of(action.until)
    return Selection(since, until, action.unpaid, action.paid, action.order, action.search, action.only)


async def make_pack(context: Context, action: MakePack) -> Screen | None:
    """Queue a pack, and show its progress in a message that is edited from now on."""
    link = context.link(action.link)
    if Part.INVOICES not in link.access:
        raise Forbidden("the link has no access to invoices")
    queue, chat_id = context.services.packs, context.chat.chat_id
    chosen = action.format or PackFormat.ZIP  # a forged button may have none
    pack_id = await queue.request(
        chat_id, context.thread_id, link.link_id, context.language, chosen, selection_of(action)
    )
    if pack_id is None:
        return await _busy(context)
    await _begin(context, pack_id, action.link)
    return None


async def _begin(context: Context, pack_id: int, link: int | None) -> None:
    message_id = await show(context, screens.progress_screen(context.t, pack_id, Working(Stage.WAITING)), link=link)
    await context.services.packs.show_progress_in(pack_id, message_id)


async def _busy(context: Context) -> Screen:
    current = context.chat.current
    open_id = await context.services.packs.open_pack(context.chat.chat_id)
    if open_id is None:
        return screens.over_screen(context.t, current.link_id if current else None)
    return screens.busy_screen(context.t, open_id)


async def cancel_pack(context: Context, action: CancelPack) -> Screen:
    """Cancel a pack of this chat; the process that makes it stops within two seconds."""
    current = context.chat.current
    link = current.link_id if current else None
    if await context.services.packs.cancel(action.pack, context.chat.chat_id):
        return screens.cancelled_screen(context.t, link)
    return screens.over_screen(context.t, link)


async def continue_pack(context: Context, action: ContinuePack) -> Screen | None:
    """Queue what is left of a pack."""
    if not await context.services.packs.queue_again(action.pack, context.chat.chat_id):
        return await _busy(context)
    await _begin(context, action.pack, None)
    return None
