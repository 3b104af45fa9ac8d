"""Counts the linked chats for the metrics."""

import math
import time
from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from storage.database import Database, Session
from storage.linking.links import count_linked_chats

INTERVAL_SECONDS = 600.0
"""The shortest time between two counts: one reads the index of all links, in SQLite 100,000 of them in about 10 ms."""


class LinkedChats(Collector):
    """Exports the number of linked chats, as of ten minutes ago at most."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._counted_at = -math.inf
        self._count = math.nan

    async def refresh(self) -> None:
        """Count, if the last count is ten minutes old. Raises what the database raises."""
        if time.monotonic() - self._counted_at < INTERVAL_SECONDS:
            return
        # On SQLite this engine reads in a thread, so that the event loop goes on meanwhile.
        async with Session(self._database.engine, self._database.vault) as session:
            self._count = await count_linked_chats(session)
        self._counted_at = time.monotonic()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the number; NaN before the first count."""
        yield GaugeMetricFamily(
            "odobot_linked_chats", "Chats with a link, of all processes; counted every ten minutes.", value=self._count
        )
