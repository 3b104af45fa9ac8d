"""What the portal sends to the bot's public port, for the OpenAPI document: events, and requests for links."""

from typing import Any

Json = dict[str, Any]
SIGNATURE = {
    "type": "apiKey",
    "in": "header",
    "name": "webhook-signature",
    "description": "Standard Webhooks, with webhook-id and webhook-timestamp.",
}
"""The security scheme of these requests."""


def signed_requests() -> Json:
    """Return the section ``webhooks`` of the document."""
    event = _object(
        {
            "type": {"type": "string"},
            "timestamp": _text(format="date-time"),
            "data": _object({"id": {"type": "string"}}),
        }
    )
    asked = _object(
        {"contact_id": _id()},
        {
            "account_id": {"anyOf": [_id(), {"type": "null"}], "default": None},
            "language": {"enum": ["fr", "en", None], "default": None},
        },
    )
    made = _object({"url": {"type": "string", "format": "uri"}, "expires_at": _text(format="date-time")})
    link_refusals = {
        "404": "The portal's API knows no such contact, or the account is not theirs.",
        "409": "This webhook-id was used before.",
        "422": "The body is not what this document says.",
        "429": "Too many links; Retry-After says when to try again.",
        "503": "The portal's API does not answer the bot; Retry-After says when to try again.",
    }
    return {
        "event": _signed(
            "reportEvent",
            "POST /portal/events of the bot: something happened, and the bot reads the feed at once.",
            event,
            {"204": {"description": "Taken."}},
            {"404": "No secret is set."},
        ),
        "link": _signed(
            "requestLink",
            "POST /portal/links of the bot: a link to the chat for a contact who is logged in, used once, within 15 "
            "minutes. docs/portal-http.md has an example.",
            asked,
            {"201": {"description": "The link.", "content": {"application/json": {"schema": made}}}},
            link_refusals,
        ),
    }


def _signed(name: str, words: str, body: Json, answer: Json, refusals: dict[str, str]) -> Json:
    refusals = {"401": "The signature is wrong.", "413": "The body is over 1 MiB."} | refusals
    refused = {code: {"description": refusals[code]} for code in sorted(refusals)}
    content = {"application/json": {"schema": body}}
    return {
        "post": {
            "operationId": name,
            "summary": words,
            "security": [{"signature": []}],
            "requestBody": {"required": True, "content": content},
            "responses": answer | refused,
        }
    }


def _object(required: Json, optional: Json | None = None) -> Json:
    return {"type": "object", "required": list(required), "properties": required | (optional or {})}


def _text(**limits: object) -> Json:
    return {"type": "string", **limits}


def _id() -> Json:
    return _text(minLength=1, maxLength=200)
