"""The content of an invoice's PDF, and an entity tag that changes with it."""

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import date

from sandbox.portal.data.money import Language, TaxedAmount, split_total
from sandbox.portal.data.rows import PricedLine
from sandbox.portal.data.tables import AccountRow, InvoiceRow

# Increase it when the layout changes, so that cached PDFs are fetched again.
LAYOUT_VERSION = 1


@dataclass(frozen=True)
class InvoiceFacts:
    """The content of the page. Amounts are in cents; the lines add up to the subtotal of `total` before taxes."""

    language: Language
    customer: str
    address: str
    number: str
    day: date
    due: date | None
    order_number: str | None
    lines: tuple[PricedLine, ...]
    total: int
    balance: int
    paid_on: date | None

    @property
    def taxed(self) -> TaxedAmount:
        return split_total(self.total)

    @property
    def paid(self) -> int:
        return self.total - self.balance

    @property
    def is_credit(self) -> bool:
        return self.total < 0

    @property
    def etag(self) -> str:
        """A strong entity tag, with its quotes."""
        content = json.dumps([LAYOUT_VERSION, asdict(self)], default=str)
        return f'"{hashlib.sha256(content.encode()).hexdigest()[:32]}"'


def invoice_facts(account: AccountRow, row: InvoiceRow, language: Language) -> InvoiceFacts:
    return InvoiceFacts(
        language=language,
        customer=account.name,
        address=account.address,
        number=row.number,
        day=row.date,
        due=row.due_date,
        order_number=row.order_number,
        lines=tuple(PricedLine(*line) for line in row.lines),
        total=row.amount_cents,
        balance=row.balance_cents,
        paid_on=row.paid_on,
    )
