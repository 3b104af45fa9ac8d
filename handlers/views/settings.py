"""Language, rows per page, the portal's menu, and help."""

from handlers.actions import ChooseLanguage, ListStyle, ShowHelp, ShowPortal, ShowSettings
from handlers.context import Context
from handlers.screens import settings as screens
from handlers.screens.screen import Screen
from handlers.telegram.chat_menu import set_menu
from handlers.views.home import first_screen
from storage import chats


async def language(context: Context, action: ChooseLanguage) -> Screen:
    """Ask for a language, or set one, and confirm it in that language."""
    if action.language is None:
        return screens.language(context.t)
    async with context.services.database.write() as session:
        await chats.set_language(session, context.chat.chat_id, action.language, context.services.clock())
    await context.reload()
    context.run_in_background(set_menu(context, action.language))
    home = await first_screen(context)
    return screens.language_chosen(context.t, home.keyboard)


async def settings(context: Context, action: ShowSettings) -> Screen:
    """Show the settings, after setting what the action has: an offered number of rows per page, a style of lists."""
    has_styles = context.services.rich_support.is_available
    if action.page_size in screens.PAGE_SIZES:
        async with context.services.database.write() as session:
            await chats.set_page_size(session, context.chat.chat_id, action.page_size, context.services.clock())
        await context.reload()
    if action.lists is not None and has_styles:
        async with context.services.database.write() as session:
            is_chosen = action.lists is ListStyle.TABLES
            await chats.set_wants_tables(session, context.chat.chat_id, is_chosen, context.services.clock())
        await context.reload()
    return screens.settings(context.t, context.chat.page_size, context.chat.wants_tables if has_styles else None)


async def portal(context: Context, _action: ShowPortal) -> Screen:
    """Show the portal's menu."""
    links = await context.services.portal.links(context.language.shipped)
    return screens.portal(context.t, context.services.company.name, links)


async def help_page(context: Context, _action: ShowHelp) -> Screen:
    """Explain how to reach orders and invoices."""
    company = context.services.company
    links = await context.services.portal_links.links(context.language, context.run_in_background)
    return screens.help_page(context.t, company, context.chat.current, links)
