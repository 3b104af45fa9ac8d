"""The linked accounts, their wishes, who else is linked, and the ways out."""

from dataclasses import replace

from handlers.actions import ChooseAccount, Forget, Revoke, ShowAccounts, ShowMyData, Unlink, Wish
from handlers.context import Context
from handlers.menu import drop_menu
from handlers.reply import send
from handlers.screens import account, linking, trouble
from handlers.screens.screen import Screen
from storage import chats, wishes
from storage.tables import Kind
from texts.catalogue import texts_in
from texts.language import Language


async def choose_account(context: Context, action: ChooseAccount) -> Screen:
    """Makes an account the current one; where its notices were never asked about, asks."""
    context.link(action.link)
    async with context.services.database.write() as session:
        await chats.choose(session, context.chat.chat_id, action.link, context.services.clock())
    await context.reload()
    link = context.link(action.link)
    if link.wishes is None:
        unasked = sum(each.wishes is None for each in context.chat.links)
        return linking.ask_wish(context.t, link, context.t("link.chosen"), unasked)
    return linking.home(context.t, link)


async def wish(context: Context, action: Wish) -> Screen:
    """The answer to the one question, for every account that was not asked about yet."""
    link = context.link(action.link)
    unasked = [each.link_id for each in context.chat.links if each.wishes is None]
    async with context.services.database.write() as session:
        chosen = [link.link_id, *unasked]
        await chats.set_wishes(session, context.chat.chat_id, chosen, {Kind.INVOICE_ISSUED}, on=action.yes)
    await context.reload()
    return linking.wish_noted(context.t, context.link(action.link), yes=action.yes)


async def accounts(context: Context, _action: ShowAccounts) -> Screen:
    """The accounts, and the other chats linked through the same addresses."""
    if not context.chat.links:
        return trouble.not_linked(context.t, context.services.company)
    async with context.services.database.read() as session:
        neighbours = await chats.neighbours(session, context.chat.chat_id)
        emails = await chats.emails(session, context.chat.chat_id)
    local = [replace(neighbour, linked_at=context.local(neighbour.linked_at)) for neighbour in neighbours]
    return account.accounts(context.t, context.chat.links, emails, local)


async def revoke(context: Context, action: Revoke) -> Screen:
    """Removes another chat's links, and tells it so."""
    async with context.services.database.read() as session:
        neighbours = await chats.neighbours(session, context.chat.chat_id)
    other = next((neighbour for neighbour in neighbours if neighbour.chat_id == action.chat), None)
    if other is None:
        return await accounts(context, ShowAccounts())
    if not action.sure:
        return account.sure_to_revoke(context.t, other)
    async with context.services.database.write() as session:
        await chats.revoke(session, context.chat.chat_id, other.chat_id, context.services.clock())
        told = await chats.load(session, other.chat_id)
    language = Language(told.language) if told.language else context.services.default_language
    context.afterwards(_tell_revoked(context, other.chat_id, language))
    return replace(await accounts(context, ShowAccounts()), note=context.t("account.revoked"))


async def _tell_revoked(context: Context, chat_id: int, language: Language) -> None:
    await send(context, account.revoked(texts_in(language), context.services.company), to=chat_id)


async def unlink(context: Context, action: Unlink) -> Screen:
    """Removes this chat's links, once the person is sure."""
    if not context.chat.links:
        return trouble.not_linked(context.t, context.services.company)
    if not action.sure:
        return account.sure_to_unlink(context.t, context.chat.links)
    async with context.services.database.write() as session:
        await chats.unlink(session, context.chat.chat_id, context.services.clock())
    return account.unlinked(context.t)


async def my_data(context: Context, _action: ShowMyData) -> Screen:
    """Everything that is remembered of this chat, in words."""
    t, chat = context.t, context.chat
    if not chat.is_known:
        return account.nothing_kept(t)
    async with context.services.database.read() as session:
        kept = await chats.kept(session, chat.chat_id)
        silence = await wishes.silence(session, chat.chat_id)
        copies = [await wishes.copy_of_link(session, link.link_id) for link in chat.links]
    local = kept and replace(kept, since=context.local(kept.since))
    return account.my_data(t, chat, local, silence, [copy.email for copy in copies if copy])


async def forget(context: Context, action: Forget) -> Screen:
    """Erases everything remembered of this chat, once the person is sure."""
    if not action.sure:
        return account.sure_to_forget(context.t)
    async with context.services.database.write() as session:
        await chats.forget(session, context.chat.chat_id, context.services.clock())
    context.afterwards(drop_menu(context))
    return account.forgotten(context.t)
