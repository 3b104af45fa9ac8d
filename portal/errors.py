"""What can go wrong with the portal. Messages name the call and the cause, never what was asked about whom."""


class PortalError(Exception):
    """Anything the portal could not or would not do."""


class PortalUnavailable(PortalError):
    """It may work later: no connection, too slow, 429, 5xx. ``retry_after`` is in seconds where the portal said it."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class PortalBroken(PortalUnavailable):
    """It answered, but not what its contract says: broken JSON, a missing field, a PDF that is none."""


class NotReady(PortalUnavailable):
    """409: the document is still being made."""


class PortalRefused(PortalError):
    """The portal will not, and asking again changes nothing: 401, 422 and whatever else it refuses."""


class Forbidden(PortalRefused):
    """403: the account is this contact's, this part of it is not."""


class NotFound(PortalError):
    """404: no such thing, or not this contact's."""


class TooLarge(PortalError):
    """The document is larger than what was asked for can carry."""


class CursorTooOld(PortalError):
    """410: the feed no longer reaches back so far."""
