"""The one error handler: the person is answered, the operator is told what broke and where, never what was said."""

import structlog
from telegram import Update
from telegram.error import BadRequest, Forbidden, NetworkError, TelegramError

from handlers.actions import Action
from handlers.buttons import BadButton, decode
from handlers.context import Context
from handlers.dispatch import retry_of
from handlers.reply import show
from handlers.screens import trouble

log = structlog.get_logger()

_GONE = ("chat not found", "user is deactivated", "bot was blocked by the user", "bot was kicked")


async def on_error(update: object, context: Context) -> None:
    """Answers whoever waits, unless they are not there any more."""
    error = context.error
    if not isinstance(error, Exception):
        return
    update_id = update.update_id if isinstance(update, Update) else None
    if _is_gone(error):
        log.info("telegram.person_gone", update_id=update_id, error=type(error).__name__)
        return
    if isinstance(error, NetworkError) and not isinstance(error, BadRequest):
        # Polling goes on by itself, and an answer that did not get through has no other way to travel.
        log.warning("telegram.unreachable", update_id=update_id, error=type(error).__name__)
        return
    log.error("update.failed", update_id=update_id, error=type(error).__name__, exc_info=error)
    if not context.is_private:
        return
    try:
        await show(context, trouble.failed(context.t, _asked(context), context.now))
    except TelegramError as second:
        log.error("update.unanswered", update_id=update_id, error=type(second).__name__)


def _asked(context: Context) -> Action | None:
    """What a tapped button asked for, to be tried again."""
    query = context.incoming.callback_query if context.incoming else None
    try:
        return retry_of(decode(query.data or "")) if query else None
    except BadButton:
        return None


def _is_gone(error: Exception) -> bool:
    """Whether there is nobody left to answer: expected of people, no fault of ours."""
    return isinstance(error, Forbidden | BadRequest) and any(words in error.message.lower() for words in _GONE)
