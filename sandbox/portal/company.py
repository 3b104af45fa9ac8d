"""The portal as Python: its rows, faults, log and clock, and the actions of the company's staff and billing."""

from collections.abc import Sequence
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path

from sqlmodel import Session, select

from sandbox.portal.clock import Clock, MovableClock, company_day
from sandbox.portal.data.database import Database, read_fact, write_fact
from sandbox.portal.data.money import add_taxes, parse_cents
from sandbox.portal.data.pricing import DraftLine, priced_lines
from sandbox.portal.data.rows import Quantity, invoice_row, order_row, order_search_text, refresh_search
from sandbox.portal.data.tables import InvoiceRow, OrderRow
from sandbox.portal.faults import FaultBoard
from sandbox.portal.pdf.invoice import InvoicePrinter
from sandbox.portal.records import feed
from sandbox.portal.records.billing import Billing, find_invoice, find_order
from sandbox.portal.records.journal import Journal
from sandbox.portal.records.people import People
from sandbox.portal.request_log import RequestLog
from sandbox.portal.seed import generator
from sandbox.portal.seed.accounts import write_seed
from sandbox.portal.webhook import WebhookSender

DEFAULT_PORTAL_URL = "https://portail.odotrack.example.com"

_NEXT_NUMBER = "next number"
_FIRST_NUMBER = "300001"


