"""Linked accounts, revocation of other chats, unlinking, and the stored personal data."""

import asyncio
import dataclasses
import datetime
from functools import partial

from msgspec.structs import replace
from telegram import InputFile

from handlers.actions import ChooseAccount, Forget, Revoke, ShowAccounts, ShowMyData, Unlink
from handlers.alerts import notify_chats
from handlers.context import Context
from handlers.screens import account, linking
from handlers.screens.linking import refusal_reason
from handlers.screens.screen import Screen
from handlers.telegram.chat_menu import reset_menu
from handlers.telegram.documents import UPLOAD_SECONDS, send_file
from handlers.telegram.render import render
from handlers.telegram.reply import delete_messages, repeated
from handlers.text_actions import GiveRevokeCode
from handlers.views.home import home, not_linked
from handlers.views.linking import CodeScreens, delete_code_message, show_and_mail, warn_owner
from services.linking.code_limits import TooOften, TooSoon
from services.linking.code_results import AddressProven, Purpose
from services.retention import export
from services.security import SecurityEvent
from storage import personal_data
from storage.chats import LinkState
from storage.linking import codes, links, shared_addresses
from storage.linking.shared_addresses import OtherChat
from storage.notices import bookkeeper_copies, delivery_preferences
from storage.privacy import consents
from texts.catalogue import message_id

_NEW_LINK_AGE = datetime.timedelta(hours=24)
_DELETABLE_FOR = datetime.timedelta(hours=47)
"""Age up to which messages are deleted: Telegram allows 48 hours, and refuses a whole call for one that is older."""


async def choose_account(context: Context, action: ChooseAccount) -> Screen | None:
    """Make an account the current one, and offer notices if that has not been done."""
    context.link(action.link)
    async with context.services.database.write() as session:
        await links.choose(session, context.chat.chat_id, action.link, context.services.clock())
    await context.reload()
    link = context.link(action.link)
    if link.subscriptions is None:
        unasked = sum(each.subscriptions is None for each in context.chat.links)
        return linking.offer_notices(context.t, link, context.t("link.chosen"), unasked)
    return await home(context, link)


async def accounts(context: Context, _action: ShowAccounts) -> Screen:
    """Show the accounts, and the other chats linked through the same addresses."""
    if not context.chat.links:
        return not_linked(context)
    async with context.services.database.read() as session:
        other_chats = await shared_addresses.other_chats(session, context.chat.chat_id)
        emails = await links.emails(session, context.chat.chat_id)
    local = [
        dataclasses.replace(other_chat, linked_at=context.local(other_chat.linked_at)) for other_chat in other_chats
    ]
    return account.accounts(context.t, context.chat.links, emails, local, sealed=len(context.chat.sealed_links))


async def revoke(context: Context, action: Revoke) -> Screen | None:
    """Remove another chat's links after a confirmation, and notify that chat.

    A chat that was linked in the last 24 hours needs a second code to remove one that was linked before. Otherwise,
    a person who read a single mail could remove the owner's links.
    """
    other = await _other_chat(context, action.chat)
    if other is None:
        return await accounts(context, ShowAccounts())
    if not action.sure:
        return account.confirm_revoke(context.t, other)
    email = await _address_to_prove(context, other)
    if email is None:
        return await _revoke(context, other)
    asked = await context.services.linking.request_code(context.chat.chat_id, email, Purpose(for_chat=other.chat_id))
    if isinstance(asked, TooSoon):
        return account.revoke_failed(context.t, context.t.plural("link.too_soon", asked.seconds), other.chat_id)
    if isinstance(asked, TooOften):
        reason = context.t("link.too_often", time=context.t.formats.time(context.local(asked.until)))
        return account.revoke_failed(context.t, reason, other.chat_id)
    context.services.security.record(
        SecurityEvent.REVOCATION_NEEDS_CODE, chat_id=context.chat.chat_id, other_chat_id=other.chat_id
    )
    mail = partial(context.services.code_delivery.deliver_revoke_code, asked, language=context.language)
    t, until = context.t, context.now + datetime.timedelta(minutes=asked.minutes)
    screens = CodeScreens(
        account.revoke_code_sent(t, asked),
        account.revoke_code_late(t, until),
        lambda _: account.revoke_failed(t, t("account.revoke_code_not_sent"), other.chat_id),
    )
    await show_and_mail(context, asked, screens, mail)
    return None


async def give_revoke_code(context: Context, action: GiveRevokeCode) -> Screen:
    """Check the second code of a revocation, and revoke if it is right."""
    chat_id = context.chat.chat_id
    async with context.services.database.read() as session:
        other_id = await codes.chat_to_revoke(session, chat_id)
    if other_id is None:
        return await accounts(context, ShowAccounts())
    purpose = Purpose(for_chat=other_id)
    checked = await context.services.linking.check_code(chat_id, action.code, action.long_code, purpose)
    warn_owner(context, checked)
    if not isinstance(checked, AddressProven):
        until = context.local(checked.until) if isinstance(checked, TooOften) else None
        return account.revoke_failed(context.t, refusal_reason(context.t, checked, until), other_id)
    delete_code_message(context)
    other = await _other_chat(context, other_id)
    if other is None or not await context.services.linking.use_revoke_proof(chat_id, other_id):
        return await accounts(context, ShowAccounts())
    return await _revoke(context, other)


async def _other_chat(context: Context, chat_id: int) -> OtherChat | None:
    async with context.services.database.read() as session:
        other_chats = await shared_addresses.other_chats(session, context.chat.chat_id)
    return next((other_chat for other_chat in other_chats if other_chat.chat_id == chat_id), None)


