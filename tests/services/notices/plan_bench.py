"""A planner and a portal in memory, without the loops and the waits, for the tests of the plan of reminders."""

import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from handlers.rich_support import RichSupport
from handlers.telegram.notice_sender import TelegramNoticeSender
from portal.client import Reader
from portal.errors import NotFound, PortalUnavailable
from portal.events import Event
from portal.models import Account, Contact, Invoice, Order, Page
from services.access import Access
from services.company import Company
from services.notices.delivery.outcome_recorder import OutcomeRecorder
from services.notices.delivery.outcomes import Blocked, Cancelled, Deferred, Retry
from services.notices.event_recorder import record_events
from services.notices.planner import Planner
from services.security import SecurityLog
from storage.database import Database
from storage.linking import links
from storage.linking.links import NewLink
from storage.notices import outbox, subscriptions
from storage.notices.plan import sweeps
from storage.tables import Kind
from tests.storage import EMAIL
from texts.language import Language

ZONE = ZoneInfo("America/Toronto")
COMPANY = Company("Odotrack", "", ZONE, Language.FR)
MORNING = datetime.datetime(2026, 10, 15, 12, 0, tzinfo=datetime.UTC)  # 8:00 in Toronto
CHAT = 1
Told = tuple[str, Kind, datetime.date]


class FakePortal:
    """Invoices and orders in memory. ``is_away``: every call fails."""

    def __init__(self) -> None:
        self.invoice_rows: dict[str, Invoice] = {}
        self.order_rows: dict[str, Order] = {}
        self.is_away = False
        self.calls = 0

    def _call(self) -> None:
        self.calls += 1
        if self.is_away:
            raise PortalUnavailable("away")

    async def invoices(self, _reader: Reader, *, page: int, page_size: int, status: object = None) -> Page[Invoice]:
        self._call()
        unpaid = [each for each in self.invoice_rows.values() if each.is_unpaid]
        return Page[Invoice](items=tuple(unpaid), page=page, page_size=page_size, total=len(unpaid))

    async def orders(self, _reader: Reader, *, page: int, page_size: int) -> Page[Order]:
        self._call()
        rows = tuple(self.order_rows.values())
        return Page[Order](items=rows, page=page, page_size=page_size, total=len(rows))

    async def invoice(self, _reader: Reader, number: str) -> Invoice:
        self._call()
        return self.invoice_rows[number]

    async def order(self, _reader: Reader, number: str) -> Order:
        self._call()
        return self.order_rows[number]

    async def contact(self, contact_id: str) -> Contact:
        self._call()
        if contact_id != "c":
            raise NotFound("no such contact")
        return Contact(contact_id="c", email=EMAIL, accounts=(Account(account_id="a", name="Client"),))


class Bench:
    """The parts that make and deliver reminders, without the loops and the dispatcher's waits."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.portal: Any = FakePortal()
        self.now = MORNING
        self.told: list[Told] = []
        self.events = 0
        security = SecurityLog(database.vault)
        self._access = Access(database, self.portal, self.clock, security, idle_after=datetime.timedelta(days=4000))
        self.start()

    def clock(self) -> datetime.datetime:
        return self.now

    def start(self) -> None:
        """Create the parts, also after a restart."""
        self.planner = Planner(self.database, self.portal, self.clock, COMPANY)
        bot: Any = object()
        self.sender = TelegramNoticeSender(
            bot, self.database, self.portal, self._access, self.clock, COMPANY, RichSupport()
        )

    async def link(self) -> int:
        async with self.database.write() as session:
            new = NewLink("c", "a", "Client", frozenset({"invoices", "orders"}), EMAIL)
            await links.add_links(session, CHAT, "Camille", [new], self.now)
        return await self.link_id() or 0

    async def link_id(self) -> int | None:
        async with self.database.read() as session:
            return next(iter(await links.emails(session, CHAT)), None)

    async def wish(self, link_id: int, kind: str = "reminder", *, on: bool = True) -> None:
        async with self.database.write() as session:
            await subscriptions.set_subscriptions(session, CHAT, [link_id], {kind}, on=on)
            await sweeps.follow(session, [link_id], self.now)

    def invoice(self, number: str, due: datetime.date, balance: str = "10.00") -> None:
        self.portal.invoice_rows[number] = Invoice(
            number=number, date=self.now.date(), due_date=due, amount=Decimal("10.00"), balance=Decimal(balance)
        )

    async def event(self, event_type: str, number: str) -> None:
        self.events += 1
        event = Event(id=f"e{self.events}", type=event_type, occurred_at=self.now, account_id="a", number=number)
        async with self.database.write() as session:
            await record_events(session, [event], self.now)

    async def settle(self) -> None:
        """Sweep, hand over and deliver until nothing is due."""
        while True:
            taken = await self.planner.sweep_due()
            rows, _ = await self.planner.hand_over()
            if not taken + rows + await self.deliver():
                return

    async def deliver(self) -> int:
        gap = datetime.timedelta(0)
        async with self.database.write() as session:
            claimed = await outbox.claim(session, "w", self.now, self.now + datetime.timedelta(hours=1), 32, gap)
        limiter: Any = None
        recorder = OutcomeRecorder(self.database, self.clock, limiter, _Ignored())
        for each in claimed:
            try:
                rendered = await self.sender.render([each])
            except PortalUnavailable:
                rendered = Deferred(self.now + datetime.timedelta(minutes=5))
            if isinstance(rendered, Deferred | Cancelled | Blocked | Retry):
                await recorder.record([each], rendered)
                continue
            async with self.database.write() as session:
                await outbox.settle(session, outbox.held_by("w", [each.delivery_id]), outbox.State.SENT, self.now)
            assert each.day is not None
            self.told.append((each.number or "", each.kind, each.day))
        return len(claimed)


class _Ignored(dict[Any, int]):
    """Counts nothing."""

    def __missing__(self, key: Any) -> int:
        return 0
