"""A fast Bot API for the benches: it delivers updates, echoes messages as Telegram does, and records times.

It is lenient where the sandbox's is strict, and an order of magnitude cheaper: what is measured is the bot.
"""

import asyncio
import re
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any
from urllib.parse import parse_qsl

import orjson

from benches.stubs.http import Refusal, Request, serve
from sandbox.telegram.text.html_entities import parse_html

TOKEN = "123456789:AAbenchbenchbenchbenchbenchbenchben"
BOT = {"id": 123456789, "is_bot": True, "first_name": "Odobot", "username": "odobot"}
_FLAGS = dict.fromkeys(("can_join_groups", "can_read_all_group_messages", "supports_inline_queries"), False)
_BATCH = 100  # getUpdates: limit
_SENT = {"sendmessage", "editmessagetext"}
_DOCUMENT_CHAT = re.compile(rb'name="chat_id"\r\n\r\n(\d+)')


@dataclass(slots=True)
class Call:
    """A message sent or edited: when it came, and when its answer was given (seconds of ``perf_counter``)."""

    chat_id: int
    params: dict[str, Any]
    came: float
    answered: float = 0.0


@dataclass(slots=True)
class TelegramStub:
    """The updates to deliver and the calls received. ``latency`` is in seconds, for every call but getUpdates."""

    latency: float = 0.0
    refuse: Callable[[int], Refusal | None] = lambda _: None
    """Returns what a message is refused with, by how many came before it; refused ones are not in ``calls``."""
    calls: list[Call] = field(default_factory=list)
    first_poll: float = 0.0
    webhook: tuple[str, str] = ("", "")
    """The URL and the secret that setWebhook gave; both empty before."""
    handed: dict[int, float] = field(default_factory=dict)
    _updates: deque[dict[str, Any]] = field(default_factory=deque)
    _more: asyncio.Event = field(default_factory=asyncio.Event)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _echoes: dict[tuple[str, str], bytes] = field(default_factory=dict)
    _number: int = 0
    _came: int = 0

    def says(self, chat_id: int, text: str) -> int:
        """Queue a private message. Returns the update's id."""
        sent = {"message_id": self._number + 1, "date": int(time.time()), "text": text} | _who(chat_id)
        if text.startswith("/"):
            sent["entities"] = [{"type": "bot_command", "offset": 0, "length": len(text)}]
        return self._put({"message": sent})

    def taps(self, chat_id: int, data: str, message_id: int = 1) -> int:
        """Queue a tap on a button of the bot's message. Returns the update's id."""
        message = {"message_id": message_id, "date": int(time.time()), "text": "…", "from": BOT} | {
            "chat": _who(chat_id)["chat"]
        }
        query = {"id": str(self._number + 1), "from": _who(chat_id)["from"], "chat_instance": "1", "data": data}
        return self._put({"callback_query": query | {"message": message}})

    def _put(self, update: dict[str, Any]) -> int:
        self._number += 1
        self._updates.append({"update_id": self._number} | update)
        self._more.set()
        return self._number

    async def until(self, count: int, timeout: float = 120.0) -> None:
        """Wait until ``count`` messages were sent or edited in all; raises TimeoutError."""
        async with asyncio.timeout(timeout):
            while len(self.calls) < count:
                self._changed.clear()
                await self._changed.wait()

    async def until_polled(self, timeout: float = 60.0) -> None:
        """Wait for the first getUpdates (``first_poll``, seconds of ``perf_counter``); raises TimeoutError."""
        async with asyncio.timeout(timeout):
            while not self.first_poll:
                self._changed.clear()
                await self._changed.wait()

    async def until_webhook(self, timeout: float = 60.0) -> None:
        """Wait for setWebhook; raises TimeoutError."""
        async with asyncio.timeout(timeout):
            while not self.webhook[0]:
                self._changed.clear()
                await self._changed.wait()

    async def next_update(self) -> dict[str, Any]:
        """Wait for an update to post to the webhook, and return it."""
        while not self._updates:
            self._more.clear()
            await self._more.wait()
        update = self._updates.popleft()
        self.handed[update["update_id"]] = time.perf_counter()
        return update

    async def answer(self, request: Request) -> bytes | Refusal:
        """Answer one call of the Bot API."""
        method = request.path.partition("?")[0].rpartition("/")[2].lower()
        if method == "setwebhook":
            given = _params(request)
            self.webhook = (str(given.get("url", "")), str(given.get("secret_token", "")))
            self._changed.set()
        if method == "getupdates":
            return await self._poll(request)
        call = _sent_by(method, request)
        if self.latency:
            await asyncio.sleep(self.latency)
        if call is not None:
            self._came += 1
            if refusal := self.refuse(self._came - 1):
                return refusal
        if call is None:
            return orjson.dumps({"ok": True, "result": (BOT | _FLAGS) if method == "getme" else True})
        call.answered = time.perf_counter()
        self.calls.append(call)
        self._changed.set()
        return self._echo(call)

    async def _poll(self, request: Request) -> bytes:
        self.first_poll = self.first_poll or time.perf_counter()
        self._changed.set()
        timeout = float(_params(request).get("timeout", 0))
        if not self._updates and timeout:
            self._more.clear()
            try:
                async with asyncio.timeout(min(timeout, 50)):
                    await self._more.wait()
            except TimeoutError:
                pass
        batch = [self._updates.popleft() for _ in range(min(_BATCH, len(self._updates)))]
        now = time.perf_counter()
        self.handed.update((update["update_id"], now) for update in batch)
        return orjson.dumps({"ok": True, "result": batch})

    def _echo(self, call: Call) -> bytes:
        """Return the message as Telegram does, with its entities and its keyboard, or its document."""
        text, keyboard = str(call.params.get("text", "")), call.params.get("reply_markup") or ""
        key = (text, keyboard if isinstance(keyboard, str) else orjson.dumps(keyboard).decode())
        rest = self._echoes.get(key)
        if rest is None:
            shown, entities = parse_html(text)
            message = {
                "message_id": len(self.calls), "date": int(time.time()), "from": BOT, "text": shown,
                "entities": entities,
            } | ({"reply_markup": orjson.loads(key[1])} if key[1] else {})  # fmt: skip
            if not text:
                message["document"] = {"file_id": "file", "file_unique_id": "unique"}
            rest = self._echoes[key] = orjson.dumps(message)[1:]
        chat = orjson.dumps(_who(call.chat_id)["chat"])
        return b'{"ok":true,"result":{"chat":' + chat + b"," + rest + b"}"


