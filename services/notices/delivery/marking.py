"""Marks deliveries as ``sending`` before their requests, many in one transaction."""

from collections.abc import Sequence

from services.clock import Clock
from services.concurrency.grouping import Grouped
from services.notices.delivery.claims import LEASE, SENDING_LEASE
from storage.database import Database
from storage.notices import outbox
from storage.notices.outbox import ClaimedDelivery, Held

_MOST_MARKED = 32
"""Largest group: a worker that dies after the commit leaves all of it uncertain."""
_GATHER_SECONDS = 0.03
"""Less than the time between the mark of a paced message and its slot."""

_Batch = Sequence[ClaimedDelivery]


class SendingMarks:
    """Moves batches of deliveries, each for one message, from ``leased`` to ``sending`` and back."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._groups = Grouped(self._mark_each, _MOST_MARKED, _GATHER_SECONDS)

    async def mark(self, batch: _Batch) -> bool:
        """Commit the state ``sending``.

        Returns:
            False if a delivery was cancelled, or its lease was lost.

        A paced message is marked shortly before its slot, so that the time of the commit does not delay the request.
        """
        return await self._groups.ask(batch)

    async def unmark(self, batch: _Batch) -> bool:
        """Undo ``mark`` before anything was sent. Returns: False if the lease was lost."""
        async with self._database.write() as session:
            return await outbox.take_back(session, _ids(batch), batch[0].lease, self._clock() + LEASE)

    async def release(self, batch: _Batch) -> None:
        """Move leased deliveries back to ``queued``."""
        async with self._database.write() as session:
            await outbox.give_back(session, _ids(batch), batch[0].lease)

    async def _mark_each(self, batches: Sequence[_Batch]) -> list[bool]:
        now = self._clock()
        async with self._database.write() as session:
            held = [each for batch in batches for each in _held(batch)]
            moved = await outbox.begin_sending(session, held, now, now + SENDING_LEASE)
            results = [moved.issuperset(_held(batch)) for batch in batches]
            for batch, is_marked in zip(batches, results, strict=True):
                if not is_marked and (some := moved.intersection(_held(batch))):
                    await outbox.take_back(session, [each.delivery_id for each in some], batch[0].lease, now + LEASE)
        return results


def _held(batch: _Batch) -> list[Held]:
    return [each.held for each in batch]


def _ids(batch: _Batch) -> list[int]:
    return [each.delivery_id for each in batch]
