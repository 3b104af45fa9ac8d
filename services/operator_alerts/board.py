"""Decides what the operator's chat is told: each alert once when it begins, and once when it is over.

The state is in the database, so that several processes tell an alert once, and a restart does not repeat it.
"""

import datetime
from collections.abc import Sequence, Set

import structlog

from services.clock import Clock
from services.operator_alerts.alerts import RULES, Alert, Change
from storage.database import Database
from storage.health import operator_alerts
from storage.tables import OperatorAlert

_CLAIM = datetime.timedelta(seconds=60)
"""How long one process has to send: more than a call of Telegram takes."""
_BETWEEN_MESSAGES = datetime.timedelta(seconds=20)
"""The shortest time between two messages; the changes meanwhile are told together."""
_BEFORE_AGAIN = datetime.timedelta(minutes=10)
"""The shortest time from one message about an alert until it is told that it holds again."""

log = structlog.get_logger()


class AlertBoard:
    """The alerts of all processes, as this one sees and changes them."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._watching_since: datetime.datetime | None = None

    async def update(self, holding: Set[Alert]) -> list[Change]:
        """Store what holds in this process, and claim what is to be told now.

        Returns:
            What the caller tells, and then confirms by ``told`` or gives back by ``not_told``. Empty while another
            process tells something, or shortly after it did.
        """
        async with self._database.read() as session:
            if not holding and not await operator_alerts.is_any_open(session):
                self._watching_since = self._watching_since or self._clock()
                return []
        async with self._database.write() as session:
            rows = {row.alert: row for row in await operator_alerts.load_and_lock(session)}
            now = self._clock()
            # A clock that was set back must not stop anything.
            if self._watching_since is None or self._watching_since > now:
                self._watching_since = now
            for alert in sorted(holding):
                row = rows.get(alert)
                if row is None:
                    row = rows[alert] = OperatorAlert(alert=alert, since=now, seen_at=now)
                _hold(row, now)
                session.add(row)
            known = [row for name, row in rows.items() if name in set(Alert)]
            for row in known:
                if row.is_held and row.alert not in holding:
                    self._end_if_unseen(row, now)
            return _claim(known, now)

    async def told(self, changes: Sequence[Change]) -> None:
        """Store that the chat has been told."""
        by_name = {change.alert: change for change in changes}
        async with self._database.write() as session:
            for row in await operator_alerts.load_and_lock(session):
                if row.alert in by_name:
                    row.is_told, row.told_at = by_name[Alert(row.alert)].is_held, self._clock()
                    row.claimed_until = None

    async def not_told(self, changes: Sequence[Change]) -> None:
        """Give back what could not be told: it is claimed again while it is still to be told."""
        async with self._database.write() as session:
            await operator_alerts.release(session, [change.alert for change in changes])

    def _end_if_unseen(self, row: OperatorAlert, now: datetime.datetime) -> None:
        """End an alert that no process has seen for its time. After a start, this process looks for as long first."""
        over_after = RULES[Alert(row.alert)].over_after
        if self._watching_since is None or now - self._watching_since < over_after:
            return
        if abs(now - row.seen_at) >= over_after:
            row.is_held = False
            log.info("operator_alert.over", alert=row.alert)


def _hold(row: OperatorAlert, now: datetime.datetime) -> None:
    if not row.is_held:
        row.is_held, row.since = True, now
        log.warning("operator_alert.begun", alert=row.alert)
    row.since, row.seen_at = min(row.since, now), now


def _claim(rows: Sequence[OperatorAlert], now: datetime.datetime) -> list[Change]:
    is_sending = any(row.claimed_until and now < row.claimed_until <= now + _CLAIM for row in rows)
    is_too_soon = any(row.told_at and abs(now - row.told_at) < _BETWEEN_MESSAGES for row in rows)
    if is_sending or is_too_soon:
        return []
    due = [row for row in rows if row.is_held != row.is_told and _is_ripe(row, now)]
    for row in due:
        row.claimed_until = now + _CLAIM
    return [Change(Alert(row.alert), row.is_held, (now if row.is_held else row.seen_at) - row.since) for row in due]


def _is_ripe(row: OperatorAlert, now: datetime.datetime) -> bool:
    if not row.is_held:
        return True
    is_again = row.told_at is not None and abs(now - row.told_at) < _BEFORE_AGAIN
    return now - row.since >= RULES[Alert(row.alert)].tell_after and not is_again
