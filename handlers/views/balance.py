"""What is owed in an account, and in the chat's other accounts."""

import asyncio

from handlers.actions import ShowBalance
from handlers.context import Context
from handlers.screens import balance as screens
from handlers.screens.screen import Screen
from handlers.views.search import usable_links
from portal.client import Reader
from portal.models import Part
from services.account.balance import Balance, read_balance
from services.account.optional_calls import answer_in_time
from services.papers import MOST_ACCOUNTS
from storage.chats import LinkState


async def balance(context: Context, action: ShowBalance) -> Screen:
    """Show what is owed in the account; beside it the other accounts, without those that the portal is slow about."""
    link = context.link(action.link)
    owed = await _read(context, link)
    return screens.balance(context.t, link.account_name, owed, action, context.today, await _of_others(context, action))


async def _of_others(context: Context, action: ShowBalance) -> list[tuple[LinkState, Balance]]:
    """Return what is owed in the other accounts, by account; nothing for those in which nothing is."""
    links = [each for each in usable_links(context, action.link)[1:MOST_ACCOUNTS] if Part.INVOICES in each.access]
    found = await asyncio.gather(*(answer_in_time("balance", _read(context, each)) for each in links))
    # A link may have been removed while the portal answered.
    await context.reload()
    answered = zip(links, found, strict=True)
    return [(each, owed) for each, owed in answered if owed and owed.items and context.chat.link(each.link_id)]


async def _read(context: Context, link: LinkState) -> Balance:
    reader = Reader(link.contact_id, link.account_id, context.language.shipped)
    return await read_balance(context.services.portal, reader, context.today)
