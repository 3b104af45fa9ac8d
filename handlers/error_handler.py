"""The one error handler: the person is answered, the operator is told what broke and where, never what was said."""

import structlog
from telegram import Update
from telegram.error import BadRequest, Forbidden, NetworkError, TelegramError

from handlers.actions import Action
from handlers.context import Context
from handlers.dispatch import ActionFailed, retry_of
from handlers.screens import trouble
from handlers.telegram.reply import show

log = structlog.get_logger()

_GONE = ("chat not found", "user is deactivated", "bot was blocked by the user", "bot was kicked")


async def on_error(update: object, context: Context) -> None:
    """Answers whoever waits, unless they are not there any more."""
    error, retry = _cause(context.error)
    update_id = update.update_id if isinstance(update, Update) else None
    if _is_gone(error):
        log.info("telegram.person_gone", update_id=update_id, error=type(error).__name__)
        return
    if isinstance(error, NetworkError) and not isinstance(error, BadRequest):
        # Polling goes on by itself, and an answer that did not get through has no other way to travel.
        log.warning("telegram.unreachable", update_id=update_id, error=type(error).__name__)
        return
    asked = type(retry).__name__ if retry else None
    log.error("update.failed", update_id=update_id, asked=asked, error=type(error).__name__, exc_info=error)
    if not context.is_private:
        return
    try:
        await show(context, trouble.failed(context.t, retry, context.now))
    except TelegramError as second:
        log.error("update.unanswered", update_id=update_id, error=type(second).__name__)


def _cause(error: Exception | None) -> tuple[BaseException | None, Action | None]:
    """What really happened, and what a button can ask for again."""
    if not isinstance(error, ActionFailed):
        return error, None
    retry = retry_of(error.action)
    return error.__cause__, retry if retry.letter else None


def _is_gone(error: BaseException | None) -> bool:
    """Whether there is nobody left to answer: expected of people, no fault of ours."""
    return isinstance(error, Forbidden | BadRequest) and any(words in error.message.lower() for words in _GONE)
