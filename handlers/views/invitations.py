"""Invitations: a token is opened, its accounts are shown, and one tap links them."""

from handlers.actions import DeclineInvitation, OpenInvitation
from handlers.context import Context
from handlers.screens import invitations as screens
from handlers.screens.privacy import BEFORE_ADDRESS
from handlers.screens.screen import Screen
from handlers.views.linking import linked_before, links_made
from services.linking.invitations import InvitationGone, TooManyTokens
from storage import chats


async def claim(context: Context, token: str) -> OpenInvitation | Screen:
    """Open the invitation of a token in this chat. Returns: what shows its accounts, or why it cannot be used."""
    opened = await context.services.invitations.open(context.chat.chat_id, token)
    if isinstance(opened, TooManyTokens):
        return screens.too_many(context.t, context.local(opened.until), context.chat.current)
    if isinstance(opened, InvitationGone):
        return _gone(context, opened)
    if opened.language and context.chat.language is None:  # the portal knows it, the client's language is a guess
        async with context.services.database.write() as session:
            await chats.set_language(session, context.chat.chat_id, opened.language, context.services.clock())
        await context.reload()
    return OpenInvitation(opened.invitation_id)


async def open_invitation(context: Context, action: OpenInvitation) -> Screen | None:
    """Show the accounts of an invitation; link them after the tap that confirms it."""
    service, chat_id, company = context.services.invitations, context.chat.chat_id, context.services.company.name
    if action.sure:
        wording = context.wording(BEFORE_ADDRESS)
        linked = await service.accept(chat_id, action.invitation, context.first_name, wording)
        return _gone(context, linked) if isinstance(linked, InvitationGone) else await links_made(context, linked)
    offer = await service.offer(chat_id, action.invitation)
    if isinstance(offer, InvitationGone):
        return _gone(context, offer)
    return screens.offer(context.t, company, offer, action.invitation)


async def decline_invitation(context: Context, action: DeclineInvitation) -> Screen:
    """Close an invitation: the account that it names is not this person's."""
    await context.services.invitations.decline(context.chat.chat_id, action.invitation)
    return screens.declined(context.t, context.services.company.name, context.chat.current)


def _gone(context: Context, gone: InvitationGone) -> Screen:
    """Return the new links where the invitation made them a short while ago, else the way to link by mail."""
    return (gone.is_used_here and linked_before(context)) or screens.gone(context.t, context.chat.current)
