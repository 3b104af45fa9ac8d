"""What a failed send means for a delivery, and what it says about the chat."""

import datetime
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from telegram.error import TelegramError

from handlers.telegram.failures import FailureKind, classify
from services.notices.delivery.outcomes import REFUSED_BY_TELEGRAM, Blocked, Cancelled, Outcome, Retry, Uncertain
from storage import chats
from storage.database import Database, Session
from storage.health.errors import is_database_error
from storage.notices import delivery_preferences

_OUTAGE = (FailureKind.NOT_DONE, FailureKind.MISCONFIGURED)

log = structlog.get_logger()


def is_outage(error: TelegramError) -> bool:
    """Return whether Telegram fails as a whole, and not for one chat or message."""
    return classify(error).kind in (*_OUTAGE, FailureKind.UNCLEAR)


async def outcome_of(database: Database, chat_id: int, error: TelegramError, now: datetime.datetime) -> Outcome:
    """Return what a failed send means for the delivery; store that the chat is blocked, or has another id."""
    failure = classify(error)
    match failure.kind:
        case FailureKind.BLOCKED:
            async with stored_if_possible(database) as session:
                await delivery_preferences.set_blocked(session, chat_id, now)
            return Blocked()
        case FailureKind.UNKNOWN_CHAT:
            return Blocked()
        case FailureKind.MIGRATED if failure.new_chat_id is not None:
            async with stored_if_possible(database) as session:
                await chats.migrate(session, chat_id, failure.new_chat_id)
        case FailureKind.REFUSED | FailureKind.STALE | FailureKind.NOT_MODIFIED:
            log.error("delivery.refused", reason=failure.reason)
            return Cancelled(REFUSED_BY_TELEGRAM)
        case FailureKind.UNCLEAR:
            return Uncertain(failure.reason)
    return Retry(
        failure.reason,
        failure.retry_after,
        is_too_many=failure.kind is FailureKind.TOO_MANY,
        is_outage=failure.kind in _OUTAGE,
    )


@asynccontextmanager
async def stored_if_possible(database: Database) -> AsyncIterator[Session]:
    """Open a session for what a send has shown. If the database fails that is lost, but not the outcome of the send."""
    try:
        async with database.write() as session:
            yield session
    except Exception as error:
        if not is_database_error(error):
            raise
        log.warning("delivery.fact_not_stored", error=type(error).__name__)
