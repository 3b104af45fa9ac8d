"""The updates that were fetched by polling: which are handled, which are stored, and what may be confirmed."""

import asyncio
import json
import sqlite3
from typing import Any

import orjson
import structlog

from services.clock import Clock
from storage.inbox import Inbox, StoredUpdate

_RETRY_SECONDS = 1.0
_SLOW_SECONDS = 0.25
"""How long polling waits for a change of the inbox before it goes on without confirming."""

log = structlog.get_logger()


class FetchedUpdates:
    """Keeps what was fetched until it is handled or stored, so that ``offset`` confirms nothing else to Telegram."""

    def __init__(self, inbox: Inbox, clock: Clock) -> None:
        self._inbox = inbox
        self._clock = clock
        self._unstored: dict[int, Any] = {}
        """The JSON of updates that are not handled and not stored, by id, in the order of their arrival."""
        self._stored: set[int] = set()
        """Updates that are stored and not handled."""
        self._perhaps_stored: set[int] = set()
        """Updates of a change that failed: PostgreSQL may have committed it."""
        self._handled_rows: set[int] = set()
        """Handled updates whose rows are to be deleted."""
        self._handled: set[int] = set()
        """Handled updates that Telegram may deliver again."""
        self._remembered: set[int] = set()
        """Those of them whose rows an earlier process left, to be deleted once they are confirmed."""
        self._after_last: int | None = None
        self._turn = asyncio.Lock()
        self._change: asyncio.Task[bool] | None = None
        self._deletion: asyncio.TimerHandle | None = None
        self._progress = asyncio.Event()
        self._is_failing = False
        self.failures = 0
        """Changes of the inbox that failed since the start."""

    @property
    def in_progress(self) -> int:
        """The number of updates that are not handled."""
        return len(self._unstored) + len(self._stored)

    @property
    def offset(self) -> int | None:
        """The offset of the next getUpdates, which confirms all updates before it. None confirms nothing."""
        return min(self._unstored, default=self._after_last)

    @property
    def is_confirmed(self) -> bool:
        """Whether Telegram has confirmed that it forgot every handled update."""
        return not self._handled

    async def load(self) -> list[StoredUpdate]:
        """Read what an earlier process left. Returns: the updates to handle, in their order."""
        found = await self._inbox.load()
        self._stored = {each.update_id for each in found if each.content}
        self._remembered = {each.update_id for each in found if each.content == ""}
        self._handled = {each.update_id for each in found if not each.content}
        if unreadable := sum(each.content is None for each in found):
            log.error("inbox.not_read", updates=unreadable, reason="no key of ODOBOT_SECRET_KEYS opens them")
        return [each for each in found if each.content]

    def add(self, update_id: int, raw: Any) -> bool:
        """Take a fetched update. Returns: False if it is known, so that it must not be handled again."""
        self._after_last = update_id + 1
        if update_id in self._unstored or update_id in self._stored or update_id in self._handled:
            return False
        self._unstored[update_id] = raw
        return True

    def handled(self, update_id: int) -> None:
        """Note that an update was handled."""
        self._unstored.pop(update_id, None)
        self._handled.add(update_id)
        if update_id in self._stored or update_id in self._perhaps_stored:
            self._stored.discard(update_id)
            self._perhaps_stored.discard(update_id)
            self._handled_rows.add(update_id)
        if self._handled_rows and self._deletion is None:
            self._delete_after(self._inbox.delete_pause)
        self._progress.set()

    def confirmed(self, offset: int | None) -> None:
        """Note that Telegram answered a getUpdates with this offset."""
        if offset is not None:
            self._handled = {update_id for update_id in self._handled if update_id >= offset}
            if self._remembered:
                self._handled_rows |= self._remembered - self._handled
                self._remembered &= self._handled
                self._delete_after(self._inbox.delete_pause)

    async def progress(self, timeout: float) -> None:
        """Wait until an update is handled, or for ``timeout`` seconds."""
        self._progress.clear()
        try:
            async with asyncio.timeout(timeout):
                await self._progress.wait()
        except TimeoutError:
            return

    async def save(self, timeout: float = _SLOW_SECONDS) -> bool:
        """Store what is not handled, and delete the rows of what is.

        Returns:
            False if the database refused, or takes longer than ``timeout`` seconds; then ``offset`` stays back.
        """
        # A change is not cancelled at the time-out: a cancelled transaction leaves its connection in an unknown state.
        if self._change is not None and not (await asyncio.wait({self._change}, timeout=timeout))[0]:
            return False
        if not self._unstored and not self._handled_rows:
            return True
        change = self._change = asyncio.create_task(self._save())
        done, _ = await asyncio.wait({change}, timeout=timeout)
        return bool(done) and change.result()

    async def remember_handled(self, timeout: float) -> None:
        """Store which updates were handled and not confirmed, so that the next process does not handle them again."""
        try:
            async with asyncio.timeout(timeout):
                await self._inbox.change(dict.fromkeys(self._handled, ""), (), self._clock())
        except Exception as error:  # each driver has its own exceptions
            log.error("inbox.not_written", updates=len(self._handled), error=type(error).__name__, reason=str(error))

    async def _save(self) -> bool:
        """Change the inbox. Returns: False if that failed; the reason is logged once until it works again."""
        async with self._turn:
            return await self._save_in_turn()

    async def _save_in_turn(self) -> bool:
        new, gone = dict(self._unstored), set(self._handled_rows)
        if not new and not gone:
            return True
        try:
            await self._inbox.change({each: _json(raw) for each, raw in new.items()}, gone, self._clock())
        except Exception as error:  # each driver has its own exceptions
            self.failures += 1
            if not self._is_failing:
                log.error("inbox.not_written", updates=len(new), error=type(error).__name__, reason=str(error))
            self._is_failing = True
            if not isinstance(error, sqlite3.Error):
                self._perhaps_stored |= new.keys()
            if gone:
                self._delete_after(_RETRY_SECONDS)
            return False
        if self._is_failing:
            log.info("inbox.written_again")
        self._is_failing = False
        self._handled_rows -= gone
        self._perhaps_stored -= new.keys()
        for update_id in new:
            # One that was handled meanwhile has a row now.
            is_handled = self._unstored.pop(update_id, None) is None
            (self._handled_rows if is_handled else self._stored).add(update_id)
        if self._handled_rows:
            self._delete_after(self._inbox.delete_pause)
        return True

    def _delete_after(self, seconds: float) -> None:
        if self._deletion is None:
            self._deletion = asyncio.get_running_loop().call_later(seconds, self._delete)

    def _delete(self) -> None:
        self._deletion = None
        if self._change is not None and not self._change.done():
            self._delete_after(self._inbox.delete_pause)
        elif self._handled_rows:
            self._change = asyncio.create_task(self._save())


def _json(raw: Any) -> str:
    try:
        return orjson.dumps(raw).decode()
    except orjson.JSONEncodeError:  # an integer over 64 bits
        return json.dumps(raw)
