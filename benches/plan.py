"""What the plan of reminders costs: 100,000 links are swept once, and one in ten has a reminder due at nine."""

import asyncio
import datetime
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import text

from portal.client import Reader
from portal.models import Invoice, Page
from services.company import Company
from services.notices.planner import Planner
from storage import migrations
from storage.database import Database
from storage.vault import Vault
from tests.storage import NOW, a_key, url_of
from tests.storage.filled import Size, fill
from texts.language import Language

COMPANY = Company("Odotrack", "", ZoneInfo("America/Toronto"), Language.FR)


class OneOpenInvoice:
    """A portal that answers at once: each account has two open invoices."""

    calls = 0

    async def invoices(self, _reader: Reader, *, page: int, page_size: int, status: object) -> Page[Invoice]:  # noqa: ARG002
        self.calls += 1
        rows = [
            Invoice(number=f"9{each}", date=NOW.date(), due_date=NOW.date() + datetime.timedelta(days=10),
                    amount=Decimal(10), balance=Decimal(10))
            for each in range(2)
        ]  # fmt: skip
        return Page[Invoice](items=tuple(rows), page=page, page_size=page_size, total=2)


async def measure(links: int, swept: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = Database(url_of(Path(folder) / "odobot.db"), Vault([a_key()]))
        await migrations.upgrade(database.engine)
        await fill(database, Size(links))
        now = NOW + datetime.timedelta(hours=12)
        portal: Any = OneOpenInvoice()
        planner = Planner(database, portal, lambda: now, COMPANY)
        wall, cpu, count = time.perf_counter(), time.process_time(), 0
        while count < swept and (taken := await planner.sweep_due()):
            count += taken
        spent, used = time.perf_counter() - wall, time.process_time() - cpu
        print(
            f"{links:,} links: {count:,} swept with {portal.calls:,} calls, {spent / count * 1e3:.1f} ms each, "
            f"{used / count * 1e3:.2f} ms CPU; a day of all: {used / count * links:.0f} s CPU"
        )
        async with database.engine.begin() as connection:
            await connection.execute(
                text("UPDATE planned_notices SET due_at = :at WHERE link_id % 10 = 0"),
                {"at": f"{now - datetime.timedelta(minutes=1):%Y-%m-%d %H:%M:%S.%f}"},
            )
        wall, cpu, queued = time.perf_counter(), time.process_time(), 0
        while taken_and := await planner.hand_over():
            if not taken_and[0]:
                break
            queued += taken_and[1]
        spent, used = time.perf_counter() - wall, time.process_time() - cpu
        print(
            f"{queued:,} reminders due at once: queued in {spent:.1f} s, {used / max(1, queued) * 1e3:.2f} ms CPU each"
        )
        await database.close()


if __name__ == "__main__":
    asyncio.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000, 1_000))
