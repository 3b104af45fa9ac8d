"""The linked accounts, their subscriptions, who else is linked, and the ways out."""

import datetime
from dataclasses import replace
from functools import partial

from handlers.actions import (
    AnswerNoticeOffer,
    ChooseAccount,
    Forget,
    GiveRevokeCode,
    Revoke,
    ShowAccounts,
    ShowMyData,
    Unlink,
)
from handlers.alerts import tell_chats
from handlers.context import Context
from handlers.screens import account, linking, trouble
from handlers.screens.linking import refusal_words
from handlers.screens.screen import Screen
from handlers.telegram.chat_menu import drop_menu
from handlers.views.linking import answer_then_mail, delete_typed, warn_owner
from services.linking.code_limits import TooOften, TooSoon
from services.linking.code_results import AddressProven, Purpose
from services.security import SecurityEvent
from storage import personal_data
from storage.linking import codes, links, shared_addresses
from storage.linking.shared_addresses import OtherChat
from storage.notices import bookkeeper_copies, delivery_preferences, subscriptions
from storage.tables import Kind

_NEW_FOR = datetime.timedelta(hours=24)
_OLD_AFTER = datetime.timedelta(hours=24)


async def choose_account(context: Context, action: ChooseAccount) -> Screen:
    """Makes an account the current one; where its notices were never asked about, asks."""
    context.link(action.link)
    async with context.services.database.write() as session:
        await links.choose(session, context.chat.chat_id, action.link, context.services.clock())
    await context.reload()
    link = context.link(action.link)
    if link.subscriptions is None:
        unasked = sum(each.subscriptions is None for each in context.chat.links)
        return linking.offer_notices(context.t, link, context.t("link.chosen"), unasked)
    return linking.home(context.t, link)


async def answer_notice_offer(context: Context, action: AnswerNoticeOffer) -> Screen:
    """The answer to the one question, for every account that was not asked about yet."""
    link = context.link(action.link)
    unasked = [each.link_id for each in context.chat.links if each.subscriptions is None]
    async with context.services.database.write() as session:
        chosen = [link.link_id, *unasked]
        await subscriptions.set_subscriptions(
            session, context.chat.chat_id, chosen, {Kind.INVOICE_ISSUED}, on=action.yes
        )
    await context.reload()
    return linking.notice_answer(context.t, context.link(action.link), yes=action.yes)


async def accounts(context: Context, _action: ShowAccounts) -> Screen:
    """The accounts, and the other chats linked through the same addresses."""
    if not context.chat.links:
        return trouble.not_linked(context.t, context.services.company.name)
    async with context.services.database.read() as session:
        other_chats = await shared_addresses.other_chats(session, context.chat.chat_id)
        emails = await links.emails(session, context.chat.chat_id)
    local = [replace(other_chat, linked_at=context.local(other_chat.linked_at)) for other_chat in other_chats]
    return account.accounts(context.t, context.chat.links, emails, local)


async def revoke(context: Context, action: Revoke) -> Screen | None:
    """Removes another chat's links, and tells it so.

    A chat that was linked within the last day needs a second code to remove one that was linked before: else whoever
    read a single mail could put the owner out.
    """
    other = await _other_chat(context, action.chat)
    if other is None:
        return await accounts(context, ShowAccounts())
    if not action.sure:
        return account.confirm_revoke(context.t, other)
    email = await _address_to_prove(context, other)
    if email is None:
        return await _revoked(context, other)
    asked = await context.services.linking.ask(context.chat.chat_id, email, Purpose(for_chat=other.chat_id))
    if isinstance(asked, TooSoon):
        return account.revoke_trouble(context.t, context.t.plural("link.too_soon", asked.seconds), other.chat_id)
    if isinstance(asked, TooOften):
        words = context.t("link.too_often", time=context.t.formats.time(context.local(asked.until)))
        return account.revoke_trouble(context.t, words, other.chat_id)
    context.services.security.record(
        SecurityEvent.REVOCATION_NEEDS_CODE, chat_id=context.chat.chat_id, other_chat_id=other.chat_id
    )
    mail = context.services.code_delivery.deliver_revoke_code(asked, language=context.language)
    failed = partial(account.revoke_trouble, context.t, context.t("account.revoke_code_not_sent"), other.chat_id)
    await answer_then_mail(context, asked, account.revoke_code_sent(context.t, asked), mail, failed)
    return None


