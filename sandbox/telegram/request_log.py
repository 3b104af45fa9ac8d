"""The log of all Bot API calls, for tests and the operator."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sandbox.telegram.events import Signal


@dataclass(slots=True)
class LoggedRequest:
    """One call. `status` is 0 when the connection was cut. `files` are names with sizes."""

    number: int
    at: datetime
    bot: str
    method: str
    params: Mapping[str, Any]
    files: list[str]
    via: str  # GET, POST, or webhook for a call in a webhook's answer
    client: str
    status: int = 0
    error_code: int | None = None
    description: str | None = None
    fault: str | None = None
    lint: tuple[str, ...] = ()
    milliseconds: float = 0.0

    def json(self) -> dict[str, Any]:
        """Return the entry as the control API does."""
        return {
            "number": self.number,
            "at": self.at.isoformat(),
            "bot": self.bot,
            "method": self.method,
            "params": dict(self.params),
            "files": self.files,
            "via": self.via,
            "client": self.client,
            "status": self.status,
            "error_code": self.error_code,
            "description": self.description,
            "fault": self.fault,
            "lint": list(self.lint),
            "milliseconds": round(self.milliseconds, 2),
        }


class RequestLog:
    """The last `keep` calls, numbered. Tests can wait for calls."""

    def __init__(self, keep: int) -> None:
        self.entries: deque[LoggedRequest] = deque(maxlen=keep)
        self.count = 0
        self.changed = Signal()

    def number(self) -> int:
        """Return the number of a new call."""
        self.count += 1
        return self.count

    def finished(self, entry: LoggedRequest) -> None:
        """Add a call that was answered or cut."""
        self.entries.append(entry)
        self.changed.fire()

    def find(self, *, bot: str | None = None, method: str | None = None, since: int = 0) -> list[LoggedRequest]:
        """Return the calls with a number above `since`, oldest first. None matches any bot (username) or method."""
        wanted = method.lower() if method else None
        return [
            entry
            for entry in self.entries
            if entry.number > since
            and (bot is None or entry.bot == bot)
            and (wanted is None or entry.method.lower() == wanted)
        ]

    async def wait(
        self, method: str | None = None, *, bot: str | None = None, since: int = 0, count: int = 1, timeout: float = 5.0
    ) -> list[LoggedRequest]:
        """Wait for `count` such calls. Returns fewer after `timeout` seconds."""

        def look() -> list[LoggedRequest] | None:
            found = self.find(bot=bot, method=method, since=since)
            return found if len(found) >= count else None

        return await self.changed.until(look, timeout) or self.find(bot=bot, method=method, since=since)

    @property
    def lint(self) -> list[str]:
        """All that Telegram would have ignored without an error, over all kept calls."""
        return [f"{entry.method}: {note}" for entry in self.entries for note in entry.lint]
