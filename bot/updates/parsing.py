"""Parse one update of Telegram's JSON."""

from typing import Any, TypeGuard

from telegram import Bot, Message, Update
from telegram.error import NetworkError

from bot.bot_api.answer import is_too_deep, parse_object
from bot.updates.plain_update import plain_update

_MAX_ID = 2**63
"""What the database's 64-bit columns hold. PTB does not check ids."""


def read_json(content: bytes) -> dict[str, Any] | None:
    """Return the JSON object of a webhook's body or of the inbox; None if there is none.

    Bytes that are no UTF-8 and unpaired surrogates become U+FFFD, as in the answers to getUpdates: Telegram posts an
    update again and again until it is taken.
    """
    try:
        return parse_object(content)
    except NetworkError:
        return None


def update_id_of(raw: object) -> int | None:
    """Return the update's id; None if the value has no valid one."""
    update_id = raw.get("update_id") if isinstance(raw, dict) else None
    return update_id if _is_id(update_id) and update_id >= 0 else None


def parse_update(raw: object, bot: Bot) -> Update | None:
    """Return the update; None if PTB cannot parse it, a part is missing or of another type, or an id is too large."""
    if not isinstance(raw, dict) or update_id_of(raw) is None or is_too_deep(raw):
        return None
    try:
        update = plain_update(raw, bot) or Update.de_json(raw, bot)
        sender = update.effective_chat, update.effective_user
    except Exception:  # PTB's constructors raise many types, such as RecursionError and OverflowError
        return None
    are_ids = all(_is_id(each.id) for each in sender if each is not None)
    return update if are_ids and _is_complete(update) and _has_texts(update) else None


def _is_complete(update: Update) -> bool:
    """Return whether the parts that Telegram always sends are there: PTB reads an empty object as None."""
    query, change, message = (
        update.callback_query or update.inline_query,
        update.my_chat_member,
        update.effective_message,
    )
    parts: list[object] = [query.from_user] if query else []
    parts += [change.chat, change.from_user, change.new_chat_member] if change else []
    parts += [message.chat] if message else []
    return None not in parts


def _has_texts(update: Update) -> bool:
    """Return whether the fields that handlers read as text are text or absent: PTB checks no types."""
    query, user, message = update.callback_query, update.effective_user, update.effective_message
    texts: list[object] = [query.data, query.id] if query else []
    if user:
        texts += [user.first_name, user.language_code]
    if isinstance(message, Message):
        texts += [message.text, message.caption, message.media_group_id]
        if message.document:
            texts.append(message.document.file_name)
    return all(text is None or isinstance(text, str) for text in texts)


def _is_id(value: object) -> TypeGuard[int]:
    return type(value) is int and -_MAX_ID <= value < _MAX_ID
