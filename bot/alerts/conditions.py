"""The conditions of the operator's alerts, as this process sees them."""

import time
from collections import deque
from collections.abc import Callable

from bot.http.admin.readiness import Readiness
from bot.http.admin.sources import Sources
from services.operator_alerts.alerts import ERRORS_A_MINUTE, UNCERTAIN_DELIVERIES, Alert
from storage.notices import outbox_report

_PARTS = {
    "portal": Alert.PORTAL,
    "feed": Alert.FEED,
    "webhook": Alert.WEBHOOK,
    "updates": Alert.POLLING,
    "mail": Alert.MAIL,
    "loops": Alert.LOOPS,
}
"""The alerts that are about one part of readiness."""
_ERRORS_SECONDS = 60.0
_REFUSALS_SECONDS = 300.0
_REFUSALS = ("ours", "misconfigured")
"""The outcomes of mails that an operator has to act on (``mail.counted.OUTCOMES``)."""


class Growth:
    """How much a counter that begins at 0 has grown within the last seconds."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._samples = deque([(clock(), 0)])

    def measure(self, total: int) -> int:
        """Note the counter's present value. Returns: by how much it is larger than it was."""
        now = self._clock()
        self._samples.append((now, total))
        while now - self._samples[1][0] >= self._seconds:
            self._samples.popleft()
        return total - self._samples[0][1]


class Conditions:
    """Looks which alerts hold."""

    def __init__(self, readiness: Readiness, sources: Sources) -> None:
        self._readiness = readiness
        self._sources = sources
        self._errors = Growth(_ERRORS_SECONDS)
        self._refusals = Growth(_REFUSALS_SECONDS)

    async def holding(self) -> set[Alert]:
        """Return the alerts that hold now. It takes 5 s at most. Raises what the database raises."""
        failing = await self._readiness.failing()
        trial = self._sources.keys.trial
        async with self._sources.services.database.read() as session:
            is_uncertain = await outbox_report.has_more_uncertain(session, UNCERTAIN_DELIVERIES)
        errors = self._errors.measure(sum(self._sources.services.failed_updates.values()))
        refused = sum(count for (_, outcome), count in self._sources.mail.items() if outcome in _REFUSALS)
        found = {
            Alert.UNCERTAIN: is_uncertain,
            Alert.ERRORS: errors >= ERRORS_A_MINUTE,
            Alert.MAIL: self._refusals.measure(refused) > 0,
            Alert.KEYS: trial is not None and (trial.is_wrong_key or bool(trial.chats)),
        }
        holding = {_PARTS[part] for part in failing if part in _PARTS}
        holding |= {alert for alert, holds in found.items() if holds}
        # While the portal is away the feed cannot be read: one alert says it.
        return holding - {Alert.FEED} if Alert.PORTAL in holding else holding
