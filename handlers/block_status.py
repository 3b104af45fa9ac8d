"""Whether somebody is there: a bot that was blocked writes no more, until the person comes back."""

from telegram import ChatMember, Update

from handlers.context import Context
from storage.notices import delivery_preferences

_AWAY = (ChatMember.BANNED, ChatMember.LEFT)


async def on_membership(update: Update, context: Context) -> None:
    """The person blocked the bot, or let it in again."""
    change = update.my_chat_member
    if change is None or not context.is_private:
        return
    at = context.services.clock() if change.new_chat_member.status in _AWAY else None
    async with context.services.database.write() as session:
        await delivery_preferences.set_blocked(session, context.chat.chat_id, at)
