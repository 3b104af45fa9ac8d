"""Sends the portal's signed requests to the bot (Standard Webhooks): its events, and requests for links."""

import asyncio
import json
import secrets
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urljoin

import httpx
from standardwebhooks.webhooks import Webhook

RETRY_DELAYS = (0.1, 0.5, 2.0, 5.0)
LONGEST_QUEUE = 1000


class LinkRefused(Exception):
    """The bot made no link; the message is its status and its answer."""


class WebhookSender:
    """Posts `{"type", "timestamp", "data": {"id"}}` for each event, in order, with retries.

    The signature uses the system's time, not the portal's, because the receiver compares it with its own.
    """

    def __init__(self, retry_delays: Sequence[float] = RETRY_DELAYS) -> None:
        self.delivered = 0
        self.given_up = 0
        self._retry_delays = retry_delays
        self._url: str | None = None
        self._signer: Webhook | None = None
        self._waiting: asyncio.Queue[tuple[str, str]] = asyncio.Queue(LONGEST_QUEUE)
        self._worker: asyncio.Task[None] | None = None

    @property
    def url(self) -> str | None:
        return self._url

    def configure(self, url: str | None, secret: str | None) -> None:
        """Set the URL and the `whsec_…` secret. None switches the webhook off.

        Raises:
            ValueError: The secret is unusable.
        """
        if url is None:
            self._url = self._signer = None
            return
        if not secret or not secret.startswith("whsec_"):
            raise ValueError("a webhook needs a secret that starts with whsec_")
        self._signer = Webhook(secret)
        self._url = url

    def notify(self, event_id: str, event_type: str) -> None:
        """Queue one event. When the queue is full, the event is dropped; the feed still has it."""
        if self._url:
            with suppress(asyncio.QueueFull):
                self._waiting.put_nowait((event_id, event_type))

    async def request_link(
        self, contact_id: str, account_id: str | None = None, language: str | None = None
    ) -> dict[str, Any]:
        """Request a single-use link to the bot for a contact. Returns: ``{"url", "expires_at"}``.

        Raises:
            LinkRefused: The bot refused, or did not answer, or no webhook is set.
        """
        asked = {"contact_id": contact_id, "account_id": account_id, "language": language}
        body, url, signer = json.dumps(asked), self._url, self._signer
        if url is None or signer is None:
            raise LinkRefused("no webhook is set")
        headers = signed_headers(signer, f"link_{secrets.token_hex(8)}", body)
        try:
            async with httpx.AsyncClient(timeout=15, trust_env=False) as client:
                answer = await client.post(urljoin(url, "/portal/links"), content=body, headers=headers)
        except httpx.HTTPError as error:
            raise LinkRefused(type(error).__name__) from error
        if answer.status_code != 201:
            raise LinkRefused(f"{answer.status_code}: {answer.text.strip()}")
        made: dict[str, Any] = answer.json()
        return made

    def start(self) -> None:
        """Start sending. Needs a running event loop."""
        self._worker = asyncio.create_task(self._work(), name="portal webhook")

    async def stop(self) -> None:
        """Stop at once. Queued events are dropped."""
        if self._worker:
            self._worker.cancel()
            with suppress(asyncio.CancelledError):
                await self._worker
            self._worker = None

    async def _work(self) -> None:
        # Created with the first event, since most portals in tests have no webhook.
        event_id, event_type = await self._waiting.get()
        async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
            while True:
                if await self._deliver(client, event_id, event_type):
                    self.delivered += 1
                else:
                    self.given_up += 1
                event_id, event_type = await self._waiting.get()

    async def _deliver(self, client: httpx.AsyncClient, event_id: str, event_type: str) -> bool:
        for delay in (*self._retry_delays, None):
            if self._url is None or self._signer is None:
                return False
            now = datetime.now(UTC)
            body = json.dumps({"type": event_type, "timestamp": now.isoformat(), "data": {"id": event_id}})
            headers = signed_headers(self._signer, event_id, body)
            with suppress(httpx.HTTPError):
                if (await client.post(self._url, content=body, headers=headers)).is_success:
                    return True
            if delay is not None:
                await asyncio.sleep(delay)
        return False


def signed_headers(signer: Webhook, message_id: str, body: str) -> dict[str, str]:
    """Return the headers of a signed request, by the system's time."""
    now = datetime.now(UTC)
    return {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signer.sign(message_id, now, body),
    }
