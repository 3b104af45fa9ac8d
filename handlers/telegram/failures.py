"""Classify the errors of the Bot API. Every module asks here what a failed call means.

PTB's classes alone do not say it: ``BadRequest`` is a ``NetworkError``, ``TimedOut`` may mean delivered, and 401 and
404 both become ``InvalidToken``. Only errors with a marker of this module say that Telegram certainly did nothing.
"""

import datetime
from enum import StrEnum, auto

from msgspec import Struct
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
)

_LONGEST_RETRY_AFTER = datetime.timedelta(days=1)
_MISCONFIGURED_PAUSE = datetime.timedelta(minutes=10)
_NOT_MODIFIED = "message is not modified"
_UNKNOWN_CHAT = ("chat not found", "user is deactivated", "bot was blocked by the user", "bot was kicked")
_RICH_UNKNOWN = ("method not found", "can't parse", "unsupported", "message text is empty")
"""What a server says that does not know rich messages, or not all of their parts. One from before Bot API 10.1 ignores
the parameter ``rich_message`` of an edit, and finds no text."""
_STALE = (
    "message to edit not found",
    "message to delete not found",
    "message can't be edited",
    "message can't be deleted",
    "message_id_invalid",
    "there is no text in the message to edit",
    "query is too old",
)
_TOPIC_GONE = ("thread not found", "topic_deleted", "topic_id_invalid")


class NotDone(Exception):
    """Marks an error after which Telegram certainly did not carry out the request."""


class NotSent(NotDone):
    """Marks an error after which not one byte of the request was written."""


class FailureKind(StrEnum):
    """What a failed call means for the caller."""

    BLOCKED = auto()
    """403: the recipient blocked the bot, removed it, or deleted the account."""
    UNKNOWN_CHAT = auto()
    """400: this bot knows no such chat. It is not stored as blocked: the token of another bot gives the same error."""
    MIGRATED = auto()
    """The group became a supergroup with the id ``new_chat_id``."""
    TOO_MANY = auto()
    """429: not done; permitted again after ``retry_after``."""
    NOT_MODIFIED = auto()
    """The message already is as requested: a success."""
    STALE = auto()
    """The message or the callback query that the call names is gone, too old, or of another type."""
    REFUSED = auto()
    """Any other 400: the same request fails again."""
    MISCONFIGURED = auto()
    """The token, the method or a second instance is at fault (401, 404, 409): an operator has to act."""
    NOT_DONE = auto()
    """Certainly not done: the request was not sent, or Telegram itself answered 5xx."""
    UNCLEAR = auto()
    """May have been done: a time-out, a cut connection, or an answer that is not Telegram's."""


_PASSING = {FailureKind.TOO_MANY, FailureKind.NOT_DONE, FailureKind.UNCLEAR, FailureKind.MISCONFIGURED}


class Failure(Struct, frozen=True):
    """A classified error.

    ``reason`` is for logs and the outbox: Telegram's text after a 400, else ``429``, ``migrated`` or the error's class.
    ``retry_after`` is set for ``TOO_MANY`` and ``MISCONFIGURED``, ``new_chat_id`` for ``MIGRATED``.
    """

    kind: FailureKind
    reason: str
    retry_after: datetime.timedelta | None = None
    new_chat_id: int | None = None

    @property
    def may_pass(self) -> bool:
        """Whether the same call may succeed within seconds. Telegram was seen to answer 401 and 404 by mistake."""
        return self.kind in _PASSING

    @property
    def too_many_pause(self) -> datetime.timedelta | None:
        """The pause that Telegram asks for after a 429; None after any other failure."""
        return self.retry_after if self.kind is FailureKind.TOO_MANY else None

    @property
    def is_recipient_gone(self) -> bool:
        """Whether no message can reach this chat until the person returns."""
        return self.kind in (FailureKind.BLOCKED, FailureKind.UNKNOWN_CHAT)


def classify(error: TelegramError) -> Failure:
    """Return what an error of the Bot API means."""
    name = type(error).__name__
    match error:
        case RetryAfter():
            return Failure(FailureKind.TOO_MANY, "429", _retry_after(error))
        case ChatMigrated():
            return Failure(FailureKind.MIGRATED, "migrated", new_chat_id=error.new_chat_id)
        case Forbidden():
            return Failure(FailureKind.BLOCKED, name)
        case BadRequest():
            return Failure(_kind_of_bad_request(error.message.lower()), error.message)
        case _ if isinstance(error, NotDone):
            return Failure(FailureKind.NOT_DONE, name)
        case NetworkError():
            return Failure(FailureKind.UNCLEAR, name)
    return Failure(FailureKind.MISCONFIGURED, name, _MISCONFIGURED_PAUSE)


class RichRefusal(StrEnum):
    """Why Telegram refused a rich message."""

    UNKNOWN = auto()
    """The server does not know them: every other one will be refused, too."""
    CONTENT = auto()
    """This one only, such as for its size."""


def rich_refusal(error: TelegramError) -> RichRefusal | None:
    """Return why Telegram refused a rich message; None if the error is about something else than its form."""
    text = error.message.lower()
    if isinstance(error, InvalidToken):  # PTB's class for a 404, too
        return None if "unauthorized" in text else RichRefusal.UNKNOWN
    if classify(error).kind is not FailureKind.REFUSED:
        return None
    return RichRefusal.UNKNOWN if any(words in text for words in _RICH_UNKNOWN) else RichRefusal.CONTENT


def is_topic_gone(failure: Failure) -> bool:
    """Return whether a call failed because its topic of a forum was deleted."""
    return failure.kind is FailureKind.REFUSED and any(words in failure.reason.lower() for words in _TOPIC_GONE)


def is_topic_closed(failure: Failure) -> bool:
    """Return whether a call failed because its topic of a forum is closed."""
    return failure.kind is FailureKind.REFUSED and "topic_closed" in failure.reason.lower()


def _retry_after(error: RetryAfter) -> datetime.timedelta:
    """PTB gives an ``int`` of seconds, or a ``timedelta`` where ``PTB_TIMEDELTA`` is set."""
    wait = error.retry_after
    pause = wait if isinstance(wait, datetime.timedelta) else datetime.timedelta(seconds=wait)
    return min(pause, _LONGEST_RETRY_AFTER)


def _kind_of_bad_request(text: str) -> FailureKind:
    if _NOT_MODIFIED in text:
        return FailureKind.NOT_MODIFIED
    if any(words in text for words in _UNKNOWN_CHAT):
        return FailureKind.UNKNOWN_CHAT
    return FailureKind.STALE if any(words in text for words in _STALE) else FailureKind.REFUSED
