"""What a question in words asks for, where no command and no button does it."""

from msgspec.structs import replace

from handlers.actions import ListInvoices, ListOrders, OpenNumber, SendPdf, ShowInvoice, ShowOrder
from handlers.context import Context
from handlers.screens.invoices import pdf_of, pdf_sent
from handlers.screens.screen import Screen
from handlers.telegram.reply import show
from handlers.text_actions import ListInvoicesOf, ListWhole, OpenLatest, SendPdfOf
from handlers.views.invoices import invoice_detail, invoice_list
from handlers.views.orders import order_detail, order_list
from handlers.views.pdf import send_pdf
from handlers.views.saved_answers import marked_if_saved
from handlers.views.search import open_number, usable_links
from portal.models import Invoice, Part
from services import papers


async def open_latest(context: Context, action: OpenLatest) -> Screen | None:
    """Show the newest order or invoice, or send its PDF; the list where there is none."""
    portal, reader = context.papers, context.reader(action.link)
    if not action.invoices:
        orders = await portal.orders(reader, page=1, page_size=context.chat.page_size)
        if not orders.items:
            return await order_list(context, ListOrders(action.link))
        return await order_detail(context, ShowOrder(action.link, orders.items[0].number))
    invoices = await portal.invoices(reader, page=1, page_size=context.chat.page_size)
    if not invoices.items:
        return await invoice_list(context, ListInvoices(action.link))
    newest = invoices.items[0]
    if action.pdf:
        return await send_pdf(context, pdf_of(newest, action.link))
    return await invoice_detail(context, ShowInvoice(action.link, newest.number))


async def send_pdf_of(context: Context, action: SendPdfOf) -> Screen | None:
    """Send the PDF of the one invoice with this number; otherwise show what the number finds."""
    hit = await _the_only(context, action.link, action.number, Part.INVOICES)
    if hit is None:
        return await open_number(context, OpenNumber(action.link, action.number, Part.INVOICES))
    send = pdf_of(hit.paper, hit.link_id) if isinstance(hit.paper, Invoice) else SendPdf(hit.link_id, hit.number)
    screen = await send_pdf(context, send)
    if hit.link_id == action.link:
        return screen
    await _show_other_account(context, screen or pdf_sent(context.t, send), hit.link_id)
    return None


async def list_invoices_of(context: Context, action: ListInvoicesOf) -> Screen | None:
    """List the invoices of the one order with this number; otherwise show what the number finds."""
    hit = await _the_only(context, action.link, action.order, Part.ORDERS)
    if hit is None:
        return await open_number(context, OpenNumber(action.link, action.order, Part.ORDERS))
    screen = await invoice_list(context, ListInvoices(hit.link_id, order=hit.number))
    if hit.link_id == action.link:
        return screen
    await _show_other_account(context, screen, hit.link_id)
    return None


async def _the_only(context: Context, link: int, number: str, part: Part) -> papers.Hit | None:
    """Return the order or invoice with this number in any account of the chat; None for none or several."""
    found = await papers.find_exactly(context.papers, usable_links(context, link), number, context.language, [part])
    await context.reload()
    hits = [hit for hit in found if context.chat.link(hit.link_id)]
    return hits[0] if len(hits) == 1 else None


async def _show_other_account(context: Context, screen: Screen, link: int) -> None:
    """Show a screen about another account than the current one, which a line says."""
    note = context.t("search.other_account", account=context.link(link).account_name)
    await show(context, marked_if_saved(context, replace(screen, note=note)), link=link)


async def list_whole(context: Context, action: ListWhole) -> Screen:
    """Show a list, with a line that says that amounts are not compared."""
    if isinstance(action.of, ListOrders):
        screen = await order_list(context, action.of)
    else:
        assert isinstance(action.of, ListInvoices)
        screen = await invoice_list(context, action.of)
    return replace(screen, note=context.t("question.amounts_not_compared"))
