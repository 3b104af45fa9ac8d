"""Tell a person later that an answer was not accepted by Telegram, once Telegram accepts messages again.

An answer is tried for 30 s (``reply.ANSWER_SECONDS``). What is not delivered by then is not swallowed: the chat is told
as soon as that is possible, unless another answer has reached it meanwhile.
"""

import structlog
from telegram.error import TelegramError

from handlers.actions import Action
from handlers.context import Context
from handlers.screens import failures
from handlers.screens.offered import with_offered_buttons
from handlers.telegram.failures import Failure, classify
from handlers.telegram.messages import send_text
from handlers.telegram.render import render
from services.retries import backoff

LATEST_SECONDS = 3600.0
"""How long after the failure the chat is told at the latest: then nobody waits for the answer any more."""
FIRST_PAUSE_SECONDS = 15.0
_LONGEST_PAUSE_SECONDS = 300.0

log = structlog.get_logger()


def answer_later(context: Context, retry: Action | None, failure: Failure) -> None:
    """Tell the chat of the update later, unless it is to be told already."""
    waiting, chat_id = context.services.recent.unanswered, context.chat.chat_id
    if chat_id in waiting:
        return
    waiting.add(chat_id)
    context.run_in_background(_tell(context, chat_id, retry, failure))


async def _tell(context: Context, chat_id: int, retry: Action | None, failure: Failure) -> None:
    waiting, background = context.services.recent.unanswered, context.services.background
    asked_at, waited = context.now, 0.0
    try:
        for failures_so_far in range(1, 100):
            pause = backoff(failures_so_far, first=FIRST_PAUSE_SECONDS, longest=_LONGEST_PAUSE_SECONDS)
            if failure.too_many_pause:
                pause = max(pause, failure.too_many_pause.total_seconds())
            waited += pause
            if waited > LATEST_SECONDS or not await background.pause(pause) or chat_id not in waiting:
                break
            await context.reload()
            screen = with_offered_buttons(failures.answered_late(context.t, retry, asked_at), context.features)
            try:
                await send_text(context.bot, chat_id, render(screen), thread_id=context.thread_id)
            except TelegramError as error:
                failure = classify(error)
                if not failure.may_pass:
                    break
                continue
            log.info("answer.told_late", seconds=round(waited))
            return
        if chat_id in waiting:
            log.warning("answer.never_told", kind=failure.kind)
    except Exception as error:  # the database is away, too: each driver has its own exceptions
        log.warning("answer.never_told", error=type(error).__name__)
    finally:
        waiting.discard(chat_id)
