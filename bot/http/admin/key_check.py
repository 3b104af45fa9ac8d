"""The key check: tries the keys on a sample of each table, for readiness, metrics, log and ``odobot check``."""

import math
import time
from collections.abc import Iterator

import structlog
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from services.notices.delivery import sealed_links
from storage.database import Database
from storage.health.errors import is_database_error
from storage.health.keys import KeyTrial, TableTrial, sample_keys

INTERVAL_SECONDS = 600.0
"""The shortest time between two trials. Keys change with a restart, data with a restore."""
SAMPLE = 50
"""Rows that are tried of each end of a table."""

log = structlog.get_logger()


class KeyCheck:
    """Knows what the keys open of the 50 oldest and the 50 newest rows of each table with sealed columns."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._tried_at = -math.inf
        self.trial: KeyTrial | None = None
        """The last trial; None before the first."""

    async def refresh(self) -> None:
        """Try the keys, if the last trial is ten minutes old and the database can be read. Log a change."""
        now = time.monotonic()
        if now - self._tried_at < INTERVAL_SECONDS:
            return
        try:
            trial = await sample_keys(self._database, SAMPLE)
        except Exception as error:
            if not is_database_error(error):
                raise
            return  # the database check reports it
        before = (self.trial.total.unreadable, self.trial.is_wrong_key) if self.trial else (0, False)
        self.trial, self._tried_at = trial, now
        if (trial.total.unreadable, trial.is_wrong_key) != before:
            level = log.error if trial.is_wrong_key else log.warning
            level(
                "keys.unreadable", rows=trial.total.unreadable, reason=unreadable_reason(trial) or "the keys open all"
            )

    def forget(self) -> None:
        """Try again at the next call, also within ten minutes."""
        self._tried_at = -math.inf

    async def reason(self) -> str:
        """Return in one line that the keys are wrong ones; empty if they open what decides it (``is_wrong_key``)."""
        await self.refresh()
        return unreadable_reason(self.trial) if self.trial and self.trial.is_wrong_key else ""


def unreadable_reason(trial: KeyTrial) -> str:
    """Return the line for the operator about rows that no key opens; empty if there are none."""
    found = [f"{each.unreadable} of {each.tried} {name}" for name, each in trial.tables.items() if each.unreadable]
    if not found:
        return ""
    total = trial.total
    return (
        f"no key of ODOBOT_SECRET_KEYS opens {total.unreadable} of {total.tried} sampled rows ({', '.join(found)}): "
        "add the old key; if it is gone for good, their chats have to link again: odobot unlink --unreadable"
    )


class Keys(Collector):
    """Exports what no key opens, and the deliveries that wait for a key."""

    def __init__(self, check: KeyCheck) -> None:
        self._check = check

    def collect(self) -> Iterator[Metric]:
        """Yield the chats and the rows by table, NaN before the first trial, and the deliveries by outcome."""
        trial = self._check.trial
        yield GaugeMetricFamily(
            "odobot_unreadable_chats",
            "Chats with a column that no key of ODOBOT_SECRET_KEYS opens, among the oldest and the newest links.",
            value=len(trial.chats) if trial else math.nan,
        )
        rows = GaugeMetricFamily(
            "odobot_unreadable_rows", "Sampled rows that no key of ODOBOT_SECRET_KEYS opens.", labels=["table"]
        )
        tables: dict[str, TableTrial] = dict(trial.tables) if trial else {}
        for name, found in tables.items():
            rows.add_metric([name], found.unreadable)
        yield rows
        deliveries = CounterMetricFamily(
            "odobot_deliveries_unreadable",
            "Attempts at deliveries that were not sent, because no key opens their link or copy.",
            labels=["outcome"],
        )
        for outcome in sealed_links.OUTCOMES:
            deliveries.add_metric([outcome], sealed_links.counts[outcome])
        yield deliveries
