"""A bot's update queue, and the long poll that waits for it."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from sandbox.telegram.clock import Clock
from sandbox.telegram.errors import TERMINATED_BY_POLL, TERMINATED_BY_WEBHOOK, ApiError
from sandbox.telegram.settings import Settings

NOT_BY_DEFAULT = {"chat_member", "message_reaction", "message_reaction_count"}
FIRST_UPDATE_ID = 700_000_001
Line = tuple[str, int]  # (kind of update, chat id): updates of one line stay in order
MOST_AHEAD = 10  # an offset further beyond the last update is ignored


@dataclass(slots=True)
class QueuedUpdate:
    """A queued update. A webhook receives the updates of one `line` in order."""

    update_id: int
    kind: str
    content: dict[str, Any]
    expires: float  # unix seconds
    line: Line

    def json(self) -> dict[str, Any]:
        """Return the Bot API's Update."""
        return {"update_id": self.update_id, self.kind: self.content}


class UpdateQueue:
    """Updates with rising ids. Each stays until it is confirmed, delivered or expired."""

    def __init__(self, clock: Clock, settings: Settings) -> None:
        self._clock = clock
        self._settings = settings
        self.waiting: dict[int, QueuedUpdate] = {}  # by update_id, in rising order
        self.lines: dict[Line, deque[QueuedUpdate]] = {}  # may contain updates that are not in `waiting`
        self.next_id = FIRST_UPDATE_ID
        self.allowed: frozenset[str] | None = None  # None: all but NOT_BY_DEFAULT
        self._poll: asyncio.Future[ApiError | None] | None = None
        self.on_add: Callable[[Line], None] | None = None

    def allow(self, kinds: list[str] | None, known: set[str]) -> None:
        """Set allowed_updates. None keeps the setting; a list without known kinds restores the default."""
        if kinds is None:
            return
        chosen = frozenset(kind.lower() for kind in kinds) & known
        self.allowed = chosen or None

    def admits(self, kind: str) -> bool:
        """Whether updates of a kind are queued."""
        return kind in self.allowed if self.allowed is not None else kind not in NOT_BY_DEFAULT

    def add(self, kind: str, content: dict[str, Any], line: Line, lives: float) -> QueuedUpdate | None:
        """Queue an update for `lives` seconds. Returns None when allowed_updates excludes it."""
        if not self.admits(kind):
            return None
        update = QueuedUpdate(self.next_id, kind, content, self._clock.now().timestamp() + lives, line)
        self.next_id += 1
        self.waiting[update.update_id] = update
        self.lines.setdefault(line, deque()).append(update)
        if self._poll is not None and not self._poll.done():
            self._poll.set_result(None)
        if self.on_add is not None:
            self.on_add(line)
        return update

    def drop_expired(self) -> None:
        """Remove expired updates."""
        now = self._clock.now().timestamp()
        for update in [each for each in self.waiting.values() if each.expires <= now]:
            self.remove(update)

    def confirm_before(self, offset: int) -> None:
        """Remove all updates with an id below `offset`."""
        for update_id in list(takewhile(lambda each: each < offset, self.waiting)):
            self.remove(self.waiting[update_id])

    def remove(self, update: QueuedUpdate) -> None:
        """Remove one update."""
        self.waiting.pop(update.update_id, None)
        self.head(update.line)

    def head(self, line: Line) -> QueuedUpdate | None:
        """Return the oldest update of a line, or None."""
        updates = self.lines.get(line)
        while updates and updates[0].update_id not in self.waiting:
            updates.popleft()
        if not updates:
            self.lines.pop(line, None)
            return None
        return updates[0]

    def clear(self) -> None:
        """Remove all updates, as drop_pending_updates does."""
        self.waiting.clear()
        self.lines.clear()

    async def poll(self, offset: int, limit: int, timeout: float) -> list[dict[str, Any]]:
        """Return the result of getUpdates. Wait up to `timeout` seconds for the first update.

        Raises:
            ApiError: 409, another poll or a webhook ended this one.
        """
        found = self._take(offset, limit)
        if found or timeout <= 0:
            return found
        self.end_poll(TERMINATED_BY_POLL)
        poll: asyncio.Future[ApiError | None] = asyncio.get_running_loop().create_future()
        self._poll = poll
        try:
            ended = await asyncio.wait_for(poll, min(timeout, self._settings.long_poll_seconds))
        except TimeoutError:
            ended = None
        finally:
            if self._poll is poll:
                self._poll = None
        if ended is not None:
            raise ended
        return self._take(offset, limit)

    def end_poll(self, reason: str | None) -> None:
        """End the waiting poll with a 409 and `reason`. With None, it returns the queued updates."""
        if self._poll is not None and not self._poll.done():
            self._poll.set_result(None if reason is None else ApiError(409, reason))

    def end_poll_for_webhook(self) -> None:
        """End the waiting poll because setWebhook was called."""
        self.end_poll(TERMINATED_BY_WEBHOOK)

    def _take(self, offset: int, limit: int) -> list[dict[str, Any]]:
        self.drop_expired()
        if offset < 0:
            for update in list(self.waiting.values())[:offset]:
                self.remove(update)
        elif offset <= self.next_id + MOST_AHEAD:
            self.confirm_before(offset)
        return [update.json() for _, update in zip(range(limit), self.waiting.values(), strict=False)]
