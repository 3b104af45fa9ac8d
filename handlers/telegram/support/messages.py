"""Copy a message to the other side of a conversation, and repeat its edits there. No copy names its author's profile.

Messages to a person begin with the first name of the staff's member. Messages to the staff are plain copies: the topic
says whose they are.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from telegram import (
    InputMedia,
    InputMediaAnimation,
    InputMediaAudio,
    InputMediaDocument,
    InputMediaPhoto,
    InputMediaVideo,
    Message,
    MessageEntity,
    ReplyParameters,
)
from telegram.constants import ReactionEmoji
from telegram.error import TelegramError
from telegram.ext import ExtBot

_TEXT_LIMIT = 4096
_CAPTION_LIMIT = 1024
_CAPTIONED = ("photo", "video", "animation", "audio", "document", "voice")
_REFUSED_ENTITIES = (MessageEntity.CUSTOM_EMOJI, MessageEntity.TEXT_MENTION)
"""Bots may not send the first; the second names a profile."""

Markup = dict[str, Any]


async def copy_message(
    bot: ExtBot[None],
    message: Message,
    to: int,
    *,
    name: str = "",
    thread_id: int | None = None,
    reply_to: int | None = None,
    markup: Markup | None = None,
) -> int:
    """Send the content of a message to another chat.

    Args:
        name: who wrote it, shown before it; empty for nobody.
        thread_id: the topic to send it to, or None.
        reply_to: the message to quote, if it still exists, or None.
        markup: ``Message.reply_markup`` of a rendered screen.

    Returns:
        The id of the new message.

    Raises:
        TelegramError: it was not sent, or possibly not.
    """
    where: dict[str, Any] = {"chat_id": to, "message_thread_id": thread_id}
    if reply_to is not None:
        where["reply_parameters"] = ReplyParameters(reply_to, allow_sending_without_reply=True)
    text, entities = _signed(name, message)
    if name and message.text is not None and _length(text) <= _TEXT_LIMIT:
        sent = await bot.send_message(
            **where, text=text, entities=entities, link_preview_options=message.link_preview_options, api_kwargs=markup
        )
        return sent.message_id
    caption: dict[str, Any] = {}
    if name and _has_caption(message) and _length(text) <= _CAPTION_LIMIT:
        caption = {"caption": text, "caption_entities": entities}
    elif name:
        await bot.send_message(to, name, entities=[MessageEntity(MessageEntity.BOLD, 0, _length(name))])
    copied = await bot.copy_message(
        **where, **caption, from_chat_id=message.chat_id, message_id=message.message_id, api_kwargs=markup
    )
    return copied.message_id


async def edit_copy(
    bot: ExtBot[None], message: Message, chat_id: int, copy_id: int, *, name: str = "", markup: Markup | None = None
) -> None:
    """Change the copy of a message as the message was changed. What has no text and no caption stays as it is.

    Args:
        message: the edited message.
        chat_id: the chat of the copy.
        copy_id: the copy.
        name: as for ``copy_message``.
        markup: as for ``copy_message``.

    Raises:
        TelegramError: it was not changed, or possibly not.
    """
    which: dict[str, Any] = {"chat_id": chat_id, "message_id": copy_id, "api_kwargs": markup}
    text, entities = _signed(name, message)
    if message.text is not None:
        if _length(text) > _TEXT_LIMIT:
            text, entities = _signed("", message)
        await bot.edit_message_text(text, **which, entities=entities)
        return
    if not _has_caption(message):
        return
    if _length(text) > _CAPTION_LIMIT:
        text, entities = _signed("", message)
    media = _input_media(message, text, entities)
    if media is not None:
        await bot.edit_message_media(media, **which)
    else:
        await bot.edit_message_caption(**which, caption=text, caption_entities=entities)


async def mark_relayed(bot: ExtBot[None], chat_id: int, message_id: int) -> None:
    """Mark a person's message as relayed, by a reaction to it; a failure loses nothing."""
    with suppress(TelegramError):
        await bot.set_message_reaction(chat_id, message_id, ReactionEmoji.OK_HAND_SIGN)


def _signed(name: str, message: Message) -> tuple[str, list[MessageEntity]]:
    """Return the text or caption after the name, and the entities of both."""
    text, entities = message.text, message.entities
    if text is None:
        text, entities = message.caption or "", message.caption_entities
    kept = [each for each in entities if each.type not in _REFUSED_ENTITIES]
    if not name:
        return text, kept
    start = _length(name) + 1
    bold = MessageEntity(MessageEntity.BOLD, 0, start - 1)
    return f"{name}\n{text}".rstrip("\n"), [bold, *_moved(kept, start)]


def _moved(entities: Sequence[MessageEntity], by: int) -> list[MessageEntity]:
    return [
        MessageEntity(each.type, each.offset + by, each.length, url=each.url, language=each.language)
        for each in entities
    ]


def _input_media(message: Message, caption: str, entities: Sequence[MessageEntity]) -> InputMedia | None:
    """Return the content of an edited message by its ``file_id``; None for a voice message: none replaces it."""
    more: dict[str, Any] = {"caption": caption, "caption_entities": entities}
    if message.photo:
        return InputMediaPhoto(message.photo[-1].file_id, **more)
    if message.video:
        return InputMediaVideo(message.video.file_id, **more)
    if message.animation:  # before the document, which an animation has too
        return InputMediaAnimation(message.animation.file_id, **more)
    if message.audio:
        return InputMediaAudio(message.audio.file_id, **more)
    if message.document:
        return InputMediaDocument(message.document.file_id, **more)
    return None


def _has_caption(message: Message) -> bool:
    return any(getattr(message, kind) for kind in _CAPTIONED)


def _length(text: str) -> int:
    """Return the UTF-16 units of a text, in which entities are counted."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