async def give_revoke_code(context: Context, action: GiveRevokeCode) -> Screen:
    """Takes an attempt at the second code of a revocation."""
    chat_id = context.chat.chat_id
    async with context.services.database.read() as session:
        other_id = await codes.chat_to_revoke(session, chat_id)
    if other_id is None:
        return await accounts(context, ShowAccounts())
    purpose = Purpose(for_chat=other_id)
    checked = await context.services.linking.check(chat_id, action.code, action.long_code, purpose)
    warn_owner(context, checked)
    if not isinstance(checked, AddressProven):
        until = context.local(checked.until) if isinstance(checked, TooOften) else None
        return account.revoke_trouble(context.t, refusal_words(context.t, checked, until), other_id)
    delete_typed(context)
    other = await _other_chat(context, other_id)
    if other is None or not await context.services.linking.use_revoke_proof(chat_id, other_id):
        return await accounts(context, ShowAccounts())
    return await _revoked(context, other)


async def _other_chat(context: Context, chat_id: int) -> OtherChat | None:
    async with context.services.database.read() as session:
        other_chats = await shared_addresses.other_chats(session, context.chat.chat_id)
    return next((other_chat for other_chat in other_chats if other_chat.chat_id == chat_id), None)


async def _address_to_prove(context: Context, other: OtherChat) -> str | None:
    """The shared address that this chat was linked through only lately, and the other long ago; ``None``: none."""
    now = context.services.clock()
    async with context.services.database.read() as session:
        shared = await shared_addresses.find_shared(session, context.chat.chat_id, other.chat_id)
    lately, long_ago = now - _NEW_FOR, now - _OLD_AFTER
    doubtful = (each.email for each in shared if each.own_since > lately and each.other_since < long_ago)
    return next(doubtful, None)


async def _revoked(context: Context, other: OtherChat) -> Screen:
    services, chat_id = context.services, context.chat.chat_id
    async with services.database.write() as session:
        removed = await shared_addresses.revoke(session, chat_id, other.chat_id, services.clock())
        linked = await links.chats_of_email(session, other.email)
    services.security.record(
        SecurityEvent.REVOKED, chat_id=chat_id, other_chat_id=other.chat_id, email=other.email, count=removed
    )
    others = [each for each in linked if each not in (chat_id, other.chat_id)]
    context.afterwards(_tell_of_revocation(context, other, others))
    return replace(await accounts(context, ShowAccounts()), note=context.t("account.revoked"))


async def _tell_of_revocation(context: Context, other: OtherChat, others: list[int]) -> None:
    company = context.services.company.name
    await tell_chats(context, [other.chat_id], lambda t: account.revoked(t, company))
    await tell_chats(context, others, lambda t: account.other_revoked(t, other), through=other.email)
    await context.services.alerts.revoked(other.email, context.language)


async def unlink(context: Context, action: Unlink) -> Screen:
    """Removes this chat's links, once the person is sure."""
    if not context.chat.links:
        return trouble.not_linked(context.t, context.services.company.name)
    if not action.sure:
        return account.confirm_unlink(context.t, context.chat.links)
    async with context.services.database.write() as session:
        removed = await links.unlink(session, context.chat.chat_id, context.services.clock())
    context.services.security.record(SecurityEvent.UNLINKED, chat_id=context.chat.chat_id, count=removed)
    return account.unlinked(context.t)


async def my_data(context: Context, _action: ShowMyData) -> Screen:
    """Everything that is remembered of this chat, in words."""
    t, chat = context.t, context.chat
    if not chat.is_known:
        return account.nothing_kept(t)
    async with context.services.database.read() as session:
        stored = await personal_data.load(session, chat.chat_id)
        preferences = await delivery_preferences.load(session, chat.chat_id)
        copies = [await bookkeeper_copies.find_by_link(session, link.link_id) for link in chat.links]
    local = stored and replace(stored, since=context.local(stored.since))
    return account.my_data(t, chat, local, preferences, [copy.email for copy in copies if copy])


async def forget(context: Context, action: Forget) -> Screen:
    """Erases everything remembered of this chat, once the person is sure."""
    if not action.sure:
        return account.confirm_forget(context.t)
    async with context.services.database.write() as session:
        await personal_data.delete_chat(session, context.chat.chat_id, context.services.clock())
    context.services.security.record(SecurityEvent.FORGOTTEN, chat_id=context.chat.chat_id)
    context.afterwards(drop_menu(context))
    return account.forgotten(context.t)
