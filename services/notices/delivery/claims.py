"""Claims due deliveries for this worker, and knows which leases its tasks still use."""

import datetime
import secrets
import time
from collections import Counter
from collections.abc import Mapping, Set

from services.clock import Clock
from services.notices.delivery.breaker import Gate
from storage.database import Database
from storage.notices import outbox
from storage.notices.outbox import ClaimedDelivery
from storage.tables import Channel

LEASE = datetime.timedelta(seconds=120)
"""Time limit from claim to send: two portal reads, a PDF that takes a minute, and the wait for a send slot."""
SENDING_LEASE = datetime.timedelta(seconds=300)
"""Time limit of a send: a mail server may be slow to accept a PDF. After it the worker counts as dead."""


class Claims:
    """The deliveries that this worker claimed and does not send yet.

    Args:
        gates: One for each channel.
        chat_gap: The shortest time between two messages to one recipient.
    """

    def __init__(
        self, database: Database, clock: Clock, gates: Mapping[Channel, Gate], chat_gap: datetime.timedelta
    ) -> None:
        self._database = database
        self._clock = clock
        self._gates = gates
        self._chat_gap = chat_gap
        self._lease_ends: dict[str, float] = {}
        self.waiting: list[ClaimedDelivery] = []
        """The claimed deliveries that no task sends yet."""

    async def claim(self, limit: int, sending: Counter[Channel]) -> None:
        """Claim due deliveries: of a channel whose breaker is not closed, only as many as it lets through.

        Args:
            limit: The largest number of deliveries for each claim.
            sending: The number of deliveries that are being sent, by channel.
        """
        found = {channel: gate.breaker.claimable(sending[channel]) for channel, gate in self._gates.items()}
        braked = {channel: room for channel, room in found.items() if room is not None}
        claims = [(limit, list(braked))] if len(braked) < len(found) else []
        claims += [(min(room, limit), [each for each in Channel if each is not one]) for one, room in braked.items()]
        if not any(room for room, _ in claims):
            return
        now = self._clock()
        async with self._database.write() as session:
            for room, without in claims:
                if room:
                    lease = secrets.token_hex(8)
                    self.waiting += await outbox.claim(session, lease, now, now + LEASE, room, self._chat_gap, without)
        end = time.monotonic() + (LEASE + SENDING_LEASE).total_seconds()
        self._lease_ends |= {each.lease: end for each in self.waiting}

    def in_use(self, running: Set[str]) -> set[str]:
        """Return the leases of deliveries that wait or run here. One that lasts longer than every lease counts as dead.

        Args:
            running: The leases of the deliveries that are being sent.
        """
        leases = running | {each.lease for each in self.waiting}
        self._lease_ends = {lease: end for lease, end in self._lease_ends.items() if lease in leases}
        return {lease for lease, end in self._lease_ends.items() if end > time.monotonic()}
