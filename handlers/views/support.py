"""The conversation with the company's staff: begun and ended by the person."""

from handlers.actions import EndConversation, TalkToPerson
from handlers.context import Context
from handlers.screens import support as screens
from handlers.screens.screen import Screen
from handlers.screens.support import Subject
from handlers.telegram.reply import send
from handlers.telegram.support.closing import ConversationCloser
from handlers.telegram.support.topics import subject_text
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
    await send(context, screens.begun(context.t, company.name, about, is_unsent=_was_asked_in_words(context)))
    return None


def _was_asked_in_words(context: Context) -> bool:
    """Return whether a sentence, and no button or command, began the conversation."""
    message = context.incoming.effective_message if context.incoming and not context.is_tap else None
    return message is not None and bool(message.text) and commands.slashed(message.text or "") is None


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
