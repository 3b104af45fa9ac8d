"""Sends the portal's webhook calls, signed by Standard Webhooks, outside of the request path."""

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime

import httpx
from standardwebhooks.webhooks import Webhook

RETRY_DELAYS = (0.1, 0.5, 2.0, 5.0)
LONGEST_QUEUE = 1000


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
            headers = {
                "content-type": "application/json",
                "webhook-id": event_id,
                "webhook-timestamp": str(int(now.timestamp())),
                "webhook-signature": self._signer.sign(event_id, now, body),
            }
            with suppress(httpx.HTTPError):
                if (await client.post(self._url, content=body, headers=headers)).is_success:
                    return True
            if delay is not None:
                await asyncio.sleep(delay)
        return False
