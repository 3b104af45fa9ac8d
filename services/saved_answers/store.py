"""Saved answers: what the portal last answered to a link, to be shown while the portal does not answer.

An answer is written some seconds after it was shown, with those of others in one transaction, and only if it changed
(docs/decisions/0020). An answer "not found" or "forbidden" erases what was saved.
"""

import asyncio
import datetime
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

import structlog
from pydantic import ValidationError

from portal.client import Reader
from portal.models import PortalModel
from services.clock import Clock
from services.recent import RecentEntries
from services.retention import Category, kept
from storage.database import Database
from storage.papers import saved_answers
from storage.papers.saved_answers import Answer
from storage.tables import SavedAnswer

KEPT = kept(Category.LISTS)
"""The age at which an answer is not shown any more, and is deleted."""
_REWRITTEN = datetime.timedelta(minutes=15)
"""An answer that stays the same is written again after so long: its time is shown to the person."""
MOST_BYTES = 32 * 1024
"""A longer answer is not saved: a page of 100 invoices has 25 kB."""
_PAUSE_SECONDS = 5.0
"""The pause before a transaction, in which further answers join it: each commit empties the chat cache."""
_AT_ONCE = 32
"""Answers that are encrypted without a pause for other tasks, which takes 3 ms."""
_MOST_WAITING = 1_000
OUTCOMES = ("written", "erased", "shown", "too_long", "dropped", "failed")
_CLOCKS_DIFFER = datetime.timedelta(minutes=5)

log = structlog.get_logger()

ModelT = TypeVar("ModelT", bound=PortalModel)
Key = tuple[int, str]
"""The link, and ``key_of``."""


def key_of(reader: Reader, call: str, *arguments: object) -> str:
    """Return the text that names one question to the portal. The language is no part of it: the facts are the same."""
    return json.dumps([reader.contact_id, reader.account_id, call, *arguments], default=str)


