"""The block state: a person who blocked the bot gets no notices until they unblock it or write."""

import structlog
from telegram import ChatMember, Update

from handlers.context import Context
from storage.notices import delivery_preferences
from storage.notices.plan import sweeps

log = structlog.get_logger()

_BLOCKED = (ChatMember.BANNED, ChatMember.LEFT)


async def on_membership(update: Update, context: Context) -> None:
    """Store that the person blocked or unblocked the bot."""
    change = update.my_chat_member
    if change is not None and change.chat.id == context.services.company.staff_chat:
        is_usable = getattr(change.new_chat_member, "can_manage_topics", False) is True
        (log.info if is_usable else log.error)(
            "support.membership", status=change.new_chat_member.status, manages_topics=is_usable
        )
    if change is None or not context.is_private:
        return
    at = context.services.clock() if change.new_chat_member.status in _BLOCKED else None
    async with context.services.database.write() as session:
        await delivery_preferences.set_blocked(session, context.chat.chat_id, at)
        if at is None:
            await sweeps.request_for_chat(session, context.chat.chat_id, context.services.clock())
