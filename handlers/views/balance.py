"""What is owed in an account."""

from handlers.actions import ShowBalance
from handlers.context import Context
from handlers.screens import balance as screens
from handlers.screens.screen import Screen
from services.balance import read_balance


async def balance(context: Context, action: ShowBalance) -> Screen:
    """Show what is owed in the account."""
    link = context.link(action.link)
    owed = await read_balance(context.services.portal, context.reader(action.link), context.today)
    return screens.balance(context.t, link.account_name, owed, action, context.today)