class Portal:
    """Everything behind the API. Use it only in the thread of the event loop that serves it.

    Its changes raise UnknownRow for an unknown account, order or invoice, and ValueError for impossible values.
    """

    def __init__(
        self,
        database: Path | str | None = None,
        clock: Clock | None = None,
        seeded: bool = True,
        portal_url: str = DEFAULT_PORTAL_URL,
    ) -> None:
        """Open the portal.

        Args:
            database: A file; None keeps everything in memory.
            seeded: Write the hand-made rows into a new database.
            portal_url: The base URL of the pages that rows and menu link to.
        """
        self.clock: Clock = clock or MovableClock()
        self.database = Database(database)
        self.portal_url = portal_url
        self.faults = FaultBoard()
        self.log = RequestLog()
        self.webhook = WebhookSender()
        self.printer = InvoicePrinter()
        self._journal = Journal(self.database, self.clock, self.webhook)
        self.people = People(self._journal)
        self.billing = Billing(self._journal)
        self._open(seeded, in_memory=database is None)

    def today(self) -> date:
        """Return the company's date."""
        return company_day(self.clock.now())

    def close(self) -> None:
        self.database.close()

    def issue_invoice(
        self,
        account_id: str,
        amount: str | None = None,
        lines: Sequence[DraftLine] = (),
        order_number: str | None = None,
        due_date: date | None = None,
        number: str | None = None,
        issued_on: date | None = None,
    ) -> str:
        """Issue an unpaid invoice and report it.

        Args:
            amount: The decimal total with taxes. None adds up the lines' amounts and their taxes. A negative total
                makes a credit note, whose balance is 0.
            number: None takes the next free number.
            issued_on: None means today.

        Returns:
            The invoice's number.
        """
        total = parse_cents(amount) if amount is not None else None
        priced = priced_lines(lines, total)
        if total is None:
            total = add_taxes(sum(line.cents for line in priced)).total
        with self._journal.change() as change:
            change.account(account_id)
            issued = number or _next_number(change.session)
            if _has(change.session, InvoiceRow, account_id, issued):
                raise ValueError(f"there is an invoice {issued} already")
            row = invoice_row(
                account_id,
                issued,
                issued_on or change.today,
                total,
                priced,
                due=due_date,
                balance_cents=max(0, total),
                order_number=order_number,
            )
            change.session.add(row)
            change.report("invoice.issued", account_id, issued)
        return issued

    def mark_paid(self, account_id: str, number: str, amount: str | None = None, paid_on: date | None = None) -> None:
        """Pay a decimal amount of an invoice; None pays the balance. A balance of 0 reports `invoice.paid`."""
        with self._journal.change() as change:
            change.account(account_id)
            row = find_invoice(change.session, account_id, number)
            payment = parse_cents(amount) if amount is not None else row.balance_cents
            if not 0 < payment <= row.balance_cents:
                raise ValueError("a payment is above 0 and at most the balance")
            row.balance_cents -= payment
            if row.balance_cents == 0:
                row.paid_on = paid_on or change.today
                refresh_search(row)
                change.report("invoice.paid", account_id, number)

    def create_order(
        self,
        account_id: str,
        lines: Sequence[tuple[Quantity, str]],
        start_date: date | None = None,
        end_date: date | None = None,
        progress: int | None = 0,
        number: str | None = None,
    ) -> str:
        """Add an order, report `order.created`, and return the order's number."""
        if progress is not None and not 0 <= progress <= 100:
            raise ValueError("progress is 0 to 100")
        with self._journal.change() as change:
            change.account(account_id)
            number = number or _next_number(change.session)
            if _has(change.session, OrderRow, account_id, number):
                raise ValueError(f"there is an order {number} already")
            change.session.add(order_row(account_id, number, start_date, end_date, progress, lines))
            change.report("order.created", account_id, number)
        return number

    def end_order_soon(self, account_id: str, number: str, days: int = 30) -> None:
        """Set an order's end to `days` from today, and report `order.ending`."""
        with self._journal.change() as change:
            change.account(account_id)
            row = find_order(change.session, account_id, number)
            row.end_date = change.today + timedelta(days=days)
            lines = [(quantity, description) for quantity, description in row.lines]
            row.search_text = order_search_text(row.number, row.start_date, row.end_date, lines)
            change.report("order.ending", account_id, number)

    def report_endings(self) -> int:
        """Report the orders whose notice day came since the last call. Returns their count.

        Each read of the feed calls this.
        """
        with self._journal.change() as change:
            change.events = feed.report_endings(change.session, change.now, change.today)
        return len(change.events)

    def generate(self, count: int, seed: int = 1, months: int = 12) -> None:
        """Add `count` generated accounts, each with one contact and `months` monthly invoices up to this month."""
        with self._journal.change() as change:
            generator.add_accounts(change.session, count, seed, change.today, months)

    def issue_monthly(self) -> int:
        """Issue an invoice to every generated account today. Returns their count.

        One webhook call announces all of them.
        """
        with self._journal.change() as change:
            issued = generator.issue_monthly(change.session, change.today, change.now)
        if issued:
            self.webhook.notify(f"run-{change.now.timestamp():.0f}", "invoice.issued")
        return issued

    def forget_events(self, keep: int = 0) -> int:
        """Delete all but the newest `keep` events, so that older cursors get 410. Returns the count."""
        with self._journal.change() as change:
            return feed.forget_events(change.session, keep)

    def _open(self, seeded: bool, in_memory: bool) -> None:
        with self.database.session() as session:
            is_new = read_fact(session, _NEXT_NUMBER) is None
        if is_new and seeded and in_memory:
            self.database.load(_seeded_dump(self.today()))
        with self.database.session() as session:
            if is_new:
                write_fact(session, _NEXT_NUMBER, _FIRST_NUMBER)
                if seeded and not in_memory:
                    write_seed(session, self.today())
            feed.open_feed(session, self.today())
            session.commit()


@lru_cache(maxsize=4)
def _seeded_dump(today: date) -> bytes:
    """Return the hand-made rows as a database to load: 1 ms for each test, instead of 30 ms."""
    database = Database()
    with database.session() as session:
        write_seed(session, today)
        session.commit()
    dump = database.dump()
    database.close()
    return dump


def _next_number(session: Session) -> str:
    number = read_fact(session, _NEXT_NUMBER) or _FIRST_NUMBER
    write_fact(session, _NEXT_NUMBER, str(int(number) + 1))
    return number


def _has(session: Session, table: type[InvoiceRow] | type[OrderRow], account_id: str, number: str) -> bool:
    statement = select(table).where(table.account_id == account_id, table.number == number)
    return session.exec(statement).first() is not None