async def _address_to_prove(context: Context, other: OtherChat) -> str | None:
    """Return a shared address through which this chat is new and the other chat is not; None if there is none."""
    new_since = context.services.clock() - _NEW_LINK_AGE
    async with context.services.database.read() as session:
        shared = await shared_addresses.find_shared(session, context.chat.chat_id, other.chat_id)
    return next((each.email for each in shared if each.own_since > new_since > each.other_since), None)


async def _revoke(context: Context, other: OtherChat) -> Screen:
    services, chat_id = context.services, context.chat.chat_id
    async with services.database.write() as session:
        removed = await shared_addresses.revoke(session, chat_id, other.chat_id, services.clock())
        linked = await links.chats_of_email(session, other.email)
    services.security.record(
        SecurityEvent.REVOKED, chat_id=chat_id, other_chat_id=other.chat_id, email=other.email, count=removed
    )
    others = [each for each in linked if each not in (chat_id, other.chat_id)]
    context.run_in_background(_notify_of_revocation(context, other, others))
    return replace(await accounts(context, ShowAccounts()), note=context.t("account.revoked"))


async def _notify_of_revocation(context: Context, other: OtherChat, others: list[int]) -> None:
    company = context.services.company.name
    await notify_chats(context, [other.chat_id], lambda t: account.revoked(t, company))
    await notify_chats(context, others, lambda t: account.other_revoked(t, other), email=other.email)
    await context.services.alerts.send_revoked(other.email, context.language)


async def unlink(context: Context, action: Unlink) -> Screen:
    """Remove this chat's links, or those to one account, after a confirmation."""
    chat, now = context.chat, context.services.clock()
    if not chat.links and action.sure:
        return account.unlinked(context.t)  # a repeated tap
    if not chat.links:
        return not_linked(context)
    if action.link and len(removed := _links_to_account(context, action.link)) < len(chat.links):
        return await _unlink_account(context, removed, is_sure=action.sure)
    if not action.sure:
        return account.confirm_unlink(context.t, chat.links)
    async with context.services.database.write() as session:
        wording = context.wording(message_id("account.sure_to_unlink"))
        await consents.withdraw_all(session, chat.chat_id, wording, now)
        count = await links.unlink(session, chat.chat_id, now)
    context.services.security.record(SecurityEvent.UNLINKED, chat_id=chat.chat_id, count=count)
    return account.unlinked(context.t)


def _links_to_account(context: Context, link_id: int) -> list[LinkState]:
    """Return the chat's links to the account of one of them; empty where that one is gone."""
    one = context.chat.link(link_id)
    return [link for link in context.chat.links if one is not None and link.account_id == one.account_id]


async def _unlink_account(context: Context, removed: list[LinkState], *, is_sure: bool) -> Screen:
    """Remove the links to one of several accounts after a confirmation; none where the account was unlinked before."""
    if removed and not is_sure:
        return account.confirm_unlink_account(context.t, removed[0])
    if removed:
        chat_id, now, own = context.chat.chat_id, context.services.clock(), [link.link_id for link in removed]
        async with context.services.database.write() as session:
            wording = context.wording(message_id("account.sure_to_unlink_one"))
            await consents.withdraw_all(session, chat_id, wording, now, of_links=own)
            count = await links.remove_links(session, own, now, links.UNLINKED)
        context.services.security.record(SecurityEvent.UNLINKED, chat_id=chat_id, count=count)
        await context.reload()
    return replace(await accounts(context, ShowAccounts()), note=context.t("account.unlinked_one"))


async def my_data(context: Context, action: ShowMyData) -> Screen | None:
    """Show the stored personal data of this chat, or send every stored row as files."""
    t, chat = context.t, context.chat
    if not chat.is_known:
        return account.no_stored_data(t)
    if action.files:
        await _send_files(context)
        return None
    async with context.services.database.read() as session:
        stored = await personal_data.load(session, chat.chat_id)
        preferences = await delivery_preferences.load(session, chat.chat_id)
        copies = [await bookkeeper_copies.find_by_link(session, link.link_id) for link in chat.links]
    local = stored and replace(stored, since=context.local(stored.since))
    return account.my_data(t, chat, local, preferences, [copy.email for copy in copies if copy])


async def _send_files(context: Context) -> None:
    """Send what the database holds of this chat: as JSON for programs, and as CSV for spreadsheets."""
    services, chat_id, t = context.services, context.chat.chat_id, context.t
    name = t("data.file_name")
    async with services.documents:
        async with services.database.read() as session:
            rows = await personal_data.rows_of_chat(session, chat_id)
        for ending, write, caption in (
            ("json", export.write_json, account.json_caption(t)),
            ("csv", export.write_csv, account.csv_caption(t)),
        ):
            content = await asyncio.to_thread(write, t, rows, services.clock())
            file = InputFile(content, filename=f"{name}.{ending}", attach=False)
            send = partial(
                send_file, context.bot, chat_id, file, caption=render(caption),
                thread_id=context.thread_id, seconds=UPLOAD_SECONDS,
            )  # fmt: skip
            await repeated(context, send)


async def forget(context: Context, action: Forget) -> Screen:
    """Erase the stored personal data of this chat after a confirmation."""
    if not action.sure:
        return account.confirm_forget(context.t)
    now = context.services.clock()
    async with context.services.database.write() as session:
        messages = await personal_data.deletable_messages(session, context.chat.chat_id, now - _DELETABLE_FOR)
        await personal_data.delete_chat(session, context.chat.chat_id, now)
    context.services.security.record(SecurityEvent.FORGOTTEN, chat_id=context.chat.chat_id)
    context.run_in_background(reset_menu(context))
    if messages:
        context.run_in_background(delete_messages(context, messages))
    return account.forgotten(context.t)
