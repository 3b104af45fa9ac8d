"""The conversation with the company's staff: begun and ended by the person, and the sentence that began it."""

from telegram import Message

from handlers.actions import EndConversation, PassOn, TalkToPerson
from handlers.context import Context
from handlers.screens import support as screens
from handlers.screens.screen import Screen
from handlers.screens.support import Subject
from handlers.telegram.reply import send
from handlers.telegram.support.closing import ConversationCloser
from handlers.telegram.support.messages import mark_relayed
from handlers.telegram.support.relay import is_valid, relay
from handlers.telegram.support.topics import subject_of, subject_text
from services.understanding import commands
from storage import chats, support
from storage.chats import LinkState
from storage.privacy import consents
from storage.support import EndReason
from storage.tables import ConsentPurpose
from texts.catalogue import message_id


async def talk(context: Context, action: TalkToPerson) -> Screen | None:
    """Begin a conversation, or change what it is about; without a staff's chat, tell how to reach a person.

    The answer is a message of its own: the order or invoice with the tapped button stays.
    """
    company = context.services.company
    if company.staff_chat is None:
        await send(context, screens.contact(context.t, company.name, company.support))
        return None
    link = _account(context, action.link)
    part, number = (action.part, action.number) if link and link.link_id == action.link else (None, "")
    now, chat_id = context.services.clock(), context.chat.chat_id
    async with context.services.database.write() as session:
        link_id = link.link_id if link else None
        subject = subject_text(part, number)
        await support.begin(session, chat_id, company.staff_chat, link_id, subject, now, language=context.language)
        await chats.set_awaiting(session, chat_id, None, now)
        await consents.record(
            session, chat_id, [ConsentPurpose.SUPPORT], consents.WHOLE_CHAT,
            context.wording(message_id("person.relayed")), now, is_given=True,
        )  # fmt: skip
    context.run_in_background(close_ended(context))  # one about another account
    about = Subject(link.account_name if link else "", part, number)
    await send(context, screens.begun(context.t, company.name, about, unsent=_asked_in_words(context)))
    return None


def _asked_in_words(context: Context) -> int | None:
    """Return the id of the message whose sentence began the conversation; None for a button or a command."""
    message: Message | None = context.incoming.effective_message if context.incoming and not context.is_tap else None
    text = (message.text or message.caption or "") if message is not None else ""
    return message.message_id if message is not None and text and commands.slashed(text) is None else None


async def pass_on(context: Context, action: PassOn) -> Screen | None:
    """Relay the message that began the conversation, once; where that fails, the button stays."""
    t, company, chat_id = context.t, context.services.company, context.chat.chat_id
    async with context.services.database.read() as session:
        found = await support.find_open(session, chat_id)
        known = await support.staff_messages(session, found.conversation_id, [action.message]) if found else {}
    if found is None or found.staff_chat != company.staff_chat or not await is_valid(context, found):
        context.run_in_background(close_ended(context))
        await send(context, screens.over(t))
        return None
    to = found.staff_chat

    async def copy(topic: int) -> int:
        # No update has the message any more: Telegram copies it by its id, with what it holds by now.
        return (await context.bot.copy_message(to, chat_id, action.message, message_thread_id=topic)).message_id

    if action.message not in known:
        if failed := await relay(context, found, action.message, copy, refused=screens.write_again(t)):
            await send(context, failed)
            return None
        context.run_in_background(mark_relayed(context.bot, chat_id, action.message))
    return screens.begun(t, company.name, subject_of(context, found), is_passed_on=True)


def _account(context: Context, link_id: int) -> LinkState | None:
    """Return the link of a button, else the current one; None without one, and for an idle one."""
    link = context.chat.link(link_id) or context.chat.current
    return None if link is None or context.services.access.is_idle(link) else link


async def end(context: Context, _action: EndConversation) -> Screen | None:
    """End the conversation. The answer is a message of its own: the button may be below an answer of the staff."""
    async with context.services.database.write() as session:
        conversation = await support.find_open(session, context.chat.chat_id)
        if conversation is not None:
            now = context.services.clock()
            await support.end(session, conversation.conversation_id, EndReason.PERSON, now)
            await consents.record(
                session, context.chat.chat_id, [ConsentPurpose.SUPPORT], consents.WHOLE_CHAT,
                context.wording(message_id("button.end_conversation")), now, is_given=False,
            )  # fmt: skip
    if conversation is None:
        await send(context, screens.no_conversation(context.t))
        return None
    context.run_in_background(close_ended(context))
    await send(context, screens.ended(context.t, EndReason.PERSON))
    return None


async def close_ended(context: Context) -> None:
    """Close the conversations that have ended; the worker does what fails here."""
    services = context.services
    await ConversationCloser(context.bot, services.database, services.company, services.clock).close_ended()
