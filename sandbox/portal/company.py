"""The portal as Python: its rows, its switches, and what the company's staff and billing do to it."""

from collections.abc import Sequence
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path

from sqlmodel import Session, select

from sandbox.portal import feed, generator
from sandbox.portal.clock import Clock, MovableClock, company_day
from sandbox.portal.database import Database, read_fact, write_fact
from sandbox.portal.faults import FaultBoard
from sandbox.portal.invoice_pdf import InvoicePrinter
from sandbox.portal.journal import Journal, UnknownRow
from sandbox.portal.money import add_taxes, parse_cents
from sandbox.portal.papers import Quantity, invoice_row, order_row, order_search_text, refresh_search
from sandbox.portal.people import People
from sandbox.portal.pricing import DraftLine, priced_lines
from sandbox.portal.request_log import RequestLog
from sandbox.portal.seed import write_seed
from sandbox.portal.tables import InvoiceRow, OrderRow
from sandbox.portal.webhook import WebhookSender

DEFAULT_PORTAL_URL = "https://portail.odotrack.example.com"

_NEXT_NUMBER = "next number"
_FIRST_NUMBER = "300001"


class Portal:
    """Everything behind the API. To be used in one thread: that of the event loop which serves it.

    Its changes raise UnknownRow for an account, order or invoice the portal does not have, and ValueError for what
    cannot be.
    """

    def __init__(
        self,
        database: Path | str | None = None,
        clock: Clock | None = None,
        seeded: bool = True,
        portal_url: str = DEFAULT_PORTAL_URL,
    ) -> None:
        """`database` is a file, or None for memory; `seeded` writes the hand-made rows into a new one.

        `portal_url` is the base of the pages that rows and menu link to.
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
        self._open(seeded, in_memory=database is None)

    def today(self) -> date:
        """The company's date."""
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
        """Issues an unpaid invoice, of today unless `issued_on` is given, and reports it; returns its number.

        `amount` is the decimal total with taxes; without it the lines' amounts and their taxes make it. A negative
        one is a credit note, with nothing to pay.
        """
        total = parse_cents(amount) if amount is not None else None
        priced = priced_lines(lines, total)
        if total is None:
            total = add_taxes(sum(line.cents for line in priced)).total
        with self._journal.change() as change:
            change.account(account_id)
            issued = number or _next_number(change.session)
            if _invoice(change.session, account_id, issued):
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
        """Pays a decimal amount of an invoice, or all that is left; a balance of 0 reports `invoice.paid`."""
        with self._journal.change() as change:
            change.account(account_id)
            row = _invoice(change.session, account_id, number)
            if row is None:
                raise UnknownRow(f"no invoice {number}")
            payment = parse_cents(amount) if amount is not None else row.balance_cents
            if not 0 < payment <= row.balance_cents:
                raise ValueError("a payment is more than nothing, and no more than the balance")
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
        """Adds an order and reports `order.created`; returns its number."""
        if progress is not None and not 0 <= progress <= 100:
            raise ValueError("progress is 0 to 100")
        with self._journal.change() as change:
            change.account(account_id)
            number = number or _next_number(change.session)
            if _order(change.session, account_id, number):
                raise ValueError(f"there is an order {number} already")
            change.session.add(order_row(account_id, number, start_date, end_date, progress, lines))
            change.report("order.created", account_id, number)
        return number

    def end_order_soon(self, account_id: str, number: str, days: int = 30) -> None:
        """Makes an order end `days` from today, and reports `order.ending` now."""
        with self._journal.change() as change:
            change.account(account_id)
            row = _order(change.session, account_id, number)
            if row is None:
                raise UnknownRow(f"no order {number}")
            row.end_date = change.today + timedelta(days=days)
            lines = [(quantity, description) for quantity, description in row.lines]
            row.search_text = order_search_text(row.number, row.start_date, row.end_date, lines)
            change.report("order.ending", account_id, number)

    def tell_endings(self) -> int:
        """Reports the orders whose notice day came since the last call: done at each reading of the feed."""
        with self._journal.change() as change:
            change.events = feed.tell_endings(change.session, change.now, change.today)
        return len(change.events)

    def generate(self, count: int, seed: int = 1, months: int = 12) -> None:
        """Adds `count` generated accounts, each with one contact and `months` monthly invoices up to this month."""
        with self._journal.change() as change:
            generator.add_accounts(change.session, count, seed, change.today, months)

    def issue_monthly(self) -> int:
        """Issues an invoice to every generated account today; returns how many. One webhook call tells of them all."""
        with self._journal.change() as change:
            issued = generator.issue_monthly(change.session, change.today, change.now)
        if issued:
            self.webhook.notify(f"run-{change.now.timestamp():.0f}", "invoice.issued")
        return issued

    def forget_events(self, keep: int = 0) -> int:
        """Forgets all but the newest `keep` events, so that older cursors get 410; returns how many."""
        with self._journal.change() as change:
            return feed.forget_events(change.session, keep)

    def _open(self, seeded: bool, in_memory: bool) -> None:
        with self.database.session() as session:
            is_new = read_fact(session, _NEXT_NUMBER) is None
        if is_new and seeded and in_memory:
            self.database.become(_seeded_image(self.today()))
        with self.database.session() as session:
            if is_new:
                write_fact(session, _NEXT_NUMBER, _FIRST_NUMBER)
                if seeded and not in_memory:
                    write_seed(session, self.today())
            feed.open_feed(session, self.today())
            session.commit()


@lru_cache(maxsize=4)
def _seeded_image(today: date) -> bytes:
    """The hand-made rows as a database to copy: a test has its portal in a millisecond, not in thirty."""
    database = Database()
    with database.session() as session:
        write_seed(session, today)
        session.commit()
    image = database.image()
    database.close()
    return image


def _next_number(session: Session) -> str:
    number = read_fact(session, _NEXT_NUMBER) or _FIRST_NUMBER
    write_fact(session, _NEXT_NUMBER, str(int(number) + 1))
    return number


def _invoice(session: Session, account_id: str, number: str) -> InvoiceRow | None:
    statement = select(InvoiceRow).where(InvoiceRow.account_id == account_id, InvoiceRow.number == number)
    return session.exec(statement).first()


def _order(session: Session, account_id: str, number: str) -> OrderRow | None:
    statement = select(OrderRow).where(OrderRow.account_id == account_id, OrderRow.number == number)
    return session.exec(statement).first()
