"""The interface between dispatcher and senders: ``Sender``, and the outcomes of a delivery."""

import datetime
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from msgspec import Struct

from portal.errors import Forbidden, Meaning, NotFound, PortalError, PortalUnavailable, TooLarge, meaning_of
from storage.notices.outbox import ClaimedDelivery

NEVER_FOUND = "never found"
"""Why a delivery is cancelled whose order or invoice the portal did not have for hours after it reported it."""
REFUSED_BY_TELEGRAM = "Telegram refused it"
NO_KEY = "no key opens its link"
GIVEN_UP = frozenset(
    {NEVER_FOUND, REFUSED_BY_TELEGRAM, NO_KEY, *(each.__name__ for each in (NotFound, Forbidden, TooLarge))}
)
"""Why a delivery is cancelled that the recipient still wants: it may be sent once the cause is gone."""
_REFUSED_PAUSE = datetime.timedelta(minutes=10)


class Sent(Struct, frozen=True):
    """The receiving server accepted the message. ``reason``: what is particular about it, or None."""

    reason: str | None = None


class Retry(Struct, frozen=True):
    """The message was certainly not sent; retry later.

    Args:
        after: The pause that the server requested, or None.
        is_too_many: Whether the server refuses more messages to this recipient for the pause ``after``.
        is_outage: Whether the server failed as a whole, so that others would fail too.
    """

    reason: str
    after: datetime.timedelta | None = None
    is_too_many: bool = False
    is_outage: bool = False


class Blocked(Struct, frozen=True):
    """The recipient cannot be reached, or refuses messages."""


class Cancelled(Struct, frozen=True):
    """The message is obsolete, or the recipient may not read it any more."""

    reason: str


class Uncertain(Struct, frozen=True):
    """The message may have been sent: repeat it once, and say so in the message."""

    reason: str


class Deferred(Struct, frozen=True):
    """Render the message again at ``due_at``. ``is_postponed`` is set if quiet hours are the reason."""

    due_at: datetime.datetime
    is_postponed: bool = False


Outcome = Sent | Retry | Blocked | Cancelled | Uncertain
NotSent = Retry | Blocked | Cancelled | Deferred
SendFunc = Callable[[], Awaitable[Outcome]]
"""Sends a rendered message; called once. Returns every failure of the server as an outcome."""


class PartlyRendered(Struct, frozen=True):
    """A message for some deliveries of a batch.

    Args:
        send: Sends it to the recipient; None if no delivery is left for it.
        left_out: The other deliveries, each with its own outcome.
    """

    send: SendFunc | None
    left_out: Sequence[tuple[ClaimedDelivery, NotSent]]


def after_portal_error(error: PortalError, *, reported: datetime.timedelta | None = None) -> Retry | Cancelled:
    """Return what a failed read of the portal means for a delivery; ``reported`` as for ``meaning_of``."""
    match meaning_of(error, reported=reported):
        case Meaning.GONE if reported is not None:
            return Cancelled(NEVER_FOUND)
        case Meaning.GONE | Meaning.FORBIDDEN | Meaning.TOO_LARGE:
            return Cancelled(type(error).__name__)
        case Meaning.NOT_YET | Meaning.AWAY | Meaning.NONSENSE:
            seconds = error.retry_after if isinstance(error, PortalUnavailable) else None
            return Retry(f"portal: {error}", datetime.timedelta(seconds=seconds) if seconds else None)
    return Retry(f"portal: {error}", _REFUSED_PAUSE)


class Sender(Protocol):
    """Renders and sends the messages of one channel."""

    is_paced: bool
    """Whether the bulk rate limit applies to its messages."""

    async def render(self, batch: Sequence[ClaimedDelivery]) -> SendFunc | NotSent | PartlyRendered:
        """Render one message for deliveries to one recipient, from current data, after a new check of access.

        Returns:
            A function that sends the message, or why there is none to send; of a larger batch, also both.

        Raises:
            PortalError: The portal could not be read; see ``after_portal_error``.
        """

    async def is_still_wanted(self, batch: Sequence[ClaimedDelivery]) -> bool:
        """Return whether the recipient is still linked; called immediately before the send."""

    async def is_reachable(self) -> bool:
        """Return whether the server answers a request that sends nothing; called before a message probes it."""
