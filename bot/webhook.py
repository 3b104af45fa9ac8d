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

from bot.body_limit import limited_body
from handlers.context import Context, Services
from services.clock import Clock
from storage import updates
from storage.database import Database
from storage.in_hand import InHand

_TRIES, _PAUSE_SECONDS = 20, 0.5
"""How often and how far apart another replica is looked after: for as long as a tap may take, and no longer."""
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105

log = structlog.get_logger()


class TelegramWebhook:
    """Takes what Telegram posts, with the handlers and the per-chat order of polling."""

    def __init__(
        self,
        application: Application[ExtBot[None], Context, Any, Any, Services, None],
        database: Database,
        clock: Clock,
        secret: str,
    ) -> None:
        self._application = application
        self._database = database
        self._clock = clock
        self.secret = secret
        self._in_hand: dict[int, asyncio.Task[bool]] = {}
        self._over_all = InHand(database)

    async def receive(self, request: Request) -> Response:
        """200 when the update is handled; 403 without the secret; 400 for what is no update; 503 while not running, or
        where another replica has it in hand for too long to wait: Telegram delivers it again."""
        if not hmac.compare_digest(request.headers.get(SECRET_HEADER, "").encode(), self.secret.encode()):
            log.warning("webhook.telegram_refused")
            return PlainTextResponse("the secret token is wrong\n", status_code=403)
        body = await limited_body(request)
        if not self._application.running:
            return PlainTextResponse("not running\n", status_code=503)
        update = self._parsed(body)
        if update is None:
            return PlainTextResponse("this is no update\n", status_code=400)
        if not await self._handled_once(update):
            return PlainTextResponse("another replica has it in hand\n", status_code=503)
        return Response()

    async def drain(self) -> None:
        """Waits for what is in hand."""
        while self._in_hand:
            await asyncio.wait(self._in_hand.values())

    async def close(self) -> None:
        """Lets go of what could not be waited for."""
        await self._over_all.close()

    def _parsed(self, body: bytes) -> Update | None:
        try:
            update = Update.de_json(orjson.loads(body), self._application.bot)
        except (ValueError, TypeError, KeyError, AttributeError):
            return None
        # PTB takes whatever stands there, and the number is a key in the database.
        is_number = isinstance(update.update_id, int) and not isinstance(update.update_id, bool)
        return update if is_number and 0 <= update.update_id < 2**63 else None

    async def _handled_once(self, update: Update) -> bool:
        task = self._in_hand.get(update.update_id)
        if task is None:
            task = asyncio.create_task(self._handle(update))
            self._in_hand[update.update_id] = task
            task.add_done_callback(lambda _: self._in_hand.pop(update.update_id, None))
        # Telegram may hang up and deliver again: what is in hand goes on, and the second delivery waits for it.
        return await asyncio.shield(task)

    async def _handle(self, update: Update) -> bool:
        """Whether it is handled, here and now or before; ``False`` while another replica is at it."""
        if not await self._taken(update.update_id):
            return False
        try:
            async with self._database.read() as session:
                if await updates.was_handled(session, update.update_id):
                    return True
            application = self._application
            await application.update_processor.process_update(update, application.process_update(update))
            async with self._database.write() as session:
                await updates.mark_handled(session, update.update_id, self._clock())
        finally:
            await self._over_all.give_back(update.update_id)
        return True

    async def _taken(self, update_id: int) -> bool:
        """Waits for another replica that has it in hand, and that may die."""
        for _ in range(_TRIES):
            if await self._over_all.take(update_id):
                return True
            await asyncio.sleep(_PAUSE_SECONDS)
        return False
