"""A cache of chats that any commit to the database empties."""

from storage import chats
from storage.chats import ChatState
from storage.database import Database

_LIMIT = 1_000
"""Largest number of cached chats; reaching it empties the cache."""


class ChatCache:
    """Caches ``ChatState`` on SQLite, for a chat that taps through a list.

    SQLite's ``data_version`` tells of every commit by any process, so ``odobot unlink`` takes effect at once. What
    each update writes itself (``Database.change_in_loop``) leaves the cache filled. On PostgreSQL there is no such
    number, and every load reads the database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._version: int | None = None
        self._cached: dict[int, ChatState] = {}

    async def load(self, chat_id: int) -> ChatState:
        """Return the chat as the database has it."""
        # Read the version first: a commit between here and the query then costs one more load, and no stale chat.
        version = self._database.data_version()
        if version is None or version != self._version or len(self._cached) >= _LIMIT:
            self._cached.clear()
            self._version = version
        elif (cached := self._cached.get(chat_id)) is not None:
            return cached
        async with self._database.read() as session:
            state = await chats.load(session, chat_id)
        if version == self._version:
            self._cached[chat_id] = state
        return state
