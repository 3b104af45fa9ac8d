"""Chats as they were read last, for as long as nobody has written to the database since."""

from storage import chats
from storage.chats import ChatState
from storage.database import Database

_KEPT = 1_000


class RecentChats:
    """Spares the reading of a chat that taps its way through a list.

    What is kept is thrown away at any commit, whoever makes it: ``odobot unlink`` holds at once. On PostgreSQL, where
    other replicas write and nothing tells of it for free, every update reads.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._version: int | None = None
        self._kept: dict[int, ChatState] = {}

    async def load(self, chat_id: int) -> ChatState:
        """The chat as it stands now."""
        # The version comes first: what is written between here and the reading is then thrown away once too often.
        version = self._database.version()
        if version is None or version != self._version or len(self._kept) >= _KEPT:
            self._kept.clear()
            self._version = version
        elif (known := self._kept.get(chat_id)) is not None:
            return known
        async with self._database.read() as session:
            state = await chats.load(session, chat_id)
        if version == self._version:
            self._kept[chat_id] = state
        return state
