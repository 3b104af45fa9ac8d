"""``POST /telegram``: receives updates by webhook, and acknowledges each after it is handled.

After a crash Telegram delivers the update again: at least once. Without a crash it is handled once: a repeated delivery
is recognized by its row in the database, or, while the update is in progress, by its task here or by its lock in
another replica.
"""

import asyncio
import hmac
from collections.abc import Sequence

import structlog
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from telegram import Update

from bot.http.bodies import read_body
from bot.logs import ThrottledWarning
from bot.updates.handling import OdobotApplication, UpdateHandler
from bot.updates.ordering import PerChatOrder
from bot.updates.parsing import parse_update, read_json
from bot.updates.slots import on_given_back
from services.clock import Clock
from services.concurrency.grouping import Grouped
from storage.database import Database
from storage.inbox import Inbox
from storage.replica_locks import ReplicaLocks
from storage.updates import HandledUpdates

_LOCK_ATTEMPTS, _LOCK_PAUSE_SECONDS = 20, 0.5
"""Together the longest wait for another replica: as long as the answer to a tap may take."""
_CANCEL_SECONDS = 1.0
_OVERLOAD = 24
"""Updates in progress at which strangers' are refused: Telegram's other connections (``MAX_CONNECTIONS``) are for
linked chats."""
_MARKS_AT_ONCE = 100
"""Handled updates that are recorded in one transaction."""
_RETRY = {"Retry-After": "1"}
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105

log = structlog.get_logger()


class TelegramWebhook:
    """Handles updates that Telegram posts, with the same handlers and update order as polling.

    Args:
        secrets: What Telegram may send in ``SECRET_HEADER``. The webhook is set with the first one; while a key is
            rotated, another replica may have set it with the secret of its own first key.
    """

    def __init__(
        self,
        application: OdobotApplication,
        order: PerChatOrder,
        handler: UpdateHandler,
        database: Database,
        inbox: Inbox,
        locks: ReplicaLocks,
        clock: Clock,
        secrets: Sequence[str],
    ) -> None:
        self._application = application
        self._order = order
        self._handler = handler
        self._handled = HandledUpdates(database)
        self._marks = Grouped(self._mark_handled, limit=_MARKS_AT_ONCE, gather=0)
        self._inbox = inbox
        self._clock = clock
        self.secret = secrets[0]
        self._secrets = [each.encode() for each in secrets]
        self._in_progress: dict[int, tuple[asyncio.Task[bool], asyncio.Future[None]]] = {}
        self._refused = ThrottledWarning(log, "webhook.telegram_refused")
        self._locks = locks

    async def receive(self, request: Request) -> Response:
        """Answer 200 when the update is handled; 403 without the secret; 400 if the body is not an update.

        503 makes Telegram deliver it again: the application is not running, too many updates wait, or the update takes
        long, here or in another replica.
        """
        given = request.headers.get(SECRET_HEADER, "").encode()
        if True not in [hmac.compare_digest(given, each) for each in self._secrets]:
            self._refused.count()
            return PlainTextResponse("the secret token is wrong\n", status_code=403)
        body = await read_body(request)
        if not self._application.running:
            return PlainTextResponse("not running\n", status_code=503)
        update = self._parse(body)
        if update is None:
            return PlainTextResponse("the body is not an update\n", status_code=400)
        if update.update_id not in self._in_progress and not await self._accepts(update):
            return PlainTextResponse("too many updates are waiting\n", status_code=503, headers=_RETRY)
        if not await self._handle_once(update):
            return PlainTextResponse("the update was not handled, send it again\n", status_code=503, headers=_RETRY)
        return Response()

    async def handle_inbox(self) -> None:
        """Handle what a process that polled has left, each update in one of the replicas."""
        try:
            stored = await self._inbox.load()
            if unreadable := sum(each.content is None for each in stored):
                log.error("inbox.not_read", updates=unreadable, reason="no key of ODOBOT_SECRET_KEYS opens them")
            left = [(each.update_id, self._parse(each.content.encode())) for each in stored if each.content is not None]
            results = await asyncio.gather(*(self._handle_once(update) for _, update in left if update is not None))
            if left and all(results):
                await self._inbox.change({}, [update_id for update_id, _ in left], self._clock())
        except Exception as error:  # each driver has its own exceptions
            log.error("inbox.not_handled", error=type(error).__name__, reason="restart to try again")

    async def drain(self) -> None:
        """Wait for the updates in progress."""
        while self._in_progress:
            await asyncio.wait([task for task, _ in self._in_progress.values()])

    async def close(self) -> None:
        """Cancel the updates still in progress: Telegram delivers them again."""
        tasks = [task for task, _ in self._in_progress.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_CANCEL_SECONDS)

    def _parse(self, body: bytes) -> Update | None:
        """Return the update; None if the body is none."""
        return parse_update(read_json(body), self._application.bot)

    async def _accepts(self, update: Update) -> bool:
        """Return whether the limits of the update order and of strangers allow one more update like this."""
        if not self._order.accepts(update):
            return False
        return len(self._in_progress) < _OVERLOAD or await self._order.is_linked(update)

    async def _handle_once(self, update: Update) -> bool:
        """Return whether the update was handled; False also if it gave its slot back and is still being handled.

        It waits for Telegram or the portal then: the connection, one of 40, must not wait with it.
        """
        in_progress = self._in_progress.get(update.update_id)
        if in_progress is None:
            given_back: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            task = asyncio.create_task(self._handle(update, given_back))
            self._in_progress[update.update_id] = in_progress = task, given_back
            task.add_done_callback(lambda _: self._in_progress.pop(update.update_id, None))
        # Telegram may disconnect and deliver again: the task continues, and the second request waits for it.
        task, _ = in_progress
        await asyncio.wait(in_progress, return_when=asyncio.FIRST_COMPLETED)
        return task.done() and not task.cancelled() and task.result()

    async def _handle(self, update: Update, given_back: asyncio.Future[None]) -> bool:
        """Return whether the update was handled, here or earlier; False if it was dropped or is locked elsewhere.

        Args:
            given_back: Gets its result when the update gives its slot back before it is handled.
        """
        on_given_back.set(lambda: given_back.set_result(None))
        if not await self._lock(update.update_id):
            return False
        try:
            if await self._handled.contain(update.update_id):
                return True
            if not await self._process(update):
                return False
            await self._marks.ask(update.update_id)
        finally:
            await self._locks.unlock(update.update_id)
        return True

    async def _mark_handled(self, handled: Sequence[int]) -> Sequence[None]:
        await self._handled.add(handled, self._clock())
        return [None] * len(handled)

    async def _process(self, update: Update) -> bool:
        """Return whether the handlers received the update; False if the limits refused it."""
        # Check again, as others arrived during the query: the order would tell the chat of an update that it drops.
        return self._order.accepts(update) and await self._handler.handle(update)

    async def _lock(self, update_id: int) -> bool:
        """Lock the update, waiting for a replica that handles it and may die. Returns: False if it keeps the lock."""
        for _ in range(_LOCK_ATTEMPTS):
            if await self._locks.try_lock(update_id):
                return True
            await asyncio.sleep(_LOCK_PAUSE_SECONDS)
        return False
