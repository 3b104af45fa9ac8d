"""Linking: the address, the code, and the new links."""

import datetime
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial

import structlog
from msgspec import Struct
from telegram.error import TelegramError

from handlers.actions import ConfirmAddress, FinishLinking, OpenNumber, ResendCode, StartLinking
from handlers.alerts import notify_chats
from handlers.context import Context
from handlers.screens import account, failures, invitations, linking
from handlers.screens.privacy import BEFORE_ADDRESS
from handlers.screens.screen import Screen
from handlers.telegram.failures import classify
from handlers.telegram.reply import delete, edit, send, show
from handlers.text_actions import GiveCode, GiveEmail
from handlers.views.search import open_number
from mail.errors import MailError
from portal.errors import PortalError
from services.linking.code_limits import TooOften, TooSoon
from services.linking.code_results import AddressProven, CheckResult, CodeExpired, CodeRequested, Linked, WrongCode
from services.linking.code_retries import OnLate
from services.understanding.payloads import PaperOpened, read_payload
from storage import chats
from storage.linking import codes, links, pending_papers
from storage.tables import CodeState

_REPEATED_TAP = datetime.timedelta(hours=2)
"""How long after a link's creation a tap to finish linking counts as a repeated one."""
_PAPER_WAITS = datetime.timedelta(hours=2)
"""How long the order or invoice of a link waits for the chat to be linked: as long as the longest code is valid."""

log = structlog.get_logger()


async def start_linking(context: Context, _action: StartLinking) -> Screen:
    """Ask for an address."""
    await context.services.linking.expect_email(context.chat.chat_id)
    return linking.ask_email(context.t, context.services.company.name, is_another=context.chat.current is not None)


async def give_email(context: Context, action: GiveEmail) -> Screen | None:
    """Store a code, and mail it after the answer: its time must not reveal whether the portal knows the address."""
    return await _code_screen(context, await context.services.linking.request_code(context.chat.chat_id, action.email))


async def resend_code(context: Context, _action: ResendCode) -> Screen | None:
    """Mail another code to the same address."""
    asked = await context.services.linking.request_code_again(context.chat.chat_id)
    if asked is None:
        return await start_linking(context, StartLinking())
    return await _code_screen(context, asked, again=True)


async def _code_screen(
    context: Context, asked: CodeRequested | TooSoon | TooOften, *, again: bool = False
) -> Screen | None:
    """Return why no code is mailed; None after showing that one is, and starting to mail it."""
    match asked:
        case TooSoon(seconds):
            return linking.too_soon(context.t, seconds)
        case TooOften(until):
            return linking.too_often(context.t, context.local(until))
        case CodeRequested():
            delivery = context.services.code_delivery
            mail = partial(delivery.deliver, asked, first_name=context.first_name, language=context.language)
            until, company = context.now + datetime.timedelta(minutes=asked.minutes), context.services.company.name
            screens = CodeScreens(
                linking.code_sent(context.t, asked, company, again=again),
                linking.code_late(context.t, asked, company, until),
                lambda _: linking.code_not_sent(context.t, context.now),
            )
            await show_and_mail(context, asked, screens, mail)
    return None


class CodeScreens(Struct, frozen=True):
    """The screens of a code that is being mailed.

    Args:
        sent: the first one, which asks for the code.
        late: replaces it while the mail is tried again.
        failed: makes the last one, from the error, if the code cannot be mailed.
    """

    sent: Screen
    late: Screen
    failed: Callable[[Exception], Screen]


async def show_and_mail(
    context: Context, asked: CodeRequested, screens: CodeScreens, mail: Callable[[OnLate], Awaitable[None]]
) -> None:
    """Show a screen, and mail a code in the background, so that the time of the answer reveals nothing.

    Args:
        mail: sends the code, also if the screen was not delivered in time: the code in the mail is then the answer. It
            is not called if Telegram refuses the screen, or the process stops.
    """
    message_id = None
    try:
        message_id = await show(context, screens.sent)
    except TelegramError as error:
        if not classify(error).may_pass:
            raise
    context.run_in_background(_mail(context, asked, message_id, screens, mail))


async def confirm_address(context: Context, action: ConfirmAddress) -> Screen | None:
    """Mail a code to the address of an idle link."""
    link = context.link(action.link)
    async with context.services.database.read() as session:
        email = (await links.emails(session, context.chat.chat_id)).get(link.link_id)
    if email is None:
        return await start_linking(context, StartLinking())
    return await _code_screen(context, await context.services.linking.request_code(context.chat.chat_id, email))


async def _mail(
    context: Context,
    asked: CodeRequested,
    message_id: int | None,
    screens: CodeScreens,
    mail: Callable[[OnLate], Awaitable[None]],
) -> None:
    async def show_instead(screen: Screen) -> None:
        if message_id is None or not await edit(context, message_id, screen):
            await send(context, screen)

    async def on_late() -> None:
        with suppress(TelegramError):  # the mail is tried again all the same
            await show_instead(screens.late)

    try:
        await mail(on_late)
    except (PortalError, MailError) as error:
        log.error("linking.code_not_sent", error=type(error).__name__, reason=str(error))
        await show_instead(screens.failed(error))
    finally:
        if asked.warns_owner:
            await context.services.code_delivery.warn_owner(asked.email, context.language)


