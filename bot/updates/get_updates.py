"""One getUpdates call: its raw updates, or why there are none.

PTB's ``get_updates`` parses all updates of an answer together, so a single bad one would hide the others for ever.
"""

from collections.abc import Mapping
from typing import Any, cast

from telegram.error import NetworkError, TimedOut
from telegram.request import BaseRequest, RequestData

from bot.bot_api.answer import AnswerTooLong, parse_object
from bot.bot_api.request import ServerFailed
from bot.updates.poll_health import PollFailure
from handlers.telegram.messages import JsonParameters

_READ_SECONDS = 10.0
"""Added to the time of the long poll: Telegram answers some seconds later."""
_WEBHOOK_IS_SET = "webhook"
"""In Telegram's text: "can't use getUpdates method while webhook is active", "terminated by setWebhook request"."""
_BY_STATUS = {401: PollFailure.UNAUTHORIZED, 404: PollFailure.NOT_FOUND, 429: PollFailure.TOO_MANY}
_LONGEST_REASON = 200


class PollFailed(Exception):
    """A call brought no updates. ``retry_after`` is in seconds, where Telegram asks for a pause."""

    def __init__(self, kind: PollFailure, reason: str, retry_after: float | None = None) -> None:
        super().__init__(kind)
        self.kind = kind
        self.reason = reason[:_LONGEST_REASON]
        self.retry_after = retry_after


async def get_updates(request: BaseRequest, base_url: str, timeout: int, **parameters: Any) -> list[Any]:
    """Call getUpdates.

    Args:
        base_url: The Bot API's URL with the token, as ``Bot.base_url``.
        timeout: Seconds of the long poll.
        parameters: The other parameters of the call; None leaves one out.

    Returns:
        The elements of the answer as JSON; nothing is known of them.

    Raises:
        PollFailed: There is no such answer.
    """
    given = {"timeout": timeout} | {name: value for name, value in parameters.items() if value is not None}
    try:
        status, payload = await request.do_request(
            f"{base_url}/getUpdates",
            "POST",
            cast("RequestData", JsonParameters(given)),
            read_timeout=timeout + _READ_SECONDS,
        )
    except NetworkError as error:
        raise PollFailed(_kind_of(error), str(error)) from None
    try:
        answer = parse_object(payload)
    except NetworkError:
        raise PollFailed(PollFailure.GATEWAY, f"status {status}, and no JSON") from None
    if status != 200:
        raise _failure(status, answer)
    result = answer.get("result")
    if not isinstance(result, list):
        raise PollFailed(PollFailure.NONSENSE, f"the result is of type {type(result).__name__}")
    return result


def _kind_of(error: NetworkError) -> PollFailure:
    match error:
        case AnswerTooLong():
            return PollFailure.TOO_LONG
        case TimedOut():
            return PollFailure.TIMED_OUT
        case ServerFailed():
            return PollFailure.SERVER
    return PollFailure.NETWORK


def _failure(status: int, answer: Mapping[str, Any]) -> PollFailed:
    description = str(answer.get("description") or f"status {status}")
    if status == 409:
        is_webhook = _WEBHOOK_IS_SET in description.lower()
        return PollFailed(PollFailure.WEBHOOK if is_webhook else PollFailure.ANOTHER_POLLER, description)
    kind = _BY_STATUS.get(status, PollFailure.SERVER if status >= 500 else PollFailure.REFUSED)
    parameters = answer.get("parameters")
    retry_after = parameters.get("retry_after") if isinstance(parameters, dict) else None
    is_number = isinstance(retry_after, int | float) and not isinstance(retry_after, bool)
    return PollFailed(kind, description, retry_after if is_number else None)
