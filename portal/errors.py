"""The portal's exceptions, and the rules that turn a failed HTTP call into one of them.

Public, for every adapter: it raises these and no others. Messages name the call and the cause, never the person or the
number that the call was about.
"""

import datetime
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from typing import Protocol

import httpx


class PortalError(Exception):
    """The base of every exception that a portal client raises."""


class PortalUnavailable(PortalError):
    """The call failed and may work later: no connection, a timeout, 429 or 5xx.

    Args:
        message: The call and the cause.
        retry_after: Seconds to wait, where the portal said so.
        is_outage: Whether the portal as a whole may be away: no answer, or 5xx.
    """

    def __init__(self, message: str, *, retry_after: float | None = None, is_outage: bool = False) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.is_outage = is_outage


class PortalAway(PortalUnavailable):
    """The call was not made, because the portal did not answer others (``breaker.PortalBreaker``).

    Args:
        message: The cause.
        retry_after: Seconds until the portal is tried again.
        tried_ago: Seconds since the last call that was made.
    """

    retry_after: float

    def __init__(self, message: str, *, retry_after: float, tried_ago: float) -> None:
        super().__init__(message, retry_after=retry_after)
        self.tried_ago = tried_ago


class PortalBroken(PortalUnavailable):
    """The answer breaks the contract: malformed JSON, a missing field, an incomplete PDF."""


class NotReady(PortalUnavailable):
    """409: the portal is still making the document."""


class PortalRefused(PortalError):
    """The portal refuses the call, and a retry changes nothing: 401, 422 and other 4xx."""


class Forbidden(PortalRefused):
    """403: the contact has the account, but may not see this part of it."""


class NotFound(PortalError):
    """404: the resource does not exist, or is not this contact's.

    Of a contact, it ends their links, and of an order or invoice, its notices: never raise it for a system that did not
    answer, or whose answer cannot be read.
    """


class TooLarge(PortalError):
    """The document is longer than the caller's limit."""


class CursorTooOld(PortalError):
    """410: the feed does not reach back to this cursor."""


class Meaning(StrEnum):
    """What a failed read means for whoever asked: the one classification, for answers to persons and for notices."""

    GONE = "gone"
    """The portal itself says that there is no such thing for this reader."""
    FORBIDDEN = "forbidden"
    """The portal itself says that the reader may not see this part."""
    NOT_YET = "not_yet"
    """It is being made: a PDF, or an order or invoice that the feed reported before it can be read."""
    AWAY = "away"
    """The portal, or a proxy for it, did not answer. Ask again."""
    NONSENSE = "nonsense"
    """An answer that breaks the contract. To a person the portal does not answer; an operator has to act."""
    REFUSED = "refused"
    """The portal refuses the bot: its token or its request."""
    TOO_LARGE = "too_large"


NOT_YET_FOR = datetime.timedelta(hours=6)
"""How long after an event a 404 for its order or invoice means "not yet"."""


def meaning_of(error: PortalError, *, reported: datetime.timedelta | None = None) -> Meaning:
    """Classify an exception of a portal client.

    Args:
        reported: How long ago the feed reported the order or invoice that was asked for; None if it did not.
    """
    match error:
        case NotFound():
            return Meaning.NOT_YET if reported is not None and reported < NOT_YET_FOR else Meaning.GONE
        case Forbidden():
            return Meaning.FORBIDDEN
        case NotReady():
            return Meaning.NOT_YET
        case PortalBroken():
            return Meaning.NONSENSE
        case PortalUnavailable():
            return Meaning.AWAY
        case TooLarge():
            return Meaning.TOO_LARGE
    return Meaning.REFUSED


Statuses = Mapping[int, type[PortalError]]
"""The exceptions for HTTP statuses that have a meaning of their own in an API, for ``status_error``."""

CONTRACT_STATUSES: Statuses = {403: Forbidden, 404: NotFound, 409: NotReady, 410: CursorTooOld}
"""What the portal's contract means by these statuses. The others mean what they mean everywhere."""
TRYTON_STATUSES: Statuses = {400: Forbidden, 500: PortalBroken}
"""What Tryton means by these. Its records are searched, so a 404 is never about a record."""

