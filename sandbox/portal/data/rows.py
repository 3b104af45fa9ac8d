"""Builds the rows of orders and invoices, so that the search text always matches the columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from urllib.parse import quote

from sandbox.portal.data.folding import searchable
from sandbox.portal.data.tables import InvoiceRow, OrderRow

Quantity = int | float | None


@dataclass(frozen=True)
class PricedLine:
    """One line of an invoice. `cents` is its amount before taxes, negative for a discount."""

    quantity: Quantity
    description: str
    cents: int


def order_row(
    account_id: str,
    number: str,
    start: date | None,
    end: date | None,
    progress: int | None,
    lines: Sequence[tuple[Quantity, str]],
    has_page: bool = True,
) -> OrderRow:
    return OrderRow(
        account_id=account_id,
        number=number,
        start_date=start,
        end_date=end,
        progress=progress,
        lines=[[quantity, description] for quantity, description in lines],
        path=f"/commandes/{quote(number, safe='')}" if has_page else None,
        search_text=order_search_text(number, start, end, lines),
    )


def order_search_text(number: str, start: date | None, end: date | None, lines: Sequence[tuple[Quantity, str]]) -> str:
    return searchable(number, *(description for _, description in lines), days=[start, end])


def invoice_row(
    account_id: str,
    number: str,
    day: date,
    amount_cents: int,
    lines: Sequence[PricedLine],
    due: date | None = None,
    balance_cents: int = 0,
    paid_on: date | None = None,
    order_number: str | None = None,
    has_page: bool = True,
) -> InvoiceRow:
    row = InvoiceRow(
        account_id=account_id,
        number=number,
        date=day,
        due_date=due,
        amount_cents=amount_cents,
        balance_cents=balance_cents,
        paid_on=paid_on,
        order_number=order_number,
        lines=[[line.quantity, line.description, line.cents] for line in lines],
        path=f"/factures/{quote(number, safe='')}" if has_page else None,
    )
    refresh_search(row)
    return row


def refresh_search(row: InvoiceRow) -> None:
    """Set the row's search text from its columns."""
    row.search_text = searchable(
        row.number,
        row.order_number,
        *(description for _, description, _ in row.lines),
        days=[row.date, row.due_date, row.paid_on],
        amounts=[row.amount_cents],
    )
