"""What the portal sends, signed by Standard Webhooks: "read the feed now", and requests for a link to the bot."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Annotated, Literal

import structlog
from pydantic import BaseModel, Field, ValidationError
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from bot.http.bodies import BodyMemory
from bot.logs import ThrottledWarning
from portal.errors import PortalBroken, PortalError
from portal.numbers import id_segment
from services.linking.invitations import InvitationRefused, Invitations
from services.understanding.payloads import invitation_payload
from storage.health.errors import is_outage
from texts.language import Language

_MAX_SEEN = 1_000
"""Ids of portal webhooks that are remembered to ignore repetitions."""
_RETRY_SECONDS = 10
_REFUSALS = {
    "unknown_contact": (404, "the portal has no such contact"),
    "unknown_account": (404, "the contact has no such account"),
    "contact_without_account": (404, "the contact has no account"),
    "contact_without_address": (404, "the contact has no mail address"),
    "repeated_request": (409, "this webhook-id was used before: sign the request anew"),
    "invitations_of_contact_an_hour": (429, "too many links for this contact"),
    "invitations_a_minute": (429, "too many links"),
}

log = structlog.get_logger()

_Id = Annotated[str, Field(min_length=1, max_length=200)]


class _LinkRequest(BaseModel):
    """The body of ``POST /portal/links``. Unknown fields are ignored."""

    contact_id: _Id
    account_id: _Id | None = None
    language: Literal["fr", "en"] | None = None


class PortalRequests:
    """Receives the portal's signed requests.

    Args:
        read_now: Called for each new event of the portal.
        bot_name: Returns the bot's username.
        secret: The Standard Webhooks secret; empty refuses every request.
    """

    def __init__(
        self, read_now: Callable[[], None], invitations: Invitations, bot_name: Callable[[], str], secret: str
    ) -> None:
        self._read_now = read_now
        self._invitations = invitations
        self._bot_name = bot_name
        self._memory = BodyMemory()
        self._refused = ThrottledWarning(log, "webhook.refused")
        self._webhook = Webhook(secret) if secret else None
        self._seen: OrderedDict[str, None] = OrderedDict()

    async def receive_event(self, request: Request) -> Response:
        """Answer 204, and make the worker read the feed; refuse as ``_verified`` does."""
        body = await self._verified(request)
        if isinstance(body, Response):
            return body
        if self._is_new(request.headers.get("webhook-id", "")):
            self._read_now()
        return Response(status_code=204)

    async def make_link(self, request: Request) -> Response:
        """Answer 201 with a single-use link to the bot for a contact; refuse as ``_verified`` does.

        422 for a bad body; 404 for an unknown contact or account; 409 for a repeated ``webhook-id``; 429 over a limit;
        503 while the portal's API or the database does not answer.
        """
        body = await self._verified(request)
        if isinstance(body, Response):
            return body
        try:
            asked = _LinkRequest.model_validate_json(body)
            id_segment(asked.contact_id)
        except (ValidationError, PortalBroken):
            return self._refusal(
                422, 'expected {"contact_id": "…", "account_id": "…" or null, "language": "fr" or "en"}'
            )
        language = Language(asked.language) if asked.language else None
        request_id = request.headers["webhook-id"]
        try:
            made = await self._invitations.make(request_id, asked.contact_id, asked.account_id, language)
        except PortalError as error:
            log.warning("invitation.portal_failed", error=type(error).__name__, reason=str(error))
            return self._refusal(503, "the portal's API does not answer", _RETRY_SECONDS)
        except Exception as error:
            if not is_outage(error):
                raise
            log.warning("invitation.database_away", error=type(error).__name__)
            return self._refusal(503, "the database does not answer", _RETRY_SECONDS)
        if isinstance(made, InvitationRefused):
            return self._refusal(*_REFUSALS[made.cause], made.retry_after)
        url = f"https://t.me/{self._bot_name()}?start={invitation_payload(made.token)}"
        expires_at = made.expires_at.isoformat(timespec="seconds").replace("+00:00", "Z")
        headers = {"Cache-Control": "no-store"}
        return JSONResponse({"url": url, "expires_at": expires_at}, status_code=201, headers=headers)

    async def _verified(self, request: Request) -> bytes | Response:
        """Return the body of a signed request, or the refusal.

        401 for a wrong signature or a timestamp over five minutes off; 404 if no secret is set.
        """
        body = await self._memory.read(request)
        if self._webhook is None:
            return self._refusal(404, "the portal's webhook is not configured")
        try:
            self._webhook.verify(body, dict(request.headers), json_parse=False)
        except (WebhookVerificationError, ValueError):  # the library raises ValueError for a malformed signature
            self._refused.count()
            return self._refusal(401, "the signature is wrong")
        return body

    @staticmethod
    def _refusal(status: int, reason: str, retry_after: int = 0) -> Response:
        headers = {"Retry-After": str(retry_after)} if retry_after else {}
        return PlainTextResponse(f"{reason}\n", status_code=status, headers=headers)

    def _is_new(self, message_id: str) -> bool:
        if message_id in self._seen:
            return False
        self._seen[message_id] = None
        while len(self._seen) > _MAX_SEEN:
            self._seen.popitem(last=False)
        return True
