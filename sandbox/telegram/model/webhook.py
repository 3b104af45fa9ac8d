"""Delivers updates to a webhook: each line in order, with retries. Executes the Bot API call in an answer."""

import asyncio
import json
import random
from typing import Any

import aiohttp

from sandbox.telegram.clock import unix
from sandbox.telegram.model.state import TelegramState
from sandbox.telegram.model.updates import Line, QueuedUpdate, UpdateQueue

RETRY_AFTER_MOST = 3600
NOT_EXECUTED = {"setwebhook", "deletewebhook", "close", "logout"}


class Webhook:
    """One bot's webhook. Set and close it in the event loop that runs the server."""

    def __init__(self, token: str, state: TelegramState, updates: UpdateQueue) -> None:
        self._token = token
        self._state = state
        self._updates = updates
        self.url = ""
        self.secret = ""
        self.max_connections = 40
        self.ip_address = ""
        self.is_unreachable = False
        """Whether the way to the URL is broken: nothing arrives there."""
        self.last_error: tuple[int, str] | None = None
        self._lines: dict[Line, asyncio.Task[None]] = {}
        self._slots = asyncio.Semaphore(40)
        self._client: aiohttp.ClientSession | None = None

    def info(self) -> dict[str, Any]:
        """The Bot API's WebhookInfo."""
        updates = self._updates
        updates.drop_expired()
        result: dict[str, Any] = {
            "url": self.url,
            "has_custom_certificate": False,
            "pending_update_count": len(updates.waiting),
        }
        if self.url:
            result["max_connections"] = self.max_connections
            result["ip_address"] = self.ip_address or "127.0.0.1"
        if self.last_error is not None:
            result["last_error_date"], result["last_error_message"] = self.last_error
        if updates.allowed is not None:
            result["allowed_updates"] = sorted(updates.allowed)
        return result

    async def set(self, url: str, secret: str, max_connections: int, ip_address: str) -> None:
        """Deliver to `url`, the queued updates first."""
        await self.suspend()
        self.last_error = None
        self.url, self.secret, self.max_connections, self.ip_address = url, secret, max_connections, ip_address
        self.resume()

    def resume(self) -> None:
        """Deliver the queued updates, if a webhook is set."""
        if not self.url:
            return
        self._slots = asyncio.Semaphore(self.max_connections)
        seconds = self._state.settings.webhook_timeout
        # Not httpx: of requests that are cancelled together, it left connections open (httpcore 1.0).
        self._client = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self.max_connections),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=seconds, sock_read=seconds),
        )
        self._updates.on_add = self._wake
        for line in list(self._updates.lines):
            self._wake(line)

    async def close(self) -> None:
        """Remove the webhook. Undelivered updates stay queued."""
        self.url, self.secret, self.last_error = "", "", None
        await self.suspend()

    async def suspend(self) -> None:
        """Stop delivering until `resume`, as during an outage of Telegram."""
        self._updates.on_add = None
        tasks, self._lines = list(self._lines.values()), {}
        current = asyncio.current_task()
        for task in tasks:
            if task is not current:
                task.cancel()
        await asyncio.gather(*(task for task in tasks if task is not current), return_exceptions=True)
        if self._client is not None:
            client, self._client = self._client, None
            await client.close()

    def _wake(self, line: Line) -> None:
        """Start the delivery task of a line, unless it runs."""
        if line not in self._lines:
            self._lines[line] = asyncio.get_running_loop().create_task(self._run(line))

    async def _run(self, line: Line) -> None:
        try:
            while (update := self._updates.head(line)) is not None:
                if update.expires <= self._now():
                    self._updates.remove(update)
                else:
                    await self._deliver(update)
        finally:
            if self._lines.get(line) is asyncio.current_task():
                del self._lines[line]

    async def _deliver(self, update: QueuedUpdate) -> None:
        """Post one update until the receiver accepts it or it expires. Later updates of its line wait."""
        settings = self._state.settings
        failures, delay = 0, settings.webhook_retry_base / 2
        while update.update_id in self._updates.waiting:
            async with self._slots:
                retry_after = await self._post(update)
            if retry_after is None:
                return
            if retry_after == 0 and failures > 0:
                most = settings.webhook_retry_most
                delay = min(random.uniform(most, 2 * most), delay * 2)
                wait = delay
            else:
                wait = float(min(retry_after, RETRY_AFTER_MOST))
            failures += 1
            if self._now() + wait > update.expires:
                self._updates.remove(update)
                return
            await asyncio.sleep(wait)

    async def _post(self, update: QueuedUpdate) -> int | None:
        """Post an update once.

        Returns:
            None when the receiver accepted it, else its Retry-After in seconds, 0 without one.
        """
        assert self._client is not None
        if self.is_unreachable:
            self._failed("Connection timed out")
            return 0
        headers = {"Content-Type": "application/json"}
        if self.secret:
            headers["X-Telegram-Bot-Api-Secret-Token"] = self.secret
        body = json.dumps(update.json()).encode()
        try:
            async with self._client.post(self.url, data=body, headers=headers, allow_redirects=False) as response:
                content = await response.read()
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            refused = isinstance(error, aiohttp.ClientConnectorError)
            self._failed("Connection refused" if refused else "Webhook connection closed")
            return 0
        if response.status >= 300:
            self._failed(f"Wrong response from the webhook: {response.status} {response.reason}")
            header = response.headers.get("Retry-After", "")
            return int(header) if header.isdigit() else 0
        self._updates.remove(update)
        await self._execute_answer(content)
        return None

    def _now(self) -> float:
        return self._state.clock.now().timestamp()

    def _failed(self, reason: str) -> None:
        self.last_error = (unix(self._state.clock), reason)

    async def _execute_answer(self, content: bytes) -> None:
        try:
            call = json.loads(content) if content else None
        except ValueError:
            return
        if not isinstance(call, dict):
            return
        method = str(call.pop("method", ""))
        name = method.lower()
        execute = self._state.execute
        if name and name not in NOT_EXECUTED and not name.startswith("get") and execute is not None:
            await execute(self._token, method, call)