def warn_owner(context: Context, checked: CheckResult) -> None:
    """Mail a warning of wrong codes to the owner of the address, in the background, if it is due."""
    if isinstance(checked, WrongCode) and checked.warns_owner:
        context.run_in_background(context.services.code_delivery.warn_owner(checked.warns_owner, context.language))


async def give_code(context: Context, action: GiveCode) -> Screen | None:
    """Check a code, and create the links if it is right."""
    checked = await context.services.linking.check_code(context.chat.chat_id, action.code, action.long_code)
    if isinstance(checked, AddressProven):
        delete_code_message(context)
        return await finish_linking(context, FinishLinking())
    warn_owner(context, checked)
    until = context.local(checked.until) if isinstance(checked, TooOften) else None
    return linking.code_refused(context.t, checked, until)


def delete_code_message(context: Context) -> None:
    """Delete the person's message with a used code, in the background."""
    update = context.incoming
    if update and update.effective_message and not update.callback_query:
        context.run_in_background(delete(context, update.effective_message.message_id))


async def finish_linking(context: Context, _action: FinishLinking) -> Screen | None:
    """Create the links. If the portal does not answer, a button tries again without a new code."""
    chat_id = context.chat.chat_id
    try:
        linked = await context.services.linking.finish(chat_id, context.first_name, context.wording(BEFORE_ADDRESS))
    except PortalError as error:
        log.warning("linking.portal_failed", error=type(error).__name__, reason=str(error))
        async with context.services.database.read() as session:
            proven = await codes.latest(session, chat_id, CodeState.PROVEN)
        if proven is None:
            return linking.expired_code(context.t)
        return linking.portal_down_after_code(context.t, context.local(proven.expires_at), context.now)
    if isinstance(linked, CodeExpired):
        return linked_before(context) or linking.expired_code(context.t)
    return await links_made(context, linked)


async def links_made(context: Context, linked: Linked) -> Screen | None:
    """Notify of new links, and show them; then open the order or invoice that a link named before."""
    chat_id = context.chat.chat_id
    if linked.is_new and linked.links:
        context.run_in_background(_notify_of_new_link(context, linked))
    if not linked.links:
        return linking.no_account(context.t, context.services.company.name)
    if context.chat.language is None:  # a notice has no update to read a language from
        async with context.services.database.write() as session:
            await chats.set_language(session, chat_id, context.language, context.services.clock())
    await context.reload()
    made = {(link.contact_id, link.account_id) for link in linked.links}
    shown = tuple(link for link in context.chat.links if (link.contact_id, link.account_id) in made)
    screen = linking.linked(context.t, shown, _unasked(context))
    return await _with_pending_paper(context, screen)


async def _with_pending_paper(context: Context, screen: Screen) -> Screen | None:
    """Show the new links, and below them the order or invoice that waited for them; return the screen if none did."""
    async with context.services.database.write() as session:
        payload = await pending_papers.take(session, context.chat.chat_id, context.services.clock())
    paper, current = read_payload(payload or ""), context.chat.current
    if not isinstance(paper, PaperOpened) or current is None:
        return screen
    await show(context, screen)
    opening = OpenNumber(current.link_id, paper.number, paper.part)
    try:
        opened = await open_number(context, opening)
    except PortalError as error:
        log.warning("linking.paper_not_opened", error=type(error).__name__, reason=str(error))
        opened = failures.portal_down(context.t, opening, context.now)
    if opened is not None:
        await send(context, opened, link=current.link_id)
    return None


async def open_after_linking(context: Context, paper: PaperOpened) -> Screen:
    """Remember the order or invoice of a link until the chat is linked, and ask to link it."""
    now = context.services.clock()
    async with context.services.database.write() as session:
        await pending_papers.save(session, context.chat.chat_id, paper.payload, now, now + _PAPER_WAITS)
    return invitations.paper_needs_link(context.t, context.services.company.name, paper)


def linked_before(context: Context) -> Screen | None:
    """Return the screen of the links that an earlier tap of the same button created; None if there are none."""
    since = context.services.clock() - _REPEATED_TAP
    new = tuple(link for link in context.chat.links if link.linked_at > since)
    return linking.linked(context.t, new, _unasked(context)) if new else None


def _unasked(context: Context) -> int:
    return sum(link.subscriptions is None for link in context.chat.links)


async def _notify_of_new_link(context: Context, linked: Linked) -> None:
    """Notify the address, and the other chats that are linked through it."""
    name, chat_id = context.first_name, context.chat.chat_id
    await notify_chats(context, linked.others, lambda t: account.new_link(t, name, chat_id), email=linked.proven)
    language = linked.language or context.language
    await context.services.alerts.send_linked(linked.email, language, first_name=name)
