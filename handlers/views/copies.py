"""The bookkeeper's copy of an account's invoices: set up, confirmed by a code, stopped."""

import datetime
from collections.abc import Callable
from functools import partial

from handlers.actions import AskCopy, ConfirmCopy, ShowCopy, StopCopy, TypeCopyCode
from handlers.alerts import notify_chats
from handlers.context import Context
from handlers.screens import copies as screens, notices as notice_screens
from handlers.screens.copies import AwaitedCode, CopyState
from handlers.screens.linking import refusal_reason
from handlers.screens.screen import Screen
from handlers.text_actions import GiveCopyCode, GiveCopyEmail
from handlers.views.linking import CodeScreens, show_and_mail, warn_owner
from mail.errors import MailRefused, Refusal
from services.features import Feature
from services.linking.code_limits import TooOften, TooSoon
from services.linking.code_results import AddressProven, CodeRequested, Purpose
from services.security import SecurityEvent
from storage import chats
from storage.chats import Awaiting, LinkState
from storage.linking import codes, links
from storage.notices import bookkeeper_copies, outbox_report
from storage.privacy import consents
from storage.tables import Awaited, CodeState, ConsentPurpose
from texts.catalogue import Texts, message_id
from texts.escaping import masked_address, safe_person_name

_ANSWER_TIME = datetime.timedelta(hours=1)
_SENT_COPIES = 10
_UNUSED = (CodeState.LIVE, CodeState.LEFT)
"""The states of a bookkeeper's code that may still be typed: the screen of the copy offers it again."""


async def show_copy(context: Context, action: ShowCopy) -> Screen:
    """Show the bookkeeper's copy of one account."""
    link = context.link(action.link)
    async with context.services.database.read() as session:
        copy = await bookkeeper_copies.find_by_link(session, link.link_id)
        sent = await outbox_report.sent_to_copy(session, copy.copy_id, _SENT_COPIES) if copy else []
        code = await codes.latest(session, context.chat.chat_id, *_UNUSED, for_link=link.link_id)
        stopped_at = (
            None if copy else await outbox_report.copy_stopped_at(session, context.chat.chat_id, link.account_id)
        )
    awaited = (
        AwaitedCode(code.email, context.local(code.expires_at)) if code and code.expires_at > context.now else None
    )
    state = CopyState(
        email=copy.email if copy else None,
        is_paused=copy is not None and copy.paused_at is not None,
        stopped_on=context.local(stopped_at).date() if stopped_at else None,
        awaited=awaited,
        sent=tuple((each.number, context.local(each.at).date(), each.reason) for each in sent),
    )
    company = context.services.company
    return screens.bookkeeper_copy(
        context.t, link, state, stops_by_link=company.has_public_url, is_offered=company.offers_copies,
        is_sent=Feature.COPIES in context.features,
    )  # fmt: skip


async def type_code(context: Context, action: TypeCopyCode) -> Screen:
    """Await the code that was mailed to the bookkeeper, if it is still valid."""
    link = context.link(action.link)
    now = context.services.clock()
    async with context.services.database.write() as session:
        code = await codes.latest(session, context.chat.chat_id, *_UNUSED, for_link=link.link_id)
        if code is not None and code.expires_at > now:
            await codes.move(session, code.code_id, CodeState.LEFT, CodeState.LIVE)
            awaiting = Awaiting(Awaited.COPY_CODE, code.expires_at, link.link_id)
            await chats.set_awaiting(session, context.chat.chat_id, awaiting, now)
    if code is None or code.expires_at <= now:
        return await show_copy(context, ShowCopy(link.link_id))
    return screens.type_code(context.t, AwaitedCode(code.email, context.local(code.expires_at)), link.link_id)


async def confirm_copy(context: Context, action: ConfirmCopy) -> Screen | None:
    """Mail a code to the address of the copy, or to the one that has not confirmed yet."""
    link = context.link(action.link)
    async with context.services.database.read() as session:
        copy = await bookkeeper_copies.find_by_link(session, link.link_id)
        code = await codes.latest(session, context.chat.chat_id, *_UNUSED, for_link=link.link_id)
    email = code.email if code else copy.email if copy else None
    if email is None:
        return await show_copy(context, ShowCopy(link.link_id))
    return await give_copy_email(context, GiveCopyEmail(link.link_id, email), screens.copy_code_refused)


async def ask_copy(context: Context, action: AskCopy) -> Screen:
    """Ask for the bookkeeper's address."""
    context.link(action.link)
    if not context.services.company.offers_copies:
        return await show_copy(context, ShowCopy(action.link))
    now = context.services.clock()
    async with context.services.database.write() as session:
        awaiting = Awaiting(Awaited.COPY_EMAIL, now + _ANSWER_TIME, action.link)
        await chats.set_awaiting(session, context.chat.chat_id, awaiting, now)
    return screens.ask_copy(context.t, action.link)