class SavedAnswers:
    """Writes, finds and erases saved answers.

    Args:
        run: Runs a coroutine in the background; a stop waits for it.
        pause: Waits for some seconds; returns False at once when the process stops.
        is_on: Whether answers are saved and shown at all; what was saved before is deleted otherwise.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        run: Callable[[Coroutine[Any, Any, None]], object],
        pause: Callable[[float], Awaitable[bool]],
        *,
        is_on: bool,
    ) -> None:
        self._database = database
        self._clock = clock
        self._run = run
        self._pause = pause
        self.is_on = is_on
        self._written: RecentEntries[Key, int] = RecentEntries(clock, _REWRITTEN)
        self._waiting: dict[Key, tuple[str, PortalModel | None, datetime.datetime]] = {}
        self._erased_calls: set[tuple[int, tuple[str, ...]]] = set()
        self._erasures: Counter[int] = Counter()
        """How often a part of a link's answers was erased: the same answer has to be written again then."""
        self._is_running = False
        self.counts: Counter[str] = Counter()
        """Answers of this process by what became of them: one of ``OUTCOMES``."""

    def save(self, link_id: int, call: str, key: str, answer: PortalModel) -> None:
        """Save an answer in a moment, unless it is the one that was saved last."""
        if not self.is_on:
            return
        fingerprint = hash((answer, self._erasures[link_id]))
        if self._written.get((link_id, key)) != fingerprint:
            self._written.set((link_id, key), fingerprint)
            self._wait((link_id, key), call, answer)

    def erase(self, link_id: int, call: str, key: str) -> None:
        """Erase an answer in a moment: the portal does not have, or does not show, what it was about."""
        if self.is_on:
            self._written.set((link_id, key), 0)
            self._wait((link_id, key), call, None)

    def erase_calls(self, link_id: int, *calls: str) -> None:
        """Erase a link's answers to these calls in a moment: the portal does not show that part any more."""
        if not self.is_on:
            return
        self._erasures[link_id] += 1
        for key, (call, _, _) in list(self._waiting.items()):
            if key[0] == link_id and call in calls:
                del self._waiting[key]
        self._erased_calls.add((link_id, calls))
        self._start()

    def _wait(self, key: Key, call: str, answer: PortalModel | None) -> None:
        if len(self._waiting) >= _MOST_WAITING and answer is not None:
            self._written.set(key, 0)
            self.counts["dropped"] += 1
            return
        self._waiting[key] = call, answer, self._clock()
        self._start()

    def _start(self) -> None:
        if not self._is_running:
            self._is_running = True
            self._run(self._write_waiting())

    async def _write_waiting(self) -> None:
        try:
            goes_on = True
            while goes_on and (self._waiting or self._erased_calls):
                goes_on = await self._pause(_PAUSE_SECONDS)
                await self._write()
        finally:
            self._is_running = False

    async def _write(self) -> None:
        waiting, self._waiting = self._waiting, {}
        calls, self._erased_calls = self._erased_calls, set()
        try:
            await self._erase([key for key, (_, answer, _) in waiting.items() if answer is None], calls)
            rows: list[SavedAnswer] = []
            for number, (key, value) in enumerate(waiting.items()):
                if (answer := self._answer(key, *value)) is not None:
                    rows.append(saved_answers.sealed(self._database.vault, answer))
                if number % _AT_ONCE == 0:
                    await asyncio.sleep(0)
            if rows:
                async with self._database.write() as session:
                    await saved_answers.save(session, rows)
            self.counts["written"] += len(rows)
        except Exception as error:  # each driver has its own
            self._written = RecentEntries(self._clock, _REWRITTEN)
            self.counts["failed"] += len(waiting) + len(calls)
            # Answers come again with the next read; erasures are tried until they succeed.
            self._erased_calls |= calls
            self._waiting = {key: value for key, value in waiting.items() if value[1] is None} | self._waiting
            log.warning("saved_answers.not_written", error=type(error).__name__, count=len(waiting) + len(calls))

    def _answer(self, key: Key, call: str, answer: PortalModel | None, read_at: datetime.datetime) -> Answer | None:
        if answer is None:
            return None
        content = answer.model_dump_json(exclude_none=True)
        if len(content.encode()) > MOST_BYTES:
            self.counts["too_long"] += 1
            return None
        link_id, text = key
        return Answer(link_id, call, text, content, read_at)

    async def _erase(self, keys: Sequence[Key], calls: set[tuple[int, tuple[str, ...]]]) -> None:
        keys = [key for each in keys for key in (each, *await self._pages_with(each))]
        if keys:
            async with self._database.read() as session:
                keys = keys if await saved_answers.has_any(session, keys) else []
        if not keys and not calls:
            return
        async with self._database.write() as session:
            for link_id, key in keys:
                self.counts["erased"] += await saved_answers.erase(session, link_id, key)
            for link_id, of_calls in calls:
                self.counts["erased"] += await saved_answers.erase_calls(session, link_id, of_calls)

    async def _pages_with(self, key: Key) -> list[Key]:
        """Return the keys of the saved pages that list the order or invoice of a key."""
        link_id, (_, _, call, number) = key[0], json.loads(key[1])
        row = f'"number":{json.dumps(number, ensure_ascii=False)}'
        async with self._database.read() as session:
            pages = await saved_answers.find_of_call(session, link_id, f"{call}s", self._clock() - KEPT)
        return [(link_id, page.key) for page in pages if row in page.content]

    async def find(self, model: type[ModelT], link_id: int, key: str) -> tuple[ModelT, datetime.datetime] | None:
        """Return an answer and when it was read; ``None`` if there is none that may be shown."""
        if not self.is_on:
            return None
        async with self._database.read() as session:
            answer = await saved_answers.find(session, link_id, key, self._clock() - KEPT)
        return self._read(model, answer) if answer is not None else None

    async def pages(
        self, model: type[ModelT], reader: Reader, link_id: int, call: str
    ) -> list[tuple[ModelT, datetime.datetime]]:
        """Return a link's answers to one call, such as all saved pages of a list, the newest first."""
        if not self.is_on:
            return []
        async with self._database.read() as session:
            answers = await saved_answers.find_of_call(session, link_id, call, self._clock() - KEPT)
        own = [answer for answer in answers if answer.key.startswith(key_of(reader, call)[:-1])]
        return [read for answer in own if (read := self._read(model, answer)) is not None]

    def _read(self, model: type[ModelT], answer: Answer) -> tuple[ModelT, datetime.datetime] | None:
        if answer.read_at > self._clock() + _CLOCKS_DIFFER:
            return None  # the clock was set back since: the age is not known
        try:
            read = model.model_validate_json(answer.content)
        except ValidationError:  # of an older version
            return None
        given = json.loads(answer.content)
        # A portal cannot set these counts, so reading the model does not either.
        unread = {name: given[name] for name in ("unread", "unread_lines") if given.get(name)}
        return (read.model_copy(update=unread) if unread else read), answer.read_at

    async def purge(self, limit: int) -> int:
        """Delete up to ``limit`` answers that are too old; all of them if nothing is to be saved. Returns: how many."""
        now = self._clock()
        before = now - KEPT if self.is_on else now + datetime.timedelta(days=36500)
        async with self._database.write() as session:
            return await saved_answers.purge(session, before, limit)