@asynccontextmanager
async def telegram(stub: TelegramStub) -> AsyncIterator[str]:
    """Serve a stub. Gives its base URL."""
    async with serve(stub.answer) as url:
        yield url


def _who(chat_id: int) -> dict[str, Any]:
    return {
        "chat": {"id": chat_id, "type": "private", "first_name": "Camille"},
        "from": {"id": chat_id, "is_bot": False, "first_name": "Camille", "language_code": "fr"},
    }


def _sent_by(method: str, request: Request) -> Call | None:
    """Return the message that a request sends or edits, with the time; a document's has no ``params``."""
    came = time.perf_counter()
    if method == "senddocument":
        found = _DOCUMENT_CHAT.search(request.body)
        return Call(int(found[1]), {}, came) if found else None
    params = _params(request) if method in _SENT else {}
    return Call(int(params["chat_id"]), params, came) if params else None


def _params(request: Request) -> dict[str, Any]:
    """Parse JSON, a URL-encoded form or a multipart form."""
    kind, body = request.content_type, request.body
    if kind.startswith("application/json"):
        return dict(orjson.loads(body))
    if kind.startswith("multipart/"):
        parts = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body)
        return {
            str(part.get_param("name", header="content-disposition")): part.get_payload(decode=True).decode()  # type: ignore[union-attr]
            for part in parts.iter_parts()  # type: ignore[attr-defined]
        }
    return dict(parse_qsl((body or request.path.partition("?")[2].encode()).decode()))
