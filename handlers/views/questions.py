"""Leave what the bot asked."""

from handlers.actions import EndConversation
from handlers.context import Context
from handlers.screens import questions as screens
from handlers.screens.screen import Screen
from handlers.text_actions import Leave
from handlers.views import support
from services.linking.awaiting import leave as leave_code
from services.understanding.resolving import SEARCHES
from storage import chats


async def leave(context: Context, _action: Leave) -> Screen | None:
    """Stop awaiting a text, and say what was left. A mailed code is not compared until it is awaited again.

    Where nothing is awaited, it ends the conversation with the staff, if there is one.
    """
    awaiting = context.awaiting
    if awaiting is None and context.chat.conversation is not None:
        return await support.end(context, EndConversation())
    if awaiting is not None:
        async with context.services.database.write() as session:
            await chats.move_awaiting(session, context.chat.chat_id, awaiting, None)
            if awaiting.what not in SEARCHES:
                await leave_code(session, context.chat.chat_id, context.services.clock())
    return screens.left(context.t, awaiting.what if awaiting else None, context.chat.current)
