"""Notices of one new invoice to each of many chats: processor time, notices a second, and what a tap waits meanwhile.

    python -m benches.notices [--due 100000] [--faults] [--pdf] [--notices 3000]

Telegram and the portal are stubs of this process, with the latencies of a real line, and are not measured: the bot is,
as one process and, on PostgreSQL, with a second worker. A notice goes from the portal's event to Telegram's answer.
With ``--due`` so many deliveries wait in the database already, and the first ``--notices`` of them are measured. Ten
people tap meanwhile; the processor time of their taps is measured before, and subtracted. With ``--faults`` Telegram
refuses a message in fifty by a 500, and one in 1,500 by a 429 of a second. With ``--pdf`` each notice is a document
of 30 kB, which the portal gives and Telegram gets.
"""

import argparse
import asyncio
import datetime
import sys
import tempfile
import time
from bisect import bisect_left
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson
from sqlmodel import insert, update

from benches.latency import PORTAL_SECONDS, TELEGRAM_SECONDS, Person
from benches.stubs.http import Refusal, Request, serve
from benches.stubs.portal import answer_to
from benches.stubs.telegram import Call, TelegramStub, telegram
from benches.support.bots import FIRST_CHAT, Process, odobot_environment, running
from benches.support.measure import peak, percentile, table, verdict
from storage.database import Database
from storage.tables import Channel, Delivery, Kind, Link, Notice
from storage.vault import Vault
from tests.postgres.server import postgres_server

RATE = 1000
"""Notices per second that the setting allows."""
CPU_LIMIT_MS = 4.0
LEAST_PER_SECOND = 250.0
LEAST_GAIN_OF_TWO = 1.7
TAPS_LIMIT = 1.3
TIMEOUT = 900.0
PEOPLE = 10
IDLE_SECONDS = 15.0
_PAGE = 100
_PDF = b"%PDF-1.7\n" + b"0" * 30_000 + b"\n%%EOF\n"
_TOO_MANY = Refusal(
    429, b'{"ok":false,"error_code":429,"description":"Too Many Requests","parameters":{"retry_after":1}}'
)
_FAILED = Refusal(500, b'{"ok":false,"error_code":500,"description":"Internal Server Error"}')


def refuse_some(number: int) -> Refusal | None:
    """Return what a message is refused with: one in fifty by a 500, one in 1,500 by a 429."""
    if number % 1500 == 10:
        return _TOO_MANY
    return _FAILED if number % 50 == 35 else None


@dataclass(slots=True)
class PortalStub:
    """A portal with a feed of one new invoice for each account; each contact is allowed all of its account."""

    issued: int = 0
    at: str = ""

    def issue(self, count: int) -> None:
        """Issue an invoice in each of ``count`` accounts."""
        self.at = datetime.datetime.now(datetime.UTC).isoformat()
        self.issued += count

    async def answer(self, request: Request) -> bytes:
        """Answer one call."""
        await asyncio.sleep(PORTAL_SECONDS)
        path, _, query = request.path.partition("?")
        parts = path.strip("/").split("/")
        if parts[-1] == "events":
            return self._events(query)
        if len(parts) == 3:
            return _contact(parts[2])
        if len(parts) == 8:
            return _PDF
        return _invoice(parts[6]) if len(parts) == 7 else answer_to(path)

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


def _invoice(number: str) -> bytes:
    return orjson.dumps(
        {
            "number": number, "date": "2026-11-01", "due_date": "2026-11-28", "amount": "293.08", "balance": "293.08",
            "currency": "CAD", "paid_on": None, "order_number": "26901",
            "url": f"https://portail.odotrack.test/factures/{number}",
        }
    )  # fmt: skip


async def attach_pdfs(environment: dict[str, str], folder: Path) -> None:
    """Let every link have the PDF with its notices."""
    url = environment["ODOBOT_DATABASE_URL"].replace("///odobot.db", f"///{folder}/odobot.db")
    database = Database(url, Vault([environment["ODOBOT_SECRET_KEYS"]]))
    async with database.write() as session:
        await session.change(update(Link).values(attaches_pdf=True))
    await database.close()


