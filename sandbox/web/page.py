"""The systems that the page shows and controls, and the events that Telegram does not publish."""

import asyncio
import secrets
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func
from sqlmodel import select

from sandbox.mail.mailbox import Mailbox
from sandbox.portal.data.tables import EventRow
from sandbox.portal.server import PortalServer
from sandbox.telegram.model.bots import Bot
from sandbox.telegram.world import TelegramWorld

WATCH_SECONDS = 0.5


@dataclass(slots=True, eq=False)
class Page:
    """The three systems of a sandbox with one bot. `run_id` detects pages of an earlier run."""

    world: TelegramWorld
    portal: PortalServer
    mailbox: Mailbox
    run_id: str = field(default_factory=lambda: secrets.token_urlsafe(6))
    viewers: int = 0
    closed: bool = False
    read: dict[int, int] = field(default_factory=dict)  # by user id: the last change number that a tab has shown
    _state: Any = None

    @property
    def bot(self) -> Bot:
        """The bot whose chats are shown."""
        return self.world.bot()

    def close(self) -> None:
        """End the streams of all tabs."""
        self.closed = True
        self.world.events.changed.fire()

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
        )
