"""The systems that the page shows and controls, and the events that Telegram does not publish."""

import asyncio
import secrets
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from sqlalchemy import func
from sqlmodel import select

from sandbox.mail.mailbox import Mailbox
from sandbox.operated_bot import OperatedBot
from sandbox.portal.data.tables import EventRow
from sandbox.portal.request_log import LoggedRequest
from sandbox.portal.server import PortalServer
from sandbox.telegram.errors import TERMINATED_BY_POLL
from sandbox.telegram.model.bots import Bot
from sandbox.telegram.model.groups import Group
from sandbox.telegram.persons.person import Person
from sandbox.telegram.world import TelegramWorld

WATCH_SECONDS = 0.5
DISTURB_SECONDS = 0.5
SHOWN_CALLS = 200


@dataclass(slots=True, eq=False)
class Page:
    """The three systems of a sandbox with one bot. `run_id` detects pages of an earlier run."""

    world: TelegramWorld
    portal: PortalServer
    mailbox: Mailbox
    operated: OperatedBot | None = None
    run_id: str = field(default_factory=lambda: secrets.token_urlsafe(6))
    viewers: int = 0
    closed: bool = False
    read: dict[int, int] = field(default_factory=dict)  # by user id: the last change number that a tab has shown
    fault_names: dict[str, str] = field(default_factory=dict)
    """The faults that were chosen on the page, by system."""
    disturbance: asyncio.Task[None] | None = None
    """Another process that polls with the bot's token."""
    portal_calls: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=SHOWN_CALLS))
    _portal_numbers: Iterator[int] = field(default_factory=lambda: count(1))
    _state: Any = None

    @property
    def bot(self) -> Bot:
        """The bot whose chats are shown."""
        return self.world.bot()

    @property
    def forum(self) -> Group | None:
        """The staff's forum; None where there is none."""
        return next((group for group in self.world.groups.values() if group.is_forum), None)

    def is_staff(self, person: Person) -> bool:
        """Whether a person belongs to the staff, whose chats are not shown."""
        return self.forum is not None and person in self.forum.members

    def close(self) -> None:
        """End the streams of all tabs."""
        self.closed = True
        self.stop_disturbance()
        self.world.events.changed.fire()

    def disturb_polling(self) -> None:
        """Play another process that polls: each long poll of the bot ends with a 409."""

        async def disturb() -> None:
            while True:
                self.bot.updates.end_poll(TERMINATED_BY_POLL)
                await asyncio.sleep(DISTURB_SECONDS)

        self.disturbance = asyncio.create_task(disturb())

    def stop_disturbance(self) -> None:
        """End ``disturb_polling``."""
        if self.disturbance is not None:
            self.disturbance.cancel()
            self.disturbance = None

    def log_portal_call(self, request: LoggedRequest) -> None:
        """Keep and publish a call of the portal."""
        call = {
            "number": next(self._portal_numbers),
            "at": self.world.clock.now().isoformat(),
            "method": f"{request.method} {request.endpoint}",
            "path": request.path,
            "query": request.query,
            "status": request.status,
            "milliseconds": request.milliseconds,
            "is_poll": request.endpoint in ("events", "links"),
        }
        self.portal_calls.append(call)
        self.world.publish("portal_call", lambda: {"call": call})

    def publish_changes(self) -> None:
        """Publish an event when rows or faults have changed since the last call."""
        state = self._snapshot()
        if state != self._state:
            self._state = state
            self.world.publish("office", dict)

    async def watch_changes(self) -> None:
        """Check for changes regularly: the control APIs and used-up faults publish no event."""
        while True:
            if self.viewers:
                self.publish_changes()
            await asyncio.sleep(WATCH_SECONDS)

    async def publish_letters(self) -> None:
        """Publish an event for each received mail, so that a tab follows one stream."""
        with self.mailbox.watch() as letters:
            async for letter in letters:
                self.world.publish("letter", lambda id=letter.id: {"letter": id})  # type: ignore[misc]

    def _snapshot(self) -> Any:
        with self.portal.portal.database.session() as session:
            newest = session.exec(select(func.max(EventRow.sequence))).one()
        return (
            newest,
            self.portal.is_up,
            [(fault.fault_id, fault.times) for fault in self.portal.faults.all()],
            [(fault.kind, fault.method, fault.count) for fault in self.world.faults.rules],
            self.mailbox.is_down,
            list(self.mailbox.faults),
            dict(self.fault_names),
            self.bot.webhook.url,
        )
