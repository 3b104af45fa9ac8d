"""Parse the updates of most people, texts and taps, as PTB does and in half the time.

PTB looks for each of a message's hundred fields in the JSON, and calls a method for each attribute that it sets: a
fifth of all that a text costs the process (``make bench``). Here a message whose fields are all known is constructed
from these; any other is left to PTB.
"""

import datetime
from typing import Any, TypeVar

from telegram import Bot, CallbackQuery, Chat, InlineKeyboardMarkup, Message, MessageEntity, Update, User

_REQUIRED = frozenset({"message_id", "date", "chat"})
_FIELDS = _REQUIRED | {
    "from", "text", "entities", "edit_date", "reply_markup", "message_thread_id", "is_topic_message",
}  # fmt: skip
_TAP_REQUIRED = frozenset({"id", "from", "chat_instance"})
_TAP_FIELDS = _TAP_REQUIRED | {"message", "data"}

_Parsed = TypeVar("_Parsed", Update, Message, CallbackQuery)


class _Unfrozen:
    """Sets attributes without PTB's check that the object is not frozen."""

    __slots__ = ()
    __setattr__ = object.__setattr__


class _Message(_Unfrozen, Message):
    __slots__ = ()


class _User(_Unfrozen, User):
    __slots__ = ()


class _Chat(_Unfrozen, Chat):
    __slots__ = ()


def plain_update(raw: dict[str, Any], bot: Bot) -> Update | None:
    """Return the update of a text or a tap; None for any other, which PTB parses.

    Raises:
        Exception: any that PTB's constructors raise for values of another type.
    """
    if len(raw) != 2:
        return None
    update_id = raw["update_id"]
    if "message" in raw and (message := _message(raw["message"], bot)) is not None:
        return _with_bot(Update(update_id, message=message), bot)
    if "edited_message" in raw and (edited := _message(raw["edited_message"], bot)) is not None:
        return _with_bot(Update(update_id, edited_message=edited), bot)
    if "callback_query" in raw and (tap := _tap(raw["callback_query"], bot)) is not None:
        return _with_bot(Update(update_id, callback_query=tap), bot)
    return None


def _message(raw: Any, bot: Bot) -> Message | None:
    if not isinstance(raw, dict) or not _REQUIRED <= raw.keys() <= _FIELDS or not raw["date"]:
        return None
    message = _Message(
        message_id=raw["message_id"],
        date=_time(raw["date"]),
        chat=_Chat.de_json(raw["chat"], bot),
        from_user=_User.de_json(raw["from"], bot) if "from" in raw else None,
        text=raw.get("text"),
        entities=MessageEntity.de_list(raw["entities"], bot) if "entities" in raw else None,
        edit_date=_time(raw["edit_date"]) if "edit_date" in raw else None,
        reply_markup=InlineKeyboardMarkup.de_json(raw["reply_markup"], bot) if "reply_markup" in raw else None,
        message_thread_id=raw.get("message_thread_id"),
        is_topic_message=raw.get("is_topic_message"),
    )
    return _with_bot(message, bot)


def _tap(raw: Any, bot: Bot) -> CallbackQuery | None:
    if not isinstance(raw, dict) or not _TAP_REQUIRED <= raw.keys() <= _TAP_FIELDS:
        return None
    message = None
    if "message" in raw and (message := _message(raw["message"], bot)) is None:
        return None
    tap = CallbackQuery(
        raw["id"], _User.de_json(raw["from"], bot), raw["chat_instance"], message=message, data=raw.get("data")
    )
    return _with_bot(tap, bot)


def _with_bot(parsed: _Parsed, bot: Bot) -> _Parsed:
    parsed.set_bot(bot)
    return parsed


def _time(seconds: Any) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)
