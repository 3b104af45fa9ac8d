"""The Bot API's error answers, and the error for impossible actions of a simulated person."""

from typing import Any

NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same as a current "
    "content and reply markup of the message"
)
QUERY_TOO_OLD = "query is too old and response timeout expired or query ID is invalid"
POLLING_WHILE_WEBHOOK = (
    "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
)
TERMINATED_BY_POLL = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
TERMINATED_BY_WEBHOOK = "Conflict: terminated by setWebhook request"


class SandboxMisuse(Exception):
    """A test or the control API asked for an action that no person can do, such as writing to a blocked bot."""


class ApiError(Exception):
    """An error answer of the Bot API.

    `error_code` is the HTTP status too; `parameters` are the fields of ResponseParameters.
    """

    def __init__(self, error_code: int, description: str, parameters: dict[str, Any] | None = None) -> None:
        super().__init__(f"{error_code} {description}")
        self.error_code = error_code
        self.description = description
        self.parameters = parameters or {}

    def body(self) -> dict[str, Any]:
        """Return the JSON body of the answer."""
        body: dict[str, Any] = {
            "ok": False,
            "error_code": self.error_code,
            "description": self.description,
        }
        if self.parameters:
            body["parameters"] = self.parameters
        return body


def bad_request(message: str, parameters: dict[str, Any] | None = None) -> ApiError:
    """Return a 400. The first letter becomes lower-case as in Telegram, except in constants (BUTTON_DATA_INVALID)."""
    constant = len(message) > 1 and (message[1] == "_" or "A" <= message[1] <= "Z")
    text = message if constant else message[:1].lower() + message[1:]
    return ApiError(400, f"Bad Request: {text}", parameters)


def forbidden(message: str) -> ApiError:
    """Return a 403."""
    return ApiError(403, f"Forbidden: {message}")


def too_many_requests(seconds: int) -> ApiError:
    """Return a 429. The transport adds the Retry-After header from `parameters.retry_after`."""
    return ApiError(429, f"Too Many Requests: retry after {seconds}", {"retry_after": seconds})
