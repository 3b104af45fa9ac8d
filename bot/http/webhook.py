"""``POST /telegram``: updates by webhook, acknowledged only when they are handled.

A crash before the acknowledgement brings the update back: at least once. Where nothing crashed it is handled once: an
update that comes again is known, by its row or, while it is still in hand, by its task here or its lock in another
replica.
"""

import asyncio
import hmac
from typing import Any

import orjson
import structlog
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from telegram import Update
from telegram.ext import Application, ExtBot

from bot.http.bodies import limited_body
from bot.logs import ThrottledWarning
from bot.updates.ordering import PerChatOrder
from handlers.context import Context, Services
from services.clock import Clock
from storage import updates
from storage.database import Database
from storage.update_locks import UpdateLocks

_TRIES, _PAUSE_SECONDS = 20, 0.5
"""How often and how far apart another replica is looked after: for as long as a tap may take, and no longer."""
_STRANGERS = 24
"""How many updates in hand leave the rest of Telegram's connections (``MAX_CONNECTIONS``) to linked chats."""
_AGAIN = {"Retry-After": "1"}
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105

log = structlog.get_logger()


class TelegramWebhook:
    """Takes what Telegram posts, with the handlers and the per-chat order of polling."""

    def __init__(
        self,
        application: Application[ExtBot[None], Context, Any, Any, Services, None],
        order: PerChatOrder,
        database: Database,
        clock: Clock,
        secret: str,
    ) -> None:
        self._application = application
        self._order = order
        self._database = database
        self._clock = clock
        self.secret = secret
        self._in_hand: dict[int, asyncio.Task[bool]] = {}
        self._refused = ThrottledWarning(log, "webhook.telegram_refused")
        self._update_locks = UpdateLocks(database)

    async def receive(self, request: Request) -> Response:
        """200 when the update is handled; 403 without the secret; 400 for what is no update; 503 while not running,
        where too many wait, or where another replica has it in hand for too long: Telegram delivers it again."""
        if not hmac.compare_digest(request.headers.get(SECRET_HEADER, "").encode(), self.secret.encode()):
            self._refused.count()
            return PlainTextResponse("the secret token is wrong\n", status_code=403)
        body = await limited_body(request)
        if not self._application.running:
            return PlainTextResponse("not running\n", status_code=503)
        update = self._parsed(body)
        if update is None:
            return PlainTextResponse("this is no update\n", status_code=400)
        if update.update_id not in self._in_hand and not await self._has_room(update):
            return PlainTextResponse("too many updates wait\n", status_code=503, headers=_AGAIN)
        if not await self._handled_once(update):
            return PlainTextResponse("it has to come again\n", status_code=503, headers=_AGAIN)
        return Response()

    async def drain(self) -> None:
        """Waits for what is in hand."""
        while self._in_hand:
            await asyncio.wait(self._in_hand.values())

    async def close(self) -> None:
        """Lets go of what could not be waited for."""
        await self._update_locks.close()

    def _parsed(self, body: bytes) -> Update | None:
        try:
            update = Update.de_json(orjson.loads(body), self._application.bot)
            sender = update.effective_chat, update.effective_user
        except Exception:  # whatever PTB's constructors meet in a body that is no update: RecursionError, OverflowError
            return None
        # PTB takes whatever stands there, and these numbers are keys in the database.
        numbers = [update.update_id, *(each.id for each in sender if each is not None)]
        are_keys = all(type(number) is int and -(2**63) <= number < 2**63 for number in numbers)
        return update if are_keys and update.update_id >= 0 else None

    async def _has_room(self, update: Update) -> bool:
        """Whether it can wait here: its chat has not too much in hand, and strangers leave room for linked chats."""
        if not self._order.has_room(update):
            return False
        return len(self._in_hand) < _STRANGERS or await self._order.is_linked(update)

    async def _handled_once(self, update: Update) -> bool:
        task = self._in_hand.get(update.update_id)
        if task is None:
            task = asyncio.create_task(self._handle(update))
            self._in_hand[update.update_id] = task
            task.add_done_callback(lambda _: self._in_hand.pop(update.update_id, None))
        # Telegram may hang up and deliver again: what is in hand goes on, and the second delivery waits for it.
        return await asyncio.shield(task)

    async def _handle(self, update: Update) -> bool:
        """Whether it is handled, here and now or before; ``False`` while another replica is at it, or in a crowd."""
        if not await self._taken(update.update_id):
            return False
        try:
            async with self._database.read() as session:
                if await updates.was_handled(session, update.update_id):
                    return True
            if not await self._process(update):
                return False
            async with self._database.write() as session:
                await updates.mark_handled(session, update.update_id, self._clock())
        finally:
            await self._update_locks.unlock(update.update_id)
        return True

    async def _process(self, update: Update) -> bool:
        """Whether the handlers were given it; ``False`` where it was dropped, so that it has to come again."""
        was_begun = False

        async def process() -> None:
            nonlocal was_begun
            was_begun = True
            await self._application.process_update(update)

        # Asked again: others came while the database was. What the order drops counts as lost, and the chat is told so.
        if self._order.has_room(update):
            await self._order.process_update(update, process())
        return was_begun

    async def _taken(self, update_id: int) -> bool:
        """Waits for another replica that has it in hand, and that may die."""
        for _ in range(_TRIES):
            if await self._update_locks.try_lock(update_id):
                return True
            await asyncio.sleep(_PAUSE_SECONDS)
        return False
