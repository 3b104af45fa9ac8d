"""The error handler of the application: it answers the person and logs the cause, never the message's content."""

import asyncio
from contextlib import suppress

import structlog
from telegram import Update
from telegram.error import TelegramError

from handlers.actions import Action, letter_of
from handlers.context import Context
from handlers.dispatch import ActionFailed
from handlers.late_answers import answer_later
from handlers.screens import failures
from handlers.telegram.failures import classify
from handlers.telegram.reply import show
from handlers.text_actions import retry_of

_LOAD_SECONDS = 3.0
"""The longest wait for the chat's language; after it the client's language has to do."""

log = structlog.get_logger()


async def on_error(update: object, context: Context) -> None:
    """Log the error and answer a private chat, unless the recipient is gone or Telegram cannot be reached."""
    error, retry = _cause(context.error)
    update_id = update.update_id if isinstance(update, Update) else None
    if isinstance(error, TelegramError):
        failure = classify(error)
        if failure.is_recipient_gone:
            log.info("telegram.person_gone", update_id=update_id, error=type(error).__name__)
            return
        if failure.may_pass:
            # The answer was tried for as long as an apology would be, and its failure is logged.
            if context.is_private:
                answer_later(context, retry, failure)
            return
    context.services.failed_updates[type(error).__name__] += 1
    asked = type(retry).__name__ if retry else None
    log.error("update.failed", update_id=update_id, asked=asked, error=type(error).__name__, exc_info=error)
    if not context.is_private:
        return
    # PTB makes a new context for the error; without the chat, the answer would be in the client's language.
    with suppress(Exception):
        async with asyncio.timeout(_LOAD_SECONDS):
            await context.reload()
    try:
        await show(context, failures.internal_error(context.t, retry, context.now))
    except TelegramError as second:
        failure = classify(second)
        if failure.may_pass:
            answer_later(context, retry, failure)
        else:
            context.services.undelivered[failure.kind] += 1
        log.error("update.unanswered", update_id=update_id, error=type(second).__name__)


def _cause(error: Exception | None) -> tuple[BaseException | None, Action | None]:
    """Return the original error, and the action that a retry button can repeat, or None."""
    if not isinstance(error, ActionFailed):
        return error, None
    retry = retry_of(error.action)
    return error.__cause__, retry if letter_of(type(retry)) else None