_LONGEST_RETRY_AFTER = 600.0
"""Seconds. A longer pause would stop the notices of a whole day."""
_PROBLEM = "application/problem+json"
_PAGES = ("text/html", "application/xhtml+xml")


class HasHeaders(Protocol):
    """The head of an answer: an ``httpx.Response``, or an ``http_client.Answer``."""

    @property
    def status_code(self) -> int:
        """The HTTP status."""

    @property
    def headers(self) -> httpx.Headers:
        """The headers, by name in any case."""


def is_problem(answer: HasHeaders) -> bool:
    """Whether the portal itself refused the call (RFC 9457). A proxy answers in HTML, or without a body."""
    return media_type(answer) == _PROBLEM


def is_json(answer: HasHeaders) -> bool:
    """Whether the answer is JSON of any kind: the refusal of an API that does not know RFC 9457."""
    return media_type(answer) == "application/json" or media_type(answer).endswith("+json")


def status_error(
    call: str,
    answer: HasHeaders,
    statuses: Statuses,
    hints: Mapping[int, str] | None = None,
    is_own: Callable[[HasHeaders], bool] = is_problem,
) -> PortalError:
    """Classify an answer that is not a success.

    Args:
        call: The call's name in the message.
        answer: Its status and headers.
        statuses: The statuses that have a meaning of their own in this portal's API.
        hints: The likely cause for the operator, by status.
        is_own: Whether a 403, 404 or 410 is the portal's own: any other comes from a proxy in front of it.

    Returns:
        The exception to raise. A proxy's answer is ``PortalUnavailable``, except a 401: there the token may be wrong.
    """
    status = answer.status_code
    kind, hint = statuses.get(status) or _usual_error(status), (hints or {}).get(status, "")
    if _is_of_proxy(answer, is_own):
        expected = "JSON" if is_own is is_json else _PROBLEM
        kind, hint = PortalUnavailable, hint or f"not {expected}, so it is from a proxy"
    message = f"{call}: HTTP {status}{f': {hint}' if hint else ''}"
    if issubclass(kind, PortalUnavailable):
        return kind(message, retry_after=retry_after(answer), is_outage=status >= 500)
    return kind(message)


def _is_of_proxy(answer: HasHeaders, is_own: Callable[[HasHeaders], bool]) -> bool:
    """Whether a 4xx comes from a proxy: a page for people, or a refusal that is not in the API's own form."""
    if answer.status_code in (403, 404, 410):
        return not is_own(answer)
    return 400 <= answer.status_code < 500 and answer.status_code != 401 and media_type(answer) in _PAGES


def _usual_error(status: int) -> type[PortalError]:
    if status == 429 or status >= 500:
        return PortalUnavailable
    return PortalRefused if status >= 400 else PortalBroken


@contextmanager
def portal_errors(call: str) -> Iterator[None]:
    """Replace httpx's exceptions.

    Raises:
        PortalBroken: the body cannot be decompressed.
        PortalUnavailable: the connection failed, or timed out.
    """
    try:
        yield
    except httpx.DecodingError as error:
        raise PortalBroken(f"{call}: the body cannot be decoded: {error}") from None
    except httpx.TransportError as error:
        raise PortalUnavailable(f"{call}: {type(error).__name__}", is_outage=True) from error


def is_temporary(error: Exception) -> bool:
    """Whether an immediate retry is worthwhile.

    It is not where the portal said how long to wait, nor for an answer that breaks the contract.
    """
    return type(error) is PortalUnavailable and error.retry_after is None


def retry_after(answer: HasHeaders) -> float | None:
    """The seconds of the ``Retry-After`` header, 600 at most; None where it is missing or is a date."""
    seconds = answer.headers.get("Retry-After", "")
    return min(float(seconds), _LONGEST_RETRY_AFTER) if seconds.isascii() and seconds.isdigit() else None


def media_type(answer: HasHeaders) -> str:
    """The answer's media type in lower case, without parameters; empty where there is none."""
    return str(answer.headers.get("Content-Type", "")).partition(";")[0].strip().lower()
