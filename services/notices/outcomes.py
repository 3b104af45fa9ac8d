"""What a sender of one channel makes of a delivery."""

import datetime
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from portal.errors import Forbidden, NotFound, PortalError, PortalUnavailable, TooLarge
from storage.notices.outbox import ClaimedDelivery

_REFUSED_PAUSE = datetime.timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Sent:
    """The receiving server accepted it."""


@dataclass(frozen=True, slots=True)
class Retry:
    """It was certainly not sent; send it later.

    ``after`` is the pause that the other side asked for, None if it named none. ``halts`` applies the pause to every
    paced delivery of every worker.
    """

    reason: str
    after: datetime.timedelta | None = None
    halts: bool = False


@dataclass(frozen=True, slots=True)
class Blocked:
    """The recipient cannot be reached, or refuses our messages."""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The message is obsolete, or the recipient may not read it any more."""

    reason: str


@dataclass(frozen=True, slots=True)
class Uncertain:
    """It may have been sent: it is not sent again."""

    reason: str


@dataclass(frozen=True, slots=True)
class Later:
    """Send it at ``due_at``. ``is_postponed`` is set if quiet hours are the reason."""

    due_at: datetime.datetime
    is_postponed: bool = False


Outcome = Sent | Retry | Blocked | Cancelled | Uncertain
Unsent = Retry | Blocked | Cancelled | Later
SendFunc = Callable[[], Awaitable[Outcome]]
"""Sends a rendered message; called once. It reports every failure of the other side as an outcome."""


def after_portal_error(error: PortalError) -> Retry | Cancelled:
    """Return what a failed read of the portal means for a delivery."""
    match error:
        case NotFound() | Forbidden() | TooLarge():
            return Cancelled(type(error).__name__)
        case PortalUnavailable(retry_after=seconds):
            return Retry(f"portal: {error}", datetime.timedelta(seconds=seconds) if seconds else None)
    return Retry(f"portal: {error}", _REFUSED_PAUSE)


class Sender(Protocol):
    """Renders and sends the messages of one channel."""

    is_paced: bool
    """Whether its messages count towards the bulk rate limit."""

    async def render(self, batch: Sequence[ClaimedDelivery]) -> SendFunc | Unsent:
        """Render one message from deliveries to one recipient, from current data, after a new check of access.

        Raises:
            PortalError: the portal could not be read; see ``after_portal_error``.
        """

    async def is_still_wanted(self, batch: Sequence[ClaimedDelivery]) -> bool:
        """Return whether the recipient is still linked; called right before the send."""
