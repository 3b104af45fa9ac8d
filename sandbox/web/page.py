"""What the page shows and acts on, and the news that Telegram does not number by itself."""

import asyncio
import secrets
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func
from sqlmodel import select

from sandbox.mail.mailbox import Mailbox
from sandbox.portal.server import PortalServer
from sandbox.portal.tables import EventRow
from sandbox.telegram.bots import Bot
from sandbox.telegram.world import TelegramWorld

LOOK_SECONDS = 0.5


@dataclass(slots=True, eq=False)
class Page:
    """The three parts of a sandbox with one bot; `house` tells a page of an earlier run from this one's."""

    world: TelegramWorld
    portal: PortalServer
    mailbox: Mailbox
    house: str = field(default_factory=lambda: secrets.token_urlsafe(6))
    viewers: int = 0
    closed: bool = False
    read: dict[int, int] = field(default_factory=dict)  # by person, the change number up to which a tab showed it
    _state: Any = None

    @property
    def bot(self) -> Bot:
        """The bot whose chats are shown."""
        return self.world.bot()

    def close(self) -> None:
        """Let the streams of all tabs come to their end."""
        self.closed = True
        self.world.events.changed.fire()

    def look(self) -> None:
        """Tell the tabs when rows or faults of the portal, of Telegram or of the mailbox have changed."""
        state = self._look()
        if state != self._state:
            self._state = state
            self.world.publish("office", dict)

    async def keep_looking(self) -> None:
        """Changes come over the control APIs too, and a fault ends by striking: nobody announces those."""
        while True:
            if self.viewers:
                self.look()
            await asyncio.sleep(LOOK_SECONDS)

    async def announce_letters(self) -> None:
        """Number letters along with everything else that happens, so that a tab follows one stream."""
        with self.mailbox.watch() as letters:
            async for letter in letters:
                self.world.publish("letter", lambda id=letter.id: {"letter": id})  # type: ignore[misc]

    def _look(self) -> Any:
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