async def queue(url: str, key: str, count: int) -> None:
    """Queue one due delivery to each of ``count`` chats, without the feed."""
    now = datetime.datetime.now(datetime.UTC)
    database = Database(url, Vault([key]))
    name = database.vault.seal("Transport Boréal inc.")
    notices = [
        Notice(
            notice_id=number, event_id=f"q-{number}", kind=Kind.INVOICE_ISSUED, account_id=f"a-{FIRST_CHAT + number}",
            number=str(300_000 + number), occurred_at=now,
        ).model_dump()
        for number in range(1, count + 1)
    ]  # fmt: skip
    deliveries = [
        Delivery(
            notice_id=number, channel=Channel.TELEGRAM, recipient=FIRST_CHAT + number, link_id=number + 1,
            account_sealed=name, due_at=now,
        ).model_dump(exclude={"delivery_id"})
        for number in range(1, count + 1)
    ]  # fmt: skip
    async with database.write() as session:
        await session.exec(insert(Notice), params=notices)
        await session.exec(insert(Delivery), params=deliveries)
    await database.close()


@dataclass(frozen=True, slots=True)
class Load:
    """What is measured.

    Attributes:
        count: Notices to measure.
        due: Deliveries that wait in the database; 0: the feed brings the notices.
        has_faults: Whether Telegram refuses some.
        has_pdf: Whether the PDF is attached.
    """

    count: int
    due: int
    has_faults: bool
    has_pdf: bool


@dataclass(frozen=True, slots=True)
class Result:
    """What one run measured.

    Attributes:
        per_second: Notices per second, from the first one until 95 of 100 were told.
        cpu_ms: Processor time of all processes for each notice, in milliseconds.
        most: The largest number of notices within any one second.
        memory: The largest peak of a process, in MB.
        idle: Milliseconds of taps before.
        busy: Milliseconds of taps meanwhile.
    """

    per_second: float
    cpu_ms: float
    most: int
    memory: float
    idle: list[float]
    busy: list[float]


@asynccontextmanager
async def bots(
    folder: Path, database_url: str | None, workers: int, chats: int, load: Load
) -> AsyncIterator[tuple[TelegramStub, PortalStub, list[Process], dict[str, str]]]:
    """Run ``odobot run`` and further workers on a new database of subscribed chats."""
    stub, portal = TelegramStub(latency=TELEGRAM_SECONDS), PortalStub()
    if load.has_faults:
        stub.refuse = refuse_some
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(telegram(stub))
        portal_url = await stack.enter_async_context(serve(portal.answer))
        environment = await odobot_environment(
            url, portal_url, folder, database_url=database_url, chats=chats, subscriptions=Kind.INVOICE_ISSUED
        )
        if load.has_pdf:
            await attach_pdfs(environment, folder)
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
        yield stub, portal, processes, environment