async def give_copy_email(
    context: Context, action: GiveCopyEmail, refused: Callable[[Texts, str, int], Screen] = screens.copy_failed
) -> Screen | None:
    """Mail a code to the bookkeeper, who has to agree before invoices are sent there.

    Args:
        refused: the screen that says why a code cannot be asked for yet.
    """
    link = context.link(action.link)
    t = context.t
    if not context.services.company.offers_copies:
        return await show_copy(context, ShowCopy(action.link))
    purpose = Purpose(for_link=link.link_id)
    asked = await context.services.linking.request_code(context.chat.chat_id, action.email, purpose)
    match asked:
        case TooSoon(seconds):
            return refused(t, t.plural("link.too_soon", seconds), link.link_id)
        case TooOften(until):
            reason = t("link.too_often", time=t.formats.time(context.local(until)))
            return refused(t, reason, link.link_id)
        case CodeRequested():
            delivery = context.services.code_delivery
            mail = partial(
                delivery.deliver_copy_code, asked, account=link.account_name, asked_by=await _asker(context, link),
                language=context.language,
            )  # fmt: skip
            code_screens = CodeScreens(
                screens.copy_code_sent(t, asked, link.link_id),
                screens.copy_code_sent(t, asked, link.link_id, is_late=True),
                partial(_code_failed, context, asked.email, link.link_id),
            )
            await show_and_mail(context, asked, code_screens, mail)
    return None


async def _asker(context: Context, link: LinkState) -> str:
    """Return who asks for the copies, for the mail to the bookkeeper: the first name, or the masked address."""
    if safe_person_name(context.first_name):
        return context.first_name
    async with context.services.database.read() as session:
        email = (await links.emails(session, context.chat.chat_id)).get(link.link_id)
    return masked_address(email) if email else ""


def _code_failed(context: Context, email: str, link: int, error: Exception) -> Screen:
    """Return the screen that says whether the address or the mail service is the cause."""
    t = context.t
    if isinstance(error, MailRefused) and error.about is Refusal.RECIPIENT:
        return screens.copy_failed(t, t("copy.code_refused", email=email), link)
    return screens.copy_failed(t, t("copy.code_not_sent_now"), link)


async def give_copy_code(context: Context, action: GiveCopyCode) -> Screen:
    """Check the code that the bookkeeper got, and start the copies if it is right."""
    link = context.link(action.link)
    chat_id, t = context.chat.chat_id, context.t
    purpose = Purpose(for_link=link.link_id)
    checked = await context.services.linking.check_code(chat_id, action.code, action.long_code, purpose)
    warn_owner(context, checked)
    if not isinstance(checked, AddressProven):
        until = context.local(checked.until) if isinstance(checked, TooOften) else None
        return screens.copy_code_refused(t, refusal_reason(t, checked, until), link.link_id)
    wording = context.wording(message_id("copy.ask"))
    await context.services.linking.finish_copy(chat_id, link.link_id, context.language, wording)
    context.run_in_background(_notify_of_copy_change(context, link, stopped=False))
    return await show_copy(context, ShowCopy(link.link_id))


async def stop_copy(context: Context, action: StopCopy) -> Screen:
    """Stop the bookkeeper's copies of one account."""
    link = context.link(action.link)
    async with context.services.database.write() as session:
        is_stopped = await bookkeeper_copies.stop(session, link.link_id)
        if is_stopped:
            await consents.record(
                session, context.chat.chat_id, [ConsentPurpose.COPY], [link.link_id],
                context.wording(message_id("button.copy_stop")), context.services.clock(), is_given=False,
            )  # fmt: skip
    if is_stopped:
        context.services.security.record(SecurityEvent.COPY_STOPPED, cause="customer", chat_id=context.chat.chat_id)
        context.run_in_background(_notify_of_copy_change(context, link, stopped=True))
    return await show_copy(context, ShowCopy(link.link_id))


async def _notify_of_copy_change(context: Context, link: LinkState, *, stopped: bool) -> None:
    """Notify the address of the link, and the other chats linked through it."""
    async with context.services.database.read() as session:
        email = (await links.emails(session, context.chat.chat_id)).get(link.link_id)
        linked = await links.chats_of_email(session, email) if email else []
    if email is None:
        return
    name = link.account_name
    others = [each for each in linked if each != context.chat.chat_id]
    await notify_chats(context, others, lambda t: notice_screens.copy_changed(t, name, stopped=stopped), email=email)
    await context.services.alerts.send_copy_changed(email, context.language, account=name, stopped=stopped)
