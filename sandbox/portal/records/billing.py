"""What the company's back office does to invoices and orders after it issued them."""

from datetime import date

from sqlmodel import Session, select

from sandbox.portal.contract import OrderStatus
from sandbox.portal.data.money import parse_cents
from sandbox.portal.data.rows import order_search_text, refresh_search
from sandbox.portal.data.tables import InvoiceRow, OrderRow
from sandbox.portal.records.journal import Journal, UnknownRow


class Billing:
    """Changes invoices and orders, and reports each change.

    Every method raises UnknownRow for an unknown account, invoice or order, and ValueError for impossible values.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def cancel_invoice(self, account_id: str, number: str, keeps_balance: bool = False) -> None:
        """Cancel an invoice, and report `invoice.cancelled`. Its balance becomes 0, unless `keeps_balance`."""
        with self._journal.change() as change:
            change.account(account_id)
            row = find_invoice(change.session, account_id, number)
            row.ended_as = "cancelled"
            row.balance_cents = row.balance_cents if keeps_balance else 0
            change.report("invoice.cancelled", account_id, number)

    def credit_invoice(self, account_id: str, number: str) -> None:
        """Set an invoice's balance to 0 because a credit note covers it, and report `invoice.changed`."""
        with self._journal.change() as change:
            change.account(account_id)
            row = find_invoice(change.session, account_id, number)
            row.ended_as, row.balance_cents = "credited", 0
            change.report("invoice.changed", account_id, number)

    def change_invoice(
        self,
        account_id: str,
        number: str,
        due_date: date | None = None,
        balance: str | None = None,
        payment_reference: str | None = None,
    ) -> None:
        """Change the given fields, and report `invoice.changed`. `balance` is a decimal text."""
        with self._journal.change() as change:
            change.account(account_id)
            row = find_invoice(change.session, account_id, number)
            row.due_date = due_date or row.due_date
            row.balance_cents = parse_cents(balance) if balance is not None else row.balance_cents
            row.paid_on = row.paid_on if row.balance_cents <= 0 else None
            row.payment_reference = payment_reference or row.payment_reference
            refresh_search(row)
            change.report("invoice.changed", account_id, number)

    def withdraw_payment(self, account_id: str, number: str, amount: str | None = None) -> None:
        """Take back a decimal amount that was paid, and report `invoice.changed`. None takes back all payments."""
        with self._journal.change() as change:
            change.account(account_id)
            row = find_invoice(change.session, account_id, number)
            paid = row.amount_cents - row.balance_cents
            withdrawn = parse_cents(amount) if amount is not None else paid
            if not 0 < withdrawn <= paid:
                raise ValueError("a withdrawn payment is above 0 and at most what was paid")
            row.balance_cents += withdrawn
            row.paid_on = None
            refresh_search(row)
            change.report("invoice.changed", account_id, number)

    def change_order(
        self,
        account_id: str,
        number: str,
        end_date: date | None = None,
        progress: int | None = None,
        title: str | None = None,
        amount: str | None = None,
        status: OrderStatus | None = None,
    ) -> None:
        """Change the given fields, and report `order.changed`. `amount` is a decimal text."""
        with self._journal.change() as change:
            change.account(account_id)
            row = find_order(change.session, account_id, number)
            row.end_date = end_date or row.end_date
            row.progress = progress if progress is not None else row.progress
            row.title = title or row.title
            row.amount_cents = parse_cents(amount) if amount is not None else row.amount_cents
            row.status = status or row.status
            lines = [(quantity, description) for quantity, description in row.lines]
            row.search_text = order_search_text(row.number, row.start_date, row.end_date, lines)
            change.report("order.changed", account_id, number)


def find_invoice(session: Session, account_id: str, number: str) -> InvoiceRow:
    """Return an invoice. Raises UnknownRow when it does not exist."""
    statement = select(InvoiceRow).where(InvoiceRow.account_id == account_id, InvoiceRow.number == number)
    row = session.exec(statement).first()
    if row is None:
        raise UnknownRow(f"no invoice {number}")
    return row


def find_order(session: Session, account_id: str, number: str) -> OrderRow:
    """Return an order. Raises UnknownRow when it does not exist."""
    statement = select(OrderRow).where(OrderRow.account_id == account_id, OrderRow.number == number)
    row = session.exec(statement).first()
    if row is None:
        raise UnknownRow(f"no order {number}")
    return row