async def measure(folder: Path, database_url: str | None, workers: int, load: Load) -> Result:
    """Issue one invoice for each of ``count`` chats, or queue ``due`` deliveries; measure ``count`` notices."""
    count, due = load.count, load.due
    chats = max(count, due + 1)
    async with bots(folder, database_url, workers, chats + PEOPLE, load) as (stub, portal, processes, environment):
        people = [Person(stub, chats + number) for number in range(PEOPLE)]
        before = _cpu(processes)
        async with tapping(people) as idle:
            await asyncio.sleep(IDLE_SECONDS)
        rate_of_taps = (_cpu(processes) - before) / IDLE_SECONDS
        queued = len(stub.calls)
        if due:
            url = database_url or f"sqlite+aiosqlite:///{folder}/odobot.db"
            await queue(url, environment["ODOBOT_SECRET_KEYS"], due)
        else:
            portal.issue(count)
        before, began = _cpu(processes), time.perf_counter()
        async with tapping(people) as busy, asyncio.timeout(TIMEOUT):
            while len(told := _told(stub, queued, chats)) < count:
                await stub.until(len(stub.calls) + 1)
        if not due:
            await asyncio.sleep(1)  # the last outcomes
        cpu = _cpu(processes) - before - rate_of_taps * (time.perf_counter() - began)
        came = sorted(call.came for call in told)
        assert len({call.chat_id for call in told}) == len(told)
        memory = max(peak(each.pid) for each in processes)
        most = came[: len(came) * 95 // 100]  # what was refused comes later, after a pause
        per_second = len(most) / (most[-1] - most[0])
        return Result(per_second, cpu * 1000 / len(came), _most_in_a_second(came), memory, idle, busy)


@asynccontextmanager
async def tapping(people: Sequence[Person]) -> AsyncIterator[list[float]]:
    """Let people tap during the body. Gives the list of milliseconds, which is filled at its end."""
    enough, found = asyncio.Event(), list[float]()
    tasks = [asyncio.create_task(person.go_on(enough)) for person in people]
    yield found
    enough.set()
    for each in await asyncio.gather(*tasks):
        found += each


def _told(stub: TelegramStub, since: int, chats: int) -> list[Call]:
    return [call for call in stub.calls[since:] if call.chat_id < FIRST_CHAT + chats]


def _cpu(processes: Sequence[Process]) -> float:
    return sum(each.cpu for each in processes)


def _most_in_a_second(ordered: Sequence[float]) -> int:
    return max(bisect_left(ordered, each + 1) - index for index, each in enumerate(ordered))


def main(load: Load) -> bool:
    """Measure each engine, and print the table. Returns whether the limits were kept."""
    rows: list[Sequence[object]] = []
    results: list[Result] = []
    with tempfile.TemporaryDirectory() as name, postgres_server() as server:
        for label, workers in (("SQLite", 1), ("PostgreSQL", 1), ("PostgreSQL, two", 2)):
            folder = Path(name) / label
            folder.mkdir()
            url = None if label == "SQLite" else server.create()
            found = asyncio.run(measure(folder, url, workers, load))
            results.append(found)
            taps = percentile(found.busy, 99) / percentile(found.idle, 99)
            rows.append((label, found.per_second, found.cpu_ms, found.most, found.memory, taps))
    waiting = f", {load.due} due" if load.due else ""
    kind = f"{', faults' if load.has_faults else ''}{', PDF attached' if load.has_pdf else ''}"
    print(f"{load.count} notices{waiting}{kind}, {RATE} a second allowed; Telegram {TELEGRAM_SECONDS * 1000:.0f} ms, "
          f"portal {PORTAL_SECONDS * 1000:.0f} ms\n")  # fmt: skip
    print(table(("processes", "a second", "CPU ms each", "most in a second", "peak MB", "taps' p99 / idle"), rows))
    print()
    sqlite, one, two = results
    return all([
        verdict("CPU ms a notice, SQLite", sqlite.cpu_ms, CPU_LIMIT_MS),
        verdict("CPU ms a notice, PostgreSQL", one.cpu_ms, CPU_LIMIT_MS),
        verdict("250 a second over what one process sent, SQLite", LEAST_PER_SECOND / sqlite.per_second, 1.0),
        verdict("250 a second over what one process sent, PostgreSQL", LEAST_PER_SECOND / one.per_second, 1.0),
        verdict("1.7 times one process over what two sent", LEAST_GAIN_OF_TWO * one.per_second / two.per_second, 1.0),
        verdict("most in a second", max(each.most for each in results), RATE + 1),
        *(verdict(f"p99 of taps over idle, {row[0]}", float(str(row[-1])), TAPS_LIMIT) for row in rows),
    ])  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--notices", type=int, default=3000)
    parser.add_argument("--due", type=int, default=0)
    parser.add_argument("--faults", action="store_true")
    parser.add_argument("--pdf", action="store_true")
    given = parser.parse_args()
    sys.exit(0 if main(Load(given.notices, given.due, given.faults, given.pdf)) else 1)
