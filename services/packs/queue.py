"""The queue of packs, as the handlers use it: request, cancel, and continue."""

import asyncio
import datetime

from services.clock import Clock
from services.packs.progress import Progress
from services.packs.selection import PackFormat, Selection
from storage.database import Database
from storage.papers import packs
from storage.papers.packs import NewPack
from storage.tables import PackState

_WITHOUT_MESSAGE = datetime.timedelta(seconds=10)
"""When a pack is begun whose progress message was not recorded: the process was killed in between."""


class PackQueue:
    """Requests packs. A process that makes packs is woken by ``wake`` at once, another one looks every few seconds."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self.wake = asyncio.Event()

    async def request(
        self, chat_id: int, thread_id: int | None, link_id: int, language: str, chosen: PackFormat, selection: Selection
    ) -> int | None:
        """Queue a pack; it begins once ``show_progress_in`` was called. Returns: its id; None if another is open."""
        now = self._clock()
        new = NewPack(chat_id, link_id, thread_id, language, chosen, selection.as_json())
        async with self._database.write() as session:
            return await packs.add(session, new, now, now + _WITHOUT_MESSAGE)

    async def show_progress_in(self, pack_id: int, message_id: int) -> None:
        """Begin a queued pack, whose progress is shown in a message."""
        async with self._database.write() as session:
            await packs.show_progress_in(session, pack_id, message_id, self._clock())
        self.wake.set()

    async def open_pack(self, chat_id: int) -> int | None:
        """Return the id of the chat's pack that waits or is being made, or None."""
        async with self._database.read() as session:
            return await packs.open_pack(session, chat_id)

    async def cancel(self, pack_id: int, chat_id: int) -> bool:
        """Cancel a pack of the chat. Returns: False if it is over."""
        async with self._database.write() as session:
            is_cancelled = await packs.cancel(session, pack_id, chat_id, self._clock())
        self.wake.set()
        return is_cancelled

    async def queue_again(self, pack_id: int, chat_id: int) -> bool:
        """Queue what is left of a pack: the rest of one that failed, or what is missing in one that was sent.

        It begins as after ``request``.

        Returns:
            False if the chat has no such pack, nothing is left, or another pack of the chat is open.
        """
        now = self._clock()
        async with self._database.write() as session:
            if await packs.open_pack(session, chat_id) is not None:
                return False
            settled = await packs.find_settled(session, pack_id, chat_id)
            if settled is None:
                return False
            progress = Progress.of_json(settled.progress)
            if settled.state is PackState.DONE:
                if not progress.missing:
                    return False
                progress = progress.rest()
            progress.attempts = 0
            return await packs.queue_again(session, settled, progress.as_json(), now, now + _WITHOUT_MESSAGE)
