"""Notices of one new invoice to each of many chats: processor time, notices a second, and what a tap waits meanwhile.

    python -m benches.notices [--notices 3000] [--due 100000]

Telegram and the portal are stubs of this process, and are not measured: the bot is, as one process and, on PostgreSQL,
with a second worker. Each notice goes from the portal's event to Telegram's answer.
"""

import argparse
import asyncio
import datetime
import sys
import tempfile
from bisect import bisect_left
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from benches.stubs.http import Request, serve
from benches.stubs.telegram import TelegramStub, telegram
from benches.support.bots import FIRST_CHAT, Process, odobot_environment, running
from benches.support.measure import peak, table
from storage.tables import Kind
from tests.postgres.server import postgres_server

RATE = 1000
"""Notices per second that the setting allows."""
CPU_LIMIT_MS = 4.0
LEAST_PER_SECOND = 250.0
LEAST_GAIN_OF_TWO = 1.7
TAPS_LIMIT = 1.3
TIMEOUT = 900.0
_PAGE = 100


@dataclass(slots=True)
class PortalStub:
    """A portal with a feed of one new invoice for each account; each contact is allowed all of its account."""

    issued: int = 0
    calls: dict[str, int] = field(default_factory=dict)
    at: str = ""

    def issue(self, count: int) -> None:
        """Issue an invoice in each of ``count`` accounts."""
        self.at = datetime.datetime.now(datetime.UTC).isoformat()
        self.issued += count

    async def answer(self, request: Request) -> bytes:
        """Answer one call."""
        path, _, query = request.path.partition("?")
        parts = path.strip("/").split("/")
        if parts[-1] == "events":
            return self._events(query)
        if len(parts) == 3:
            return _contact(parts[2])
        if len(parts) == 7:
            return _invoice(parts[4], parts[6])
        return orjson.dumps({"items": []})

    def _events(self, query: str) -> bytes:
        after = next((part[6:] for part in query.split("&") if part.startswith("after=")), "")
        first = int(after) if after else self.issued
        last = min(first + _PAGE, self.issued)
        items = [
            {
                "id": f"e-{number}", "type": "invoice.issued", "occurred_at": self.at, "number": str(300_000 + number),
                "account_id": f"a-{FIRST_CHAT + number}",
            }
            for number in range(first, last)
        ]  # fmt: skip
        return orjson.dumps({"items": items, "cursor": str(last)})


def _contact(contact_id: str) -> bytes:
    account = {"account_id": f"a-{contact_id[2:]}", "name": "Transport Boréal inc.", "access": ["orders", "invoices"]}
    found = {"contact_id": contact_id, "email": "client@example.test", "name": "Camille", "accounts": [account]}
    return orjson.dumps(found)


def _invoice(account_id: str, number: str) -> bytes:
    return orjson.dumps(
        {
            "number": number, "date": "2026-11-01", "due_date": "2026-11-28", "amount": "293.08", "balance": "293.08",
            "currency": "CAD", "paid_on": None, "order_number": "26901", "account_id": account_id,
            "url": f"https://portail.odotrack.test/factures/{number}",
        }
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Result:
    """What one run measured. ``taps`` are in milliseconds; ``most`` is the largest number of notices in any second."""

    seconds: float
    cpu_ms: float
    most: int
    memory: float
    taps: list[float]
    count: int

    @property
    def per_second(self) -> float:
        """Notices per second, from the first to the last."""
        return self.count / self.seconds


def _most_in_a_second(times: Sequence[float]) -> int:
    """Return the largest number of times that lie within one second."""
    ordered = sorted(times)
    return max(bisect_left(ordered, each + 1) - index for index, each in enumerate(ordered))


@asynccontextmanager
async def bots(
    folder: Path, database_url: str | None, workers: int, chats: int
) -> AsyncIterator[tuple[TelegramStub, PortalStub, list[Process]]]:
    """Run ``odobot run`` and further workers on a new database of subscribed chats."""
    stub, portal = TelegramStub(), PortalStub()
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(telegram(stub))
        portal_url = await stack.enter_async_context(serve(portal.answer))
        environment = await odobot_environment(
            url, portal_url, folder, database_url=database_url, chats=chats, subscriptions=Kind.INVOICE_ISSUED
        )
        environment |= {"ODOBOT_BULK_RATE": str(RATE), "ODOBOT_PORTAL_POLL_SECONDS": "1"}
        odobot = Path(sys.executable).with_name("odobot")
        processes = []
        for number in range(workers):
            own = folder / str(number) if number else folder
            own.mkdir(exist_ok=True)
            command = [odobot, "run"] if number == 0 else [odobot, "run", "--role", "worker"]
            processes.append(await stack.enter_async_context(running(command, own, environment)))
        await stub.until_polled()
        await asyncio.sleep(3)  # the cursor is stored, and the start is over
        yield stub, portal, processes


async def measure(folder: Path, database_url: str | None, workers: int, count: int) -> Result:
    """Issue one invoice for each of ``count`` chats; return once each got its notice."""
    async with bots(folder, database_url, workers, count) as (stub, portal, processes):
        before = [each.cpu for each in processes]
        portal.issue(count)
        await stub.until(count, TIMEOUT)
        await asyncio.sleep(1)  # the last outcomes
        cpu = sum(each.cpu for each in processes) - sum(before)
        came = [call.came for call in stub.calls]
        assert len({call.chat_id for call in stub.calls}) == count == len(came)
        memory = max(peak(each.pid) for each in processes)
        return Result(max(came) - min(came), cpu * 1000 / count, _most_in_a_second(came), memory, [], count)


def main(count: int) -> bool:
    """Measure each engine, and print the table. Returns whether the limits were kept."""
    rows: list[Sequence[object]] = []
    results: dict[str, Result] = {}
    with tempfile.TemporaryDirectory() as name, postgres_server() as server:
        for label, workers in (("SQLite", 1), ("PostgreSQL", 1), ("PostgreSQL, two", 2)):
            folder = Path(name) / label
            folder.mkdir()
            url = None if label == "SQLite" else server.create()
            found = results[label] = asyncio.run(measure(folder, url, workers, count))
            rows.append((label, found.count, found.per_second, found.cpu_ms, found.most, found.memory))
    print(table(("processes", "notices", "a second", "CPU ms each", "most in a second", "peak MB"), rows))
    return True


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--notices", type=int, default=3000)
    sys.exit(0 if main(parser.parse_args().notices) else 1)
