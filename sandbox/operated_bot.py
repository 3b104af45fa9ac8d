"""The running bot as its operator sees it: the metrics of its admin port, ``odobot deliveries``, its stored alerts."""

import asyncio
import json
import sqlite3
import sys
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

NEWEST = 20
"""The number of deliveries to list."""
METRICS_SECONDS = 5.0
COMMAND_SECONDS = 30.0
_OUTBOX = "odobot_deliver"
"""What the names of the metrics about deliveries begin with."""


class Unavailable(Exception):
    """The bot or its command did not answer."""


@dataclass(frozen=True, slots=True)
class StoredAlert:
    """One row of the table ``operator_alerts``: an alert that holds, or the last time that it held."""

    name: str
    is_held: bool
    is_told: bool
    since: datetime
    seen_at: datetime


@dataclass(slots=True, eq=False)
class OperatedBot:
    """The bot's process, from outside.

    Args:
        admin_url: The base URL of its admin port.
        folder: Where it runs.
        environment: Its environment, also for commands.
        database: The file of its database; None for another engine than SQLite.
        chat_id: The operator's chat.
    """

    admin_url: str
    folder: Path
    environment: Mapping[str, str]
    database: Path | None
    chat_id: int
    _deliveries: list[dict[str, Any]] = field(default_factory=list)
    _listed_at: tuple[Sample, ...] | None = None
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def metrics(self) -> list[Sample]:
        """Return the samples of ``/metrics``. Raises Unavailable."""
        try:
            async with httpx.AsyncClient(trust_env=False, timeout=METRICS_SECONDS) as client:
                answer = await client.get(f"{self.admin_url}/metrics")
                answer.raise_for_status()
        except httpx.HTTPError as error:
            raise Unavailable(type(error).__name__) from error
        return [sample for family in text_string_to_metric_families(answer.text) for sample in family.samples]

    async def deliveries(self, samples: Iterable[Sample]) -> list[dict[str, Any]]:
        """Return the newest deliveries, as ``odobot deliveries --json`` prints them. Raises Unavailable.

        The command takes a second, so it runs again only when the metrics of the deliveries have changed.

        Args:
            samples: Those of ``metrics``.
        """
        outbox = tuple(each for each in samples if each.name.startswith(_OUTBOX))
        async with self._lock:
            if outbox != self._listed_at:
                printed = await self._run("deliveries", "--limit", str(NEWEST), "--json")
                self._deliveries, self._listed_at = json.loads(printed)["deliveries"], outbox
            return self._deliveries

    def alerts(self) -> list[StoredAlert]:
        """Return the stored alerts, those that hold first, each group with the newest first."""
        if self.database is None or not self.database.exists():
            return []
        query = "SELECT alert, is_held, is_told, since, seen_at FROM operator_alerts ORDER BY is_held DESC, since DESC"
        with closing(sqlite3.connect(f"{self.database.as_uri()}?mode=ro", uri=True, timeout=1.0)) as connection:
            rows = connection.execute(query).fetchall()
        return [
            StoredAlert(name, bool(held), bool(told), _utc(since), _utc(seen)) for name, held, told, since, seen in rows
        ]

    async def _run(self, *arguments: str) -> str:
        """Run ``odobot`` with the bot's settings. Returns: what it printed. Raises Unavailable."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot", *arguments,
            cwd=self.folder, env=dict(self.environment), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            async with asyncio.timeout(COMMAND_SECONDS):
                printed, errors = await process.communicate()
        except TimeoutError as error:
            raise Unavailable("odobot deliveries") from error
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode:
            raise Unavailable(errors.decode(errors="replace").strip().rpartition("\n")[2])
        return printed.decode()


def _utc(stored: str) -> datetime:
    """Read a time as SQLite stores it: in UTC, without a zone."""
    return datetime.fromisoformat(stored).replace(tzinfo=UTC)
