"""Privacy: the policy, and the consents of a chat."""

import datetime

from handlers.actions import PrivacyPart, SetInline, ShowPrivacy
from handlers.context import Context
from handlers.screens import privacy as screens
from handlers.screens.privacy import ShownConsent
from handlers.screens.screen import Screen
from services.notices.event_recorder import SUBSCRIPTIONS
from services.privacy.policy import policy_url
from storage import chats
from storage.database import Session
from storage.notices import bookkeeper_copies
from storage.papers import calendar_feeds
from storage.privacy import consents
from storage.tables import ConsentPurpose
from texts.catalogue import message_id


async def privacy(context: Context, action: ShowPrivacy) -> Screen:
    """Show a part of the privacy policy, or the consents of the chat."""
    if action.part is PrivacyPart.CONSENTS:
        return await _consents(context)
    policy, t = context.services.policy, context.t
    url = policy_url(context.services.public_url)
    return screens.policy(t, policy.sections(t), action.part, date=policy.date(t), url=url)


async def set_inline(context: Context, action: SetInline) -> Screen:
    """Allow or end the answers in other chats."""
    if context.services.has_inline_mode:
        message = message_id("button.inline_on") if action.on else message_id("button.inline_off")
        now, chat_id = context.services.clock(), context.chat.chat_id
        async with context.services.database.write() as session:
            await chats.ensure(session, chat_id, now)
            await consents.record(
                session, chat_id, [ConsentPurpose.INLINE], consents.WHOLE_CHAT, context.wording(message), now,
                is_given=action.on,
            )  # fmt: skip
    return await _consents(context)


async def _consents(context: Context) -> Screen:
    """Show what is in force now, with the time of its consent where that was recorded."""
    has_inline = context.services.has_inline_mode and context.chat.current is not None
    chat_id = context.chat.chat_id
    async with context.services.database.read() as session:
        recorded = {(each.purpose, each.link_id): each.since for each in await consents.given(session, chat_id)}
        in_force = await _in_force(context, session)
        inline = await consents.last_word(session, chat_id, ConsentPurpose.INLINE) if has_inline else None
    if inline:
        in_force.append((ConsentPurpose.INLINE, None))
    given = [_shown(context, purpose, link_id, recorded.get((purpose, link_id))) for purpose, link_id in in_force]
    return screens.consents(context.t, given, may_answer_elsewhere=inline is False)


async def _in_force(context: Context, session: Session) -> list[tuple[str, int | None]]:
    """Return purpose and link of what is on: what was agreed to before consents were recorded is among it."""
    found: list[tuple[str, int | None]] = []
    for link in context.chat.links:
        found.append((ConsentPurpose.ACCESS, link.link_id))
        found += [(each, link.link_id) for each in SUBSCRIPTIONS if each in (link.subscriptions or ())]
        if await bookkeeper_copies.find_by_link(session, link.link_id) is not None:
            found.append((ConsentPurpose.COPY, link.link_id))
        if await calendar_feeds.made_at(session, link.link_id) is not None:
            found.append((ConsentPurpose.CALENDAR, link.link_id))
    if context.chat.conversation is not None:
        found.append((ConsentPurpose.SUPPORT, None))
    return found


def _shown(context: Context, purpose: str, link_id: int | None, since: datetime.datetime | None) -> ShownConsent:
    link = context.chat.link(link_id) if link_id is not None else None
    on = context.local(since).date() if since else None
    return ShownConsent(purpose, link.account_name if link else "", link_id or 0, on)
