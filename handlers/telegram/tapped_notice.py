"""Tell whether a tapped button is below a notice, which the answer must not replace."""

from functools import cache

from telegram import CallbackQuery, InlineKeyboardMarkup, Message

from handlers.actions import SetSubscription, ShowSubscriptions, letter_of
from handlers.telegram.callback_data import NOTICE_VERSION, InvalidCallbackData, decode
from texts.catalogue import all_texts

_LETTERS = (letter_of(SetSubscription), letter_of(ShowSubscriptions))


def is_below_notice(query: CallbackQuery) -> bool:
    """Return whether the message with the tapped button is a notice.

    The callback data says so. A notice of an earlier version is recognised by its button for ending or
    choosing notices, or by its title.
    """
    if (query.data or "").startswith(NOTICE_VERSION):
        return True
    message = query.message
    if not isinstance(message, Message):
        return False
    return _stops_notices(message.reply_markup) or (message.text or "").split("\n")[0] in _titles()


def _stops_notices(keyboard: InlineKeyboardMarkup | None) -> bool:
    buttons = [button for row in keyboard.inline_keyboard for button in row] if keyboard else []
    return any(_is_of_notice(button.callback_data) for button in buttons if isinstance(button.callback_data, str))


def _is_of_notice(data: object) -> bool:
    if not isinstance(data, str) or data[1:2] not in _LETTERS:
        return False
    try:
        action = decode(data)
    except InvalidCallbackData:
        return False
    if isinstance(action, SetSubscription):
        return action.of_notice and not action.on
    return isinstance(action, ShowSubscriptions) and action.of_notice


@cache
def _titles() -> frozenset[str]:
    """Return the titles of earlier notices without a button for ending notices, in every language."""
    found = set()
    for t in all_texts():
        found |= {t("notice.unlinked"), t("notice.unused_title"), t("notice.copy_stopped"), t("account.alert_title")}
    return frozenset(found)
